"""Calls with bytes in the place of messages, over every transport; and the proxy of the guide."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2 as their_details
from scripted_grpc_server import TABLE, Api, Fail, Headers, Loopback, Trailers
from scripted_http_server import WebServer, failure, reply, stream

from gemwire import Retry, errors, v1beta
from gemwire._transport import metadata, observe, status
from gemwire._transport.serialized_message import with_serialized_messages as for_bytes
from gemwire.testing import RunningEmulator
from gemwire_proto.google.rpc import error_details_pb2
from gemwire_proto.v1beta import cache_service, generative_service, model_service
from gemwire_runtime.method import Kind

ROOT = Path(__file__).resolve().parents[3]
SERVICE = "/google.ai.generativelanguage.v1beta.GenerativeService"
MODEL = "models/m"
REQUEST = v1beta.GenerateContentRequest(model=MODEL, contents=[{"parts": [{"text": "hü"}]}])
DATA = REQUEST.SerializeToString()
ANSWER = v1beta.GenerateContentResponse(
    candidates=[{"content": {"parts": [{"text": "a"}]}}], model_version="v"
)
QUICK = Retry(initial=0.001, maximum=0.001)


# One answer, and streams -----------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GenerateContent", f"{SERVICE}/GenerateContent", "GENERATE_CONTENT"])
def test_a_call(api: Api, server: Loopback, method: Any) -> None:
    server.on("GenerateContent", ANSWER)
    chosen = getattr(generative_service, method, method)
    data = api(api.client().raw.unary(chosen, DATA, metadata=[("x-mine", "1")]))
    assert type(data) is bytes
    assert v1beta.GenerateContentResponse.FromString(data) == ANSWER
    [call] = server.journal
    assert call.request == REQUEST
    assert call.values("x-goog-request-params") == ["model=models/m"]
    assert call.values("x-mine") == ["1"]
    assert len(call.values("x-goog-api-client")) == 1


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_of_any_kind(api: Api, server: Loopback, kind: Callable[[bytes], Any]) -> None:
    api(api.client().raw.unary("GenerateContent", kind(DATA)))
    assert server.journal[0].request == REQUEST


def test_a_stream(api: Api, server: Loopback) -> None:
    chunks = [v1beta.GenerateContentResponse(model_version=str(n)) for n in range(3)]
    server.on("StreamGenerateContent", [Headers((("x-head", "h"),)), *chunks, Trailers((("x-tail", "t"),))])
    stream = api(api.client().raw.server_stream("StreamGenerateContent", DATA))
    assert ("x-head", "h") in api(stream.initial_metadata())
    assert api.list(stream) == [chunk.SerializeToString() for chunk in chunks]
    assert ("x-tail", "t") in api(stream.trailing_metadata())
    assert stream.attempts == 1


def test_a_stream_is_cancelled_and_repeated_like_others(api: Api, server: Loopback) -> None:
    server.on("StreamGenerateContent", Fail("UNAVAILABLE"), [ANSWER, 10])
    stream = api(api.client().raw.server_stream("StreamGenerateContent", DATA, retry=QUICK, idle_timeout=9))
    assert stream.attempts == 2
    assert stream.cancel()
    with pytest.raises(errors.Cancelled):
        api.list(stream)
    assert server.idle()


def test_a_silent_stream_is_ended(api: Api, server: Loopback) -> None:
    server.on("StreamGenerateContent", [ANSWER, 10])
    stream = api(api.client().raw.server_stream("StreamGenerateContent", DATA, idle_timeout=0.2))
    with pytest.raises(errors.DeadlineExceeded, match=r"no message for 0\.2 s"):
        api.list(stream)
    assert server.idle()


def test_both_directions(api: Api, server: Loopback) -> None:
    def echo(requests: Iterator[Any], _: Any) -> Iterator[Any]:
        for request in requests:
            yield v1beta.BidiGenerateContentServerMessage(setup_complete={}, go_away={}) if request else None

    server.on("BidiGenerateContent", echo)
    setup = v1beta.BidiGenerateContentClientMessage(setup={"model": MODEL}).SerializeToString()
    raw = api.client().raw
    live = api(raw.bidi("BidiGenerateContent"))
    for _ in range(2):
        api(live.write(setup))
        answer = api(live.read())
        assert type(answer) is bytes
        v1beta.BidiGenerateContentServerMessage.FromString(answer)
    with pytest.raises(TypeError, match="data: expected the bytes of a BidiGenerateContentClientMessage"):
        api(live.write({"setup": {}}))
    api(live.done_writing())
    assert api(live.read()) is None
    assert len(api.list(api(raw.bidi("BidiGenerateContent", [setup] * 3)))) == 3
    assert server.journal[1].requests[0].setup.model == MODEL


def test_an_endless_call_ends_with_its_time(api: Api, server: Loopback) -> None:
    server.on("GenerateContent", 10)
    with pytest.raises(errors.DeadlineExceeded):
        api(api.client().raw.unary("GenerateContent", DATA, timeout=0.2))
    assert server.idle()


def test_errors_are_typed_and_have_details(api: Api, server: Loopback) -> None:
    info = error_details_pb2.ErrorInfo(reason="WHY", domain="d")
    server.on("GenerateContent", Fail("NOT_FOUND", "gone", (info,), (("x-tail", "t"),)))
    with pytest.raises(errors.NotFound, match="gone") as caught:
        api(api.client().raw.unary("GenerateContent", DATA))
    assert (caught.value.reason, caught.value.method) == ("WHY", f"{SERVICE[1:]}/GenerateContent")
    trailers = dict(caught.value.trailers())
    assert trailers["x-tail"] == "t"
    again = errors.APIError("", details=status.decode_details([trailers["grpc-status-details-bin"]]))
    assert again.details == [info]


def test_a_large_request_is_repeated(api: Api, gemini_emulator: RunningEmulator) -> None:
    """5 MB, more than gRPC's own retries would send again."""
    gemini_emulator.fail("UNAVAILABLE", times=2)
    blob = {"mime_type": "image/png", "data": b"\xfa" * 5_000_000}
    large = v1beta.GenerateContentRequest(
        model="models/gemini-2.5-flash", contents=[{"parts": [{"inline_data": blob}]}]
    )
    data = api(api.client().raw.unary("GenerateContent", large.SerializeToString(), retry=QUICK))
    assert v1beta.GenerateContentResponse.FromString(data).candidates
    assert len(gemini_emulator.calls("GenerateContent")) == 3
    assert gemini_emulator.calls("GenerateContent")[-1].request == large


