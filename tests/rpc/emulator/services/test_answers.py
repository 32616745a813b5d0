"""Answers that exercise programs: thoughts and signatures, code execution, grounding, media, embeddings."""

from __future__ import annotations

import asyncio
import json
import math
import re
import urllib.request
from collections.abc import Coroutine
from typing import Any

import pytest
from emulator_calls import emulator

from gemwire_emulator.engines.canned import Reply
from gemwire_proto import v1beta

TOOL = {"function_declarations": [{"name": "get_weather", "description": "The weather of a city."}]}
CODE: list[dict[str, Any]] = [{"code_execution": {}}]


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 120))


def asked(text: str, model: str = "gemini-2.5-flash", **fields: Any) -> dict[str, Any]:
    contents = fields.pop("contents", [{"role": "user", "parts": [{"text": text}]}])
    return {"model": f"models/{model}", "contents": contents, **fields}


def thinking(**config: Any) -> dict[str, Any]:
    return {"generation_config": {"thinking_config": config}}


def text_of(candidate: Any) -> str:
    return "".join(part.text for part in candidate.content.parts if not part.thought)


def test_thoughts_come_first_and_count() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            plain = await call("GenerateContent", **asked("Why?"))
            assert plain.usage_metadata.thoughts_token_count == 0
            answer = await call("GenerateContent", **asked("Why?", **thinking(include_thoughts=True)))
            first, *others = answer.candidates[0].content.parts
            assert first.thought
            assert "Emulated thought" in first.text
            assert not any(part.thought for part in others)
            assert others[-1].thought_signature
            assert text_of(answer.candidates[0]) == text_of(plain.candidates[0])
            usage = answer.usage_metadata
            assert usage.thoughts_token_count > 10
            assert usage.candidates_token_count == plain.usage_metadata.candidates_token_count
            assert usage.total_token_count == (
                usage.prompt_token_count + usage.thoughts_token_count + usage.candidates_token_count
            )
            assert answer.candidates[0].token_count == usage.candidates_token_count
            # Counted, but not shown.
            hidden = await call("GenerateContent", **asked("Why?", **thinking(thinking_budget=-1)))
            assert not any(part.thought for part in hidden.candidates[0].content.parts)
            assert hidden.usage_metadata.thoughts_token_count == usage.thoughts_token_count
            short = await call(
                "GenerateContent", **asked("Why?", **thinking(thinking_budget=5, include_thoughts=True))
            )
            assert short.usage_metadata.thoughts_token_count == 5
            for model, config in (
                ("gemini-2.5-flash", {"include_thoughts": True, "thinking_budget": 0}),
                ("gemini-2.0-flash", {"include_thoughts": True}),
            ):
                none = await call("GenerateContent", **asked("Why?", model, **thinking(**config)))
                assert none.usage_metadata.thoughts_token_count == 0
                assert not any(part.thought for part in none.candidates[0].content.parts)

    run(test())


def test_streams_have_thoughts_before_text() -> None:
    async def test() -> None:
        async with emulator(replies=[Reply("Because.", pieces=3)]) as (_, call):
            chunks = [
                chunk
                async for chunk in call.stream(
                    "StreamGenerateContent", **asked("Why?", **thinking(include_thoughts=True))
                )
            ]
            parts = [part for chunk in chunks for part in chunk.candidates[0].content.parts]
            flags = [part.thought for part in parts]
            assert flags == sorted(flags, reverse=True)
            assert flags.count(True) == 2
            assert "".join(part.text for part in parts if not part.thought) == "Because."
            assert [bool(part.thought_signature) for part in parts[-2:]] == [False, True]
            counts = [chunk.usage_metadata.thoughts_token_count for chunk in chunks]
            assert counts == sorted(counts)
            assert counts[-1] > 0
            assert chunks[-1].usage_metadata.candidates_tokens_details[0].modality == 1

    run(test())


