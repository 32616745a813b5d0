"""Views and configs where programs expect pydantic's models."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from gemwire.genai import types

RESPONSE = types.GenerateContentResponse(
    candidates=[
        {"content": {"role": "model", "parts": [{"text": "a"}, {"text": "b"}]}, "index": 1},
        {"content": {"role": "model", "parts": [{"text": "c"}]}, "finish_reason": "STOP"},
    ],
    model_version="m",
)


class State(BaseModel):
    history: list[types.Content]
    config: types.GenerateContentConfig | None = None
    schema_: types.Schema | None = None


def test_fields_of_a_pydantic_model() -> None:
    content = types.Content(role="user", parts=[{"text": "a"}])
    state = State(
        history=[content, {"role": "model", "parts": [{"inlineData": {"mimeType": "a/b", "data": b"\xff"}}]}],  # type: ignore[list-item]
        config={"temperature": 1},  # type: ignore[arg-type]
    )
    assert state.history[0] is content
    assert isinstance(state.history[1], types.Content)
    assert isinstance(state.config, types.GenerateContentConfig)
    assert state.model_dump(exclude_none=True) == {
        "history": [
            {"role": "user", "parts": [{"text": "a"}]},
            {"role": "model", "parts": [{"inline_data": {"mime_type": "a/b", "data": b"\xff"}}]},
        ],
        "config": {"temperature": 1},
    }
    assert '"inlineData":{' in state.model_dump_json(by_alias=True, exclude_none=True)
    assert State.model_validate_json(state.model_dump_json()) == state
    assert state.model_dump(include={"history": {0: {"role"}}}) == {"history": [{"role": "user"}]}


def test_what_is_wrong_is_pydantics_error() -> None:
    for wrong in ({"rol": "user"}, {"role": 3}, "text", {"parts": "text"}):
        with pytest.raises(ValidationError, match=r"history\.0"):
            State(history=[wrong])  # type: ignore[list-item]


def test_a_type_adapter() -> None:
    adapter = TypeAdapter(list[types.Content])
    [content] = adapter.validate_json('[{"role": "user", "parts": [{"text": "a"}]}]')
    assert content == types.Content(role="user", parts=[{"text": "a"}])
    assert adapter.dump_python([content], exclude_none=True) == [{"parts": [{"text": "a"}], "role": "user"}]
    assert json.loads(adapter.dump_json([content], exclude_unset=True))[0]["parts"] == [{"text": "a"}]


def test_json_schemas() -> None:
    made = types.Schema.model_json_schema()
    assert made["$ref"] == "#/$defs/Schema"
    schema = made["$defs"]["Schema"]["properties"]
    assert schema["maxItems"]["anyOf"] == [{"type": "integer"}, {"type": "null"}]
    assert schema["items"]["anyOf"][0] == {"$ref": "#/$defs/Schema"}
    assert schema["properties"]["anyOf"][0]["additionalProperties"] == {"$ref": "#/$defs/Schema"}
    assert (
        "property_ordering" in types.Schema.model_json_schema(by_alias=False)["$defs"]["Schema"]["properties"]
    )
    assert set(State.model_json_schema()["$defs"]) >= {"Content", "Part", "GenerateContentConfig", "Schema"}


def test_fields() -> None:
    fields = types.Content.model_fields
    assert list(fields) == ["parts", "role"]
    assert fields["parts"].annotation == list[types.Part] | None
    assert fields["role"].annotation == str | None
    assert types.Blob.model_fields["mime_type"].alias == "mimeType"
    assert not fields["role"].is_required()
    assert fields["role"].get_default() is None
    assert types.Candidate.model_fields["finish_reason"].annotation == types.FinishReason | None
    assert {"temperature", "tools", "http_options"} <= set(types.GenerateContentConfig.model_fields)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"include": {"model_version"}}, {"model_version": "m"}),
        ({"include": {"candidates": {0: {"index"}}}}, {"candidates": [{"index": 1}]}),
        (
            {"include": {"candidates": {"__all__": {"content": {"parts": {0: {"text"}}}}}}},
            {"candidates": [{"content": {"parts": [{"text": t}]}} for t in "ac"]},
        ),
        (
            {"exclude": {"candidates": {"__all__": {"content", "finish_reason"}}}, "exclude_unset": True},
            {"candidates": [{"index": 1}, {}], "model_version": "m"},
        ),
        ({"exclude": {"candidates"}, "exclude_none": True}, {"model_version": "m"}),
        ({"exclude": {"candidates": True}, "exclude_defaults": True}, {"model_version": "m"}),
        (
            {
                "include": {"candidates"},
                "exclude": {"candidates": {0: ...}},
                "exclude_none": True,
                "mode": "json",
            },
            {
                "candidates": [
                    {"content": {"parts": [{"text": "c"}], "role": "model"}, "finish_reason": "STOP"}
                ]
            },
        ),
        (
            {"include": {"model_version": ...}, "by_alias": True, "round_trip": True, "warnings": False},
            {"modelVersion": "m"},
        ),
    ],
)
def test_dumps_of_some_fields(options: dict[str, Any], expected: object) -> None:
    assert RESPONSE.model_dump(**options) == expected


def test_other_methods() -> None:
    part = types.Part(text="a")
    assert dict(part)["text"] == "a"
    assert [name for name, value in part if value is not None] == ["text"]
    assert types.Part.model_construct(text="a") == part
    assert part.model_fields_set == {"text"}
    types.Part.model_rebuild(force=True)
    config = types.GenerateContentConfig(top_k=3, seed=None)
    both = types.GenerateContentConfig(**{**dict(config), "top_p": 0.5})
    assert both.to_dict() == {"top_k": 3, "top_p": 0.5}
    assert types.GenerateContentConfig.model_validate_json('{"topK": 3}') == config
    assert config.to_json_dict() == {"top_k": 3}


def test_pydantic_is_imported_only_by_those_who_ask() -> None:
    program = """
import sys
from gemwire.genai import types
content = types.Content(parts=[types.Part(text="a")])
content.model_dump_json(), content.model_fields, dict(content)
types.GenerateContentConfig(seed=1).model_dump()
assert not {"pydantic", "pydantic_core"} & set(sys.modules)
types.Content.model_json_schema()
assert "pydantic" in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