# Methods ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", TABLE.values(), ids=TABLE)
def test_any_client_calls_any_method(api: Api, server: Loopback, method: Any) -> None:
    """By its path, with the right routing header."""
    request = method.request()
    wanted = []
    for path in method.routing:
        *parents, name = path.split(".")
        inner = request
        for parent in parents:
            inner = getattr(inner, parent)
        setattr(inner, name, "a/b c")
        wanted.append(f"{path}=a/b+c")
    client = api.client("ModelService", "v1")
    data = request.SerializeToString()
    if method.http_only:
        with pytest.raises(ValueError, match=f"^{method.name} is not available over gRPC; use a client with"):
            api(client.raw.unary(method.path, data))
        assert not server.journal
        return
    if method.kind is Kind.UNARY:
        assert api(client.raw.unary(method.path, data)) == b""
    elif method.kind is Kind.SERVER_STREAM:
        assert api.list(api(client.raw.server_stream(method.path, data))) == [b""]
    else:
        server.on(method.name, lambda requests, _: iter([method.response() for _ in requests]))
        assert api.list(api(client.raw.bidi(method.path, [data]))) == [b""]
    [call] = server.journal
    assert call.method is method
    assert call.values("x-goog-request-params") == (["&".join(wanted)] if wanted else [])


def test_operations_by_name(api: Api, server: Loopback) -> None:
    api(api.client().raw.unary("GetOperation", b"\x0a\x01o"))
    assert server.journal[0].values("x-goog-request-params") == ["name=o"]


@pytest.mark.parametrize(
    ("method", "error", "says"),
    [
        ("GenerateContnet", ValueError, "has no such RPC; did you mean GenerateContent"),
        ("GetModel", ValueError, "v1beta.GenerativeService has no such RPC"),
        (
            f"{SERVICE}/GenerateContents",
            ValueError,
            f"the API has no RPC with this path; did you mean {SERVICE}/Gen",
        ),
        ("/other.Service/Do", ValueError, "'/other.Service/Do': the API has no RPC with this path"),
        ("StreamGenerateContent", ValueError, "call StreamGenerateContent by raw.server_stream"),
        ("BidiGenerateContent", ValueError, "call BidiGenerateContent by raw.bidi"),
        (3, TypeError, "method: expected a path, a name or a Method, got int"),
    ],
)
def test_methods_that_cannot_be(
    api: Api, server: Loopback, method: Any, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=re.escape(says)):
        api(api.client().raw.unary(method, DATA))
    assert not server.journal


# What is read of the bytes ---------------------------------------------------------------------------

NAME = b"\x0a\x08models/a"


