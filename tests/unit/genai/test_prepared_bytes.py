"""Requests in pieces: the bytes of the pieces are those of the message that is built in one go."""

from __future__ import annotations

import copy
import pickle
import random
from typing import Any

import pytest
from google.protobuf.unknown_fields import UnknownFieldSet
from hypothesis import given, settings
from hypothesis import strategies as st
from present import present
from random_messages import filled

from gemwire import v1beta
from gemwire.genai import types
from gemwire.genai._convert import requests as requests
from gemwire.genai._convert.chat_history import History, curate
from gemwire.genai._convert.function_calls import append_results, find_functions
from gemwire.genai._convert.prompt import Prompt
from gemwire.genai._convert.request_bytes import RequestDraft
from gemwire.genai._types.family import GEMINI

MODEL = "models/m"
chances = st.randoms(use_true_random=False)


def content(chance: random.Random, role: str = "user") -> Any:
    """A content with any kind of part, and fields that this release does not know."""
    made: Any = filled(v1beta.Content, chance, chance.randint(0, 20))
    made.role = role
    if chance.random() < 0.3:
        made.MergeFromString(b"\xf2\x3f\x03new")
    return made


def contents(chance: random.Random, most: int = 4) -> list[Any]:
    return [content(chance, chance.choice(["user", "model"])) for _ in range(chance.randint(1, most))]


def config(chance: random.Random) -> types.GenerateContentConfig:
    """Some fields of each kind: scalars, lists, messages, and those that only JSON has."""
    every: dict[str, Any] = {
        "system_instruction": chance.choice(
            ["be brief", ["be", "brief"], types.Content(parts=[{"text": "s"}])]
        ),
        "temperature": chance.random(),
        "top_k": chance.randint(0, 3),
        "stop_sequences": ["a"] * chance.randint(1, 3),
        "response_mime_type": "application/json",
        "response_schema": chance.choice(
            [int, list[str], {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}]
        ),
        "response_modalities": ["TEXT"],
        "safety_settings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
        "tools": [{"function_declarations": [{"name": f"f{chance.randint(0, 9)}"}]}],
        "tool_config": {"function_calling_config": {"mode": "ANY"}},
        "cached_content": "cachedContents/c",
        "speech_config": chance.choice(["Kore", {"language_code": "de-DE"}]),
        "thinking_config": chance.choice([{"thinking_level": "low"}, {"thinking_budget": 3}]),
        "labels": {"a": "b"},
        "service_tier": "flex",
    }
    return types.GenerateContentConfig(**dict(chance.sample(sorted(every.items()), chance.randint(0, 6))))


def prompt(first: Any, how: types.GenerateContentConfig) -> Prompt:
    return Prompt.build(MODEL, first, how, find_functions(how), GEMINI)


@settings(max_examples=60, deadline=None, database=None, derandomize=True)
@given(chances)
def test_a_prompt_and_what_is_added(chance: random.Random) -> None:
    first, last, how = contents(chance), contents(chance), config(chance)
    whole = requests.to_generate_content_request(MODEL, [*first, *last], how)
    made = prompt(first, how)
    assert v1beta.GenerateContentRequest.FromString(made.draft(last).serialize().data) == whole
    assert made.draft(last).parse() == whole
    assert prompt(None, how).draft([*first, *last]).parse() == whole
    assert prompt([*first, *last], how).draft(None).parse() == whole
    assert (
        made.size
        == len(made.draft(last).serialize().data)
        - RequestDraft("", (), _only(last), suspect=False).parse().ByteSize()
    )


@settings(max_examples=60, deadline=None, database=None, derandomize=True)
@given(chances)
def test_a_config_of_the_call(chance: random.Random) -> None:
    """Its fields count in their whole: nothing of the prepared one is merged with them or left."""
    first, last, how, other = contents(chance), contents(chance), config(chance), config(chance)
    both = types.GenerateContentConfig(**{**dict(how.given()), **dict(other.given())})
    whole = requests.to_generate_content_request(MODEL, [*first, *last], both)
    made = prompt(first, how)
    assert made.draft(last, made.merge_config(other)).parse() == whole
    # And the prompt is what it was.
    assert made.draft(last).parse() == requests.to_generate_content_request(MODEL, [*first, *last], how)


@settings(max_examples=40, deadline=None, database=None, derandomize=True)
@given(chances)
def test_what_is_counted(chance: random.Random) -> None:
    first, last, how = contents(chance), contents(chance), config(chance)
    inner = requests.to_generate_content_request(MODEL, [*first, *last], how)
    counted = v1beta.CountTokensRequest.FromString(prompt(first, how).draft(last).serialize_count().data)
    assert counted == v1beta.CountTokensRequest(model=MODEL, generate_content_request=inner)


