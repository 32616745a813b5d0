"""GenerativeService on the instant engine: content, tokens, embeddings, and what is refused."""

from __future__ import annotations

import asyncio
import importlib
import json
import math
import random
from collections.abc import AsyncGenerator, Coroutine
from typing import Any

import jsonschema
import pytest
from emulator_calls import emulator
from eventually import comes_in_loop
from google.protobuf import json_format

from gemwire_emulator.engines.base import Delta
from gemwire_emulator.engines.canned import Reply
from gemwire_emulator.engines.instant import InstantEngine
from gemwire_emulator.engines.json_schema import schema_from_config, schema_from_message
from gemwire_emulator.engines.sample_values import generate_text
from gemwire_proto import v1beta
from gemwire_proto.google.protobuf import struct_pb2

MODEL = "models/gemini-2.5-flash"
EMBEDDING = "models/gemini-embedding-001"
NOW = 1_800_000_000.0
REASONS: Any = v1beta.Candidate.FinishReason
BLOCKED: Any = v1beta.GenerateContentResponse.PromptFeedback.BlockReason.SAFETY
HARASSMENT: Any = v1beta.HarmCategory.Value("HARM_CATEGORY_HARASSMENT")
MARKED = "say [[block:HARM_CATEGORY_HARASSMENT]]"
TOOLS: list[dict[str, Any]] = [
    {
        "function_declarations": [
            {
                "name": "get_weather",
                "description": "The weather of a city.",
                "parameters": {
                    "type": "OBJECT",
                    "properties": {"city": {"type": "STRING"}, "days": {"type": "INTEGER", "minimum": 1}},
                    "required": ["city"],
                },
            },
            {"name": "send_mail", "description": "Send a letter to somebody."},
        ]
    }
]


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 60))


def asked(text: str = "Why is the sky blue?", **config: Any) -> dict[str, Any]:
    return {
        "model": MODEL,
        "contents": [{"role": "user", "parts": [{"text": text}]}],
        "generation_config": config,
    }


def text_of(response: Any, index: int = 0) -> str:
    return "".join(part.text for part in response.candidates[index].content.parts)


def value(data: Any) -> Any:
    return json_format.ParseDict(data, struct_pb2.Value())


def test_answers_are_the_same_for_the_same_seed() -> None:
    async def test() -> None:
        async with emulator(seed=1) as (_, call), emulator(seed=1) as (_, twin), emulator() as (_, other):
            first = await call("GenerateContent", **asked())
            assert text_of(first).startswith("Emulated answer to: Why is the sky blue?.")
            assert text_of(await call("GenerateContent", **asked())) == text_of(first)
            assert text_of(await twin("GenerateContent", **asked())) == text_of(first)
            assert text_of(await other("GenerateContent", **asked())) != text_of(first)
            assert text_of(await call("GenerateContent", **asked(seed=2))) != text_of(first)
            [candidate] = first.candidates
            assert (candidate.finish_reason, candidate.content.role) == (REASONS.STOP, "model")
            assert first.model_version == "emulated-instant-001"
            assert first.response_id
            usage = first.usage_metadata
            assert usage.prompt_token_count == 6
            assert usage.total_token_count == 6 + usage.candidates_token_count
            assert candidate.token_count == usage.candidates_token_count

    run(test())


def test_streams_carry_the_same_in_pieces() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            whole = await call("GenerateContent", **asked())
            pieces = [piece async for piece in call.stream("StreamGenerateContent", **asked())]
            assert len(pieces) > 5
            assert "".join(text_of(piece) for piece in pieces) == text_of(whole)
            assert [p.candidates[0].finish_reason for p in pieces] == [0] * (len(pieces) - 1) + [REASONS.STOP]
            assert len({piece.response_id for piece in pieces}) == 1
            assert pieces[-1].usage_metadata == whole.usage_metadata

    run(test())


def test_candidates() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            answer = await call("GenerateContent", **asked(candidate_count=3))
            assert [c.index for c in answer.candidates] == [0, 1, 2]
            assert len({text_of(answer, i) for i in range(3)}) == 3
            assert (
                sum(c.token_count for c in answer.candidates) == answer.usage_metadata.candidates_token_count
            )

    run(test())


def test_answers_end_where_they_are_told_to() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            short = await call("GenerateContent", **asked(max_output_tokens=5))
            assert short.candidates[0].finish_reason == REASONS.MAX_TOKENS
            assert short.usage_metadata.candidates_token_count == 5
            stopped = await call("GenerateContent", **asked(stop_sequences=["sky", "nothing"]))
            assert text_of(stopped) == "Emulated answer to: Why is the "
            assert stopped.candidates[0].finish_reason == REASONS.STOP

    run(test())