def tuned(*names: bytes, before: bytes = b"") -> bytes:
    """An UpdateTunedModelRequest in which the message is in pieces."""
    number = v1beta.TunedModel.DESCRIPTOR.fields_by_name["name"].number
    outer = v1beta.UpdateTunedModelRequest.DESCRIPTOR.fields_by_name["tuned_model"].number
    pieces = [bytes([number << 3 | 2, len(name)]) + name for name in names]
    return before + b"".join(bytes([outer << 3 | 2, len(piece)]) + piece for piece in pieces)


@pytest.mark.parametrize(
    ("method", "data", "params"),
    [
        (generative_service.COUNT_TOKENS, b"", "model="),
        (generative_service.COUNT_TOKENS, NAME, "model=models/a"),
        (generative_service.COUNT_TOKENS, NAME + b"\x0a\x08models/b", "model=models/b"),
        (generative_service.COUNT_TOKENS, b"\x12\x03\x0a\x01x" + NAME, "model=models/a"),
        (generative_service.COUNT_TOKENS, NAME + b"\xf8\xff\xff\xff\x0f\x01", "model=models/a"),
        (generative_service.COUNT_TOKENS, b"\x9b\x06\x08\x01\x9c\x06" + NAME, "model=models/a"),
        (generative_service.COUNT_TOKENS, b"\x12\x02\xff\xff" + NAME, "model=models/a"),
        (model_service.UPDATE_TUNED_MODEL, tuned(b"t/a", b"t/b"), "tuned_model.name=t/b"),
        (model_service.UPDATE_TUNED_MODEL, tuned(b"t/a", before=b"\x12\x00"), "tuned_model.name=t/a"),
        (model_service.UPDATE_TUNED_MODEL, b"", "tuned_model.name="),
        (cache_service.UPDATE_CACHED_CONTENT, b"\x0a\x00", "cached_content.name="),
    ],
)
def test_how_calls_are_routed(server: Loopback, method: Any, data: bytes, params: str) -> None:
    """The same as protobuf would read it, also where the server refuses the rest."""
    parsed = True
    try:
        method.request.FromString(data)
    except DecodeError:
        parsed = False
    with v1beta.GenerativeServiceClient() as client, contextlib.suppress(errors.APIError):
        client.raw.unary(method, data, retry=None)
    # What cannot be parsed is refused by the server before its handlers.
    assert [call.values("x-goog-request-params") for call in server.journal] == [[params]] * parsed
    chosen = for_bytes(method).request.from_bytes(data)
    values = metadata.routing_values(chosen, method.routing)
    assert metadata.routing_header(method.routing, values)[1] == params


@pytest.mark.parametrize(
    "data",
    [b"\x0a", b"\x0a\x05a", b"\x08\xff", b"\x0c", b"\x00", b"\x0a\x01\xff", NAME + b"\xff" * 11, b"\x0b"],
)
def test_what_is_no_message(api: Api, server: Loopback, data: bytes) -> None:
    raw = api.client().raw
    for call in (raw.unary, raw.server_stream):
        name = "CountTokens" if call == raw.unary else "StreamGenerateContent"
        with pytest.raises(
            ValueError, match=r"^data: \d+ bytes that are no (CountTokens|GenerateContent)Request: "
        ):
            api(call(name, data))
    with pytest.raises(TypeError, match="data: expected the bytes of a CountTokensRequest, got str"):
        api(raw.unary("CountTokens", "text"))
    assert not server.journal


# Other transports ------------------------------------------------------------------------------------


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    made = WebServer()
    monkeypatch.setenv("GEMINI_EMULATOR_HTTP_HOST", made.address)
    yield made
    made.stop()


@pytest.fixture(params=["rest", "auto"])
def over_http(
    request: pytest.FixtureRequest, api: Api, web: WebServer, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """A client whose calls go over HTTP."""
    if request.param == "auto":
        # Nobody listens there, so that it takes to HTTP.
        monkeypatch.setenv("GEMINI_EMULATOR_HOST", "127.0.0.1:9")
        return api.client(transport="auto")
    return api.client(transport="rest_asyncio" if api.is_async else "rest")


TREE = {"candidates": [{"content": {"parts": [{"text": "a"}]}}], "modelVersion": "v"}


def test_over_http(api: Api, web: WebServer, over_http: Any) -> None:
    web.on(reply(TREE))
    assert api(over_http.raw.unary("GenerateContent", DATA)) == ANSWER.SerializeToString()
    [request] = web.requests
    assert request.path == "/v1beta/models/m:generateContent"
    assert request.json == {"contents": [{"parts": [{"text": "hü"}]}]}
    assert request.headers["x-goog-request-params"] == "model=models/m"


def test_streams_over_http(api: Api, web: WebServer, over_http: Any) -> None:
    web.on(stream(TREE, TREE))
    chunks = api.list(api(over_http.raw.server_stream("StreamGenerateContent", DATA)))
    assert chunks == [ANSWER.SerializeToString()] * 2


def test_errors_over_http(api: Api, web: WebServer, over_http: Any) -> None:
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "WHY"}
    web.on(failure(404, "NOT_FOUND", "gone", info))
    with pytest.raises(errors.NotFound) as caught:
        api(over_http.raw.unary("GenerateContent", DATA, retry=None))
    assert caught.value.reason == "WHY"


