"""Python functions as tools: what the model is told of them, and what they get from it."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import functools
import inspect
import uuid
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal, Optional, TypedDict

import pytest

from gemwire.genai._convert import function_calls
from gemwire.genai._convert.tools import to_tools
from gemwire.genai._json.docstrings import parse_docstring
from gemwire.genai._json.functions import convert_arguments
from gemwire.genai._json.json_schema import inline_references
from gemwire.genai._json.jsonable import to_jsonable
from gemwire.genai._types.generate_content import AutomaticFunctionCallingConfig, GenerateContentConfig
from gemwire.genai._types.tools import FunctionDeclaration
from gemwire_proto import v1beta
from gemwire_proto.v1beta import views
from gemwire_runtime.views import view

if TYPE_CHECKING:
    import pydantic
else:
    pydantic = pytest.importorskip("pydantic")


class Unit(enum.Enum):
    CELSIUS = "c"
    FAHRENHEIT = "f"


@dataclasses.dataclass
class Place:
    """Where it is."""

    name: str
    height: float = 0.0


class Range(TypedDict):
    low: int
    high: int


class Person(pydantic.BaseModel):
    name: str
    age: int = 3


class Node(pydantic.BaseModel):
    children: list[Node] = pydantic.Field(default_factory=list)


def weather(city: str, days: int = 3, unit: Unit = Unit.CELSIUS) -> list[str]:
    """The weather of the next days.

    Of one city.

    Args:
        city (str): The city and state, e.g.
            San Francisco: CA.
        days: How many.

    Returns:
        One text for each day.
    """
    return [city] * days


def everything(
    a: float,
    b: bool,
    c: Literal["x", "y"],
    d: Optional[int],  # noqa: UP045 - as programs write it
    e: list[str],
    f: dict[str, int],
    g: Place,
    h: Range,
    i: Person,
    j: int | str = 1,
    k: Annotated[int, "The k."] = 2,
    m: Person | None = None,
    *args: Any,
    **kwargs: Any,
) -> None:
    pass


def nothing() -> str:
    """Nothing needed."""
    return ""


async def later(moment: datetime.datetime) -> None:
    """
    Later.

    Parameters
    ----------
    moment : datetime
        When to.

        That is, then.

    Raises
    ------
    ValueError
        It is over.
    """


def recursive(node: Node, other: Node | None = None, last: Node = None) -> None:  # type: ignore[assignment]
    """R.

    :param node: the
        node
    :type node: Node
    :raises ValueError: never
    """


class Thermometer:
    """A thermometer."""

    def read(self, place: str) -> float:
        """Read it."""
        return 1.5

    def __call__(self, place: str) -> float:
        return 2.5

    @staticmethod
    def calibrated(offset: float) -> bool:
        """Whether it is."""
        return True


class Wrapper:
    """Nothing of the function's."""

    def __init__(self, function: Any) -> None:
        functools.update_wrapper(self, function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        pass


def _parameters(function: Callable[..., Any]) -> Any:
    return FunctionDeclaration.from_function(function).parameters_json_schema


def test_a_declaration() -> None:
    found = FunctionDeclaration.from_callable(callable=weather, use_json_schema=True)
    assert isinstance(found, FunctionDeclaration)
    assert found.to_dict() == {
        "name": "weather",
        "description": "The weather of the next days.\n\nOf one city.\n\n"
        "Returns:\n    One text for each day.",
        "parameters_json_schema": {
            "type": "object",
            "properties": {
                "city": {
                    "type": "string",
                    "description": "The city and state, e.g. San Francisco: CA.",
                },
                "days": {"type": "integer", "default": 3, "description": "How many."},
                "unit": {"type": "string", "title": "Unit", "enum": ["c", "f"], "default": "c"},
            },
            "required": ["city"],
        },
        "response_json_schema": {"type": "array", "items": {"type": "string"}},
    }
    assert view(found._pb) == found
    assert type(view(found._pb)) is FunctionDeclaration


def test_types_of_parameters() -> None:
    found = _parameters(everything)
    assert found["required"] == list("abcdefghi")
    person = {
        "type": "object",
        "title": "Person",
        "properties": {
            "name": {"type": "string", "title": "Name"},
            "age": {"type": "integer", "title": "Age", "default": 3},
        },
        "required": ["name"],
    }
    assert found["properties"] == {
        "a": {"type": "number"},
        "b": {"type": "boolean"},
        "c": {"type": "string", "enum": ["x", "y"]},
        "d": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "e": {"type": "array", "items": {"type": "string"}},
        "f": {"type": "object", "additionalProperties": {"type": "integer"}},
        "g": {
            "type": "object",
            "title": "Place",
            "description": "Where it is.",
            "properties": {"name": {"type": "string"}, "height": {"type": "number", "default": 0}},
            "required": ["name"],
        },
        "h": {
            "type": "object",
            "title": "Range",
            "properties": {"low": {"type": "integer"}, "high": {"type": "integer"}},
            "required": ["low", "high"],
        },
        "i": person,
        "j": {"anyOf": [{"type": "integer"}, {"type": "string"}], "default": 1},
        "k": {"type": "integer", "description": "The k.", "default": 2},
        "m": {"anyOf": [person, {"type": "null"}], "default": None},
    }


def test_what_contains_itself_is_referred_to() -> None:
    found = _parameters(recursive)
    node = {
        "type": "object",
        "title": "Node",
        "properties": {"children": {"type": "array", "title": "Children", "items": {"$ref": "#/$defs/Node"}}},
    }
    assert found == {
        "type": "object",
        "properties": {
            # The API does not take other words beside a reference.
            "node": {"anyOf": [{"$ref": "#/$defs/Node"}], "description": "the node"},
            "other": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}], "default": None},
            "last": {"anyOf": [{"$ref": "#/$defs/Node"}], "default": None},
        },
        "required": ["node"],
        "$defs": {"Node": node},
    }


