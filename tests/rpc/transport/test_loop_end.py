"""Event loops that end while streams are open: the calls end at the server, and nothing is logged."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
import uvloop
from eventually import PATIENCE, comes
from scripted_grpc_server import Loopback
from scripted_http_server import Request, WebServer, Wire

from gemwire import v1beta

CHUNK = v1beta.GenerateContentResponse(model_version="m")
Ending = Callable[[Coroutine[Any, Any, object]], object]


def close_only(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, object]) -> object:
    """Run as programs do that close their loop and nothing else."""
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()


ENDINGS: dict[str, Ending] = {
    "run": asyncio.run,
    "close": lambda work: close_only(asyncio.new_event_loop(), work),
    "uvloop": uvloop.run,
    "uvloop close": lambda work: close_only(uvloop.new_event_loop(), work),
}


@pytest.fixture(params=ENDINGS)
def end_with(request: pytest.FixtureRequest) -> Ending:
    """A way to run something on a loop of its own."""
    return ENDINGS[request.param]


async def hold(client: Any) -> Any:
    return await client.stream_generate_content(model="models/m")


async def iterate(client: Any) -> Any:
    messages = (await hold(client)).__aiter__()
    assert await messages.__anext__() == CHUNK
    return messages


async def watch(client: Any) -> Any:
    stream = await client.stream_generate_content(model="models/m", idle_timeout=60)
    messages = stream.__aiter__()
    assert await messages.__anext__() == CHUNK
    return messages


async def open_bidi(client: Any) -> Any:
    stream = await client.bidi_generate_content()
    await stream.write({"setup": {"model": "models/m"}})
    assert await stream.read()
    return stream


@pytest.fixture
def _quiet(server: Loopback, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing is logged, and what grpc.aio logs on the loop after one that was only closed stays here."""
    yield
    assert not caplog.records
    with caplog.at_level(logging.CRITICAL, "asyncio"):
        asyncio.run(_drain())
    caplog.clear()


async def _drain() -> None:
    async with v1beta.ModelServiceAsyncClient() as client:
        await client.get_model(name="models/m")


@pytest.mark.usefixtures("_quiet")
@pytest.mark.parametrize("use", [hold, iterate, watch, open_bidi])
def test_over_grpc(end_with: Ending, server: Loopback, use: Callable[[Any], Any]) -> None:
    server.on("StreamGenerateContent", [CHUNK, 60.0])
    server.on("BidiGenerateContent", [v1beta.BidiGenerateContentServerMessage(setup_complete={}), 60.0])
    client = v1beta.GenerativeServiceAsyncClient()
    stream = end_with(use(client))
    assert server.idle()
    del stream, client
    gc.collect()


def test_a_loop_that_ends_in_order_leaves_nothing_to_the_next(
    server: Loopback, caplog: pytest.LogCaptureFixture
) -> None:
    server.on("StreamGenerateContent", [CHUNK, 60.0])
    client = v1beta.GenerativeServiceAsyncClient()
    for _ in range(3):
        stream = asyncio.run(hold(client))
        assert server.idle()
        asyncio.run(_drain())
        del stream
    assert not caplog.records


@pytest.mark.usefixtures("_quiet")
# The sockets of a loop that was only closed are closed by the garbage collector.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("use", [hold, iterate, watch])
def test_over_rest(end_with: Ending, use: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    gone: list[float | None] = []

    def answer(_: Request, wire: Wire) -> bool:
        wire.events()
        wire.chunk(b"data: " + json.dumps({"modelVersion": "m"}).encode() + b"\r\n\r\n")
        gone.append(wire.gone(PATIENCE))
        return False

    web = WebServer()
    web.on(answer)
    monkeypatch.setenv("GEMINI_EMULATOR_HTTP_HOST", web.address)
    client = v1beta.GenerativeServiceAsyncClient(transport="rest_asyncio")
    stream = end_with(use(client))
    assert comes(lambda: gone)
    assert gone[0] is not None, "the connection stayed open"
    del stream, client
    gc.collect()
    web.stop()
