"""The JSON reader against json_format: the same result, or none."""

from __future__ import annotations

import json

import pytest
import random_messages
from google.protobuf import json_format, message_factory, struct_pb2
from google.protobuf.message import Message
from json_http import Json

from gemwire_emulator.json_codec.reader import JsonReader
from gemwire_proto import POOL, v1beta

_KINDS = [
    message_factory.GetMessageClass(descriptor)
    for descriptor in random_messages.descriptors(POOL, "google.ai.generativelanguage.v1beta")
]
_REQUEST = v1beta.GenerateContentRequest


def by_json_format(kind: type[Message], data: Json) -> Message:
    return json_format.ParseDict(data, kind(), ignore_unknown_fields=True, descriptor_pool=POOL)


@pytest.mark.parametrize("names", ["camel", "proto"])
def test_result_equals_json_format(names: str) -> None:
    reader, read = JsonReader(), 0
    for kind in _KINDS:
        for message in (kind(), *random_messages.samples(kind)):
            text = json_format.MessageToJson(
                message, preserving_proto_field_name=names == "proto", descriptor_pool=POOL
            )
            data = json.loads(text)
            found = reader.read(kind, data)
            if found is not None:
                assert found == by_json_format(kind, data)
                read += 1
    assert read > 500


@pytest.mark.parametrize(
    "data",
    [
        {"contents": [{"role": "user", "parts": [{"text": "a"}, {"text": "", "thought": False}]}]},
        {"contents": [{}], "generationConfig": {}, "systemInstruction": {"parts": []}},
        {"generation_config": {"temperature": 1, "topP": 0.5, "stopSequences": ["a"], "maxOutputTokens": 7}},
        {"safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}]},
    ],
)
def test_usual_json_is_read(data: Json) -> None:
    found = JsonReader().read(_REQUEST, data)
    assert found is not None
    expected = by_json_format(_REQUEST, data)
    assert found == expected
    assert found.SerializeToString(deterministic=True) == expected.SerializeToString(deterministic=True)


@pytest.mark.parametrize(
    "data",
    [
        {"contents": None},
        {"contents": [], "unknown": 1},
        {"contents": {}},
        {"contents": [None]},
        {"contents": [{"parts": [{"text": "a", "functionCall": {"name": "b"}}]}]},
        {"contents": [{"parts": [{"text": "\ud800"}]}]},
        {"contents": [{"parts": [{"inlineData": {"data": "YQ=="}}]}]},
        {"generationConfig": {"topK": 1}, "generation_config": {"topK": 2}},
        {"generationConfig": {"topK": True}},
        {"generationConfig": {"topK": "1"}},
        {"generationConfig": {"topK": 2**31}},
        {"generationConfig": {"temperature": float("inf")}},
        {"generationConfig": {"temperature": float("nan")}},
        {"generationConfig": {"temperature": 1e39}},
        {"generationConfig": {"responseJsonSchema": {"type": "object"}}},
        {"safetySettings": [{"category": "harm_category_harassment"}]},
        {"safetySettings": [{"category": ["HARM_CATEGORY_HARASSMENT"]}]},
    ],
)
def test_unusual_json_is_left_to_json_format(data: Json) -> None:
    assert JsonReader().read(_REQUEST, data) is None


def test_deep_nesting_is_left_to_json_format() -> None:
    schema: Json = {"type": "STRING"}
    for _ in range(3000):
        schema = {"items": schema}
    assert JsonReader().read(_REQUEST, {"generationConfig": {"responseSchema": schema}}) is None


def test_well_known_types_are_left_to_json_format() -> None:
    assert JsonReader().read(struct_pb2.Struct, {"fields": {}}) is None