@pytest.mark.parametrize(
    ("function", "name", "description", "parameters"),
    [
        (nothing, "nothing", "Nothing needed.", None),
        (Thermometer().read, "read", "Read it.", ["place"]),
        (Thermometer(), "Thermometer", "A thermometer.", ["place"]),
        (functools.lru_cache(weather), "weather", None, ["city", "days", "unit"]),
        (Wrapper(nothing), "nothing", "Nothing needed.", None),
        (Thermometer.calibrated, "calibrated", "Whether it is.", ["offset"]),
        (functools.partial(weather, days=2), "weather", None, ["city", "unit"]),
        (functools.partial(weather, "Rome"), "weather", None, ["days", "unit"]),
        (later, "later", "Later.\n\nRaises\n------\nValueError\n    It is over.", ["moment"]),
        (everything, "everything", "", list("abcdefghijkm")),
    ],
)
def test_what_can_be_called_can_be_declared(
    function: Any, name: str, description: str | None, parameters: list[str] | None
) -> None:
    found = FunctionDeclaration.from_function(function)
    assert found.name == name
    if description is not None:
        assert (found.description or "") == description
    schema = found.parameters_json_schema
    assert (sorted(schema["properties"]) if schema else None) == (parameters and sorted(parameters))


def test_behavior() -> None:
    found = FunctionDeclaration.from_callable_with_api_option(callable=nothing, behavior="NON_BLOCKING")
    assert found.behavior == "NON_BLOCKING"
    assert not found.parameters_json_schema


GOOGLE = """
    Sum.

    Args:
      a (Dict[str, int], optional): The a:
        more: this.
      *rest: The rest.
      b : The b.

    Raises:
      ValueError: never
"""
NUMPY = """Sum.

Parameters
----------
a, b : int
    The two.
rest
    The rest.

Notes
-----
None.
"""


