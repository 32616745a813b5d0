"""Bidirectional calls over WebSockets: what they give, how they end, and that they end on the server."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from eventually import comes
from scripted_grpc_server import Api

from gemwire import errors, v1beta
from gemwire.testing import RunningEmulator

_SETUP = {"setup": {"model": "models/gemini-2.0-flash-live-001"}}
_ASK = {"client_content": {"turns": [{"role": "user", "parts": [{"text": "Hi"}]}], "turn_complete": True}}


@pytest.fixture(scope="module")
def emulated() -> Iterator[RunningEmulator]:
    made = RunningEmulator(http_port=0)
    yield made
    made.stop()


@pytest.fixture
def gemini(emulated: RunningEmulator, monkeypatch: pytest.MonkeyPatch) -> RunningEmulator:
    emulated.reset()
    monkeypatch.setenv("GEMINI_EMULATOR_HOST", emulated.address)
    monkeypatch.setenv("GEMINI_EMULATOR_HTTP_HOST", emulated.http.removeprefix("http://"))
    return emulated


@pytest.fixture
def rest(api: Api, gemini: RunningEmulator) -> Any:
    return api.client(transport="rest_asyncio" if api.is_async else "rest")


def _begin(api: Api, client: Any, **arguments: Any) -> Any:
    stream = api(client.bidi_generate_content(**arguments))
    api(stream.write(_SETUP))
    assert api(stream.read()).HasField("setup_complete")
    return stream


def _answer(api: Api, stream: Any) -> str:
    api(stream.write(_ASK))
    said = ""
    while not (message := api(stream.read())).server_content.turn_complete:
        said += "".join(part.text for part in message.server_content.model_turn.parts)
    return said


def _quiet(api: Api, gemini: RunningEmulator) -> bool:
    """Whether all sessions end on the server, while the loop goes on."""

    def ended() -> bool:
        return comes(lambda: all(call.status is not None for call in gemini.calls()))

    return bool(api(asyncio.to_thread(ended)) if api.is_async else ended())


def test_turns(api: Api, gemini: RunningEmulator, rest: Any) -> None:
    stream = _begin(api, rest)
    assert "Hi" in _answer(api, stream)
    assert "Hi" in _answer(api, stream)
    stream.cancel()
    assert _quiet(api, gemini)
    [call] = gemini.calls()
    assert (call.front, len(call.requests)) == ("websocket", 3)
    assert "content-type" not in call.metadata
    assert str(call.metadata["x-goog-api-client"]).startswith("gl-python/")


def test_an_iterable_is_sent(api: Api, gemini: RunningEmulator, rest: Any) -> None:
    stream = api(rest.bidi_generate_content([_SETUP, _ASK]))
    while not api(stream.read()).server_content.turn_complete:
        pass
    stream.cancel()
    assert _quiet(api, gemini)


@pytest.mark.parametrize(
    ("first", "kind", "words"),
    [
        (
            {"setup": {"model": "models/none"}},
            errors.FailedPrecondition,
            "code 1008: models/none is not found",
        ),
        (_ASK, errors.InvalidArgument, "code 1007: . setup: must be the first message"),
    ],
)
def test_an_error_says_why_the_session_ended(
    api: Api, rest: Any, first: Any, kind: type[Exception], words: str
) -> None:
    stream = api(rest.bidi_generate_content())
    api(stream.write(first))
    with pytest.raises(kind, match=words):
        api(stream.read())
    with pytest.raises(errors.Cancelled, match="the call has ended"):
        api(stream.write(_ASK))


def test_a_broken_connection_is_unavailable(api: Api, gemini: RunningEmulator, rest: Any) -> None:
    gemini.fail(method="BidiGenerateContent", disconnect=True, after_messages=3)
    stream = _begin(api, rest)
    with pytest.raises(errors.Unavailable, match="the connection broke"):
        _answer(api, stream)


def test_the_deadline_ends_a_session(api: Api, gemini: RunningEmulator, rest: Any) -> None:
    stream = _begin(api, rest, timeout=0.5)
    with pytest.raises(errors.DeadlineExceeded):
        api(stream.read())
    assert _quiet(api, gemini)


def test_an_idle_session_is_ended(api: Api, gemini: RunningEmulator, rest: Any) -> None:
    stream = _begin(api, rest, idle_timeout=0.2)
    with pytest.raises(errors.DeadlineExceeded, match="idle"):
        api(stream.read())
    assert _quiet(api, gemini)


def test_a_reader_is_cancelled_by_another_thread(api: Api, gemini: RunningEmulator, rest: Any) -> None:
    stream = _begin(api, rest)
    timer = threading.Timer(0.1, stream.cancel)
    timer.start()
    with pytest.raises(errors.Cancelled):
        api(stream.read())
    with pytest.raises(errors.Cancelled):
        api(stream.write(_ASK))
    timer.join()
    assert _quiet(api, gemini)


def test_a_dropped_stream_ends_on_the_server(api: Api, gemini: RunningEmulator, rest: Any) -> None:
    stream = _begin(api, rest)
    del stream
    gc.collect()
    assert _quiet(api, gemini)


def test_closing_the_client_ends_sessions(api: Api, gemini: RunningEmulator, rest: Any) -> None:
    stream = _begin(api, rest)
    api(rest.close())
    with pytest.raises(errors.Cancelled):
        api(stream.read())
    assert _quiet(api, gemini)


def test_a_task_that_is_cancelled_can_read_on(gemini: RunningEmulator) -> None:
    async def main() -> None:
        async with (
            v1beta.GenerativeServiceAsyncClient(transport="rest_asyncio") as client,
            await client.bidi_generate_content() as stream,
        ):
            await stream.write(_SETUP)
            assert await stream.read()
            reading = asyncio.create_task(stream.read())
            await asyncio.sleep(0)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            await stream.write(_ASK)
            message = await stream.read()
            assert message is not None
            assert message.HasField("server_content")

    asyncio.run(main())


@contextlib.contextmanager
def _mute() -> Iterator[str]:
    """A server that accepts connections, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def test_a_mute_server_does_not_hang_a_session(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    with _mute() as address:
        monkeypatch.setenv("GEMINI_EMULATOR_HTTP_HOST", address)
        client = api.client(transport="rest_asyncio" if api.is_async else "rest")
        stream = api(client.bidi_generate_content(timeout=1))
        with pytest.raises(errors.DeadlineExceeded):
            api(stream.read())
        api(client.close())


def test_a_server_without_websockets_is_named(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n")
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer, args=(listener,))
        thread.start()
        monkeypatch.setenv("GEMINI_EMULATOR_HTTP_HOST", f"127.0.0.1:{listener.getsockname()[1]}")
        client = api.client(transport="rest_asyncio" if api.is_async else "rest")
        stream = api(client.bidi_generate_content())
        with pytest.raises(errors.PermissionDenied, match="HTTP 403 Forbidden instead of an open WebSocket"):
            api(stream.read())
        thread.join()


@pytest.mark.parametrize("blocked", [False, True])
def test_auto_takes_a_websocket_where_grpc_is_blocked(
    api: Api, gemini: RunningEmulator, monkeypatch: pytest.MonkeyPatch, blocked: bool
) -> None:
    with _mute() as address:
        if blocked:
            monkeypatch.setenv("GEMINI_EMULATOR_HOST", address)
        client = api.client(transport="auto")
        for _ in range(2):
            stream = _begin(api, client, timeout=60)
            assert "Hi" in _answer(api, stream)
            stream.cancel()
        assert {call.front for call in gemini.calls()} == {"websocket" if blocked else "grpc"}
        api(client.close())


def test_a_large_frame_is_refused(api: Api, gemini: RunningEmulator) -> None:
    gemini.reply("x" * 100_000, pieces=1)
    name = "rest_asyncio" if api.is_async else "rest"
    client = api.client(transport=name, client_options={"max_response_size": 50_000})
    stream = _begin(api, client)
    with pytest.raises(errors.ResourceExhausted):
        _answer(api, stream)