def test_log_probabilities() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            config: dict[str, Any] = {"response_logprobs": True, "logprobs": 3, "max_output_tokens": 9}
            request = {**asked(**config), "model": "models/gemini-2.0-flash"}
            answer = await call("GenerateContent", **request)
            result = answer.candidates[0].logprobs_result
            assert "".join(c.token for c in result.chosen_candidates) == text_of(answer)
            assert len(result.chosen_candidates) == len(result.top_candidates) == 9
            assert all(len(top.candidates) == 3 for top in result.top_candidates)
            assert all(c.log_probability <= 0 for c in result.chosen_candidates)

    run(test())


SCHEMAS: list[dict[str, Any]] = [
    {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
    {"type": "array", "items": {"type": "integer", "minimum": 3, "maximum": 5}, "minItems": 2, "maxItems": 4},
    {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
    {"type": "string", "minLength": 30, "maxLength": 40},
    {"enum": ["a", "b", 3, None]},
    {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
    {"type": ["string", "null"], "format": "date-time"},
    {"const": {"fixed": [1]}},
    {
        "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}},
        "$ref": "#/$defs/node",
    },
    {
        "type": "object",
        "properties": {"tags": {"type": "array", "items": {"enum": ["x", "y"]}}, "deep": {"type": "object"}},
        "allOf": [{"required": ["tags"]}],
        "additionalProperties": False,
    },
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=json.dumps)
@pytest.mark.parametrize("field", ["response_json_schema", "response_json_schema_ordered"])
def test_answers_fit_json_schemas(schema: dict[str, Any], field: str) -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            for seed in range(8):
                config = {"response_mime_type": "application/json", field: value(schema), "seed": seed}
                answer = await call("GenerateContent", **asked(**config))
                jsonschema.validate(json.loads(text_of(answer)), schema)

    run(test())


def test_answers_fit_schema_messages() -> None:
    async def test() -> None:
        schema = {
            "type": "OBJECT",
            "properties": {
                "title": {"type": "STRING"},
                "stars": {"type": "INTEGER", "minimum": 1, "maximum": 5},
                "kinds": {"type": "ARRAY", "items": {"type": "STRING", "enum": ["a", "b"]}, "max_items": 1},
            },
            "required": ["title", "stars"],
            "property_ordering": ["stars", "title", "kinds"],
        }
        async with emulator() as (_, call):
            config: dict[str, Any] = {"response_mime_type": "application/json", "response_schema": schema}
            found = json.loads(text_of(await call("GenerateContent", **asked(**config))))
            assert list(found) == ["stars", "title", "kinds"]
            assert isinstance(found["title"], str)
            assert found["stars"] in range(1, 6)
            assert set(found["kinds"]) <= {"a", "b"}
            free = await call("GenerateContent", **asked(response_mime_type="application/json"))
            assert isinstance(json.loads(text_of(free)), dict)
            schema = {"type": "STRING", "enum": ["yes", "no"]}
            config = {"response_mime_type": "text/x.enum", "response_schema": schema}
            assert text_of(await call("GenerateContent", **asked(**config))) in {"yes", "no"}

    run(test())


def test_functions_are_called_by_mode() -> None:
    async def test() -> None:
        async with emulator() as (_, call):

            async def answer(text: str, **calling: Any) -> Any:
                tools: dict[str, Any] = {"tools": TOOLS, "tool_config": {"function_calling_config": calling}}
                return (await call("GenerateContent", **asked(text), **tools)).candidates[0].content.parts[0]

            weather = (await answer("How is the weather in Oslo?")).function_call
            assert weather.name == "get_weather"
            assert isinstance(weather.args["city"], str)
            assert weather.args["days"] >= 1
            assert not (await answer("Tell me a joke")).HasField("function_call")
            assert (await answer("Tell me a joke", mode="ANY")).function_call.name
            allowed = {"mode": "ANY", "allowed_function_names": ["send_mail"]}
            assert (await answer("How is the weather?", **allowed)).function_call.name == "send_mail"
            assert not (await answer("How is the weather?", mode="NONE")).HasField("function_call")

    run(test())


def test_results_of_functions_are_used() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            request = asked("How is the weather in Oslo?")
            called = {"name": "get_weather", "args": {"city": "Oslo"}}
            result = {"name": "get_weather", "response": {"sky": "grey"}}
            request["contents"] += [
                {"role": "model", "parts": [{"function_call": called}]},
                {"role": "user", "parts": [{"function_response": result}]},
            ]
            assert 'get_weather: {"sky": "grey"}' in text_of(
                await call("GenerateContent", **request, tools=TOOLS)
            )

    run(test())


def test_marks_stand_for_harm() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            blocked = await call("GenerateContent", **asked(MARKED))
            assert not blocked.candidates
            assert blocked.prompt_feedback.block_reason == BLOCKED
            [rating] = blocked.prompt_feedback.safety_ratings
            assert (rating.category, rating.blocked) == (HARASSMENT, True)
            setting = {"category": HARASSMENT, "threshold": "BLOCK_NONE"}
            assert (await call("GenerateContent", **asked(MARKED), safety_settings=[setting])).candidates
            pieces = [p async for p in call.stream("StreamGenerateContent", **asked(MARKED))]
            assert len(pieces) == 1
            twice = await call.refused("GenerateContent", **asked(), safety_settings=[setting] * 2)
            assert twice.fields == ["safety_settings[1].category"]
            unknown = await call.refused("GenerateContent", **asked("[[block:HARM_CATEGORY_NONE]]"))
            assert unknown.fields == ["contents"]

    run(test())


def test_cached_content_comes_first() -> None:
    async def test() -> None:
        async with emulator(frozen_at=NOW) as (running, call):
            cached = await call(
                "CreateCachedContent",
                cached_content={
                    "model": MODEL,
                    "system_instruction": {"parts": [{"text": "Be brief"}]},
                    "contents": [{"role": "user", "parts": [{"text": "word " * 2000}]}],
                    "ttl": {"seconds": 60},
                },
            )
            answer = await call("GenerateContent", **asked(), cached_content=cached.name)
            assert "told to: Be brief" in text_of(answer)
            usage = answer.usage_metadata
            assert usage.cached_content_token_count == cached.usage_metadata.total_token_count > 1999
            assert usage.prompt_token_count == usage.cached_content_token_count + 6
            other = {**asked(), "model": "models/gemini-2.5-pro", "cached_content": cached.name}
            assert (await call.refused("GenerateContent", **other)).fields == ["model"]
            both = {**asked(), "cached_content": cached.name, "tools": TOOLS}
            assert (await call.refused("GenerateContent", **both)).fields == ["tools"]
            gone = {**asked(), "cached_content": cached.name}
            assert (await call.refused("GenerateContent", **gone, key="another")).code == "PERMISSION_DENIED"
            running.state.clock.advance(61)
            assert (await call.refused("GenerateContent", **gone)).code == "PERMISSION_DENIED"

    run(test())


def test_tokens_are_counted() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            contents = asked()["contents"]
            counted = await call("CountTokens", model=MODEL, contents=contents)
            assert counted.total_tokens == 6
            whole = {**asked(), "system_instruction": {"parts": [{"text": "Be brief"}]}}
            counted = await call("CountTokens", model=MODEL, generate_content_request=whole)
            assert counted.total_tokens == 8
            refused = await call.refused(
                "CountTokens", model=MODEL, contents=contents, generate_content_request=whole
            )
            assert refused.fields == ["generate_content_request"]
            assert (await call.refused("CountTokens", model=MODEL)).fields == ["contents"]

    run(test())


def test_embeddings_have_unit_length() -> None:
    async def test() -> None:
        async with emulator() as (_, call):

            async def embedded(text: str, **more: Any) -> list[float]:
                content = {"parts": [{"text": text}]}
                return list(
                    (await call("EmbedContent", model=EMBEDDING, content=content, **more)).embedding.values
                )

            fox, red, sea = [await embedded(t) for t in ("a red fox", "the red foxes", "deep sea water")]
            cut = await embedded("a red fox", output_dimensionality=64)
            assert (len(fox), len(cut)) == (768, 64)
            for vector in (fox, sea, cut):
                assert math.isclose(sum(x * x for x in vector), 1, rel_tol=1e-5)
            # Fewer dimensions are the first ones, at unit length again.
            length = math.sqrt(sum(x * x for x in fox[:64]))
            assert cut == pytest.approx([x / length for x in fox[:64]], rel=1e-5)
            near, far = (sum(a * b for a, b in zip(fox, v, strict=True)) for v in (red, sea))
            assert near > far + 0.2
            requests = [{"model": EMBEDDING, "content": {"parts": [{"text": t}]}} for t in ("a red fox", "x")]
            batch = await call("BatchEmbedContents", model=EMBEDDING, requests=requests)
            assert list(batch.embeddings[0].values) == fox

    run(test())


def test_canned_replies() -> None:
    async def test() -> None:
        replies = [
            Reply("Because of scattering.", match="sky", pieces=4),
            Reply("I am the large one.", model="pro"),
        ]
        async with emulator(replies=replies) as (_, call):
            pieces = [p async for p in call.stream("StreamGenerateContent", **asked())]
            assert [text_of(p) for p in pieces] == ["Becaus", "e of s", "catter", "ing."]
            assert pieces[-1].candidates[0].finish_reason == REASONS.STOP
            pro = {**asked("Who are you?"), "model": "models/gemini-2.5-pro"}
            assert text_of(await call("GenerateContent", **pro)) == "I am the large one."
            assert text_of(await call("GenerateContent", **asked("Who?"))).startswith("Emulated answer")

    run(test())


CONFIGS: list[tuple[dict[str, Any], str]] = [
    ({"candidate_count": 0}, "candidate_count"),
    ({"candidate_count": 9}, "candidate_count"),
    ({"max_output_tokens": 0}, "max_output_tokens"),
    ({"max_output_tokens": 65_537}, "max_output_tokens"),
    ({"temperature": 2.1}, "temperature"),
    ({"temperature": -0.1}, "temperature"),
    ({"temperature": math.nan}, "temperature"),
    ({"top_p": 1.1}, "top_p"),
    ({"top_k": -1}, "top_k"),
    ({"presence_penalty": 3.0}, "presence_penalty"),
    ({"stop_sequences": ["x"] * 6}, "stop_sequences"),
    ({"stop_sequences": ["x", ""]}, "stop_sequences[1]"),
    ({"response_mime_type": "image/png"}, "response_mime_type"),
    ({"response_mime_type": "text/x.enum"}, "response_mime_type"),
    ({"response_schema": {"type": "STRING"}}, "response_schema"),
    (
        {
            "response_schema": {"type": "STRING"},
            "response_json_schema": value({}),
            "response_mime_type": "application/json",
        },
        "response_json_schema",
    ),
    ({"logprobs": 3}, "logprobs"),
    ({"logprobs": 21, "response_logprobs": True}, "logprobs"),
]


@pytest.mark.parametrize(("config", "field"), CONFIGS)
def test_bad_configs(config: dict[str, Any], field: str) -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            refused = await call.refused("GenerateContent", **asked(**config))
            assert (refused.code, refused.fields) == ("INVALID_ARGUMENT", [f"generation_config.{field}"])

    run(test())


@pytest.mark.parametrize(
    ("rpc", "fields", "field"),
    [
        ("GenerateContent", {"model": ""}, "model"),
        ("GenerateContent", {"model": "gemini-2.5-flash"}, "model"),
        ("GenerateContent", {"model": "models/a/b"}, "model"),
        ("GenerateContent", {"contents": []}, "contents"),
        ("GenerateContent", {"contents": [{"role": "user"}]}, "contents[0].parts"),
        ("GenerateContent", {"contents": [{"role": "boss", "parts": [{"text": "x"}]}]}, "contents[0].role"),
    ],
)
def test_bad_requests(rpc: str, fields: dict[str, Any], field: str) -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            refused = await call.refused(rpc, **{**asked(), **fields})
            assert (refused.code, refused.fields) == ("INVALID_ARGUMENT", [field])

    run(test())


def test_bad_embedding_requests() -> None:
    async def test() -> None:
        content = {"parts": [{"text": "x"}]}
        one = {"model": EMBEDDING, "content": content}
        async with emulator() as (_, call):
            for more, field in (
                ({"content": {}}, "content"),
                ({"output_dimensionality": 4000}, "output_dimensionality"),
                ({"title": "x"}, "title"),
                ({"model": "x"}, "model"),
            ):
                assert (await call.refused("EmbedContent", **{**one, **more})).fields == [field]
            for requests, field in (
                ([], "requests"),
                ([one] * 101, "requests"),
                ([one, {**one, "model": MODEL}], "requests[1].model"),
                ([one, {**one, "content": {}}], "requests[1].content"),
            ):
                refused = await call.refused("BatchEmbedContents", model=EMBEDDING, requests=requests)
                assert refused.fields == [field]
            titled: dict[str, Any] = {**one, "title": "x", "task_type": "RETRIEVAL_DOCUMENT"}
            assert (await call("EmbedContent", **titled)).embedding.values

    run(test())


def test_unknown_models_and_methods() -> None:
    async def test() -> None:
        async with emulator() as (running, call):
            for model in ("models/none", "tunedModels/none", EMBEDDING):
                assert (
                    await call.refused("GenerateContent", **{**asked(), "model": model})
                ).code == "NOT_FOUND"
            content = {"parts": [{"text": "x"}]}
            assert (await call.refused("EmbedContent", model=MODEL, content=content)).code == "NOT_FOUND"
            running.state.engine.input_token_limit = 3
            refused = await call.refused("GenerateContent", **asked())
            assert (refused.code, refused.fields) == ("INVALID_ARGUMENT", ["contents"])

    run(test())


def test_v1_is_served_by_the_same_models() -> None:
    async def test() -> None:
        generative = importlib.import_module("gemwire_proto.v1.generative_service").SERVICE
        models = importlib.import_module("gemwire_proto.v1.model_service").SERVICE
        async with emulator() as (running, call):
            newer = await call("GenerateContent", **asked())

            async def older(service: Any, rpc: str, **fields: Any) -> Any:
                method = service.methods[rpc]
                stub = call.channel.unary_unary(
                    method.path,
                    request_serializer=method.request.SerializeToString,
                    response_deserializer=method.response.FromString,
                )
                return await stub(method.request(**fields), timeout=20)

            assert text_of(await older(generative, "GenerateContent", **asked())) == text_of(newer)
            counted = await older(generative, "CountTokens", model=MODEL, contents=asked()["contents"])
            assert counted.total_tokens == 6
            assert (await older(models, "GetModel", name=MODEL)).display_name == "Gemini 2.5 Flash"
            assert len((await older(models, "ListModels")).models) > 5
            assert running.journal.entries[-1].method.startswith("google.ai.generativelanguage.v1.")

    run(test())


def test_many_streams_at_once() -> None:
    async def test() -> None:
        async with emulator() as (running, call):

            async def one(i: int) -> str:
                return "".join(
                    [
                        text_of(piece)
                        async for piece in call.stream("StreamGenerateContent", **asked(f"no {i}"))
                    ]
                )

            texts = await asyncio.gather(*map(one, range(200)))
            assert all(f"answer to: no {i}." in text for i, text in enumerate(texts))
            assert {e.status for e in running.journal.entries} == {"OK"}

    run(test())


def test_who_goes_away_stops_the_engine() -> None:
    class Endless(InstantEngine):
        closed = False

        async def generate(self, request: Any) -> AsyncGenerator[Delta, None]:
            try:
                while True:
                    yield Delta(text=f"{request.model} goes on and on ", tokens=3)
                    await asyncio.sleep(0)
            finally:
                self.closed = True

    async def test() -> None:
        engine = Endless()
        async with emulator(engine=engine) as (running, call):
            stream = call.stream("StreamGenerateContent", **asked())
            await stream.read()
            assert not engine.closed
            stream.cancel()
            assert await comes_in_loop(lambda: engine.closed)
            assert running.journal.entries[-1].status == "CANCELLED"

    run(test())


def test_schemas_may_refer_to_others_and_allow_any_member() -> None:
    schema: dict[str, Any] = {
        "type": "OBJECT",
        "properties": {
            "place": {"ref": "#/defs/Place"},
            "notes": {"type": "OBJECT", "additional_properties": {"string_value": ""}},
        },
        "required": ["place"],
        "defs": {"Place": {"type": "OBJECT", "properties": {"x": {"type": "INTEGER"}}, "required": ["x"]}},
    }
    found = schema_from_message(v1beta.Schema(**schema))
    assert found["$defs"]["Place"]["required"] == ["x"]
    assert found["properties"]["place"] == {"$ref": "#/$defs/Place"}
    config = v1beta.GenerationConfig(response_mime_type="application/json", response_schema=schema)
    made = json.loads(generate_text(schema_from_config(config) or {}, random.Random(1)))
    assert isinstance(made["place"]["x"], int)


def test_the_format_of_a_response_has_a_schema() -> None:
    config = v1beta.GenerationConfig()
    config.response_format.text.mime_type = "application/json"
    schema: Any = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    config.response_format.text.json_schema.struct_value.update(schema)
    assert isinstance(json.loads(generate_text(schema_from_config(config) or {}, random.Random(1)))["n"], int)
    config.response_format.text.ClearField("json_schema")
    assert schema_from_config(config) == {"type": "object", "properties": {"answer": {"type": "string"}}}
