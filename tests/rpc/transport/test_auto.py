"""gRPC unless it is blocked, then REST: against servers that let the one or the other through."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from eventually import PATIENCE
from scripted_grpc_server import Api, Fail, Loopback
from scripted_http_server import WebServer, failure, reply, stream

from gemwire import errors
from gemwire_proto import v1beta as pb

_MODEL = "models/m"
_SEVEN = {"totalTokens": 7}


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    made = WebServer()
    made.on(reply(_SEVEN))
    monkeypatch.setenv("GEMINI_EMULATOR_HTTP_HOST", made.address)
    yield made
    made.stop()


class _Blocked:
    """A port on which gRPC gets nowhere.

    ``silent`` takes connections and says nothing, ``http`` answers like a proxy, ``closed`` hangs up.
    """

    def __init__(self, how: str) -> None:
        self._how = how
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._held: list[socket.socket] = []
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while True:
            sock, _ = self._listener.accept()
            self._held.append(sock)
            if self._how == "stop":
                return
            if self._how == "http":
                with contextlib.suppress(OSError):
                    sock.sendall(b"HTTP/1.1 400 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            if self._how != "silent":
                sock.close()

    def stop(self) -> None:
        self._how = "stop"
        socket.create_connection(self._listener.getsockname()).close()
        self._thread.join()
        for sock in (*self._held, self._listener):
            sock.close()


@pytest.fixture(params=["silent", "http", "closed"])
def blocked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    made = _Blocked(request.param)
    monkeypatch.setenv("GEMINI_EMULATOR_HOST", made.address)
    yield made.address
    made.stop()


def test_grpc_where_it_works(
    server: Loopback,
    web: WebServer,
    api: Api,
    caplog: pytest.LogCaptureFixture,
    new_threads: Callable[[str], list[str]],
) -> None:
    client = api.client(transport="auto")
    server.on("CountTokens", pb.CountTokensResponse(total_tokens=1))
    server.on("StreamGenerateContent", [pb.GenerateContentResponse(), pb.GenerateContentResponse()])
    assert api(client.count_tokens(model=_MODEL)).total_tokens == 1
    assert len(api.list(api(client.stream_generate_content(model=_MODEL)))) == 2
    assert client.transport.kind == "auto"
    assert not web.requests
    assert not new_threads("gemwire-http")
    assert not caplog.records


def test_a_stream_comes_first(server: Loopback, web: WebServer, api: Api) -> None:
    client = api.client(transport="auto")
    server.on("StreamGenerateContent", [pb.GenerateContentResponse(), pb.GenerateContentResponse()])
    arriving = api(client.stream_generate_content(model=_MODEL))
    assert len(api.list(arriving)) == 2
    assert api(arriving.trailing_metadata()) == []
    endless = [pb.GenerateContentResponse(), 5, pb.GenerateContentResponse()]
    server.on("StreamGenerateContent", endless)
    other = api.client(transport="auto")
    arriving = api(other.stream_generate_content(model=_MODEL))
    assert arriving.cancel()
    with pytest.raises(errors.Cancelled):
        api.list(arriving)
    assert server.idle()
    assert not web.requests


def test_errors_of_grpc_are_no_reason(server: Loopback, web: WebServer, api: Api) -> None:
    client = api.client(transport="auto")
    server.on("CountTokens", Fail("UNAVAILABLE"))
    with pytest.raises(errors.Unavailable):
        api(client.count_tokens(model=_MODEL, retry=None))
    assert len(server.calls("CountTokens")) == 1
    assert not web.requests


def test_rest_where_grpc_is_blocked(
    blocked: str, web: WebServer, api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    client = api.client(transport="auto")
    assert api(client.count_tokens(model=_MODEL, timeout=PATIENCE)).total_tokens == 7
    began = time.monotonic()
    for _ in range(3):
        assert api(client.count_tokens(model=_MODEL, timeout=PATIENCE)).total_tokens == 7
    # Of a server that is silent, one decision takes three.
    assert time.monotonic() - began < 3
    assert len(web.requests) == 4
    (record,) = [r for r in caplog.records if r.name == "gemwire"]
    assert record.levelno == logging.WARNING
    assert "no HTTP/2 connection but answers HTTP/1.1" in record.getMessage()
    assert blocked in record.getMessage()


def test_a_stream_goes_over_rest(blocked: str, web: WebServer, api: Api) -> None:
    web.on(stream({"modelVersion": "a"}, {"modelVersion": "b"}))
    client = api.client(transport="auto")
    for _ in range(2):
        arriving = api(client.stream_generate_content(model=_MODEL, timeout=PATIENCE))
        assert [m.model_version for m in api.list(arriving)] == ["a", "b"]
    assert len(web.requests) == 2


def test_an_error_of_the_api_settles_it_too(blocked: str, web: WebServer, api: Api, caplog: Any) -> None:
    web.on(failure(404, "NOT_FOUND"))
    client = api.client(transport="auto")
    for _ in range(2):
        with pytest.raises(errors.NotFound):
            api(client.count_tokens(model=_MODEL, timeout=PATIENCE))
    assert len([r for r in caplog.records if r.name == "gemwire"]) == 1


def test_a_call_that_may_have_arrived_is_not_sent_again(
    blocked: str, web: WebServer, api: Api, caplog: Any
) -> None:
    web.on(lambda *_: False)
    client = api.client(transport="auto")
    with pytest.raises(errors.Unavailable, match="the connection broke"):
        api(client.count_tokens(model=_MODEL, timeout=3, retry=None))
    assert len(web.requests) == 1
    # Nothing is settled by that.
    assert not [r for r in caplog.records if r.name == "gemwire"]


def test_a_dead_server_gives_the_ordinary_error(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    monkeypatch.setenv("GEMINI_EMULATOR_HOST", "127.0.0.1:1")
    monkeypatch.setenv("GEMINI_EMULATOR_HTTP_HOST", "127.0.0.1:1")
    client = api.client(transport="auto")
    with pytest.raises(
        errors.Unavailable, match=r"failed to connect to all addresses; last error.*127.0.0.1:1"
    ):
        api(client.count_tokens(model=_MODEL, timeout=3, retry=None))
    with pytest.raises(errors.Unavailable):
        api(client.stream_generate_content(model=_MODEL, timeout=3, retry=None))
    assert not [r for r in caplog.records if r.name == "gemwire"]


def test_a_deadline_holds_while_it_is_decided(blocked: str, web: WebServer, api: Api) -> None:
    web.on(lambda _, wire: wire.gone() and False)
    client = api.client(transport="auto")
    began = time.monotonic()
    with pytest.raises(errors.DeadlineExceeded):
        api(client.count_tokens(model=_MODEL, timeout=0.5))
    assert 0.45 < time.monotonic() - began < PATIENCE


def test_a_session_where_there_is_no_websocket(blocked: str, web: WebServer, api: Api) -> None:
    client = api.client(transport="auto")
    api(client.count_tokens(model=_MODEL, timeout=PATIENCE))

    async def converse() -> None:
        async with await client.bidi_generate_content(timeout=0.5) as conversation:
            await conversation.read()

    def talk() -> None:
        with client.bidi_generate_content(timeout=0.5) as conversation:
            conversation.read()

    with pytest.raises(errors.Internal, match="HTTP 200 OK instead of an open WebSocket"):
        api(converse()) if api.is_async else talk()


def test_metadata_without_http_form(server: Loopback, web: WebServer, api: Api) -> None:
    client = api.client(transport="auto")
    api(client.count_tokens(model=_MODEL, metadata=[("x-bin", b"\x00")]))
    assert server.calls("CountTokens")[0].values("x-bin") == [b"\x00"]


def test_where_an_emulator_is(api: Api, monkeypatch: pytest.MonkeyPatch, server: Loopback) -> None:
    # Without an HTTP address there is nowhere to fall back to.
    client = api.client(transport="auto")
    api(client.count_tokens(model=_MODEL))
    monkeypatch.delenv("GEMINI_EMULATOR_HOST")
    monkeypatch.setenv("GEMINI_EMULATOR_HTTP_HOST", "127.0.0.1:1")
    with pytest.raises(ValueError, match="set GEMINI_EMULATOR_HOST to the emulator's gRPC address as well"):
        api.client(transport="auto")


def test_the_service_itself(api: Api) -> None:
    client = api.client(transport="auto", client_options={"api_key": "k"})
    assert client.transport.pool.http.target.origin == "https://generativelanguage.googleapis.com"
    assert client.transport.host == "generativelanguage.googleapis.com:443"
    with pytest.raises(TypeError, match="channel: this transport makes its own"):
        type(client.transport)(channel=object())
