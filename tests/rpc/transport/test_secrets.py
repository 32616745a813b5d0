"""No key, token or password is seen in what an error leaves behind, variables of its frames included."""

from __future__ import annotations

import asyncio
import base64
import copy
import io
import json
import logging
import os
import pickle
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import google.api_core.client_options
import google.auth.api_key
import pytest
from eventually import PATIENCE
from google.oauth2 import credentials as oauth2
from leaks import leaks, leaks_of_log
from scripted_grpc_server import Api, Fail, Loopback
from scripted_http_server import Request, WebServer, Wire, failure, reply, stream

import gemwire
from gemwire import ClientOptions, Hedge, Retry, errors, genai, v1beta
from gemwire._transport.aio.caller import AsyncCaller
from gemwire._transport.aio.channel_pool import ChannelPool as AsyncChannelPool
from gemwire._transport.channel_options import Target
from gemwire._transport.sync.caller import Caller
from gemwire._transport.sync.channel_pool import ChannelPool
from gemwire._transport.token import Token
from gemwire.genai import types
from gemwire_proto.v1beta.generative_service import GENERATE_CONTENT, STREAM_GENERATE_CONTENT

KEY = "AIzaKey0123456789"
PASSWORD = "hunter2secret"
TOKEN = "ya29.token-" + "0123456789" * 12
_MODEL = "models/m"
_QUICK = Retry(max_attempts=3, initial=0.001, maximum=0.001)
_HEDGED = Retry(max_attempts=3, initial=0.001, maximum=0.001, hedge=Hedge(delay=0.01))


def caught(act: Callable[[], Any], *kinds: type[BaseException]) -> BaseException:
    """The error that something ends with."""
    with pytest.raises(kinds or BaseException) as found:
        act()
    return found.value


# Calls -----------------------------------------------------------------------------------------------

#: By name: the answers of the server, and what a client does with them.
_GRPC: dict[str, tuple[str, list[Any], Callable[[Api, Any], Any]]] = {
    "unary": (
        "GenerateContent",
        [Fail("INVALID_ARGUMENT")],
        lambda api, client: api(client.generate_content(model=_MODEL)),
    ),
    "deadline": (
        "GenerateContent",
        [30],
        lambda api, client: api(client.generate_content(model=_MODEL, timeout=0.1)),
    ),
    "retried": (
        "GenerateContent",
        [Fail("UNAVAILABLE")],
        lambda api, client: api(client.generate_content(model=_MODEL, retry=_QUICK)),
    ),
    "refused as unauthenticated": (
        "GenerateContent",
        [Fail("UNAUTHENTICATED")],
        lambda api, client: api(client.generate_content(model=_MODEL)),
    ),
    "hedged": (
        "GenerateContent",
        [[0.2, Fail("UNAVAILABLE")]],
        lambda api, client: api(client.generate_content(model=_MODEL, retry=_HEDGED)),
    ),
    "stream that does not start": (
        "StreamGenerateContent",
        [Fail("NOT_FOUND")],
        lambda api, client: api(client.stream_generate_content(model=_MODEL)),
    ),
    "stream that breaks": (
        "StreamGenerateContent",
        [[v1beta.GenerateContentResponse(), Fail("INTERNAL")]],
        lambda api, client: api.list(api(client.stream_generate_content(model=_MODEL))),
    ),
    "idle stream": (
        "StreamGenerateContent",
        [[v1beta.GenerateContentResponse(), 30]],
        lambda api, client: api.list(api(client.stream_generate_content(model=_MODEL, idle_timeout=0.1))),
    ),
    "bidi": (
        "BidiGenerateContent",
        [Fail("PERMISSION_DENIED")],
        lambda api, client: api.list(api(client.bidi_generate_content([{"setup": {"model": _MODEL}}]))),
    ),
    "bad metadata": (
        "GenerateContent",
        [],
        lambda api, client: api(client.generate_content(model=_MODEL, metadata=[("Bad Name", "x")])),
    ),
    "bad request": (
        "GenerateContent",
        [],
        lambda api, client: api(client.generate_content({"modle": _MODEL})),
    ),
    "raw": (
        "GenerateContent",
        [Fail("INVALID_ARGUMENT")],
        lambda api, client: api(client.raw.unary("/" + GENERATE_CONTENT.path[1:], b"")),
    ),
}


