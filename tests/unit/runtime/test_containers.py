"""Lists and dicts of views: they are real ones, and what is changed in them is in the message."""

from __future__ import annotations

import copy
import json
import operator
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from gemwire import v1beta
from gemwire.genai import types

_Change = Callable[[Any, Callable[[str], Any]], object]
#: Changes of a list, of items that a function makes from letters. Each is made to a plain list as well.
CHANGES: dict[str, _Change] = {
    "append": lambda items, to: items.append(to("d")),
    "extend": lambda items, to: items.extend([to("d"), to("e")]),
    "extend by itself": lambda items, to: items.extend(items),
    "+=": lambda items, to: operator.iadd(items, (to("d"),)),
    "*=": lambda items, to: operator.imul(items, 2),
    "insert": lambda items, to: items.insert(1, to("d")),
    "insert at the end": lambda items, to: items.insert(99, to("d")),
    "insert from the end": lambda items, to: items.insert(-1, to("d")),
    "pop": lambda items, to: items.pop(),
    "pop first": lambda items, to: items.pop(0),
    "remove": lambda items, to: items.remove(to("b")),
    "clear": lambda items, to: items.clear(),
    "reverse": lambda items, to: items.reverse(),
    "sort": lambda items, to: items.sort(key=lambda item: -ord(str(getattr(item, "text", item)))),
    "set": lambda items, to: operator.setitem(items, 1, to("d")),
    "set a slice": lambda items, to: operator.setitem(items, slice(0, 2), [to("x")]),
    "set a step": lambda items, to: operator.setitem(items, slice(None, None, 2), [to("x"), to("y")]),
    "delete": lambda items, to: operator.delitem(items, -1),
    "delete a slice": lambda items, to: operator.delitem(items, slice(None, None, 2)),
    "nothing": lambda items, to: None,
}


def _to_part(letter: str) -> types.Part:
    return types.Part(text=letter)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
@pytest.mark.parametrize("kind", ["scalars", "JSON"])
def test_a_list_changes_as_a_list_does_and_its_message_with_it(change: _Change, kind: str) -> None:
    plain = ["a", "b", "c"]
    view: Any = types.Schema(enum=plain) if kind == "scalars" else types.FunctionCall(args={"items": plain})

    def read(view: Any) -> Any:
        return view.enum if kind == "scalars" else view.args["items"]

    live = read(view)
    change(live, str)
    change(plain, str)
    assert live == plain
    assert list(read(type(view).of(view._pb)) or ()) == plain
    assert read(view) is live


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_list_of_views_changes_as_a_list_does(change: _Change) -> None:
    plain = [_to_part(letter) for letter in "abc"]
    content: Any = types.Content(parts=plain)
    live = content.parts
    change(live, _to_part)
    change(plain, _to_part)
    assert live == plain
    assert [types.Part.of(part) for part in content._pb.parts] == plain
    assert content.parts is live
    for index, part in enumerate(live):
        part.text = f"{index}"
    assert [part.text for part in content._pb.parts] == [f"{index}" for index in range(len(plain))]


def test_items_stay_the_same_objects_when_others_move() -> None:
    content: Any = types.Content(parts=[{"text": "a"}, {"function_call": {"args": {"n": 1}}}])
    call = content.parts[1].function_call
    content.parts.insert(0, types.Part(text="first"))
    content.parts.reverse()
    assert content.parts[0].function_call is call
    call.args["n"] = 2
    assert content._pb.parts[0].function_call.args.fields["n"].number_value == 2


def test_a_bad_item_changes_nothing() -> None:
    content: Any = types.Content(parts=[{"text": "a"}])
    for change in (
        lambda parts: parts.append(3),
        lambda parts: parts.extend([types.Part(text="b"), 3]),
        lambda parts: parts.insert(0, 3),
        lambda parts: parts.__setitem__(0, 3),
    ):
        with pytest.raises(TypeError, match="expected Part"):
            change(content.parts)
        assert content.parts == [types.Part(text="a")]
        assert len(content._pb.parts) == 1


def test_arguments_of_a_call_are_kept_at_every_depth() -> None:
    call: Any = types.FunctionCall(name="f", args={"a": 1, "list": [1, {"deep": []}]})
    args = call.args
    assert args is call.args
    assert isinstance(args, dict)
    args["b"] = 2
    args["list"][1]["deep"].append({"x": None})
    args["list"][1]["deep"][0]["x"] = True
    inner = args["list"][1]
    args["list"].insert(0, "first")
    inner["more"] = "kept"
    del args["a"]
    args.update({"c": (1, 2)}, d="e")
    assert args.pop("d") == "e"
    assert args.pop("none", 7) == 7
    assert args.setdefault("e", []) == []
    args["e"].append(5)
    args |= {"f": 0.5}
    expected = {
        "list": ["first", 1, {"deep": [{"x": True}], "more": "kept"}],
        "b": 2,
        "c": [1, 2],
        "e": [5],
        "f": 0.5,
    }
    assert args == expected
    assert types.FunctionCall.of(call._pb).args == expected
    with pytest.raises(TypeError, match="expected JSON, got object"):
        args["bad"] = object()
    assert "bad" not in args
    args.clear()
    assert call._pb.args.fields == {}
    assert call.args == {}


def test_responses_of_functions_and_maps_are_kept() -> None:
    response: Any = types.FunctionResponse(name="f", response={})
    response.response["result"] = [1]
    response.response["result"].append(2)
    assert types.FunctionResponse.of(response._pb).response == {"result": [1, 2]}
    schema: Any = types.Schema(type="OBJECT", properties={})
    schema.properties["a"] = {"type": "STRING"}
    schema.properties["a"].title = "A"
    schema.properties.update(b=types.Schema(type="INTEGER"))
    assert schema.properties.popitem()[0] == "b"
    assert types.Schema.of(schema._pb).to_dict() == {
        "type": types.Type.OBJECT,
        "properties": {"a": {"type": types.Type.STRING, "title": "A"}},
    }


def test_an_empty_list_that_was_given_is_filled() -> None:
    content: Any = types.Content(role="user", parts=[])
    content.parts.append(types.Part(text="a"))
    assert content._pb == v1beta.Content(role="user", parts=[{"text": "a"}])
    tool: Any = types.Tool(function_declarations=[])
    assert tool.model_dump(exclude_none=True) == {"function_declarations": []}
    tool.function_declarations.append(types.FunctionDeclaration(name="f"))
    assert tool._pb.function_declarations[0].name == "f"
    tool.function_declarations = None
    assert tool.function_declarations is None


def test_lists_and_dicts_are_real_ones() -> None:
    embedding: Any = types.ContentEmbedding(values=[0.5, 2])
    assert json.dumps(embedding.values) == "[0.5, 2.0]"
    call: Any = types.FunctionCall(args={"a": [1, {}]})
    assert json.dumps(call.args) == '{"a": [1, {}]}'
    for value in (embedding.values, call.args["a"], call.args):
        assert isinstance(value, (list, dict))
        for made in (copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
            assert made == value
            assert type(made) in {list, dict}


def test_an_attribute_shows_what_the_message_holds_now() -> None:
    message = v1beta.Content(parts=[{"text": "a"}])
    content: Any = types.Content.of(message)
    parts = content.parts
    assert content.parts is parts
    message.parts.add(text="b")
    assert [part.text for part in content.parts] == ["a", "b"]
    message.ClearField("parts")
    assert content.parts is None
    part: Any = types.Part(function_call={"name": "f"})
    call = part.function_call
    assert part.function_call is call
    part.text = "x"
    assert part.function_call is None