@pytest.mark.parametrize(
    ("text", "whole", "parameters"),
    [
        (None, "", {}),
        ("Sum.", "Sum.", {}),
        (
            GOOGLE,
            "Sum.\n\nRaises:\n  ValueError: never",
            {"a": "The a: more: this.", "rest": "The rest.", "b": "The b."},
        ),
        (NUMPY, "Sum.\n\nNotes\n-----\nNone.", {"a": "The two.", "b": "The two.", "rest": "The rest."}),
        (
            "Sum.\n\n:param int a: The\n    a.\n:param b: The b.\n:type b: int\n:returns: It.",
            "Sum.\n\n:returns: It.",
            {"a": "The a.", "b": "The b."},
        ),
        ("Args: none of them.", "Args: none of them.", {}),
        ("Sum.\n\nArgs:\n    Whatever you like.", "Sum.\n\nArgs:\n    Whatever you like.", {}),
        ("Sum.\n\nParameters\nare none.", "Sum.\n\nParameters\nare none.", {}),
        ("Sum.\n\nArgs:\n    a:\n", "Sum.", {}),
    ],
)
def test_docstrings(text: str | None, whole: str, parameters: dict[str, str]) -> None:
    assert parse_docstring(text) == (whole, parameters)


def untyped(x): ...  # type: ignore[no-untyped-def]


def unwritable(x: inspect.Signature) -> None: ...


def unknown(x: Unknown) -> None: ...  # type: ignore[name-defined]  # noqa: F821


def unwritable_inside(x: dict[str, inspect.Signature]) -> None: ...


@pytest.mark.parametrize(
    ("tools", "kind", "words"),
    [
        (
            [untyped],
            ValueError,
            "config.tools: function untyped, parameter x: the annotation is missing; accepted are bool, int",
        ),
        ([unwritable], ValueError, "function unwritable, parameter x: Signature has no schema"),
        ([unwritable_inside], ValueError, "function unwritable_inside, parameter x: Signature"),
        ([unknown], ValueError, "function unknown, parameter x: the annotation 'Unknown'"),
        (
            [lambda: 1],
            ValueError,
            "'<lambda>' is not a valid name of a function; define the function with def",
        ),
        ([weather, weather], ValueError, "several functions are named 'weather'; rename one"),
        (
            [Thermometer],
            TypeError,
            "config.tools[0]: expected a Tool, a dict of its fields or a function, got type",
        ),
        ([views.Content()], TypeError, "config.tools[0]"),
        ([3], TypeError, "got int"),
        ([{"functions": []}], ValueError, "config.tools[0] has no field 'functions'; did you mean"),
        (weather, TypeError, "config.tools: expected a list of tools, got function"),
        ({"google_search": {}}, TypeError, "config.tools: expected a list of tools, got dict"),
    ],
)
def test_what_is_no_tool(tools: Any, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind) as caught:
        to_tools(tools)
    assert type(caught.value) is kind
    assert words in str(caught.value)


def test_functions_are_in_one_tool_which_is_the_last() -> None:
    declared = views.Tool(function_declarations=[{"name": "declared"}])
    both = v1beta.Tool(function_declarations=[{"name": "other"}], code_execution={})
    tools = [weather, declared, {"googleSearch": {}}, both, nothing]
    found = to_tools(tools)
    assert [[field.name for field, _ in tool.ListFields()] for tool in found] == [
        ["google_search"],
        ["code_execution"],
        ["function_declarations"],
    ]
    names = [declaration.name for declaration in found[-1].function_declarations]
    assert names == ["weather", "declared", "other", "nothing"]
    # What was given is as it was.
    assert len(declared.function_declarations or ()) == 1
    assert both.function_declarations[0].name == "other"
    assert to_tools([]) == []