def test_what_is_broken_inside_has_no_json(api: Api, web: WebServer) -> None:
    transport = "rest_asyncio" if api.is_async else "rest"
    client = api.client(transport=transport)
    with pytest.raises(ValueError, match=r"data: \d+ bytes that are no CountTokensRequest"):
        api(client.raw.unary("CountTokens", NAME + b"\x12\x02\xff\xff"))
    prediction = api.client("PredictionService", "aiplatform_v1", transport=transport)
    with pytest.raises(errors.Unimplemented, match="no HTTP form"):
        api(prediction.raw.bidi("StreamDirectPredict"))
    assert not web.requests


# Who looks -------------------------------------------------------------------------------------------


def test_the_log_sees_messages(api: Api, server: Loopback, caplog: pytest.LogCaptureFixture) -> None:
    server.on("GenerateContent", ANSWER)
    server.on("StreamGenerateContent", [ANSWER, ANSWER])
    client = api.client(client_options={"log_content": True})
    with caplog.at_level(logging.DEBUG, "gemwire"):
        api(client.raw.unary("GenerateContent", DATA))
        api.list(api(client.raw.server_stream("StreamGenerateContent", DATA)))
    said = [record.getMessage() for record in caplog.records]
    size = ANSWER.ByteSize()
    assert f"{len(DATA)} bytes sent, {size} received in 1 message(s)" in said[0]
    assert said[1] == f"GenerateContent request {REQUEST}"
    assert said[2] == f"GenerateContent last message {ANSWER}"
    assert f"{2 * size} received in 2 message(s)" in said[3]


def test_a_sink_sees_fields(api: Api, server: Loopback) -> None:
    seen = []

    class Sink:
        def on_start(self, call: Any) -> None: ...

        def on_end(self, call: Any, state: Any) -> None:
            latest = call.latest
            seen.append(
                (call.request.model, call.request.HasField("generation_config"), latest.model_version)
            )

    remove = observe.add_observer(Sink())
    server.on("GenerateContent", ANSWER)
    try:
        api(api.client().raw.unary("GenerateContent", DATA))
    finally:
        remove()
    assert seen == [(MODEL, False, "v")]


# The proxy of the guide ------------------------------------------------------------------------------