def test_signatures_must_come_back_unchanged() -> None:
    question = {"role": "user", "parts": [{"text": "What is the weather in Oslo?"}]}
    result = {"role": "user", "parts": [{"function_response": {"name": "get_weather", "response": {}}}]}

    async def test() -> None:
        async with emulator() as (_, call):
            for model in ("gemini-3.8-flash", "gemini-2.5-flash"):
                config = {} if model.startswith("gemini-3") else thinking(include_thoughts=True)
                first = await call(
                    "GenerateContent", **asked("", model, contents=[question], tools=[TOOL], **config)
                )
                said = first.candidates[0].content
                assert said.parts[-1].function_call.name == "get_weather"
                assert said.parts[-1].thought_signature
                contents = [question, said, result]
                again = await call("GenerateContent", **asked("", model, contents=contents, tools=[TOOL]))
                assert again.candidates[0].finish_reason == 1
                changed = v1beta.Content()
                changed.CopyFrom(said)
                changed.parts[-1].function_call.name = "get_time"
                refused = await call.refused(
                    "GenerateContent", **asked("", model, contents=[question, changed, result])
                )
                where = f"contents[1].parts[{len(said.parts) - 1}].thought_signature"
                assert (refused.code, refused.fields) == ("INVALID_ARGUMENT", [where])
                changed.CopyFrom(said)
                changed.parts[-1].ClearField("thought_signature")
                unsigned = asked("", model, contents=[question, changed, result])
                if model.startswith("gemini-3"):
                    refused = await call.refused("GenerateContent", **unsigned)
                    assert "is missing a thought_signature" in refused.message
                    # Of an earlier turn, it may be missing.
                    assert await call(
                        "GenerateContent",
                        **asked("", model, contents=[question, changed, result, question]),
                    )
                else:
                    assert await call("GenerateContent", **unsigned)

    run(test())


def test_code_is_run() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            text = "What is the sum of the first 50 prime numbers? Generate and run code for the calculation."
            answer = await call("GenerateContent", **asked(text, tools=CODE))
            code, result, last = answer.candidates[0].content.parts
            assert code.executable_code.language == v1beta.ExecutableCode.Language.PYTHON
            assert "prime" in code.executable_code.code
            assert result.code_execution_result.outcome == 1
            assert result.code_execution_result.output.endswith("5117\n")
            assert "5117" in last.text
            assert answer.usage_metadata.candidates_token_count > 50
            streamed = [
                part.WhichOneof("data")
                async for chunk in call.stream("StreamGenerateContent", **asked("2 + 2?", tools=CODE))
                for part in chunk.candidates[0].content.parts
            ]
            assert streamed[:3] == ["executable_code", "code_execution_result", "text"]
            failed = await call("GenerateContent", **asked("What is 1 / 0?", tools=CODE))
            found = failed.candidates[0].content.parts[1].code_execution_result
            assert (found.outcome, "ZeroDivisionError" in found.output) == (2, True)
            for fields in (
                asked("Hello", tools=CODE),
                asked("2 + 2?"),
                asked("The weather of 2 + 2 cities?", tools=[*CODE, TOOL]),
            ):
                answer = await call("GenerateContent", **fields)
                kinds = {part.WhichOneof("data") for part in answer.candidates[0].content.parts}
                assert not kinds & {"executable_code", "code_execution_result"}

    run(test())


@pytest.mark.parametrize("rpc", ["GenerateContent", "StreamGenerateContent"])
def test_searches_ground_answers_in_made_up_sources(rpc: str) -> None:
    async def ask(call: Any, **fields: Any) -> Any:
        if rpc == "GenerateContent":
            return (await call(rpc, **fields)).candidates[0]
        whole = v1beta.Candidate()
        async for chunk in call.stream(rpc, **fields):
            whole.MergeFrom(chunk.candidates[0])
        return whole

    async def test() -> None:
        async with emulator(replies=[Reply("Spain won. It was 2-1 — really.", pieces=4)]) as (_, call):
            web = await ask(call, **asked("Who <won>?", tools=[{"google_search": {}}]))
            metadata, text = web.grounding_metadata, text_of(web).encode()
            assert list(metadata.web_search_queries) == ["Who <won>?"]
            assert "<won>" not in metadata.search_entry_point.rendered_content
            for chunk in metadata.grounding_chunks:
                assert chunk.web.uri.startswith("https://example.com/emulated-search/")
                assert "Emulated" in chunk.web.title
            assert len(metadata.grounding_supports) == 2
            for support in metadata.grounding_supports:
                segment = support.segment
                assert text[segment.start_index : segment.end_index].decode() == segment.text
                assert all(i < len(metadata.grounding_chunks) for i in support.grounding_chunk_indices)
            maps = await ask(call, **asked("Where?", tools=[{"google_maps": {"enable_widget": True}}]))
            assert maps.grounding_metadata.google_maps_widget_context_token
            assert {chunk.WhichOneof("chunk_type") for chunk in maps.grounding_metadata.grounding_chunks} == {
                "maps"
            }
            assert not maps.grounding_metadata.web_search_queries
            for threshold, searched in ((0.3, True), (0.9, False)):
                dynamic = {"mode": "MODE_DYNAMIC", "dynamic_threshold": threshold}
                tool = {"google_search_retrieval": {"dynamic_retrieval_config": dynamic}}
                old = await ask(call, **asked("Who?", "gemini-1.5-flash", tools=[tool]))
                assert bool(old.grounding_metadata.grounding_chunks) is searched
                retrieval = old.grounding_metadata.retrieval_metadata
                assert retrieval.google_search_dynamic_retrieval_score == 0.5
            assert not (await ask(call, **asked("Who?"))).HasField("grounding_metadata")

    run(test())


