"""Vertex AI's Predict: embeddings of texts, and pictures."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from asynchronous import awaited
from emulator_calls import emulator
from google.protobuf.json_format import MessageToDict

from gemwire_proto import aiplatform_v1

_MODELS = "projects/my-project/locations/us-central1/publishers/google/models"
_EMBEDDER = f"{_MODELS}/text-embedding-004"
_PAINTER = f"{_MODELS}/imagen-4.0-generate-001"


def _values(*instances: dict[str, Any], **parameters: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"instances": [{"struct_value": one} for one in instances]}
    return {**given, "parameters": {"struct_value": parameters}} if parameters else given


@awaited
async def test_texts_are_embedded() -> None:
    async with emulator() as (_, call):
        answer = await call(
            "aiplatform.Predict",
            endpoint=_EMBEDDER,
            **_values(
                {"content": "one two", "task_type": "RETRIEVAL_DOCUMENT", "title": "t"},
                {"content": "three", "taskType": "RETRIEVAL_QUERY"},
                outputDimensionality=4,
            ),
        )
        same = await call(
            "EmbedContent", model="models/text-embedding-004", content={"parts": [{"text": "x"}]}
        )
        whole = await call("aiplatform.Predict", endpoint=_EMBEDDER, **_values({"content": "x"}))
    assert isinstance(answer, aiplatform_v1.PredictResponse)
    found = [MessageToDict(one)["embeddings"] for one in answer.predictions]
    assert [len(one["values"]) for one in found] == [4, 4]
    assert [one["statistics"] for one in found] == [
        {"truncated": False, "token_count": 2},
        {"truncated": False, "token_count": 1},
    ]
    assert MessageToDict(answer.metadata) == {"billableCharacterCount": 11}
    values = MessageToDict(whole.predictions[0])["embeddings"]["values"]
    assert values == pytest.approx(list(same.embedding.values))


@awaited
async def test_pictures_are_made() -> None:
    async with emulator() as (_, call):
        answer = await call(
            "aiplatform.Predict", endpoint=_PAINTER, **_values({"prompt": "a cat"}, sampleCount=2)
        )
    pictures = [MessageToDict(one) for one in answer.predictions]
    assert [picture["mimeType"] for picture in pictures] == ["image/png"] * 2
    assert base64.b64decode(pictures[0]["bytesBase64Encoded"]).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("fields", "code", "words"),
    [
        ({"endpoint": _EMBEDDER}, "INVALID_ARGUMENT", "* instances: is required"),
        ({"endpoint": _EMBEDDER, **_values({})}, "INVALID_ARGUMENT", "* instances[0].content: is required"),
        (
            {"endpoint": _EMBEDDER, "instances": [{"string_value": "x"}]},
            "INVALID_ARGUMENT",
            "* instances[0]: must be an object",
        ),
        (
            {"endpoint": _EMBEDDER, **_values({"content": "x", "task_type": "DANCE"})},
            "INVALID_ARGUMENT",
            "* instances[0].task_type: 'DANCE' is not a task",
        ),
        (
            {"endpoint": _EMBEDDER, **_values({"content": "x"}, outputDimensionality=1.5)},
            "INVALID_ARGUMENT",
            "* parameters.outputDimensionality: must be an integer, got 1.5",
        ),
        (
            {"endpoint": _EMBEDDER, "instances": [{"struct_value": {"content": "x"}}] * 251},
            "INVALID_ARGUMENT",
            "* instances: has 251 entries; at most 250 are allowed",
        ),
        ({"endpoint": _PAINTER, **_values({"prompt": ""})}, "INVALID_ARGUMENT", "* instances[0].prompt"),
        (
            {"endpoint": f"{_MODELS}/gemini-2.5-flash", **_values({"prompt": "x"})},
            "NOT_FOUND",
            "is not supported for predict",
        ),
    ],
)
@awaited
async def test_what_is_refused(fields: dict[str, Any], code: str, words: str) -> None:
    async with emulator() as (_, call):
        refusal = await call.refused("aiplatform.Predict", **fields)
    assert refusal.code == code
    assert words in refusal.message
