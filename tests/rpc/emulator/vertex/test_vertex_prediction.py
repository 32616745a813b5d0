"""Vertex AI's generation, embeddings and tokens, called with plain grpc and its own messages."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from asynchronous import awaited
from emulator_calls import Caller, Refusal, emulator
from google.protobuf.json_format import MessageToDict

from gemwire_emulator.admission import Quota
from gemwire_proto import aiplatform_v1
from gemwire_proto.aiplatform_v1 import prediction_service

_PARENT = "projects/my-project/locations/us-central1"
_MODEL = f"{_PARENT}/publishers/google/models/gemini-2.5-flash"
_EMBEDDER = f"{_PARENT}/publishers/google/models/gemini-embedding-001"
_METHODS = prediction_service.SERVICE.methods
_ASK = [{"role": "user", "parts": [{"text": "Why is the sky blue?"}]}]


@awaited
async def test_it_answers_as_the_gemini_api_does() -> None:
    async with emulator() as (_, call):
        answer = await call("aiplatform.GenerateContent", model=_MODEL, contents=_ASK)
        twin = await call("GenerateContent", model="models/gemini-2.5-flash", contents=_ASK)
    assert isinstance(answer, aiplatform_v1.GenerateContentResponse)
    found, expected = MessageToDict(answer), MessageToDict(twin)
    assert found.pop("createTime")
    assert found.pop("responseId") != expected.pop("responseId")
    # Vertex AI does not count the tokens of a candidate, and its index 0 is the default.
    assert expected["candidates"][0].pop("tokenCount")
    assert expected["candidates"][0].pop("index") == 0
    assert found == expected


@awaited
async def test_a_stream_ends_with_a_reason_of_its_own_numbers() -> None:
    async with emulator() as (_, call):
        config = {"max_output_tokens": 3, "top_k": 2.0}
        stream = call.stream(
            "aiplatform.StreamGenerateContent", model=_MODEL, contents=_ASK, generation_config=config
        )
        answers = [answer async for answer in stream]
    assert answers[-1].candidates[0].finish_reason == aiplatform_v1.Candidate.FinishReason.MAX_TOKENS
    assert len({answer.response_id for answer in answers}) == 1
    assert answers[-1].usage_metadata.candidates_token_count == 3


@awaited
async def test_categories_of_harm_are_known_by_name() -> None:
    marker = "[[block:HARM_CATEGORY_HATE_SPEECH]]"
    contents = [{"role": "user", "parts": [{"text": marker}]}]
    category = aiplatform_v1.HarmCategory.HARM_CATEGORY_HATE_SPEECH
    setting = {"category": category, "threshold": "BLOCK_NONE"}
    async with emulator() as (_, call):
        blocked = await call("aiplatform.GenerateContent", model=_MODEL, contents=contents)
        passed = await call(
            "aiplatform.GenerateContent", model=_MODEL, contents=contents, safety_settings=[setting]
        )
    feedback = blocked.prompt_feedback
    reasons = aiplatform_v1.GenerateContentResponse.PromptFeedback.BlockedReason
    assert feedback.block_reason == reasons.SAFETY
    assert [rating.category for rating in feedback.safety_ratings] == [category] == [1]
    assert passed.candidates


@awaited
async def test_functions_and_schemas_arrive() -> None:
    declared = {
        "name": "look",
        "description": "Looks.",
        "parameters": {
            "type": "OBJECT",
            "properties": {"place": {"type": "STRING", "enum": ["there"], "format": "enum"}},
            "required": ["place"],
        },
    }
    async with emulator() as (_, call):
        answer = await call(
            "aiplatform.GenerateContent",
            model=_MODEL,
            contents=_ASK,
            tools=[{"function_declarations": [declared]}],
            tool_config={"function_calling_config": {"mode": "ANY"}},
        )
    made = answer.candidates[0].content.parts[0].function_call
    assert (made.name, dict(made.args)) == ("look", {"place": "there"})


@awaited
async def test_it_embeds_with_the_config_before_the_older_fields() -> None:
    async with emulator() as (_, call):
        plain = await call("aiplatform.EmbedContent", model=_EMBEDDER, content=_ASK[0])
        short = await call(
            "aiplatform.EmbedContent",
            model=_EMBEDDER,
            content=_ASK[0],
            output_dimensionality=5,
            title="Sky",
            embed_content_config={"output_dimensionality": 3, "task_type": "RETRIEVAL_DOCUMENT"},
        )
    assert len(plain.embedding.values) == 768
    assert len(short.embedding.values) == 3
    assert short.usage_metadata.prompt_token_count == 6


@awaited
async def test_tokens_are_counted_and_listed() -> None:
    async with emulator() as (_, call):
        counted = await call("aiplatform.CountTokens", endpoint=_MODEL, contents=_ASK)
        instances = [{"struct_value": {"prompt": "Why is the sky blue?"}}]
        same = await call("aiplatform.CountTokens", endpoint=_MODEL, instances=instances)
        listed = await call("aiplatform.ComputeTokens", endpoint=_MODEL, contents=_ASK)
    assert (counted.total_tokens, counted.total_billable_characters) == (6, 16)
    assert same == counted
    (info,) = listed.tokens_info
    assert b"".join(info.tokens).decode() == "Why is the sky blue?"
    assert len(info.token_ids) == len(info.tokens) == 6
    assert info.role == "user"


@awaited
async def test_the_journal_has_what_was_sent() -> None:
    async with emulator() as (running, call):
        await call("aiplatform.GenerateContent", model=_MODEL, contents=_ASK, labels={"team": "one"})
        (entry,) = running.journal.entries
    assert entry.method == "google.cloud.aiplatform.v1.PredictionService/GenerateContent"
    assert entry.requests[0].labels["team"] == "one"


async def _refused(call: Caller, rpc: str = "aiplatform.GenerateContent", **fields: Any) -> Refusal:
    return await call.refused(rpc, **{"contents": _ASK, **fields})


@pytest.mark.parametrize(
    ("model", "code", "words"),
    [
        ("gemini-2.5-flash", "INVALID_ARGUMENT", "is not of the form projects/*/locations/*"),
        (_MODEL.replace("my-project", "My"), "INVALID_ARGUMENT", "'My' is not a project"),
        (_MODEL.replace("us-central1", "mars-1"), "INVALID_ARGUMENT", "'mars-1' is not a location"),
        (_MODEL.replace("2.5", "9.5"), "NOT_FOUND", _MODEL.replace("2.5", "9.5")),
        (_MODEL.replace("google", "else"), "NOT_FOUND", "publishers/else/models"),
        (_EMBEDDER, "NOT_FOUND", "is not supported for generateContent"),
        (f"{_PARENT}/endpoints/5", "NOT_FOUND", f"{_PARENT}/endpoints/5 was not found"),
    ],
)
@awaited
async def test_models_that_are_not_there(model: str, code: str, words: str) -> None:
    async with emulator() as (_, call):
        refusal = await _refused(call, model=model)
    assert refusal.code == code
    assert words in refusal.message
    if code == "NOT_FOUND":
        assert refusal.details["ErrorInfo"].domain == "aiplatform.googleapis.com"
    else:
        assert refusal.fields == ["model"]


@pytest.mark.parametrize("location", ["global", "us", "europe-west12"])
@awaited
async def test_known_locations_and_express_mode(location: str) -> None:
    async with emulator() as (_, call):
        for model in (_MODEL.replace("us-central1", location), _MODEL.removeprefix(f"{_PARENT}/")):
            assert (await call("aiplatform.GenerateContent", model=model, contents=_ASK)).candidates


@awaited
async def test_quotas_belong_to_a_project() -> None:
    async with emulator(quota=Quota(requests_per_minute=1)) as (_, call):
        await call("aiplatform.GenerateContent", model=_MODEL, contents=_ASK)
        assert (await _refused(call, model=_MODEL, key="another")).code == "RESOURCE_EXHAUSTED"
        other = _MODEL.replace("my-project", "my-other-project")
        assert (await call("aiplatform.GenerateContent", model=other, contents=_ASK)).candidates


@pytest.mark.parametrize("name", [name for name in _METHODS if "Direct" in name or "Raw" in name])
@awaited
async def test_models_of_ones_own_are_not_served(name: str) -> None:
    method = _METHODS[name]
    async with emulator() as (running, _), grpc.aio.insecure_channel(running.address) as channel:
        kind = "stream" if method.kind.name == "BIDI" else "unary"
        answer = "unary" if method.kind.name == "UNARY" else "stream"
        stub = getattr(channel, f"{kind}_{answer}")(
            method.path, method.request.SerializeToString, method.response.FromString
        )
        message = method.request(endpoint=f"{_PARENT}/endpoints/5")
        made = stub(iter([message]) if kind == "stream" else message, timeout=20)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await (made if answer == "unary" else made.read())
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert caught.value.details() == (
        f"{method.name}: the emulator does not have it; it serves custom models, "
        "of which the emulator has none"
    )