def test_pictures_and_speech() -> None:
    async def test() -> None:
        async with emulator(replies=[Reply("A cat sleeps.", pieces=3)]) as (_, call):
            answer = await call("GenerateContent", **asked("A cat", "gemini-2.5-flash-image"))
            said, picture = answer.candidates[0].content.parts
            assert said.text == "A cat sleeps."
            assert picture.inline_data.mime_type == "image/png"
            assert picture.inline_data.data.startswith(b"\x89PNG")
            details = {d.modality: d.token_count for d in answer.usage_metadata.candidates_tokens_details}
            assert details[2] == 1290
            assert sum(details.values()) == answer.usage_metadata.candidates_token_count
            only = {"generation_config": {"response_modalities": ["IMAGE"]}}
            answer = await call("GenerateContent", **asked("A cat", "gemini-2.5-flash-image", **only))
            [picture] = answer.candidates[0].content.parts
            assert picture.inline_data.data
            aloud = {"generation_config": {"response_modalities": ["AUDIO"]}}
            for model in ("gemini-2.5-flash-preview-tts", "gemini-2.5-flash"):
                answer = await call("GenerateContent", **asked("Say it", model, **aloud))
                [speech] = answer.candidates[0].content.parts
                assert speech.inline_data.mime_type == "audio/L16;codec=pcm;rate=24000"
                assert len(speech.inline_data.data) == 2 * sum(
                    int(n * 0.06 * 24_000) for n in map(len, ("A cat", " slee", "ps."))
                )
                assert answer.usage_metadata.candidates_tokens_details[0].modality == 4

    run(test())


def test_embeddings_of_any_size_and_of_media() -> None:
    def of(model: str, *parts: Any, size: int = 0) -> dict[str, Any]:
        return {
            "model": f"models/{model}",
            "content": {"parts": list(parts)},
            "output_dimensionality": size,
        }

    def dot(a: Any, b: Any) -> float:
        return math.fsum(x * y for x, y in zip(a, b, strict=True))

    async def test() -> None:
        async with emulator() as (_, call):
            for text in ("Hello", "!?", "🙂", " ", "a", "The quick brown fox " * 20):
                for size in (1, 2, 8, 100, 768, 1000, 3072):
                    found = await call(
                        "EmbedContent", **of("gemini-embedding-001", {"text": text}, size=size)
                    )
                    values = found.embedding.values
                    assert len(values) == size
                    assert math.isclose(dot(values, values), 1, rel_tol=1e-4), (text, size)
            pdf = {"inline_data": {"mime_type": "application/pdf", "data": b"%PDF" + bytes(range(256)) * 40}}
            other = {"inline_data": {"mime_type": "image/png", "data": b"\x89PNG" + bytes(9000)}}
            vectors = [
                (await call("EmbedContent", **of("gemini-embedding-2", *parts))).embedding.values
                for parts in ((pdf,), (pdf,), (other,), (pdf, {"text": "A title"}))
            ]
            assert vectors[0] == vectors[1]
            assert abs(dot(vectors[0], vectors[2])) < 0.5
            assert 0.5 < dot(vectors[0], vectors[3]) < 0.95
            refused = await call.refused("EmbedContent", **of("gemini-embedding-001", pdf))
            assert refused.fields == ["content.parts[0].inline_data"]
            refused = await call.refused(
                "EmbedContent", **of("gemini-embedding-001", {"text": "a"}, size=3073)
            )
            assert refused.fields == ["output_dimensionality"]
            missing = {"file_data": {"file_uri": "files/none"}}
            refused = await call.refused("EmbedContent", **of("gemini-embedding-2", missing))
            assert refused.code == "PERMISSION_DENIED"

    run(test())