ARGUMENTS: list[tuple[Any, dict[str, Any], dict[str, Any] | None]] = [
    (
        weather,
        {"city": "A", "days": 2.0, "unit": "f"},
        {"city": "A", "days": 2, "unit": Unit.FAHRENHEIT},
    ),
    (weather, {"city": "A"}, {"city": "A"}),
    (later, {"moment": "2026-01-02T03:04:05+00:00"}, None),
    (recursive, {"node": {"children": [{}]}}, {"node": Node(children=[Node()])}),
    (
        everything,
        {
            "a": 1,
            "b": False,
            "c": "y",
            "d": None,
            "e": ["s"],
            "f": {"k": 1.0},
            "g": {"name": "G", "height": 2},
            "h": {"low": 1.0, "high": 2.0},
            "i": {"name": "I"},
            "j": "1",
            "m": {"name": "M", "age": 4.0},
        },
        {
            "a": 1.0,
            "b": False,
            "c": "y",
            "d": None,
            "e": ["s"],
            "f": {"k": 1},
            "g": Place("G", 2.0),
            "h": {"low": 1, "high": 2},
            "i": Person(name="I"),
            "j": "1",
            "m": Person(name="M", age=4),
        },
    ),
]
ARGUMENTS[2] = (
    later,
    ARGUMENTS[2][1],
    {"moment": datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)},
)


@pytest.mark.parametrize(("function", "given", "wanted"), ARGUMENTS)
def test_arguments(function: Any, given: dict[str, Any], wanted: dict[str, Any]) -> None:
    found = convert_arguments(function, given)
    assert found == wanted
    assert {name: type(value) for name, value in found.items()} == {
        name: type(value) for name, value in wanted.items()
    }


def test_none_for_a_parameter_that_is_none_by_default() -> None:
    def function(x: int = None) -> None:  # type: ignore[assignment]  # noqa: RUF013 - common
        pass

    assert convert_arguments(function, {"x": None}) == {"x": None}


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({}, "weather: the required parameter city is missing"),
        ({"city": 3}, "city: expected a string, got 3"),
        ({"city": "A", "days": 1.5}, "days: expected a whole number, got 1.5"),
        ({"city": "A", "days": True}, "days: expected a whole number, got true"),
        ({"city": "A", "unit": "k"}, "unit: 'k' is not one of 'c', 'f'"),
        ({"city": "A", "town": "B"}, "weather has no parameter 'town'; it has city, days, unit"),
    ],
)
def test_arguments_that_do_not_fit(args: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        convert_arguments(weather, args)
    assert str(caught.value) == words


class Plain:
    pass


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (None, None),
        (True, True),
        (1.5, 1.5),
        (float("nan"), "nan"),
        (Unit.CELSIUS, "c"),
        (Place("A"), {"name": "A", "height": 0.0}),
        (Person(name="A"), {"name": "A", "age": 3}),
        ({"a": (1, {2}), 3: Place("B")}, {"a": [1, [2]], "3": {"name": "B", "height": 0.0}}),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (datetime.timedelta(seconds=1.5), 1.5),
        (b"\x00\xff", "AP8="),
        (decimal.Decimal("1.10"), "1.10"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (views.FunctionCall(name="f"), {"name": "f"}),
        (v1beta.FunctionCall(name="f", args={"x": 1}), {"name": "f", "args": {"x": 1}}),
        ((n for n in (1, 2)), [1, 2]),
    ],
)
def test_results(value: Any, wanted: Any) -> None:
    assert to_jsonable(value) == wanted


def test_a_result_without_a_form() -> None:
    with pytest.raises(TypeError, match="Plain has no JSON form"):
        to_jsonable([Plain()])


# Calling them automatically: whether, and how often --------------------------------------------------