def proxy_class() -> Any:
    """It, as the page has it."""
    page = (ROOT / "docs" / "gateways.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    imports = blocks[0].split("HELLO", maxsplit=1)[0]
    [source] = [block for block in blocks if "class Proxy" in block]
    assert source.count("\n") <= 60
    names: dict[str, Any] = {}
    exec(compile(imports + source, "gateways.md", "exec"), names)
    return names["Proxy"]


@contextlib.asynccontextmanager
async def proxied() -> AsyncIterator[str]:
    """The address of the proxy, on this loop, in front of the server."""
    async with v1beta.GenerativeServiceAsyncClient() as behind:
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((proxy_class()(behind),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            await server.stop(None)


@pytest.fixture
def proxy(server: Loopback) -> Iterator[str]:
    """The same in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def run(work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(20)

    running = proxied()
    yield run(running.__aenter__())
    run(running.__aexit__(None, None, None))
    loop.call_soon_threadsafe(loop.stop)
    thread.join(20)
    loop.close()


@pytest.fixture
def google(proxy: str) -> Iterator[Any]:
    """Google's own client, that calls the proxy."""
    theirs = pytest.importorskip("google.ai.generativelanguage_v1beta")
    transports = theirs.services.generative_service.transports
    with grpc.insecure_channel(proxy) as channel:
        yield theirs.GenerativeServiceClient(
            transport=transports.GenerativeServiceGrpcTransport(channel=channel)
        )


HELLO = [{"role": "user", "parts": [{"text": "Hello"}]}]


def asked(**more: Any) -> dict[str, Any]:
    return {"request": {"model": MODEL, "contents": HELLO}, **more}


def test_google_through_the_proxy(server: Loopback, google: Any) -> None:
    server.on("GenerateContent", ANSWER)
    response = google.generate_content(
        **asked(metadata=[("x-mine", "1"), ("x-mine-bin", b"\x00\xff")], timeout=9)
    )
    assert response.candidates[0].content.parts[0].text == "a"
    [call] = server.journal
    assert call.request.contents[0].parts[0].text == "Hello"
    assert (call.values("x-mine"), call.values("x-mine-bin")) == (["1"], [b"\x00\xff"])
    assert call.values("x-goog-request-params") == ["model=models/m"]
    assert "gapic/" in str(call.values("x-goog-api-client"))


def test_google_streams_through_the_proxy(server: Loopback, google: Any) -> None:
    server.on("StreamGenerateContent", [ANSWER, ANSWER, Trailers((("x-tail", "t"),))])
    stream = google.stream_generate_content(**asked())
    assert [chunk.model_version for chunk in stream] == ["v", "v"]
    assert ("x-tail", "t") in list(stream.trailing_metadata())


@pytest.mark.parametrize("after", [0, 1])
def test_errors_through_the_proxy(server: Loopback, google: Any, after: int) -> None:
    exceptions = pytest.importorskip("google.api_core.exceptions")
    quota = error_details_pb2.QuotaFailure(violations=[{"subject": "s"}])
    fail = Fail("RESOURCE_EXHAUSTED", "enough", (quota,), (("x-tail-bin", b"\x01"),))
    server.on("StreamGenerateContent", [*[ANSWER] * after, fail])
    with pytest.raises(exceptions.ResourceExhausted, match="enough") as caught:
        list(google.stream_generate_content(**asked(retry=None)))
    [detail] = caught.value.details
    assert type(detail) is their_details.QuotaFailure
    assert detail.violations[0].subject == "s"
    assert ("x-tail-bin", b"\x01") in list(caught.value.response.trailing_metadata())
    assert len(server.journal) == 1


def test_a_cancelled_caller_cancels_the_call(server: Loopback, google: Any) -> None:
    server.on("StreamGenerateContent", [ANSWER, 20])
    stream = google.stream_generate_content(**asked())
    assert next(iter(stream)).model_version == "v"
    assert server.busy()
    stream.cancel()
    assert server.idle()


def test_a_cancelled_unary_call(server: Loopback, proxy: str) -> None:
    server.on("GenerateContent", 20)
    with grpc.insecure_channel(proxy) as channel:
        generate: grpc.UnaryUnaryMultiCallable[bytes, bytes]
        generate = channel.unary_unary(f"{SERVICE}/GenerateContent")
        call = generate.future(DATA)
        assert server.busy()
        call.cancel()
        assert server.idle()


def test_the_deadline_is_handed_on(server: Loopback, google: Any) -> None:
    exceptions = pytest.importorskip("google.api_core.exceptions")
    left = []

    def measured(_: Any, context: Any) -> Iterator[Any]:
        left.append(context.time_remaining())
        while context.is_active():
            threading.Event().wait(0.01)
        yield ANSWER

    server.on("GenerateContent", measured)
    with pytest.raises(exceptions.DeadlineExceeded):
        google.generate_content(**asked(timeout=0.7, retry=None))
    assert 0 < left[0] < 0.7
    assert server.idle()


def test_both_directions_through_the_proxy(server: Loopback, proxy: str) -> None:
    def echo(requests: Iterator[Any], _: Any) -> Iterator[Any]:
        for _ in requests:
            yield v1beta.BidiGenerateContentServerMessage(setup_complete={})

    server.on("BidiGenerateContent", echo)
    with grpc.insecure_channel(proxy) as channel:
        client = v1beta.GenerativeServiceClient(transport=channel)
        with client.bidi_generate_content([{"setup": {"model": MODEL}}] * 3) as live:
            assert [message.HasField("setup_complete") for message in live] == [True] * 3
    assert len(server.journal[0].requests) == 3


def test_the_proxy_repeats_nothing(server: Loopback, proxy: str) -> None:
    """Whoever calls it does, and twice two is four."""
    for name in ("GenerateContent", "StreamGenerateContent"):
        server.on(name, Fail("UNAVAILABLE"))
        with grpc.insecure_channel(proxy) as channel, pytest.raises(grpc.RpcError):
            list(channel.unary_stream(f"{SERVICE}/{name}")(DATA, timeout=20))
    assert len(server.journal) == 2


def test_what_the_proxy_does_not_serve(server: Loopback, proxy: str) -> None:
    with grpc.insecure_channel(proxy) as channel:
        other: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary("/other.Service/Do")
        with pytest.raises(grpc.RpcError) as caught:
            other(b"")
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert not server.journal
