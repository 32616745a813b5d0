"""The REST transport against a server that does what it is told to, good and bad."""

from __future__ import annotations

import asyncio
import gc
import gzip
import json
import multiprocessing
import os
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import certificates
import google.auth.api_key
import google.oauth2.credentials
import pytest
from eventually import PATIENCE, comes
from google.auth.credentials import AnonymousCredentials
from scripted_grpc_server import Api, in_thread
from scripted_http_server import Request, WebServer, Wire, failure, reply, stream

import gemwire
from gemwire import ClientInfo, Retry, aiplatform_v1, errors, v1beta

_ANSWER = {"candidates": [{"content": {"role": "model", "parts": [{"text": "hi"}]}, "finishReason": "STOP"}]}
_RETRY_INFO = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.05s"}
_QUICK = Retry(initial=0.001, maximum=0.001)
_MODEL = "models/m"


def _chunk(text: str) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": [{"text": text}]}}]}


def _texts(messages: Any) -> list[str]:
    return [message.candidates[0].content.parts[0].text for message in messages]


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    """The server, and every REST client's way to it."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.startswith(("SSL_", "REQUESTS_")):
            monkeypatch.delenv(name)
    made = WebServer()
    monkeypatch.setenv("GEMINI_EMULATOR_HTTP_HOST", made.address)
    yield made
    made.stop()


def _label(api: Api) -> str:
    return "rest_asyncio" if api.is_async else "rest"


@pytest.fixture
def client(web: WebServer, api: Api) -> Any:
    return api.client(transport=_label(api))


# One answer ----------------------------------------------------------------------------------------


def test_a_call(web: WebServer, api: Api, client: Any) -> None:
    web.on(reply(_ANSWER))
    response = api(client.generate_content(model=_MODEL, contents=[{"parts": [{"text": "hü"}]}]))
    assert _texts([response]) == ["hi"]
    (request,) = web.requests
    assert (request.verb, request.path) == ("POST", "/v1beta/models/m:generateContent")
    assert request.query == {"$alt": "json;enum-encoding=int"}
    assert request.json == {"contents": [{"parts": [{"text": "hü"}]}]}
    assert request.headers["content-type"] == "application/json"
    assert request.headers["x-goog-request-params"] == "model=models/m"
    assert request.headers["x-server-timeout"] == "600"
    agent = request.headers["x-goog-api-client"]
    assert " rest/aiohttp@" in agent
    assert "grpc/" not in agent


def test_calls_share_a_connection(web: WebServer, api: Api, client: Any) -> None:
    for _ in range(5):
        api(client.count_tokens(model=_MODEL))
    assert len(web.requests) == 5
    assert web.connections == 1


def test_what_the_caller_adds(web: WebServer, api: Api) -> None:
    credentials = google.auth.api_key.Credentials("key")
    client = api.client(
        transport=_label(api),
        credentials=credentials,
        client_options={"quota_project_id": "bill"},
        client_info=ClientInfo(user_agent="mine/1"),
    )
    api(client.count_tokens(model=_MODEL, metadata=[("x-mine", "a"), ("x-mine", "b")], timeout=2.5))
    headers = web.requests[0].headers
    assert headers["x-goog-api-key"] == "key"
    assert headers["x-goog-user-project"] == "bill"
    assert headers["x-mine"] == "a, b"
    assert headers["x-goog-api-client"].startswith("mine/1 gl-python/")
    assert headers["x-server-timeout"] == "3"


def test_a_token(web: WebServer, api: Api) -> None:
    credentials = google.oauth2.credentials.Credentials("token")
    made = _transport(api, host=f"http://{web.address}", credentials=credentials, quota_project_id="bill")
    client = api.client(transport=made)
    api(client.count_tokens(model=_MODEL))
    headers = web.requests[0].headers
    assert headers["authorization"] == "Bearer token"
    assert headers["x-goog-user-project"] == "bill"


def test_a_compressed_answer(web: WebServer, api: Api, client: Any) -> None:
    data = gzip.compress(json.dumps(_ANSWER).encode())
    web.on(lambda _, wire: wire.answer(200, data, content_encoding="gzip"))
    assert _texts([api(client.generate_content(model=_MODEL))]) == ["hi"]
    assert "gzip" in web.requests[0].headers["accept-encoding"]


def test_a_large_request_and_a_large_answer(web: WebServer, api: Api, client: Any) -> None:
    text = "ü" * (3 << 20)
    web.on(
        lambda request, wire: wire.answer(
            200, json.dumps(_chunk(request.json["contents"][0]["parts"][0]["text"])).encode()
        )
    )
    response = api(client.generate_content(model=_MODEL, contents=[{"parts": [{"text": text}]}]))
    assert _texts([response]) == [text]


def test_paging_and_operations(web: WebServer, api: Api) -> None:
    models = api.client("ModelService", transport=_label(api))
    web.on(
        reply({"models": [{"name": "models/a"}], "nextPageToken": "t"}),
        reply({"models": [{"name": "models/b"}]}),
    )
    assert [model.name for model in api.list(api(models.list_models()))] == ["models/a", "models/b"]
    assert [request.query.get("pageToken") for request in web.requests] == [None, "t"]
    done = {
        "name": "tunedModels/t/operations/o",
        "done": True,
        "response": {
            "@type": "type.googleapis.com/google.ai.generativelanguage.v1beta.TunedModel",
            "name": "tunedModels/t",
        },
    }
    web.on(reply({"name": "tunedModels/t/operations/o"}), reply(done))
    operation = api(models.create_tuned_model(tuned_model={"display_name": "d"}))
    assert api(operation.result(timeout=5)).name == "tunedModels/t"
    assert web.requests[-1].path == "/v1beta/tunedModels/t/operations/o"


def test_an_empty_answer(web: WebServer, api: Api) -> None:
    files = api.client("FileService", transport=_label(api))
    web.on(lambda _, wire: wire.answer(200, b""))
    api(files.delete_file(name="files/f"))
    assert web.requests[0].verb == "DELETE"


# Errors and retries --------------------------------------------------------------------------------


def test_errors_are_those_of_grpc(web: WebServer, api: Api, client: Any) -> None:
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID", "domain": "d"}
    web.on(failure(400, "INVALID_ARGUMENT", "API key not valid", info))
    with pytest.raises(errors.InvalidArgument, match="API key not valid") as caught:
        api(client.count_tokens(model=_MODEL))
    error = caught.value
    assert (error.code, error.reason, error.attempts) == (400, "API_KEY_INVALID", 1)
    assert "aistudio.google.com" in error.hint
    assert error.method.endswith("GenerativeService/CountTokens")


def test_a_call_is_repeated(web: WebServer, api: Api, client: Any) -> None:
    web.on(failure(503, "UNAVAILABLE"), failure(503, "UNAVAILABLE"), reply({"totalTokens": 7}))
    assert api(client.count_tokens(model=_MODEL, retry=_QUICK)).total_tokens == 7
    assert len(web.requests) == 3


def test_the_servers_pause_is_kept(web: WebServer, api: Api, client: Any) -> None:
    web.on(failure(429, "RESOURCE_EXHAUSTED", "slow", _RETRY_INFO), reply({}))
    api(client.count_tokens(model=_MODEL))
    first, second = web.requests
    assert 0.05 <= second.time - first.time < 1


def test_retry_after_is_kept(web: WebServer, api: Api, client: Any) -> None:
    web.on(failure(503, "UNAVAILABLE", retry_after=1), reply({}))
    api(client.count_tokens(model=_MODEL, retry=_QUICK))
    first, second = web.requests
    assert second.time - first.time >= 1


@pytest.mark.parametrize("when", ["at once", "in the head", "in the body"])
def test_a_connection_that_breaks_is_unavailable(web: WebServer, api: Api, client: Any, when: str) -> None:
    def breaks(_: Request, wire: Wire) -> bool:
        if when == "in the head":
            wire.send(b"HTTP/1.1 200 OK\r\ncontent-le")
        elif when == "in the body":
            wire.head(200, content_type="application/json", content_length=100)
            wire.send(b'{"totalTo')
        return False

    web.on(breaks)
    with pytest.raises(errors.Unavailable, match="the connection broke"):
        api(client.count_tokens(model=_MODEL, retry=None))
    web.on(breaks, reply({"totalTokens": 7}))
    assert api(client.count_tokens(model=_MODEL, retry=_QUICK)).total_tokens == 7


def test_nobody_there(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_EMULATOR_HTTP_HOST", "127.0.0.1:1")
    client = api.client(transport=_label(api))
    with pytest.raises(errors.Unavailable, match="failed to connect to all addresses"):
        api(client.count_tokens(model=_MODEL, retry=None))
    # The last attempt may have had no time to be refused.
    with pytest.raises((errors.Unavailable, errors.DeadlineExceeded)) as caught:
        api(client.count_tokens(model=_MODEL, timeout=0.3, retry=Retry(initial=0.01, maximum=0.01)))
    assert caught.value.attempts > 3


def test_a_page_of_a_proxy(web: WebServer, api: Api, client: Any) -> None:
    page = b"<html><title>502 Bad Gateway</title>" + b"x" * (4 << 20)

    def send(_: Request, wire: Wire) -> bool:
        wire.answer(502, page, content_type="text/html")
        return False

    web.on(send)
    with pytest.raises(errors.Unavailable, match=r"HTTP 502.*text/html.*: 502 Bad Gateway"):
        api(client.count_tokens(model=_MODEL, retry=None))


def test_a_page_that_says_all_is_well(web: WebServer, api: Api, client: Any) -> None:
    web.on(lambda _, wire: wire.answer(200, b"<html>Please log in", content_type="text/html"))
    wanted = r"HTTP 200 OK, and text/html instead of a response of the API: Please log in .*login page"
    with pytest.raises(errors.Internal, match=wanted):
        api(client.count_tokens(model=_MODEL))


def test_a_redirect_is_not_followed_with_the_key(web: WebServer, api: Api) -> None:
    client = api.client(transport=_label(api), credentials=google.auth.api_key.Credentials("key"))
    other = WebServer()
    web.on(lambda _, wire: wire.answer(307, b"", location=f"http://{other.address}/"))
    with pytest.raises(errors.Unknown, match=r"HTTP 307: redirected to .* not followed"):
        api(client.count_tokens(model=_MODEL))
    other.stop()
    assert not other.requests


def test_a_server_of_something_else(web: WebServer, api: Api, client: Any) -> None:
    web.on(lambda _, wire: wire.send(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00SSH-2.0 what\r\n\r\n"))
    with pytest.raises(errors.Internal, match=r"does not speak HTTP/1.1.*is it a gRPC port"):
        api(client.count_tokens(model=_MODEL))


def test_no_http_form(web: WebServer, api: Api, client: Any) -> None:
    service = (
        aiplatform_v1.PredictionServiceAsyncClient if api.is_async else aiplatform_v1.PredictionServiceClient
    )
    prediction = service(transport=client.transport)
    with pytest.raises(errors.Unimplemented, match=r"StreamingPredict has no HTTP form.*gRPC transport"):
        api(prediction.streaming_predict())
    with pytest.raises(ValueError, match="model must look like 'models/"):
        api(client.count_tokens(model="m"))
    with pytest.raises(ValueError, match="'x-bin' holds bytes"):
        api(client.count_tokens(model=_MODEL, metadata=[("x-bin", b"1")]))
    assert not web.requests
    assert not web.connections


# Deadlines -----------------------------------------------------------------------------------------


def _slow_body(_request: Request, wire: Wire) -> None:
    wire.head(200, content_type="application/json", content_length=1000)
    for _ in range(1000):
        wire.send(b" ")
        time.sleep(0.03)


@pytest.mark.parametrize("how", [lambda _, wire: wire.gone() and False, _slow_body])
def test_a_deadline_holds(web: WebServer, api: Api, client: Any, how: Any) -> None:
    web.on(how)
    began = time.monotonic()
    with pytest.raises(errors.DeadlineExceeded, match="Raise `timeout`"):
        api(client.count_tokens(model=_MODEL, timeout=0.2))
    assert 0.19 < time.monotonic() - began < PATIENCE
    assert web.quiet()


def test_a_deadline_spans_all_attempts(web: WebServer, api: Api, client: Any) -> None:
    web.on(failure(503, "UNAVAILABLE"))
    began = time.monotonic()
    # The last attempt may be under way when the time is over, or just have ended.
    with pytest.raises((errors.Unavailable, errors.DeadlineExceeded)) as caught:
        api(client.count_tokens(model=_MODEL, timeout=0.3, retry=Retry(initial=0.02, maximum=0.02)))
    assert caught.value.attempts > 1
    assert time.monotonic() - began < PATIENCE


def test_a_deadline_holds_in_a_stream(web: WebServer, api: Api, client: Any) -> None:
    def drip(_: Request, wire: Wire) -> None:
        wire.events()
        while True:
            wire.chunk(b"data: " + json.dumps(_chunk("x")).encode() + b"\n\n")
            time.sleep(0.03)

    web.on(drip)
    began = time.monotonic()
    with pytest.raises(errors.DeadlineExceeded):
        api.list(api(client.stream_generate_content(model=_MODEL, timeout=0.4)))
    assert 0.39 < time.monotonic() - began < PATIENCE
    assert web.quiet()


# Streams -------------------------------------------------------------------------------------------


def test_a_stream(web: WebServer, api: Api, client: Any) -> None:
    web.on(stream(*(_chunk(str(n)) for n in range(100))), reply({}))
    arriving = api(client.stream_generate_content(model=_MODEL))
    assert _texts(api.list(arriving)) == [str(n) for n in range(100)]
    assert web.requests[0].query == {"alt": "sse"}
    assert dict(api(arriving.initial_metadata()))["content-type"] == "text/event-stream"
    assert api(arriving.trailing_metadata()) == []
    # The connection is free for the next call.
    api(client.count_tokens(model=_MODEL))
    assert web.connections == 1


def test_a_stream_in_single_bytes(web: WebServer, api: Api, client: Any) -> None:
    def bytewise(_: Request, wire: Wire) -> None:
        wire.events()
        data = b": hello\n\n" + b"".join(
            b"data: " + json.dumps(_chunk(t)).encode() + b"\r\n\r\n" for t in ("é", "🦊")
        )
        for byte in data:
            wire.chunk(bytes([byte]))
        wire.end()

    web.on(bytewise)
    assert _texts(api.list(api(client.stream_generate_content(model=_MODEL)))) == ["é", "🦊"]


@pytest.mark.parametrize("tree", [[_chunk("a"), _chunk("b")], _chunk("a")])
def test_a_server_that_knows_no_events(web: WebServer, api: Api, client: Any, tree: Any) -> None:
    web.on(reply(tree))
    texts = _texts(api.list(api(client.stream_generate_content(model=_MODEL))))
    assert texts == ["a", "b"][: len(tree) if isinstance(tree, list) else 1]


def test_a_stream_without_a_message_is_an_error(web: WebServer, api: Api, client: Any) -> None:
    web.on(stream())
    with pytest.raises(errors.Internal, match="status OK, but without a complete GenerateContentResponse"):
        api(client.stream_generate_content(model=_MODEL))
    assert len(web.requests) == 1


def test_a_stream_is_repeated_until_its_first_message(web: WebServer, api: Api, client: Any) -> None:
    def cut(_: Request, wire: Wire) -> bool:
        wire.events()
        wire.chunk(b"data: {")
        return False

    web.on(failure(503, "UNAVAILABLE"), cut, stream(_chunk("a")))
    arriving = api(client.stream_generate_content(model=_MODEL, retry=_QUICK))
    assert _texts(api.list(arriving)) == ["a"]
    assert arriving.attempts == 3


def _quiet(api: Api, web: WebServer) -> bool:
    """Whether all connections are closed, while the loop goes on."""
    return bool(api(asyncio.to_thread(web.quiet)) if api.is_async else web.quiet())


def _arrived(web: WebServer, count: int) -> bool:
    return comes(lambda: len(web.requests) >= count)


def _after_one(rest: Any, pause: float) -> Any:
    def handle(_: Request, wire: Wire) -> bool:
        wire.events()
        wire.chunk(b"data: " + json.dumps(_chunk("a")).encode() + b"\n\n")
        time.sleep(pause)
        rest(wire)
        return False

    return handle


@pytest.mark.parametrize("pause", [0, 0.05])
@pytest.mark.parametrize(
    ("rest", "kind", "text"),
    [
        (lambda wire: None, errors.Unavailable, "the connection broke"),
        (lambda wire: wire.chunk(b'data: {"can'), errors.Unavailable, "the connection broke"),
        (
            lambda wire: (wire.chunk(b'data: {"can'), wire.end()),
            errors.Unavailable,
            "ended in the middle of an event",
        ),
        (lambda wire: wire.chunk(b"data: {]\n\n"), errors.Internal, "cannot be read"),
        (
            lambda wire: wire.chunk(
                b'data: {"error": {"message": "no more", "status": "RESOURCE_EXHAUSTED"}}\r\n\r\n'
            ),
            errors.ResourceExhausted,
            "no more",
        ),
    ],
)
def test_a_stream_that_fails_midway(
    web: WebServer, api: Api, client: Any, rest: Any, kind: Any, text: str, pause: float
) -> None:
    web.on(_after_one(rest, pause))
    arriving = api(client.stream_generate_content(model=_MODEL))
    got: list[Any] = []

    async def collect() -> None:
        async for message in arriving:
            got.append(message)  # noqa: PERF401 - what came before the error counts

    def gather() -> None:
        for message in arriving:
            got.append(message)  # noqa: PERF402

    with pytest.raises(kind, match=text):
        api(collect()) if api.is_async else gather()
    assert _texts(got) == ["a"]
    assert len(web.requests) == 1
    assert web.quiet()


def test_the_last_event_may_lack_its_empty_line(web: WebServer, api: Api, client: Any) -> None:
    def handle(_: Request, wire: Wire) -> None:
        wire.events()
        wire.chunk(b"data: " + json.dumps(_chunk("a")).encode())
        wire.end()

    web.on(handle)
    assert _texts(api.list(api(client.stream_generate_content(model=_MODEL)))) == ["a"]


class _Endless:
    """A stream that goes on; how long it took its reader to hang up is in `gone`."""

    def __init__(self) -> None:
        self.gone: list[float | None] = []

    def __call__(self, _: Request, wire: Wire) -> bool:
        wire.events()
        wire.chunk(b"data: " + json.dumps(_chunk("a")).encode() + b"\n\n")
        self.gone.append(wire.gone())
        return False


def test_leaving_the_loop_ends_the_stream(web: WebServer, api: Api, client: Any) -> None:
    endless = _Endless()
    web.on(endless)
    arriving = api(client.stream_generate_content(model=_MODEL))
    began = time.monotonic()

    async def leave() -> None:
        async for _ in arriving:
            break

    if api.is_async:
        api(leave())
    else:
        for _ in arriving:
            break
    gc.collect()
    assert _quiet(api, web)
    assert endless.gone != [None]
    assert time.monotonic() - began < PATIENCE


def test_a_stream_that_is_dropped_ends(web: WebServer, api: Api, client: Any) -> None:
    endless = _Endless()
    web.on(endless)
    api(client.stream_generate_content(model=_MODEL))
    gc.collect()
    assert _quiet(api, web)


def test_cancel_wakes_the_reader(web: WebServer, api: Api, client: Any) -> None:
    web.on(_Endless())
    arriving = api(client.stream_generate_content(model=_MODEL))
    timer = threading.Timer(0.1, arriving.cancel)
    timer.start()
    began = time.monotonic()
    with pytest.raises(errors.Cancelled, match=r"by cancel\(\)"):
        api.list(arriving)
    assert time.monotonic() - began < PATIENCE
    timer.join()
    assert not arriving.cancel()
    assert web.quiet()


def test_an_idle_stream_ends(web: WebServer, api: Api, client: Any) -> None:
    web.on(_Endless())
    arriving = api(client.stream_generate_content(model=_MODEL, idle_timeout=0.15))
    with pytest.raises(errors.DeadlineExceeded, match=r"no message for 0.15 s"):
        api.list(arriving)
    web.on(lambda _, wire: wire.gone() and False)
    with pytest.raises(errors.DeadlineExceeded, match=r"no message for 0.15 s"):
        api(client.stream_generate_content(model=_MODEL, idle_timeout=0.15))
    assert web.quiet()


def test_a_cancelled_task_ends_its_call(web: WebServer) -> None:
    web.on(lambda _, wire: wire.gone() and False)

    async def main() -> None:
        async with v1beta.GenerativeServiceAsyncClient(transport="rest_asyncio") as client:
            calls = (client.count_tokens(model=_MODEL), client.stream_generate_content(model=_MODEL))
            for number, call in enumerate(calls, 1):
                task = asyncio.ensure_future(call)
                assert await asyncio.to_thread(_arrived, web, number)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            assert await asyncio.to_thread(web.quiet)

    asyncio.run(main())


# Lives ---------------------------------------------------------------------------------------------


def test_closing_ends_what_is_under_way(web: WebServer, new_threads: Callable[[str], list[str]]) -> None:
    web.on(lambda _, wire: wire.gone() and False)
    client = v1beta.GenerativeServiceClient(transport="rest")
    with in_thread(lambda: client.count_tokens(model=_MODEL)) as outcome:
        assert _arrived(web, 1)
        client.close()
    assert isinstance(outcome[0], errors.Cancelled), outcome
    assert "closed" in str(outcome[0])
    assert web.quiet()
    with pytest.raises(RuntimeError, match="this client is closed"):
        client.count_tokens(model=_MODEL)
    assert not new_threads("gemwire-http")

    async def main() -> None:
        client = v1beta.GenerativeServiceAsyncClient(transport="rest_asyncio")
        task = asyncio.ensure_future(client.count_tokens(model=_MODEL))
        assert await asyncio.to_thread(_arrived, web, 2)
        await client.close()
        with pytest.raises(errors.Cancelled, match="closed"):
            await task
        with pytest.raises(RuntimeError, match="this client is closed"):
            await client.count_tokens(model=_MODEL)

    asyncio.run(main())
    assert web.quiet()


def _call_on(client: Any, outcomes: list[Any]) -> None:
    try:
        while True:
            client.count_tokens(model=_MODEL)
    except BaseException as error:
        outcomes.append(error)


def test_closing_among_many_calls(web: WebServer) -> None:
    web.on(reply({"totalTokens": 7}))
    for _ in range(10):
        client = v1beta.GenerativeServiceClient(transport="rest")
        outcomes: list[Any] = []

        threads = [threading.Thread(target=_call_on, args=(client, outcomes)) for _ in range(8)]
        began = len(web.requests)
        for thread in threads:
            thread.start()
        assert _arrived(web, began + 8)
        client.close()
        for thread in threads:
            thread.join(10)
            assert not thread.is_alive()
        assert {type(error) for error in outcomes} <= {errors.Cancelled, RuntimeError}, outcomes


def test_closing_ends_a_stream(web: WebServer, api: Api, client: Any) -> None:
    web.on(_Endless())
    arriving = api(client.stream_generate_content(model=_MODEL))

    async def read() -> list[Any]:
        asyncio.get_running_loop().call_later(0.1, lambda: asyncio.ensure_future(client.close()))
        return [message async for message in arriving]

    timer = threading.Timer(0.1, client.close)
    if not api.is_async:
        timer.start()
    with pytest.raises(errors.Cancelled, match="closed"):
        api(read()) if api.is_async else list(arriving)
    assert web.quiet()


def test_a_client_on_several_loops(web: WebServer) -> None:
    client = v1beta.GenerativeServiceAsyncClient(transport="rest_asyncio")

    async def call() -> int:
        response = await client.count_tokens(model=_MODEL)
        return int(response.total_tokens)

    web.on(reply({"totalTokens": 7}))
    for _ in range(3):
        assert asyncio.run(call()) == 7
        # Its connections went with the loop.
        assert web.quiet()
    gc.collect()


def test_clients_that_nobody_closes(web: WebServer, new_threads: Callable[[str], list[str]]) -> None:
    client = v1beta.GenerativeServiceClient(transport="rest")
    client.count_tokens(model=_MODEL)
    del client
    gc.collect()
    assert web.quiet()

    async def main() -> None:
        other = v1beta.GenerativeServiceAsyncClient(transport="rest_asyncio")
        await other.count_tokens(model=_MODEL)
        del other
        gc.collect()
        assert await asyncio.to_thread(web.quiet)

    asyncio.run(main())
    assert not new_threads("gemwire-http")


def test_many_threads(web: WebServer) -> None:
    with v1beta.GenerativeServiceClient(transport="rest") as client:
        outcomes: list[Any] = []

        def work() -> None:
            outcomes.extend(client.count_tokens(model=_MODEL).total_tokens for _ in range(10))

        web.on(reply({"totalTokens": 7}))
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert outcomes == [7] * 80


def _in_child(client: Any, queue: Any) -> None:
    queue.put(client.count_tokens(model=_MODEL).total_tokens)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_after_a_fork(web: WebServer) -> None:
    web.on(reply({"totalTokens": 7}))
    with v1beta.GenerativeServiceClient(transport="rest") as client:
        client.count_tokens(model=_MODEL)
        context = multiprocessing.get_context("fork")
        queue = context.Queue()
        child = context.Process(target=_in_child, args=(client, queue))
        child.start()
        assert queue.get(timeout=10) == 7
        child.join(10)
        # The parent's connection is as it was.
        assert client.count_tokens(model=_MODEL).total_tokens == 7
    assert web.connections == 2


def test_a_client_pickles(web: WebServer, api: Api, client: Any) -> None:
    import pickle

    other = pickle.loads(pickle.dumps(client))
    assert other.transport.kind == _label(api)


# Making one ----------------------------------------------------------------------------------------


def test_labels(web: WebServer, api: Api, client: Any) -> None:
    kind = gemwire.RestAsyncIOTransport if api.is_async else gemwire.RestTransport
    assert type(client).get_transport_class(_label(api)) is kind
    assert isinstance(client.transport, kind)
    assert client.transport.host == f"http://{web.address}"
    shared = type(client)(transport=client.transport)
    api(shared.count_tokens(model=_MODEL))


def _transport(api: Api, **arguments: Any) -> Any:
    kind = gemwire.RestAsyncIOTransport if api.is_async else gemwire.RestTransport
    return kind(**arguments)


def test_a_transport_as_google_makes_it(web: WebServer, api: Api) -> None:
    made = _transport(api, host=web.address, url_scheme="http", credentials=AnonymousCredentials())
    client = api.client(transport=made)
    api(client.count_tokens(model=_MODEL))
    assert "x-goog-api-key" not in web.requests[0].headers
    assert _transport(api, host=f"http://{web.address}", credentials=AnonymousCredentials()).host == made.host
    google_s = _transport(api, credentials=AnonymousCredentials())
    assert google_s.host == "https://generativelanguage.googleapis.com"


def test_what_is_refused(api: Api) -> None:
    with pytest.raises(ValueError, match="url_scheme: 'ftp' is neither"):
        _transport(api, url_scheme="ftp", credentials=AnonymousCredentials())
    with pytest.raises(ValueError, match=r"'example.com' would be sent the credentials unencrypted"):
        _transport(api, host="http://example.com", credentials=google.auth.api_key.Credentials("k"))
    with pytest.raises(ValueError, match="has a path"):
        _transport(api, host="https://example.com/v1", credentials=AnonymousCredentials())
    with pytest.raises(ValueError, match="interceptors: those are grpc's"):
        api.client(transport=_label(api), client_options={"api_key": "k", "interceptors": [object()]})


def test_an_emulator_without_http(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_EMULATOR_HOST", "127.0.0.1:1")
    with pytest.raises(ValueError, match="set GEMINI_EMULATOR_HTTP_HOST to the emulator's HTTP address"):
        api.client(transport=_label(api))
    monkeypatch.setenv("GEMINI_EMULATOR_HTTP_HOST", "example.com:80")
    with pytest.raises(ValueError, match=r"GEMINI_EMULATOR_HTTP_HOST: 'example.com:80' is another machine"):
        api.client(transport=_label(api))


def test_the_http_client_is_loaded_when_asked_for() -> None:
    program = (
        "import sys; from gemwire import v1beta; "
        "c = v1beta.GenerativeServiceClient(client_options={'api_key': 'k'}); c.close(); "
        "v1beta.GenerativeServiceAsyncClient; "
        "print([m for m in ('aiohttp', 'yarl', 'asyncio.sslproto') if m in sys.modules][:2])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "aiohttp" not in done.stdout


def test_without_the_extra(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "gemwire._transport.rest.session", raising=False)
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    with pytest.raises(ImportError, match=r"pip install 'gemwire\[http\]'"):
        _transport(api, credentials=AnonymousCredentials())


# TLS and proxies -----------------------------------------------------------------------------------


@pytest.fixture
def secure(web: WebServer, tmp_path: Path) -> Iterator[tuple[WebServer, Path, certificates.Authority]]:
    """A server with TLS that wants client certificates, and the authority of both."""
    authority = certificates.Authority("test CA")
    chain, key = authority.issue("localhost")
    (tmp_path / "server.pem").write_bytes(chain + key)
    (tmp_path / "ca.pem").write_bytes(authority.certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    context.load_verify_locations(tmp_path / "ca.pem")
    context.verify_mode = ssl.CERT_OPTIONAL
    made = WebServer(context)
    yield made, tmp_path / "ca.pem", authority
    made.stop()


def _secure_client(api: Api, server: WebServer, **arguments: Any) -> Any:
    host = f"localhost:{server.address.rpartition(':')[2]}"
    return api.client(
        transport=_transport(api, host=host, credentials=google.auth.api_key.Credentials("k"), **arguments)
    )


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_whom_to_trust(secure: Any, api: Api, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    server, bundle, _ = secure
    client = _secure_client(api, server)
    with pytest.raises(
        errors.Unavailable, match=r"its certificate leads to CN=test CA, which is not trusted"
    ):
        api(client.count_tokens(model=_MODEL, retry=None))
    monkeypatch.setenv(variable, str(bundle))
    trusting = _secure_client(api, server)
    api(trusting.count_tokens(model=_MODEL))
    assert server.requests[0].headers["x-goog-api-key"] == "k"


def test_a_bundle_that_is_not_there(secure: Any, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere.pem")
    with pytest.raises(FileNotFoundError, match=r"REQUESTS_CA_BUNDLE: there is no file /nowhere\.pem"):
        api(_secure_client(api, secure[0]).count_tokens(model=_MODEL))


# Python 3.10 forgets to mark a transport as closed whose handshake the other end ended.
@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning" if sys.version_info < (3, 11) else "default"
)
def test_mutual_tls(secure: Any, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    server, bundle, authority = secure
    server._context.verify_mode = ssl.CERT_REQUIRED
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    pair = authority.issue("client")
    client = _secure_client(api, server, client_cert_source_for_mtls=lambda: pair)
    api(client.count_tokens(model=_MODEL))
    without = _secure_client(api, server)
    with pytest.raises(errors.Unavailable):
        api(without.count_tokens(model=_MODEL, retry=None))


def _tunnel(request: Request, wire: Wire) -> bool:
    """A proxy's CONNECT."""
    import select
    import socket

    host, _, port = request.target.rpartition(":")
    other = socket.create_connection((host, int(port)))
    wire.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
    pair = {wire.sock: other, other: wire.sock}
    while True:
        for readable in select.select(list(pair), [], [], 5)[0]:
            data = readable.recv(65536)
            if not data:
                other.close()
                return False
            pair[readable].sendall(data)