_SEARCH: dict[str, Any] = {"google_search": {}}
_DECLARED: dict[str, Any] = {"function_declarations": [{"name": "declared"}]}
_ANY = views.ToolConfig(function_calling_config={"mode": "ANY"})


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({}, []),
        ({"tools": [_DECLARED]}, []),
        ({"tools": [weather, _SEARCH, Thermometer().read]}, ["weather", "read"]),
        ({"tools": [weather], "automatic_function_calling": {"disable": True}}, []),
        ({"tools": [weather], "automatic_function_calling": {"disable": False}}, ["weather"]),
        ({"tools": [weather], "automatic_function_calling": {"maximum_remote_calls": 0}}, []),
        (
            {
                "tools": [weather],
                "automatic_function_calling": {"maximumRemoteCalls": 1},
                "tool_config": _ANY,
            },
            ["weather"],
        ),
    ],
)
def test_whether_functions_are_called(fields: dict[str, Any], names: list[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert list(function_calls.find_functions(GenerateContentConfig(**fields))) == names


@pytest.mark.parametrize("tool", [_DECLARED, views.Tool(**_DECLARED), {"functionDeclarations": [{}]}])
def test_a_function_that_is_only_declared_turns_calling_off(tool: Any) -> None:
    with pytest.warns(UserWarning, match="only declared") as caught:
        assert not function_calls.find_functions(GenerateContentConfig(tools=[weather, tool]))
    assert len(caught) == 1


def test_mode_any_without_a_limit_is_warned_of() -> None:
    with pytest.warns(UserWarning, match="every response calls a function"):
        assert function_calls.find_functions(GenerateContentConfig(tools=[weather], tool_config=_ANY))


def test_settings() -> None:
    assert function_calls.to_settings(GenerateContentConfig()) == function_calls.Settings(10, True)
    own = AutomaticFunctionCallingConfig(maximum_remote_calls=3, ignore_call_history=True)
    config = GenerateContentConfig(automatic_function_calling=own, response_schema=Place)
    assert function_calls.to_settings(config) == function_calls.Settings(3, False)


@pytest.mark.parametrize(
    ("given", "kind", "words"),
    [
        ({"maximum": 3}, ValueError, "has no field 'maximum'"),
        (True, TypeError, "automatic_function_calling: expected AutomaticFunctionCallingConfig or a dict"),
        ({"maximum_remote_calls": 1.5}, TypeError, "maximum_remote_calls: expected a whole number"),
        ({"maximum_remote_calls": "3.5"}, ValueError, "maximum_remote_calls: expected a whole number"),
    ],
)
def test_settings_that_are_none(given: Any, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind) as caught:
        function_calls.to_settings(GenerateContentConfig(automatic_function_calling=given))
    assert type(caught.value) is kind
    assert words in str(caught.value)


# As google-genai does it ---------------------------------------------------------------------------


def shared(
    a: float,
    b: Literal["x", "y"],
    c: Optional[int],  # noqa: UP045
    d: dict[str, int],
    e: list[Unit],
    f: Person,
    g: tuple[int, ...] = (),
    h: Person | None = None,
    *args: Any,
) -> None:
    """Dataclasses and TypedDict it does not take."""


def plainly(a: int, b: str = "x", c: list[float] | None = None, d: bool = False) -> None:
    """Plainly."""


@pytest.mark.parametrize("function", [weather, shared, nothing, later, plainly, Thermometer().read])
def test_google_genai_declares_the_same(function: Any) -> None:
    types: Any = pytest.importorskip("google.genai.types", reason="google-genai 3 needs Python 3.11")
    util: Any = pytest.importorskip("google.genai._automatic_function_calling_util")
    wanted = util.parse_function_declaration_json_schema(function, None)
    assert isinstance(wanted, types.FunctionDeclaration)
    found = FunctionDeclaration.from_function(function)
    assert found.name == wanted.name
    assert (found.parameters_json_schema is None) == (wanted.parameters_json_schema is None)
    if found.parameters_json_schema:
        theirs: Any = to_jsonable(wanted.parameters_json_schema)
        assert sorted(found.parameters_json_schema.get("required", ())) == sorted(theirs.pop("required"))
        assert _shape(found.parameters_json_schema["properties"]) == _shape(
            inline_references(theirs)["properties"]
        )


def _shape(schema: Any) -> Any:
    """A schema without its words, which are ours to choose."""
    if isinstance(schema, list):
        return [_shape(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _shape(item)
        for key, item in schema.items()
        if not (key in {"title", "description"} and isinstance(item, str))
    }