@pytest.mark.parametrize("case", _GRPC)
def test_grpc(api: Api, server: Loopback, caplog: pytest.LogCaptureFixture, case: str) -> None:
    rpc, script, act = _GRPC[case]
    if script:
        server.on(rpc, *script)
    with caplog.at_level(logging.DEBUG):
        client = api.client(client_options={"api_key": KEY, "log_content": True})
        error = caught(lambda: act(api, client))
    assert not leaks(error, KEY)
    assert not leaks_of_log(caplog.records, KEY)
    assert all(call.values("x-goog-api-key") == [KEY] for call in server.journal)
    assert server.journal or not script


@pytest.mark.parametrize("method", [GENERATE_CONTENT, STREAM_GENERATE_CONTENT])
def test_a_token_over_grpc(api: Api, server: Loopback, method: Any) -> None:
    server.on(method.name, Fail("INVALID_ARGUMENT"))
    target = Target(server.address, plaintext=True)
    token = Token(oauth2.Credentials(token=TOKEN), "host", None)
    caller: Any = (
        AsyncCaller(AsyncChannelPool(target), token, None)
        if api.is_async
        else Caller(ChannelPool(target), token, None)
    )
    call = caller.unary if method is GENERATE_CONTENT else caller.server_stream
    assert not leaks(
        caught(lambda: api(call(method, {"model": _MODEL})), errors.InvalidArgument), TOKEN, TOKEN[:20]
    )
    assert server.journal[0].values("authorization") == [f"Bearer {TOKEN}"]
    api(caller.pool.close())