def post(running: Any, path: str, body: object) -> str:
    data = json.dumps(body).encode()
    request = urllib.request.Request(
        f"{running.http}/v1beta/{path}", data, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as response:
        text: str = response.read().decode()
    return text


def test_whole_numbers_in_arguments_are_written_as_such() -> None:
    properties = {"age": {"type": "integer", "minimum": 35, "maximum": 35}, "share": {"type": "number"}}
    tool = {"name": "save", "parametersJsonSchema": {"type": "object", "properties": properties}}
    body = {
        "contents": [{"parts": [{"text": "Save"}]}],
        "tools": [{"functionDeclarations": [tool]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY"}},
    }

    async def test() -> None:
        async with emulator(http_port=0) as (running, _):
            text = await asyncio.to_thread(post, running, "models/gemini-2.5-flash:generateContent", body)
            assert re.search(r'"age": ?35[,}]', text), text
            [part] = json.loads(text)["candidates"][0]["content"]["parts"]
            assert isinstance(part["functionCall"]["args"]["share"], float)

    run(test())


def test_answers_have_the_order_of_the_schema() -> None:
    names = ["zebra", "apple", "mango", "properties", "banana"]
    inner = {"type": "object", "properties": {"y": {"type": "string"}, "x": {"type": "string"}}}
    schema = {
        "type": "object",
        "properties": {n: inner if n == "mango" else {"type": "string"} for n in names},
    }
    chosen = {**schema, "propertyOrdering": ["banana", *names[:-1]]}

    async def test() -> None:
        async with emulator(http_port=0) as (running, _):
            for given, expected in ((schema, names), (chosen, ["banana", *names[:-1]])):
                config = {"responseMimeType": "application/json", "responseJsonSchema": given}
                body = {"contents": [{"parts": [{"text": "Hi"}]}], "generationConfig": config}
                text = await asyncio.to_thread(post, running, "models/gemini-2.5-flash:generateContent", body)
                answer = json.loads(json.loads(text)["candidates"][0]["content"]["parts"][0]["text"])
                assert list(answer) == expected
                assert list(answer["mango"]) == ["y", "x"]

    run(test())


NUMBERS = {"type": "OBJECT", "properties": {"a": {"type": "INTEGER"}, "b": {"type": "INTEGER"}}}
FUNCTIONS = [
    {"name": "divide_integers", "description": "Divide two integers.", "parameters": NUMBERS},
    {
        "name": "get_weather",
        "parameters": {
            "type": "OBJECT",
            "properties": {
                "city": {"type": "STRING"},
                "unit": {"type": "STRING", "enum": ["celsius", "kelvin"]},
            },
        },
    },
]


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("what is the result of 1000/2?", [("divide_integers", {"a": 1000, "b": 2})]),
        ("Divide 1,234 by 2", [("divide_integers", {"a": 1234, "b": 2})]),
        (
            "What is 6/3? And what is the weather in New York, in Kelvin?",
            [("divide_integers", {"a": 6, "b": 3}), ("get_weather", {"city": "New York", "unit": "kelvin"})],
        ),
        ("Hello there", []),
        ("What is 1/2/3?", []),
    ],
)
def test_calls_take_arguments_from_the_prompt(text: str, calls: list[Any]) -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            answer = await call(
                "GenerateContent", **asked(text, tools=[{"function_declarations": FUNCTIONS}])
            )
            parts = answer.candidates[0].content.parts
            made = [(p.function_call.name, dict(p.function_call.args)) for p in parts if p.function_call.name]
            assert made == calls

    run(test())


def test_live_sessions_think_and_run_code() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            session = call.bidi("BidiGenerateContent")
            setup = {
                "model": "models/gemini-2.5-flash",
                "tools": CODE,
                "generation_config": {"thinking_config": {"include_thoughts": True}},
            }
            message = v1beta.BidiGenerateContentClientMessage
            await session.write(message(setup=setup))
            turn = {"role": "user", "parts": [{"text": "What is 6 * 7?"}]}
            await session.write(message(client_content={"turns": [turn], "turn_complete": True}))
            await session.done_writing()
            parts, usage = [], None
            async for one in session:
                parts += one.server_content.model_turn.parts
                if one.server_content.turn_complete:
                    usage = one.usage_metadata
            assert parts[0].thought
            assert [p.code_execution_result.output for p in parts if p.HasField("code_execution_result")] == [
                "42\n"
            ]
            assert usage is not None
            assert usage.thoughts_token_count > 0

    run(test())