def test_a_proxy(secure: Any, web: WebServer, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    server, bundle, _ = secure
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:pass@{web.address}")
    web.on(_tunnel)
    client = _secure_client(api, server)
    api(client.count_tokens(model=_MODEL))
    (connect,) = web.requests
    assert (connect.verb, connect.target) == ("CONNECT", f"localhost:{server.address.rpartition(':')[2]}")
    assert connect.headers["proxy-authorization"] == "Basic dXNlcjpwYXNz"
    assert "x-goog-api-key" not in connect.headers
    monkeypatch.setenv("NO_PROXY", "localhost")
    api(_secure_client(api, server).count_tokens(model=_MODEL))
    assert len(web.requests) == 1
    api(client.close())


def test_a_proxy_that_refuses(secure: Any, web: WebServer, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    server, bundle, _ = secure
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    monkeypatch.setenv("HTTPS_PROXY", f"http://{web.address}")
    web.on(lambda _, wire: wire.answer(407, b"", proxy_authenticate="Basic"))
    with pytest.raises(errors.Unavailable, match="the proxy answered HTTP 407"):
        api(_secure_client(api, server).count_tokens(model=_MODEL, retry=None))
    assert not server.requests


def test_a_kind_of_proxy_that_is_not_spoken(secure: Any, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    with pytest.raises(ValueError, match="of kind 'socks5'"):
        api(_secure_client(api, secure[0]).count_tokens(model=_MODEL))


def test_a_server_on_this_machine_needs_no_proxy(
    web: WebServer, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = WebServer()
    monkeypatch.setenv("HTTP_PROXY", f"http://{proxy.address}")
    monkeypatch.setenv("ALL_PROXY", f"http://{proxy.address}")
    api(api.client(transport=_label(api)).count_tokens(model=_MODEL))
    assert not proxy.connections
    assert [request.path for request in web.requests] == [f"/v1beta/{_MODEL}:countTokens"]
    proxy.stop()
