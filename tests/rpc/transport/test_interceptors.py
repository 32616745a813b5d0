"""Interceptors of the user's go to grpc as they are."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import grpc.aio
from eventually import comes

from gemwire import v1beta
from gemwire.testing import emulator

MODEL = "models/gemini-2.5-flash"
CONTENTS = [{"role": "user", "parts": [{"text": "Why is the sky blue?"}]}]


class AsyncSeen(grpc.aio.UnaryUnaryClientInterceptor):
    def __init__(self) -> None:
        self.methods: list[str] = []

    async def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        self.methods.append(details.method.decode() if isinstance(details.method, bytes) else details.method)
        return await continuation(details, request)


class AsyncStreamSeen(grpc.aio.UnaryStreamClientInterceptor):
    def __init__(self) -> None:
        self.count = 0

    async def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
        self.count += 1
        return await continuation(details, request)


class SyncSeen(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    def __init__(self) -> None:
        self.methods: list[str] = []

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        self.methods.append(details.method)
        return continuation(details, request)

    def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
        self.methods.append(details.method)
        return continuation(details, request)


def test_asyncio_interceptors_see_calls_and_streams() -> None:
    seen, streams = AsyncSeen(), AsyncStreamSeen()

    async def main() -> tuple[int, int]:
        options = {"interceptors": [seen, streams]}
        async with v1beta.GenerativeServiceAsyncClient(client_options=options) as client:
            counted = await client.count_tokens(model=MODEL, contents=CONTENTS)
            stream = await client.stream_generate_content(model=MODEL, contents=CONTENTS)
            return counted.total_tokens, len([chunk async for chunk in stream])

    with emulator():
        tokens, chunks = asyncio.run(main())
    assert tokens > 0
    assert chunks > 3
    assert [m.rpartition("/")[2] for m in seen.methods] == ["CountTokens"]
    assert streams.count == 1


def test_leaving_an_intercepted_stream_ends_it() -> None:
    async def main(gemini: Any) -> None:
        options = {"interceptors": [AsyncStreamSeen()]}
        async with v1beta.GenerativeServiceAsyncClient(client_options=options) as client:
            async for _ in await client.stream_generate_content(model=MODEL, contents=CONTENTS):
                break
            [call] = gemini.calls("StreamGenerateContent")
            assert await asyncio.to_thread(comes, lambda: call.status)
            assert call.status == "CANCELLED"

    with emulator() as gemini:
        gemini.reply("a b c d e f g h " * 20_000, pieces=20_000)
        asyncio.run(main(gemini))


def test_sync_interceptors_see_calls_and_streams() -> None:
    seen = SyncSeen()
    with (
        emulator(),
        v1beta.GenerativeServiceClient(client_options={"interceptors": [seen]}) as client,
    ):
        client.count_tokens(model=MODEL, contents=CONTENTS)
        assert len(list(client.stream_generate_content(model=MODEL, contents=CONTENTS))) > 3
    assert [m.rpartition("/")[2] for m in seen.methods] == ["CountTokens", "StreamGenerateContent"]
