"""Classes of the kinds of one message."""

from __future__ import annotations

import copy
import pickle

import pytest

from gemwire_proto.interactions import views


def test_they_set_and_ask_for_a_field() -> None:
    made = views.TextContent(text="a")
    assert (made.type, made.text) == ("text", "a")
    assert made == views.Content(type="text", text="a")
    for one in (made, views.Content(type="text"), views.Step(content=[made]).content):
        content = one[0] if isinstance(one, list) else one
        assert isinstance(content, views.TextContent)
        assert not isinstance(content, views.ImageContent)
    assert not isinstance(views.Tool(type="text"), views.TextContent)
    assert not isinstance("text", views.TextContent)
    with pytest.raises(ValueError, match="type: a TextContent has 'text', got 'image'"):
        views.TextContent(type="image")


def test_they_do_what_views_do() -> None:
    made = views.FunctionCallStep(id="1", name="f", arguments={"a": 1})
    again = views.Step.model_validate(made.to_dict())
    for same in (copy.copy(made), pickle.loads(pickle.dumps(made)), again):
        assert same == made
        assert isinstance(same, views.FunctionCallStep)
    assert made.to_dict() == {"type": "function_call", "id": "1", "name": "f", "arguments": {"a": 1}}
    assert views.FunctionCallStep.model_validate({"name": "f"}).type == "function_call"
