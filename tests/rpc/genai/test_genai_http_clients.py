"""HTTP clients of the program's own, and arguments for one: calls go over HTTP by them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest
from scripted_grpc_server import Api, Loopback
from scripted_http_server import Request, WebServer, Wire, failure, reply, stream

import gemwire.genai._httpx_transports
from gemwire import genai
from gemwire.genai import errors

#: The library that gemwire takes, httpx or httpx2. Imported here: CPython 3.11 cannot always parse a module,
#: as pytest does with those of plugins, while a garbage collection ends the connections of earlier tests.
httpx: Any = gemwire.genai._httpx_transports.httpx  # type: ignore[attr-defined]

MODEL = "gemini-2.5-flash"
ANSWER = {"candidates": [{"content": {"role": "model", "parts": [{"text": "Blue."}]}}]}


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    made = WebServer()
    made.on(reply(ANSWER, x_request_id="7"))
    yield made
    made.stop()


def options(api: Api, web: WebServer, **clients: Any) -> dict[str, Any]:
    return {"base_url": f"http://{web.address}", "retry_options": {"attempts": 1}, **clients}


@pytest.fixture
def given(api: Api) -> Iterator[dict[str, Any]]:
    """A client of httpx of either flavour."""
    hook = {"request": [_note_async if api.is_async else _note]}
    kind = httpx.AsyncClient if api.is_async else httpx.Client
    client = kind(event_hooks=hook, headers={"x-own": "yes"})
    yield {"httpx_async_client" if api.is_async else "httpx_client": client}
    assert not client.is_closed
    api(client.aclose() if api.is_async else client.close())


def _note(request: Any) -> None:
    request.headers["x-hook"] = "called"


async def _note_async(request: Any) -> None:
    _note(request)


def test_unary_calls_streams_and_files(api: Api, web: WebServer, given: dict[str, Any]) -> None:
    client = api.genai(http_options=options(api, web, **given))
    response = api(client.models.generate_content(model=MODEL, contents="Why?"))
    assert (response.text, response.sdk_http_response.headers["x-request-id"]) == ("Blue.", "7")
    web.on(stream(ANSWER, ANSWER))
    chunks = api.list(api(client.models.generate_content_stream(model=MODEL, contents="Why?")))
    assert [chunk.text for chunk in chunks] == ["Blue.", "Blue."]
    for request in web.requests:
        assert (request.headers["x-own"], request.headers["x-hook"]) == ("yes", "called")
        assert request.headers["x-goog-api-key"] == "a-key"


def test_failed_connections_are_retried_wherever_the_client_connects_to(api: Api) -> None:
    """The client may know a way, such as a proxy, to a host that this machine cannot resolve."""
    calls = []

    def handle(request: Any) -> Any:
        calls.append(request)
        if len(calls) < 3:
            raise httpx.ConnectError("not yet", request=request)
        return httpx.Response(200, json=ANSWER)

    transport = httpx.MockTransport(handle)
    client = (httpx.AsyncClient if api.is_async else httpx.Client)(transport=transport)
    http_options = {
        "base_url": "https://no-such-host.invalid",
        "httpx_async_client" if api.is_async else "httpx_client": client,
        "retry_options": {"attempts": 4, "initial_delay": 0.01},
    }
    models = api.genai(http_options=http_options, transport=None).models
    assert api(models.generate_content(model=MODEL, contents="Why?")).text == "Blue."
    assert len(calls) == 3
    api(client.aclose() if api.is_async else client.close())


def test_errors_are_those_of_all_calls(api: Api, web: WebServer, given: dict[str, Any]) -> None:
    models = api.genai(http_options=options(api, web, **given)).models
    web.on(failure(404, "NOT_FOUND", "gone"))
    with pytest.raises(errors.ClientError, match="404 NOT_FOUND: gone"):
        api(models.generate_content(model=MODEL, contents="Why?"))
    web.on(lambda *_: False)
    with pytest.raises(errors.ServerError, match="the connection broke"):
        api(models.generate_content(model=MODEL, contents="Why?"))
    nobody = WebServer()
    nobody.stop()
    models = api.genai(http_options=options(api, nobody, **given)).models
    with pytest.raises(errors.ServerError, match="failed to connect"):
        api(models.generate_content(model=MODEL, contents="Why?"))


def test_deadlines(api: Api, web: WebServer, given: dict[str, Any]) -> None:
    def silent(_: Request, wire: Wire) -> None:
        wire.events()
        wire.chunk(b"data: " + b'{"candidates": []}' + b"\r\n\r\n")
        wire.gone()

    models = api.genai(http_options=options(api, web, **given)).models
    web.on(silent)
    config = {"http_options": {"timeout": 500}}
    with pytest.raises(errors.ServerError, match="504 DEADLINE_EXCEEDED"):
        api.list(api(models.generate_content_stream(model=MODEL, contents="Why?", config=config)))


def test_a_loop_that_is_left_ends_the_call(api: Api, web: WebServer, given: dict[str, Any]) -> None:
    gone = []

    def endless(_: Request, wire: Wire) -> None:
        wire.events()
        wire.chunk(b"data: " + b'{"candidates": []}' + b"\r\n\r\n")
        gone.append(wire.gone())

    web.on(endless)
    models = api.genai(http_options=options(api, web, **given)).models
    chunks = api(models.generate_content_stream(model=MODEL, contents="Why?"))
    api(chunks.__anext__() if api.is_async else next(chunks))
    assert chunks.cancel()
    if api.is_async:
        api(asyncio.sleep(0.1))  # the loop closes the connection
    assert web.quiet()
    assert gone[0] is not None


def test_aiohttp(web: WebServer) -> None:
    api = Api("async")
    session = api(_open_session())
    client = api.genai(http_options=options(api, web, aiohttp_client=session))
    assert api(client.models.generate_content(model=MODEL, contents="Why?")).text == "Blue."
    assert web.requests[0].headers["x-own"] == "yes"
    api(client.close())
    assert not session.closed
    api(session.close())
    api.close()


async def _open_session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(headers={"x-own": "yes"})


def test_arguments_make_a_client(api: Api, web: WebServer) -> None:
    seen = []

    def answer(request: Any) -> Any:
        seen.append(request.url.path)
        return httpx.Response(200, json=ANSWER, headers={"content-type": "application/json"})

    name = "async_client_args" if api.is_async else "client_args"
    arguments = {name: {"transport": httpx.MockTransport(answer), "headers": {"x-team": "harbour"}}}
    client = api.genai(http_options=options(api, web, **arguments))
    assert api(client.models.generate_content(model=MODEL, contents="Why?")).text == "Blue."
    assert seen == [f"/v1beta/models/{MODEL}:generateContent"]
    assert not web.requests


def test_headers_and_timeout_alone_stay_with_grpc(api: Api, server: Loopback) -> None:
    arguments = {"headers": {"X-Team": "harbour"}, "timeout": 30}
    client = api.genai(http_options={"client_args": arguments, "async_client_args": arguments})
    api(client.models.generate_content(model=MODEL, contents="Why?"))
    assert server.journal[0].values("x-team") == ["harbour"]


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        ({"httpx_client": object()}, TypeError, "httpx_client: expected a client of httpx, got object"),
        ({"aiohttp_client": 3}, TypeError, "aiohttp_client: expected an aiohttp.ClientSession, got int"),
        (
            {"client_args": {"proxies": "a"}},
            ValueError,
            r"client_args has no field 'proxies'; did you mean 'proxy'",
        ),
        (
            {"client_args": {"timeout": 0, "trust_env": False}},
            ValueError,
            "client_args.timeout: 0 is not a positive",
        ),
    ],
)
def test_what_is_refused(given: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=rf"http_options\.{says}"):
        genai.Client(api_key="a-key", http_options=given)


@pytest.mark.parametrize("transport", ["grpc", "auto"])
def test_they_are_for_http_alone(transport: str) -> None:
    with contextlib.closing(httpx.Client()) as client:
        both: list[Any] = [{"httpx_client": client}, {"client_args": {"trust_env": False}}]
        for given in both:
            with pytest.raises(ValueError, match=r"http_options\.\w+: is for HTTP only; leave transport out"):
                genai.Client(api_key="a-key", transport=transport, http_options=given)


def test_they_are_for_all_calls(api: Api, server: Loopback) -> None:
    models = api.genai().models
    config = {"http_options": {"client_args": {"trust_env": False}}}
    with pytest.raises(
        ValueError, match=r"http_options\.client_args: is for all calls; set it in the options"
    ):
        api(models.generate_content(model=MODEL, contents="Why?", config=config))
    assert not server.journal
