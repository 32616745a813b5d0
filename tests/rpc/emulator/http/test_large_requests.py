"""Requests that are large in one way or another: they are answered, and so is everybody else meanwhile."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.error
import urllib.request
from typing import Any

import grpc
import pytest
from emulator_calls import Caller, emulator

from gemwire_emulator.json_codec.messages import LARGE_BYTES, parse_json

MODEL = "models/gemini-2.5-flash"
PARTS = 600_000


def content(part: bytes, count: int) -> bytes:
    return b'{"contents":[{"role":"user","parts":[' + b",".join([part] * count) + b"]}]}"


def post(url: str, body: bytes) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body), timeout=100) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


async def watch(stalls: list[float]) -> None:
    """Measure what the process does while the loop waits, which all calls share: seconds of the processor.

    On a busy machine, the time that passes would say little.
    """
    while True:
        asleep = time.process_time()
        await asyncio.sleep(0.001)
        stalls.append(time.process_time() - asleep)


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (content(b'{"text":"x","thought":false}', PARTS), 400, "more than 50000 objects and arrays"),
        (content(b'{"text":"x"}', 20_000), 400, "is part 10000 of the request"),
        (b'{"contents":[' + b"[]," * 5_000_000 + b"[]]}", 400, "more than 50000 objects and arrays"),
        (
            content(json.dumps({"text": "wor{d} \n" * 1_500_000}).encode(), 1),
            400,
            "the prompt has 6000001 tokens",
        ),
        (content(b'{"text":"x"}', 9000), 200, ""),
        (content(json.dumps({"text": "word " * 500_000}).encode(), 1), 200, ""),
    ],
    ids=["parts", "fewer parts", "arrays", "tokens", "many parts", "a long text"],
)
def test_other_calls_go_on(body: bytes, status: int, told: str) -> None:
    async def test() -> None:
        async with emulator(http_port=0) as (running, _):
            url = f"{running.http}/v1beta/{MODEL}:generateContent"
            await asyncio.to_thread(post, url, content(b'{"text":"x"}', 1))
            stalls: list[float] = []
            watching = asyncio.ensure_future(watch(stalls))
            found, answer = await asyncio.to_thread(post, url, body)
            watching.cancel()
            assert (found, told in json.dumps(answer)) == (status, True)
            # None was measured if the request was refused before the first look.
            # 0.1 s on a quiet machine; it was 6 s where a body was parsed on the loop.
            assert max(stalls, default=0) < 1.0, sorted(stalls)[-5:]

    asyncio.run(asyncio.wait_for(test(), 100))


def test_large_results_of_functions_are_not_repeated() -> None:
    async def ask(call: Caller, items: int) -> str:
        response = {"rows": [{"a": 1, "b": [2]}] * items}
        parts = [{"function_response": {"name": "f", "response": response}}]
        request: dict[str, Any] = {"model": MODEL, "contents": [{"role": "user", "parts": parts}]}
        answer = await call("GenerateContent", **request)
        text: str = answer.candidates[0].content.parts[0].text
        return text

    async def test() -> None:
        async with emulator() as (_, call):
            assert 'f: {"rows": [{' in await ask(call, 3)
            began = time.monotonic()
            text = await ask(call, 20_000)
            assert text.startswith("Emulated answer from f: ")
            assert "bytes" in text[:60]
            assert time.monotonic() - began < 15

    asyncio.run(asyncio.wait_for(test(), 60))


@pytest.mark.parametrize("rpc", ["GenerateContent", "CountTokens"])
def test_parts_are_limited_over_grpc_too(rpc: str) -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            contents = [{"role": "user", "parts": [{"text": "x"}] * 10_000}]
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call(rpc, model=MODEL, contents=contents)
            assert "is part 10000 of the request" in str(caught.value.details())
            contents[0]["parts"] = [{"text": "x"}] * 9000
            await call(rpc, model=MODEL, contents=contents)

    asyncio.run(asyncio.wait_for(test(), 60))


def test_large_json_is_read_as_small_json_is() -> None:
    data = {"a": [1, -2.5, 1e3, True, None, 'é\u2028\\"'], "b": {"c": {}, "d": []}, "e": "x" * LARGE_BYTES}
    for indent in (None, 2):
        assert parse_json(json.dumps(data, indent=indent)) == data
    for wrong in ('{"a": NaN}', '{"a": 1,}x', "[1 2]", '["\\ud800"]', '{"a" 1}', "["):
        padded = wrong + " " * LARGE_BYTES
        with pytest.raises(Exception, match="Invalid JSON payload received") as large:
            parse_json(padded)
        with pytest.raises(Exception, match="Invalid JSON payload received") as small:
            parse_json(wrong + " ")
        assert str(large.value).splitlines()[0] == str(small.value).splitlines()[0]