def test_a_server_that_is_not_there(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_EMULATOR_HOST", "127.0.0.1:1")
    client = api.client(client_options={"api_key": KEY})
    for retry in (None, _QUICK):
        error = caught(partial(_unary(retry=retry, timeout=5), api, client))
        assert isinstance(error, errors.APIError)
        assert not leaks(error, KEY)


def test_a_client_that_is_closed(api: Api, server: Loopback) -> None:
    client = api.client(client_options={"api_key": KEY})
    api(client.close())
    assert not leaks(caught(lambda: api(client.generate_content(model=_MODEL)), RuntimeError), KEY)


def test_a_call_that_is_cancelled(server: Loopback) -> None:
    server.on("GenerateContent", 30)

    async def main() -> BaseException:
        async with v1beta.GenerativeServiceAsyncClient(client_options={"api_key": KEY}) as client:
            call = asyncio.ensure_future(client.generate_content(model=_MODEL))
            await asyncio.to_thread(server.busy)
            call.cancel()
            (outcome,) = await asyncio.gather(call, return_exceptions=True)
            assert isinstance(outcome, asyncio.CancelledError)
            return outcome

    assert not leaks(asyncio.run(main()), KEY)


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    made = WebServer()
    monkeypatch.setenv("GEMINI_EMULATOR_HTTP_HOST", made.address)
    yield made
    made.stop()


def _broken_stream(_: Request, wire: Wire) -> bool:
    wire.events()
    wire.chunk(b"data: {}\r\n\r\n")
    return False


def _silent(_: Request, wire: Wire) -> None:
    wire.gone()


def _upload_that_ends(request: Request, wire: Wire) -> Any:
    if request.path == "/upload/v1beta/files":
        host = request.headers["host"]
        return wire.answer(200, b"", x_goog_upload_url=f"http://{host}/session?upload_id={PASSWORD}")
    return failure(403, "PERMISSION_DENIED")(request, wire)


def _unary(**settings: Any) -> Callable[[Api, Any], Any]:
    return lambda api, client: api(client.generate_content(model=_MODEL, **settings))


def _stream(api: Api, client: Any) -> Any:
    return api.list(api(client.stream_generate_content(model=_MODEL)))


def _upload(api: Api, client: Any) -> Any:
    return api(client.transport.upload_file(io.BytesIO(b"data"), mime_type="text/plain", retry=None))


def _download(api: Api, client: Any) -> Any:
    return api(client.transport.download_file("files/f", io.BytesIO(), retry=None))


_REST: dict[str, tuple[Any, Callable[[Api, Any], Any]]] = {
    "unary": (failure(400, "INVALID_ARGUMENT"), _unary()),
    "retried": (failure(503, "UNAVAILABLE"), _unary(retry=_QUICK)),
    "hedged": (failure(503, "UNAVAILABLE"), _unary(retry=_HEDGED)),
    "deadline": (_silent, _unary(timeout=0.1)),
    "connection that breaks": (lambda *_: False, _unary(retry=None)),
    "answer that is none": (lambda _, wire: wire.answer(200, b"<html>"), _unary()),
    "header that HTTP lacks": (reply({}), _unary(metadata=[("x-bin", b"\0")])),
    "stream that does not start": (failure(404, "NOT_FOUND"), _stream),
    "stream that breaks": (_broken_stream, _stream),
    "stream with an error": (stream({}, {"error": {"code": 500, "status": "INTERNAL"}}), _stream),
    "upload that does not start": (failure(403, "PERMISSION_DENIED"), _upload),
    "upload that starts strangely": (reply({}), _upload),
    "upload that ends": (_upload_that_ends, _upload),
    "upload that breaks": (lambda *_: False, _upload),
    "download": (failure(404, "NOT_FOUND"), _download),
    "download that breaks": (lambda *_: False, _download),
}


@pytest.mark.parametrize("case", _REST)
@pytest.mark.parametrize("by", ["key", "token"])
def test_rest(api: Api, web: WebServer, caplog: pytest.LogCaptureFixture, case: str, by: str) -> None:
    handler, act = _REST[case]
    web.on(handler)
    if by == "key":
        settings: dict[str, Any] = {"credentials": google.auth.api_key.Credentials(KEY)}
    else:
        settings = {"credentials": oauth2.Credentials(token=TOKEN)}
    kind: Any = v1beta.GenerativeServiceClient.get_transport_class("rest")
    if api.is_async:
        kind = v1beta.GenerativeServiceAsyncClient.get_transport_class("rest_asyncio")
    with caplog.at_level(logging.DEBUG):
        client = api.client(transport=kind(host=f"http://{web.address}", **settings))
        error = caught(lambda: act(api, client))
    assert not leaks(error, KEY, TOKEN, TOKEN[:20], PASSWORD)
    assert not leaks_of_log(caplog.records, KEY, TOKEN, PASSWORD)
    assert web.requests or case == "header that HTTP lacks"
    if web.requests:
        header = "x-goog-api-key" if by == "key" else "authorization"
        assert web.requests[0].headers[header] in (KEY, f"Bearer {TOKEN}")


@pytest.mark.parametrize(
    "proxy", ["http://user:{}@127.0.0.1:1", "user:{}@127.0.0.1:1", "http://u:{}#@127.0.0.1:1"]
)
def test_a_proxy_with_a_password(api: Api, monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.format(PASSWORD))
    label = "rest_asyncio" if api.is_async else "rest"

    def act() -> None:
        api(
            api.client(transport=label, client_options={"api_key": KEY}).generate_content(
                model=_MODEL, retry=None
            )
        )

    assert not leaks(caught(act, errors.Unavailable, ValueError), PASSWORD, KEY)


@pytest.mark.parametrize(
    "proxy",
    ["socks5://user:{}@127.0.0.1:1", "http://user:{}@127.0.0.1:port", "http://user:{}@[::1", "http://{}@"],
)
def test_a_proxy_that_is_refused(api: Api, monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.format(PASSWORD))
    label = "rest_asyncio" if api.is_async else "rest"

    def act() -> None:
        api(
            api.client(transport=label, client_options={"api_key": KEY}).generate_content(
                model=_MODEL, retry=None
            )
        )

    error = caught(act, ValueError)
    assert str(error).startswith("environment: the proxy for https ")
    assert not leaks(error, PASSWORD, KEY)


def test_the_password_reaches_the_proxy(api: Api, web: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    web.on(lambda _, wire: wire.answer(407, b""))
    monkeypatch.delenv("GEMINI_EMULATOR_HTTP_HOST")
    monkeypatch.setenv("HTTPS_PROXY", f"http://us%40er:p%3A{PASSWORD}@{web.address}")
    label = "rest_asyncio" if api.is_async else "rest"
    client = api.client(transport=label, client_options={"api_key": KEY})
    error = caught(lambda: api(client.generate_content(model=_MODEL, retry=None)), errors.Unavailable)
    assert "407" in str(error)
    assert not leaks(error, PASSWORD, KEY)
    # The call's own connection, and those that look for the cause.
    for request in web.requests:
        assert request.verb == "CONNECT"
        told = base64.b64decode(request.headers["proxy-authorization"].removeprefix("Basic ")).decode()
        assert told == f"us@er:p:{PASSWORD}"
        assert KEY not in repr(request)
    assert web.requests


@pytest.mark.parametrize("place", ["127.0.0.1:1", "127.0.0.1:port", "[::1"])
def test_a_proxy_of_grpc_with_a_password(api: Api, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    monkeypatch.setenv("grpc_proxy", f"http://user:{PASSWORD}@{place}")
    client = api.client(client_options={"api_key": KEY, "api_endpoint": "127.0.0.1:1"})
    error = caught(partial(_unary(retry=None, timeout=5), api, client), errors.APIError, ValueError)
    assert not leaks(error, PASSWORD, KEY)
    assert PASSWORD not in repr(gemwire.diagnose())


# genai -----------------------------------------------------------------------------------------------

_GENAI: dict[str, tuple[str, list[Any], Callable[[Api, Any], Any]]] = {
    "generate": (
        "GenerateContent",
        [Fail("INVALID_ARGUMENT")],
        lambda api, client: api(client.models.generate_content(model=_MODEL, contents="x")),
    ),
    "stream": (
        "StreamGenerateContent",
        [[v1beta.GenerateContentResponse(), Fail("INTERNAL")]],
        lambda api, client: api.list(
            api(client.models.generate_content_stream(model=_MODEL, contents="x"))
            if api.is_async
            else client.models.generate_content_stream(model=_MODEL, contents="x")
        ),
    ),
    "chat": (
        "GenerateContent",
        [Fail("PERMISSION_DENIED")],
        lambda api, client: api(client.chats.create(model=_MODEL).send_message("x")),
    ),
    "list": ("ListFiles", [Fail("PERMISSION_DENIED")], lambda api, client: api(client.files.list())),
    "bad config": (
        "GenerateContent",
        [],
        lambda api, client: api(
            client.models.generate_content(model=_MODEL, contents="x", config={"temprature": 1})
        ),
    ),
    "upload without HTTP": (
        "CreateFile",
        [],
        lambda api, client: api(client.files.upload(file=io.BytesIO(b"x"))),
    ),
}


@pytest.mark.parametrize("case", _GENAI)
def test_genai(api: Api, server: Loopback, case: str) -> None:
    rpc, script, act = _GENAI[case]
    if script:
        server.on(rpc, *script)
    headers = {"x-goog-api-key": KEY, "Authorization": f"Bearer {TOKEN}", "x-mine": "1"}
    client = genai.Client(api_key=KEY, http_options={"headers": headers})
    error = caught(lambda: act(api, client.aio if api.is_async else client))
    assert not leaks(error, KEY, TOKEN, TOKEN[:20])
    client.close()
    api(client.aio.close()) if api.is_async else None


def test_a_live_session(server: Loopback) -> None:
    server.on("BidiGenerateContent", Fail("PERMISSION_DENIED"))

    async def main() -> None:
        client = genai.Client(api_key=KEY)
        try:
            async with client.aio.live.connect(model=_MODEL):
                pass
        finally:
            await client.aio.close()

    assert not leaks(caught(lambda: asyncio.run(main()), errors.PermissionDenied), KEY)


# Construction ----------------------------------------------------------------------------------------


def _bad_account(tmp_path: Path) -> Path:
    file = tmp_path / "account.json"
    file.write_text(
        json.dumps(
            {
                "type": "service_account",
                "client_email": "me@example.com",
                "token_uri": "http://127.0.0.1:1/token",
                "private_key": f"-----BEGIN PRIVATE KEY-----\n{PASSWORD}\n-----END PRIVATE KEY-----\n",
            }
        )
    )
    return file


#: For arguments that type checkers refuse.
_OPTIONS: Any = ClientOptions

_CONSTRUCTIONS: dict[str, Callable[[Any], Any]] = {
    "a line break": lambda kind: kind(client_options={"api_key": KEY + "\n"}),
    "bytes": lambda kind: kind(client_options={"api_key": KEY.encode()}),
    "a list": lambda kind: kind(client_options={"api_key": [KEY]}),
    "options object": lambda kind: kind(client_options=ClientOptions(api_key=KEY + " ")),
    "Google's options": lambda kind: kind(
        client_options=google.api_core.client_options.ClientOptions(api_key=KEY + " ")
    ),
    "and credentials": lambda kind: kind(
        client_options={"api_key": KEY}, credentials=oauth2.Credentials(TOKEN)
    ),
    "and a file": lambda kind: kind(client_options={"api_key": KEY, "credentials_file": "x"}),
    "and a transport": lambda kind: kind(client_options={"api_key": KEY}, transport=_a_transport(kind)),
    "an unknown option": lambda kind: kind(client_options={"api_key": KEY, "api_endpiont": "x"}),
    "an option of a wrong type": lambda kind: kind(client_options={"api_key": KEY, "scopes": "x"}),
    "an unknown transport": lambda kind: kind(client_options={"api_key": KEY}, transport="carrier pigeon"),
    "a transport of a wrong type": lambda kind: kind(client_options={"api_key": KEY}, transport=3),
    "interceptors for REST": lambda kind: kind(
        client_options={"api_key": KEY, "interceptors": [object()]},
        transport="rest_asyncio" if "Async" in kind.__name__ else "rest",
    ),
    "the key as credentials": lambda kind: kind(credentials=KEY),
    "the key as options": lambda kind: kind(client_options=KEY),
    "credentials with a bad key": lambda kind: kind(credentials=google.auth.api_key.Credentials(KEY + "\n")),
    "a user agent of a wrong type": lambda kind: kind(client_options={"api_key": KEY}, client_info=3),
    "the endpoint's query": lambda kind: kind(
        client_options={"api_key": "k", "api_endpoint": f"https://x/?key={KEY}"}
    ),
    "the endpoint's fragment": lambda kind: kind(client_options={"api_key": "k", "api_endpoint": f"x#{KEY}"}),
    "the endpoint's parameters": lambda kind: kind(
        client_options={"api_key": "k", "api_endpoint": f"x&key={KEY}"}
    ),
    "the endpoint's user": lambda kind: kind(client_options={"api_key": "k", "api_endpoint": f"u:{KEY}@x"}),
    "the endpoint's path": lambda kind: kind(
        client_options={"api_key": "k", "api_endpoint": f"https://x/?q={KEY}@a"}
    ),
    "diagnosis": lambda kind: gemwire.diagnose({"api_key": KEY, "nothing": 1}),
    "diagnosis of a transport": lambda kind: gemwire.diagnose({"api_key": KEY}, transport="pigeon"),
    "diagnosis of text": lambda kind: gemwire.diagnose(KEY),  # type: ignore[arg-type]
    "bare options": lambda kind: ClientOptions(api_key=KEY, credentials_file="x"),
    "bare options by position": lambda kind: ClientOptions(None, None, None, None, "x", None, KEY),
    "too many options": lambda kind: _OPTIONS(*[None] * 6, KEY, *[None] * 9),
    "an option twice": lambda kind: _OPTIONS(*[None] * 6, KEY, api_key=KEY),
    "bare options of text": lambda kind: ClientOptions.of({"api_key": KEY, "scopes": "x"}),
    "bare options of a wrong name": lambda kind: ClientOptions.of({"api_key": KEY, "x": 1}),
}


def _a_transport(kind: Any) -> Any:
    return kind.get_transport_class()(credentials=google.auth.api_key.Credentials("k"))


@pytest.mark.parametrize("case", _CONSTRUCTIONS)
@pytest.mark.parametrize("kind", [v1beta.GenerativeServiceClient, v1beta.GenerativeServiceAsyncClient])
def test_clients_that_are_refused(kind: Any, case: str) -> None:
    error = caught(lambda: _CONSTRUCTIONS[case](kind), ValueError, TypeError, KeyError, Exception)
    assert not leaks(error, KEY, TOKEN, TOKEN[:20])


_GENAI_CONSTRUCTIONS: dict[str, dict[str, Any]] = {
    "a line break": {"api_key": KEY + "\n"},
    "bytes": {"api_key": KEY.encode()},
    "and credentials": {"api_key": KEY, "credentials": oauth2.Credentials(TOKEN)},
    "the key as credentials": {"credentials": KEY},
    "Vertex AI": {"api_key": KEY, "vertexai": True, "project": "a-project"},
    "an unknown transport": {"api_key": KEY, "transport": "pigeon"},
    "an unknown option": {"api_key": KEY, "http_options": {"headers": {"Authorization": TOKEN}, "x": 1}},
    "the key as an option": {"api_key": "k", "http_options": {"api_key": KEY}},
    "the key as options": {"api_key": "k", "http_options": KEY},
    "headers of a wrong type": {"api_key": KEY, "http_options": {"headers": [TOKEN]}},
    "another client's arguments": {
        "api_key": "k",
        "http_options": {
            "client_args": {
                "headers": {"Authorization": TOKEN},
                "proxy": f"http://u:{KEY}@x",
                "proxies": {"https": f"http://u:{KEY}@x"},
            }
        },
    },
    "a bad timeout": {
        "api_key": KEY,
        "http_options": types.HttpOptions(headers={"Cookie": TOKEN}, timeout=-1),
    },
    "the address's user": {"api_key": "k", "http_options": {"base_url": f"https://u:{KEY}@example.com"}},
    "the address's query": {"api_key": "k", "http_options": {"base_url": f"https://example.com?key={KEY}"}},
    "the address's path": {"api_key": "k", "http_options": {"base_url": f"https://example.com/v1?key={KEY}"}},
    "another machine": {"api_key": "k", "http_options": {"baseUrl": f"http://u:{KEY}@example.com"}},
}


@pytest.mark.parametrize("case", _GENAI_CONSTRUCTIONS)
def test_genai_clients_that_are_refused(case: str) -> None:
    error = caught(lambda: genai.Client(**_GENAI_CONSTRUCTIONS[case]), ValueError, TypeError, KeyError)
    assert not leaks(error, KEY, TOKEN, TOKEN[:20])


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("GEMINI_API_KEY", KEY + " "),
        ("GOOGLE_API_KEY", f"\u00e9{KEY}"),
        ("GEMINI_EMULATOR_HOST", f"http://u:{KEY}@127.0.0.1:1"),
        ("GEMINI_EMULATOR_HOST", f"example.com?key={KEY}"),
        ("GOOGLE_GEMINI_BASE_URL", f"https://u:{KEY}@example.com/"),
    ],
)
def test_an_environment_that_is_refused(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    error = caught(genai.Client, ValueError)
    assert variable in str(error)
    assert not leaks(error, KEY)


@pytest.mark.parametrize("way", ["info", "file", "options", "default"])
def test_a_service_account_that_cannot_be_read(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = _bad_account(tmp_path)
    kind = v1beta.GenerativeServiceClient

    def act() -> Any:
        if way == "info":
            return kind.from_service_account_info(json.loads(file.read_text()))
        if way == "file":
            return kind.from_service_account_file(str(file))
        if way == "options":
            with pytest.warns(DeprecationWarning, match="credentials_file"):
                return kind(client_options={"credentials_file": str(file)})
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
        return kind()

    assert not leaks(caught(act, Exception), PASSWORD)


# Token endpoints -------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", ["refused", "down", "garbage", "proxy"])
def test_a_token_endpoint_that_fails(
    api: Api, web: WebServer, server: Loopback, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    web.on(reply({"error": "invalid_grant"}, 400) if answer == "refused" else reply({"id_token": TOKEN}))
    uri = "http://127.0.0.1:1/token" if answer == "down" else f"http://{web.address}/token"
    if answer == "proxy":
        uri = "https://token.example.com/token"
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:{PASSWORD}@127.0.0.1:1")
    credentials = oauth2.Credentials(
        token=None, refresh_token=TOKEN, token_uri=uri, client_id="me", client_secret=PASSWORD
    )
    target = Target(server.address, plaintext=True)
    token = Token(credentials, "host", None)
    caller: Any = (
        AsyncCaller(AsyncChannelPool(target), token, None)
        if api.is_async
        else Caller(ChannelPool(target), token, None)
    )
    error = caught(lambda: api(caller.unary(GENERATE_CONTENT, {"model": _MODEL}, timeout=1)), errors.APIError)
    expected = errors.Unavailable if answer in ("down", "proxy") else errors.Unauthenticated
    assert isinstance(error, expected)
    assert not leaks(error, TOKEN, TOKEN[:20], PASSWORD)
    api(caller.pool.close())


def test_a_token_endpoint_that_comes_back(api: Api, web: WebServer, server: Loopback) -> None:
    web.on(lambda *_: False, reply({}, 503), reply({"access_token": TOKEN, "expires_in": 3600}))
    credentials = oauth2.Credentials(
        token=None,
        refresh_token="r",
        token_uri=f"http://{web.address}/token",
        client_id="me",
        client_secret="s",
    )
    target = Target(server.address, plaintext=True)
    token = Token(credentials, "host", None)
    caller: Any = (
        AsyncCaller(AsyncChannelPool(target), token, None)
        if api.is_async
        else Caller(ChannelPool(target), token, None)
    )
    api(caller.unary(GENERATE_CONTENT, {"model": _MODEL}, timeout=PATIENCE))
    assert server.journal[0].values("authorization") == [f"Bearer {TOKEN}"]
    api(caller.pool.close())


# Objects ---------------------------------------------------------------------------------------------


def test_what_is_shown_of_objects(server: Loopback) -> None:
    options = ClientOptions(api_key=KEY, api_endpoint=f"https://x?key={KEY}")
    made = genai.Client(api_key=KEY, http_options={"headers": {"authorization": TOKEN}})
    own = types.HttpOptions(
        headers={"Authorization": TOKEN, "x-mine": "shown"}, base_url=f"https://u:{KEY}@x"
    )
    shown = [options, vars(options), made, made.aio, own, [own]]
    assert KEY not in repr(shown)
    assert TOKEN not in repr(shown)
    assert "shown" in repr(own)
    # What they hold is as it was given.
    assert options.api_key == KEY
    assert str(options.api_key) == KEY == f"{options.api_key}"
    assert options.api_key[:4] == KEY[:4]
    assert own.model_dump()["headers"]["Authorization"] == TOKEN
    made.close()


def test_options_with_a_key_are_not_pickled() -> None:
    with pytest.raises(
        TypeError, match="cannot be pickled, which would write out a secret; set GOOGLE_API_KEY"
    ) as no:
        pickle.dumps(ClientOptions(api_key=KEY))
    assert not leaks(no.value, KEY)
    plain = ClientOptions(api_endpoint="example.com", scopes=["a"])
    assert pickle.loads(pickle.dumps(plain)) == plain
    keyed = ClientOptions(api_key=KEY)
    assert copy.copy(keyed) == copy.deepcopy([keyed])[0] == keyed
