"""The local engine: a real model in a process of its own, downloaded once into the user's cache."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Coroutine, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any, TypeVar

import grpc
import jsonschema
import pytest
from emulator_calls import emulator
from eventually import PATIENCE, comes
from google.protobuf import json_format

from gemwire_emulator.engines import grammars
from gemwire_emulator.engines.local import LocalEngine
from gemwire_emulator.errors import StatusError
from gemwire_proto import v1beta
from gemwire_proto.google.protobuf import struct_pb2

MODEL = "models/gemini-2.5-flash"
SKY = "Why is the sky blue?"
PERSON: dict[str, Any] = {
    "type": "OBJECT",
    "properties": {
        "name": {"type": "STRING"},
        "age": {"type": "INTEGER", "minimum": 0, "maximum": 120},
        "score": {"type": "NUMBER", "minimum": 0.5, "maximum": 0.75},
        "mail": {"type": "STRING", "format": "email"},
        "tags": {"type": "ARRAY", "items": {"type": "STRING", "max_length": 12}, "max_items": 3},
        "kind": {"type": "STRING", "enum": ["cat", "dog"]},
        "note": {"type": "STRING", "nullable": True, "max_length": 20},
    },
    "property_ordering": ["name", "age", "score", "mail", "tags", "kind", "note"],
}
TOOLS: list[dict[str, Any]] = [
    {
        "function_declarations": [
            {
                "name": "get_weather",
                "description": "The weather of a city",
                "parameters": {
                    "type": "OBJECT",
                    "properties": {
                        "city": {"type": "STRING"},
                        "unit": {"type": "STRING", "enum": ["celsius", "fahrenheit"]},
                    },
                    "required": ["city", "unit"],
                },
            },
            {"name": "ring_bell", "description": "Ring the bell"},
        ]
    }
]
T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(work, 110))


@pytest.fixture(scope="module")
def engine() -> Iterator[LocalEngine]:
    made = LocalEngine()
    made.start()
    yield made
    run(made.close())


def asked(text: str = SKY, *, contents: Any = None, **fields: Any) -> Any:
    config = {name: fields.pop(name) for name in list(fields) if name not in _TOP}
    said = contents or [{"role": "user", "parts": [{"text": text}]}]
    return v1beta.GenerateContentRequest(model=MODEL, contents=said, generation_config=config, **fields)


_TOP = ("system_instruction", "tools", "tool_config")


class Said:
    """Everything that an engine gave for a request."""

    def __init__(self, deltas: list[Any]) -> None:
        self.text = "".join(d.text for d in deltas)
        self.pieces = [d.text for d in deltas if d.text]
        self.tokens = sum(d.tokens for d in deltas)
        self.finish = [d.finish for d in deltas if d.finish]
        self.calls = [d.call for d in deltas if d.call is not None]
        self.logprobs = [entry for d in deltas for entry in d.logprobs]
        self.indexes = {d.index for d in deltas}


def answer(engine: LocalEngine, request: Any) -> Said:
    async def collect() -> list[Any]:
        async with aclosing(engine.generate(request)) as deltas:
            return [delta async for delta in deltas]

    return Said(run(collect()))


async def collect_by_candidate(engine: LocalEngine, request: Any) -> dict[int, str]:
    texts: dict[int, str] = {}
    async with aclosing(engine.generate(request)) as deltas:
        async for delta in deltas:
            texts[delta.index] = texts.get(delta.index, "") + delta.text
    return texts


def refused(engine: LocalEngine, request: Any) -> StatusError:
    with pytest.raises(StatusError) as caught:
        answer(engine, request)
    return caught.value


def test_sampling(engine: LocalEngine) -> None:
    first = answer(engine, asked(seed=7, temperature=1.0, max_output_tokens=24))
    again = answer(engine, asked(seed=7, temperature=1.0, max_output_tokens=24))
    other = answer(engine, asked(seed=8, temperature=1.0, max_output_tokens=24))
    assert first.text == again.text != other.text
    assert len(first.pieces) > 10, "it streams"
    greedy = {answer(engine, asked(seed=s, temperature=0.0, max_output_tokens=12)).text for s in (1, 2)}
    assert len(greedy) == 1
    # A turn of a chat: single questions are guided unless they have a seed and a temperature.
    chat = [
        {"role": role, "parts": [{"text": text}]}
        for role, text in (("user", "Hello"), ("model", "Hello! How can I help?"), ("user", SKY))
    ]
    chosen: list[dict[str, Any]] = [{"temperature": 0.0}, {"temperature": 2.0, "top_k": 1}]
    said = [answer(engine, asked(contents=chat, seed=1, max_output_tokens=12, **how)).text for how in chosen]
    assert said[0] == said[1]


def test_the_same_seed_in_company(engine: LocalEngine) -> None:
    async def together() -> list[str]:
        async def one(seed: int) -> str:
            request = asked(seed=seed, temperature=1.0, max_output_tokens=20)
            return "".join([d.text async for d in engine.generate(request)])

        return await asyncio.gather(*map(one, range(6)))

    texts = run(together())
    assert texts[3] == answer(engine, asked(seed=3, temperature=1.0, max_output_tokens=20)).text
    assert len(set(texts)) == 6


def test_it_ends_where_it_should(engine: LocalEngine) -> None:
    cut = answer(engine, asked(max_output_tokens=7))
    assert (cut.tokens, cut.finish) == (7, ["MAX_TOKENS"])
    stopped = answer(engine, asked(seed=1, stop_sequences=["sky", "answer"]))
    assert stopped.finish == ["STOP"]
    assert "sky" not in stopped.text
    assert "answer" not in stopped.text
    several = answer(engine, asked(seed=1, temperature=1.0, candidate_count=3, max_output_tokens=6))
    assert several.indexes == {0, 1, 2}
    assert several.finish == ["MAX_TOKENS"] * 3


def test_logprobs(engine: LocalEngine) -> None:
    said = answer(engine, asked(max_output_tokens=5, temperature=0.0, response_logprobs=True, logprobs=3))
    assert "".join(token for token, _, _ in said.logprobs) == said.text
    assert len(said.logprobs) == 5
    for token, probability, others in said.logprobs:
        assert probability <= 0
        assert others[0] == (token, probability), "the most probable is taken at temperature 0"
        assert [p for _, p in others] == sorted((p for _, p in others), reverse=True)
        assert len(others) == 3


@pytest.mark.parametrize("temperature", [0.0, 1.5])
def test_a_schema_is_kept(engine: LocalEngine, temperature: float) -> None:
    said = answer(
        engine,
        asked(
            "Bob (bob@corp.example) is 44 and has a cat.",
            response_mime_type="application/json",
            response_schema=PERSON,
            temperature=temperature,
            seed=2,
        ),
    )
    value = json.loads(said.text)
    assert said.finish == ["STOP"]
    assert list(value) == PERSON["property_ordering"]
    assert 0 <= value["age"] <= 120
    assert 0.5 <= value["score"] <= 0.75
    assert "@" in value["mail"]
    assert value["kind"] in ("cat", "dog")
    assert len(value["tags"]) <= 3


def test_json_schema_and_references(engine: LocalEngine) -> None:
    schema = {
        "type": "object",
        "properties": {
            "items": {"type": "array", "items": {"$ref": "#/$defs/item"}, "minItems": 2, "maxItems": 2},
            "id": {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{3}$"},
            "size": {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 9}, {"const": "none"}]},
            "more": {"type": ["string", "null"], "format": "gemini-own"},
        },
        "required": ["items", "id", "size", "more"],
        "$defs": {"item": {"type": "object", "properties": {"name": {"type": "string", "maxLength": 20}}}},
    }
    value = json_format.ParseDict(schema, struct_pb2.Value())
    request = asked("Two animals", response_mime_type="application/json", response_json_schema=value, seed=1)
    jsonschema.validate(json.loads(answer(engine, request).text), schema)


def test_json_without_a_schema_and_enums(engine: LocalEngine) -> None:
    found = json.loads(
        answer(engine, asked("Describe a cat", response_mime_type="application/json", seed=1)).text
    )
    assert found
    assert isinstance(found, dict)
    request = asked("I love it", response_mime_type="text/x.enum", response_schema={"enum": ['a "b"', "c|d"]})
    assert answer(engine, request).text in ('a "b"', "c|d")


def test_functions(engine: LocalEngine) -> None:
    (call,) = answer(engine, asked("What is the weather in Tokyo?", tools=TOOLS)).calls
    assert call.name == "get_weather"
    assert call.args["city"] == "Tokyo"
    assert call.args["unit"] in ("celsius", "fahrenheit")
    (call,) = answer(engine, asked("Ring it", tools=TOOLS)).calls
    assert (call.name, dict(call.args)) == ("ring_bell", {})
    assert not answer(engine, asked("Hello!", tools=TOOLS, max_output_tokens=5)).calls
    mode = {"function_calling_config": {"mode": "ANY", "allowed_function_names": ["ring_bell"]}}
    (call,) = answer(engine, asked("The weather in Tokyo?", tools=TOOLS, tool_config=mode)).calls
    assert call.name == "ring_bell"
    turns = [
        {"role": "user", "parts": [{"text": "What is the weather in Tokyo?"}]},
        {"role": "model", "parts": [{"function_call": {"name": "get_weather", "args": {"city": "Tokyo"}}}]},
        {
            "role": "user",
            "parts": [
                {"function_response": {"name": "get_weather", "response": {"degrees": "21", "sky": "clear"}}}
            ],
        },
    ]
    said = answer(engine, asked(contents=turns, tools=TOOLS, seed=1))
    assert not said.calls
    assert "Tokyo" in said.text


def test_turns_and_instructions(engine: LocalEngine) -> None:
    turns = [
        {"role": "user", "parts": [{"text": "My name is Zebulon."}]},
        {"role": "model", "parts": [{"text": "Hello Zebulon."}]},
        {"role": "user", "parts": [{"text": "What is my name?"}]},
    ]
    assert "Zebulon" in answer(engine, asked(contents=turns, temperature=0.0, max_output_tokens=40)).text
    french = {"parts": [{"text": "You answer in French only."}]}
    said = answer(
        engine, asked("Good morning", system_instruction=french, temperature=0.0, max_output_tokens=16)
    )
    assert "Bonjour" in said.text


def test_single_questions_are_guided_and_counted_as_they_are(engine: LocalEngine) -> None:
    for seed in range(8):
        request = asked("What is the capital of France?", seed=seed, max_output_tokens=16)
        assert "Paris" in answer(engine, request).text
    # What the model is shown besides is not in the prompt, and does not reach other requests.
    assert run(engine.count_prompt(asked("What is the capital of France?"))) < 40
    chat = [
        {"role": "user", "parts": [{"text": "Hello"}]},
        {"role": "model", "parts": [{"text": "Hello."}]},
        {"role": "user", "parts": [{"text": "Which capital did I ask about?"}]},
    ]
    assert "Madrid" not in answer(engine, asked(contents=chat, max_output_tokens=24)).text
    # Candidates differ, although the first takes the likeliest tokens.
    found = run(collect_by_candidate(engine, asked("Tell a story", candidate_count=3, max_output_tokens=24)))
    assert len(set(found.values())) > 1


def test_tokens_are_counted_as_the_model_reads_them(engine: LocalEngine) -> None:
    assert engine.count_tokens(["hello world"]) == 2
    assert engine.count_tokens(["hello world", " hello"]) == 3
    assert engine.count_tokens([]) == 0
    count = run(engine.count_prompt(asked(SKY)))
    assert count == 36
    told = engine.language.request_sync(
        "/v1/chat/completions", {"messages": [{"role": "user", "content": SKY}], "max_tokens": 1}
    )
    assert told["usage"]["prompt_tokens"] == count


def test_text_never_becomes_a_special_token(engine: LocalEngine) -> None:
    mark = "<|im_end|>"
    assert engine.count_tokens([mark]) > 1
    plain, marked = (run(engine.count_prompt(asked(text))) for text in ("Say hi", f"Say hi{mark}"))
    assert marked - plain == engine.count_tokens([mark])


def test_what_it_cannot_do_is_refused(engine: LocalEngine) -> None:
    long = refused(engine, asked("word " * 3000))
    assert long.code is grpc.StatusCode.INVALID_ARGUMENT
    assert "3031 tokens" in long.message
    image = [{"role": "user", "parts": [{"inline_data": {"mime_type": "image/png", "data": b"x"}}]}]
    assert "contents[0].parts[0].inline_data" in refused(engine, asked(contents=image)).message
    around = {"type": "STRING", "pattern": "^(?!a)b"}
    held = refused(engine, asked(response_mime_type="application/json", response_schema=around))
    assert held.code is grpc.StatusCode.INVALID_ARGUMENT
    nothing = refused(engine, asked(contents=[{"role": "user", "parts": [{"thought": True, "text": "x"}]}]))
    assert nothing.code is grpc.StatusCode.INVALID_ARGUMENT


def is_busy(engine: LocalEngine) -> bool:
    running = engine.language.start()
    request = urllib.request.Request(f"http://127.0.0.1:{running.port}/slots", headers=running.headers())
    with urllib.request.urlopen(request) as response:
        return any(slot["is_processing"] for slot in json.loads(response.read()))


def processor_seconds(engine: LocalEngine) -> float:
    """Return what the model has cost so far; other work on the machine does not add to it."""
    fields = Path(f"/proc/{engine.language.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def becomes(engine: LocalEngine, busy: bool, within: float = PATIENCE) -> bool:
    """Wait until the model has something to do, or nothing; return whether it came to that."""
    return await asyncio.to_thread(comes, lambda: is_busy(engine) == busy, within)


@pytest.mark.parametrize("text", ["Tell a long story", "Word1 and " * 500])
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_caller_who_leaves_ends_the_work(engine: LocalEngine, text: str) -> None:
    async def leave() -> None:
        async def listen() -> None:
            async for _ in engine.generate(asked(text, seed=5)):
                pass

        task = asyncio.ensure_future(listen())
        assert await becomes(engine, busy=True)
        task.cancel()
        began = time.monotonic()
        await asyncio.gather(task, return_exceptions=True)
        assert time.monotonic() - began < 5, "nobody waits for it"
        used = processor_seconds(engine)
        assert await becomes(engine, busy=False, within=60)
        # All of the prompt would take ten, and the story a minute.
        assert processor_seconds(engine) - used < 5, "it goes on with nobody listening"

    run(leave())


def test_a_client_who_leaves_ends_the_work() -> None:
    async def leave() -> None:
        engine = LocalEngine()
        async with emulator(engine=engine) as (_, call):
            stream = call.stream(
                "StreamGenerateContent", model=MODEL, contents=[{"parts": [{"text": "Tell a long story"}]}]
            )
            await stream.read()
            stream.cancel()
            assert await becomes(engine, busy=False, within=5)

    run(leave())


def test_a_killed_process_is_unavailable_and_then_another(engine: LocalEngine) -> None:
    async def kill() -> None:
        async for _ in engine.generate(asked("Tell a long story", seed=5)):
            os.kill(engine.language.pid or 0, signal.SIGKILL)

    before = engine.language.pid
    with pytest.raises(StatusError) as caught:
        run(kill())
    assert caught.value.code is grpc.StatusCode.UNAVAILABLE
    assert answer(engine, asked(max_output_tokens=3)).tokens == 3
    assert engine.language.pid != before


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_process_ends_with_its_parent() -> None:
    code = (
        "import os, signal\nfrom gemwire_emulator.engines.local import LocalEngine\n"
        "engine = LocalEngine(); engine.start(); print(engine.language.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=False, timeout=60
    )
    worker = Path("/proc", done.stdout.strip())
    assert comes(lambda: not ((worker / "cmdline").exists() and (worker / "cmdline").read_bytes()))


def test_a_file_that_is_no_model(tmp_path: Path) -> None:
    junk = tmp_path / "junk.gguf"
    junk.write_bytes(b"junk")
    for path, why in (
        (junk, "cannot load the model"),
        (tmp_path / "none.gguf", "the model .* does not exist"),
    ):
        engine = LocalEngine(path)
        with pytest.raises(StatusError, match=why) as caught:
            engine.start()
        assert caught.value.code is grpc.StatusCode.FAILED_PRECONDITION
        assert engine.language.pid is None


def test_embeddings_over_grpc() -> None:
    texts = ["How do I bake bread?", "A recipe for a loaf", "The stock market fell today", "word " * 900]

    async def embedded(**fields: Any) -> list[list[float]]:
        async with emulator(engine="local") as (_, call):
            name = "models/gemini-embedding-001"
            requests = [{"model": name, "content": {"parts": [{"text": t}]}, **fields} for t in texts]
            found = await call("BatchEmbedContents", model=name, requests=requests, timeout=100)
            return [list(e.values) for e in found.embeddings]

    for size in (None, 384, 128):
        vectors = run(embedded(**({"output_dimensionality": size} if size else {})))
        assert {len(v) for v in vectors} == {size or 768}
        assert all(abs(sum(x * x for x in v) - 1) < 1e-4 for v in vectors)
        bread, loaf, market = vectors[:3]
        related, unrelated = (
            sum(x * y for x, y in zip(bread, other, strict=True)) for other in (loaf, market)
        )
        assert related > 0.5
        assert unrelated < 0.3


def test_over_grpc() -> None:
    async def use() -> None:
        async with emulator(engine="local") as (_, call):
            model = "models/gemini-2.0-flash"
            said: dict[str, Any] = {"model": model, "contents": [{"parts": [{"text": SKY}]}]}
            config = {"max_output_tokens": 8, "response_logprobs": True, "logprobs": 2, "seed": 1}
            response = await call("GenerateContent", **said, generation_config=config, timeout=100)
            counted = await call("CountTokens", **said)
            assert response.usage_metadata.prompt_token_count == counted.total_tokens == 36
            assert response.usage_metadata.candidates_token_count == 8
            assert response.model_version == "smollm2-135m-instruct.q4_1"
            chosen = response.candidates[0].logprobs_result.chosen_candidates
            assert "".join(c.token for c in chosen) == response.candidates[0].content.parts[0].text

    run(use())


def test_grammars_end_what_schemas_leave_open() -> None:
    made = grammars.grammar_from_schema(
        {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "string"}}}}
    )
    held = json.loads(made.partition("%json ")[2])
    assert held["required"] == ["a"]
    assert held["properties"]["a"]["maxItems"] > 0
    assert held["properties"]["a"]["items"]["maxLength"] > 0
    with pytest.raises(ValueError, match="has a lookaround"):
        grammars.grammar_from_schema({"type": "string", "pattern": "a(?=b)"})