@settings(max_examples=40, deadline=None, database=None, derandomize=True)
@given(chances)
def test_functions_are_called_on_the_way(chance: random.Random) -> None:
    first, last = contents(chance), contents(chance)
    whole = requests.to_generate_content_request(MODEL, [*first, *last], types.GenerateContentConfig())
    draft = prompt(first, types.GenerateContentConfig()).draft(last)
    for _ in range(chance.randint(1, 3)):
        response = v1beta.GenerateContentResponse(candidates=[{"content": content(chance, "model")}])
        answers = list(content(chance).parts)
        append_results(whole, response, answers)
        append_results(draft, response, answers)
        response.candidates[0].content.parts.add(text="changed")
        assert draft.parse() == whole


@settings(max_examples=40, deadline=None, database=None, derandomize=True)
@given(chances)
def test_a_chat(chance: random.Random) -> None:
    """Turn by turn, the bytes of a history are those of the turns that are sent again."""
    given_ = [v1beta.Content(role=c.role, parts=c.parts) for c in contents(chance, 6)]
    history = History(GEMINI, [types.Content.of(c) for c in given_])
    sent = curate(given_)
    for _ in range(chance.randint(1, 5)):
        how, said = config(chance), content(chance)
        draft, before = history.draft(requests.to_request_head(MODEL, how), said)
        assert before == len(sent)
        assert draft.parse() == requests.to_generate_content_request(MODEL, [*sent, said], how)
        answered = [content(chance, "model")] * chance.randint(0, 2)
        valid = chance.random() < 0.7
        history.record([said], answered, valid)
        if valid:
            sent += [said, *(answered or [v1beta.Content(role="model")])]
        assert [c._pb for c in history.copy(True)] == sent


def _only(added: list[Any]) -> Any:
    return v1beta.GenerateContentRequest(contents=added)


# What cannot be changed afterwards -------------------------------------------------------------------


def test_unknown_fields_are_kept() -> None:
    new = content(random.Random(0))
    new.MergeFromString(b"\xf2\x3f\x03new")
    whole = prompt([new], types.GenerateContentConfig()).draft("x").parse()
    unknown: Any = UnknownFieldSet(whole.contents[0])
    assert [field.field_number for field in unknown] == [1022]


def test_a_prompt_is_nobody_elses() -> None:
    part = types.Part(text="a")
    given_ = [types.Content(role="user", parts=[part])]
    schema: dict[str, Any] = {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}
    tool = types.Tool(function_declarations=[{"name": "f"}])
    message = v1beta.Tool(function_declarations=[{"name": "g"}])
    instruction = types.Content(parts=[{"text": "s"}])
    how = types.GenerateContentConfig(
        response_schema=schema, tools=[tool, message], system_instruction=instruction, stop_sequences=["x"]
    )
    made = prompt(given_, how)
    other = types.GenerateContentConfig(temperature=1)
    before = made.draft("x").parse(), made.draft("x", made.merge_config(other)).parse()
    present(given_[0].parts)[0].text = "changed"
    given_.append(types.UserContent("more"))
    schema["properties"]["b"] = {"type": "STRING"}
    present(tool.function_declarations)[0].name = "changed"
    message.function_declarations[0].name = "changed"
    present(instruction.parts)[0].text = "changed"
    assert isinstance(how.tools, list)
    assert isinstance(how.stop_sequences, list)
    how.tools.append(tool)
    how.stop_sequences.append("y")
    how.temperature = 0.5
    assert (made.draft("x").parse(), made.draft("x", made.merge_config(other)).parse()) == before
    draft = made.draft("x")
    draft.contents.append(v1beta.Content(role="model"))
    assert made.draft("x").parse() == before[0]


def weather(place: str) -> str:
    return f"sunny in {place}"


def test_a_prompt_pickles() -> None:
    made = prompt(
        ["a" * 1000], types.GenerateContentConfig(temperature=0.5, tools=[weather], labels={"a": "b"})
    )
    for again in (pickle.loads(pickle.dumps(made)), copy.copy(made)):
        assert again == made
        assert again.draft("x").serialize() == made.draft("x").serialize()
        assert again.functions == {"weather": weather}


@pytest.mark.parametrize(
    ("first", "last", "says"),
    [
        (None, None, "contents are required"),
        ([], "x", "contents are required"),
        ("x", [], "contents are required"),
        (3, "x", "contents: expected a string, bytes, image, file, part or content, got int"),
        ("x", 3, "contents: expected a string, bytes, image, file, part or content, got int"),
    ],
)
def test_contents_that_cannot_be(first: Any, last: Any, says: str) -> None:
    with pytest.raises((TypeError, ValueError), match=says):
        prompt(first, types.GenerateContentConfig()).draft(last)
