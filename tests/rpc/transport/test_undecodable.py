"""Responses that are no message fail the call at once with INTERNAL, in every kind of call."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from eventually import comes
from raw_http2_server import RawServer, frame_message
from scripted_grpc_server import Api, Loopback
from scripted_http_server import Request, WebServer, Wire

from gemwire import Hedge, Retry, bulk, errors, v1beta
from gemwire.embeddings import BlockingEmbedder, Embedder
from gemwire_proto.google.longrunning import operations_pb2

UNARY, STREAM, BIDI = "GenerateContent", "StreamGenerateContent", "BidiGenerateContent"
GOOD = v1beta.GenerateContentResponse(
    model_version="m", candidates=[{"content": {"role": "model", "parts": [{"text": "a few words"}]}}]
)
GARBAGE = b"\xff\xfe\xfd"
UNDECODABLE = r"3 bytes that are no GenerateContentResponse"
MISSING = r"status OK, but without a complete GenerateContentResponse"


class Garbage:
    """In place of a message of the server's."""

    def SerializeToString(self) -> bytes:  # noqa: N802 - the interface of messages
        return GARBAGE


#: A server that sends no message, and how the errors of its calls describe that.
Broken = tuple[RawServer, str]
#: What the raw server sends, and how the error describes it.
BODIES = {
    "garbage": ([frame_message(GARBAGE)], UNDECODABLE),
    "truncated": (
        [frame_message(GOOD.SerializeToString()[:-1])],
        r"\d+ bytes that are no GenerateContentResp",
    ),
    "no message": ([], MISSING),
    "cut message": ([frame_message(GOOD.SerializeToString()[:7], 100)], MISSING),
    "cut frame": ([b"\0\0"], MISSING),
}


@pytest.fixture(params=BODIES)
def broken(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Broken]:
    """A server that sends no message, and how errors say so."""
    body, text = BODIES[request.param]
    with RawServer(body) as server:
        monkeypatch.setenv("GEMINI_EMULATOR_HOST", server.address)
        yield server, text


def fails(call: Callable[[], Any], text: str, method: str = UNARY) -> errors.Internal:
    with pytest.raises(errors.Internal, match=text) as caught:
        call()
    assert caught.value.method.endswith(f"GenerativeService/{method}")
    assert caught.value.elapsed is not None
    return caught.value


def test_unary(api: Api, broken: Broken, caplog: pytest.LogCaptureFixture) -> None:
    server, text = broken
    client = api.client()
    error = fails(lambda: api(client.generate_content(model="models/m")), text)
    assert (error.attempts, server.calls) == (1, 1)
    assert not caplog.records, "grpc logs a traceback of what a deserializer raises"


def test_stream(api: Api, broken: Broken) -> None:
    server, text = broken
    client = api.client()
    error = fails(lambda: api(client.stream_generate_content(model="models/m")), text, STREAM)
    assert (error.attempts, server.calls) == (1, 1)


def test_raw_bytes(api: Api, broken: Broken) -> None:
    _, text = broken
    raw = api.client().raw
    request = v1beta.GenerateContentRequest(model="models/m").SerializeToString()
    fails(lambda: api(raw.unary(UNARY, request)), text)
    fails(lambda: api(raw.server_stream(STREAM, request)), text, STREAM)


def test_prepared(api: Api, broken: Broken) -> None:
    _, text = broken
    prepared = api.client().prepare(model="models/m")
    fails(lambda: api(prepared.generate("x")), text)
    fails(lambda: api(prepared.generate_stream("x")), text, STREAM)


def generate(api: Api, client: Any, retry: Retry) -> Any:
    return api(client.generate_content(model="models/m", retry=retry))


def test_hedged(api: Api, broken: Broken) -> None:
    _, text = broken
    client = api.client()
    for hedge in (Hedge(delay=0.0), Hedge(delay=5.0), Hedge(percentile=0.5)):
        fails(partial(generate, api, client, Retry(hedge=hedge)), text)


def test_it_is_retried_where_the_policy_says_internal(api: Api, broken: Broken) -> None:
    server, text = broken
    client = api.client()
    for hedge in (None, Hedge(delay=5.0)):
        before = server.calls
        policy = Retry(codes=["INTERNAL"], max_attempts=3, initial=0.01, hedge=hedge)
        error = fails(partial(generate, api, client, policy), text)
        assert (error.attempts, server.calls - before) == (3, 3)


def test_genai(api: Api, broken: Broken) -> None:
    _, text = broken
    models = api.genai().models
    fails(lambda: api(models.generate_content(model="m", contents="x")), text)

    def stream() -> None:
        api.list(api(models.generate_content_stream(model="m", contents="x")))

    fails(stream, text, STREAM)
    fails(lambda: api(models.embed_content(model="m", contents=["x"])), "Embed|Batch", "BatchEmbedContents")


def test_genai_recorded(api: Api, broken: Broken, tmp_path: Path) -> None:
    server, text = broken

    def program(mode: str) -> None:
        """Both kinds of call, whose errors are the same when they are replayed."""
        config = {"client_mode": mode, "replays_directory": str(tmp_path), "replay_id": "r"}
        models = api.genai(debug_config=config).models
        for call in (models.generate_content, models.generate_content_stream):
            with pytest.raises(errors.Internal, match=text):
                api.list(api(call(model="m", contents="x")))

    program("record")
    program("replay")
    assert server.calls == 2


def test_embedder(api: Api, broken: Broken) -> None:

    async def embed() -> None:
        async with Embedder(model="m") as embedder:
            await embedder.embed("x")

    def embed_sync() -> None:
        with BlockingEmbedder(model="m") as embedder:
            embedder.embed("x")

    fails((lambda: api(embed())) if api.is_async else embed_sync, "Batch", "BatchEmbedContents")


def fails_as_second(api: Api, stream: Any) -> None:
    """The first message of a stream arrives; the next is the error."""
    messages = stream.__aiter__() if api.is_async else iter(stream)
    read = messages.__anext__ if api.is_async else messages.__next__
    assert api(read())
    fails(lambda: api(read()), UNDECODABLE, STREAM)


def test_later_in_a_stream(api: Api, server: Loopback) -> None:
    server.on(STREAM, [GOOD, Garbage(), GOOD, 60.0])
    for idle in (None, 5.0):
        fails_as_second(api, api(api.client().stream_generate_content(model="models/m", idle_timeout=idle)))
        assert server.idle(), "the call goes on at the server"


def test_later_in_raw_and_genai_streams(api: Api, server: Loopback) -> None:
    server.on(STREAM, [GOOD, Garbage(), GOOD, 60.0])
    request = v1beta.GenerateContentRequest(model="models/m").SerializeToString()
    fails_as_second(api, api(api.client().raw.server_stream(STREAM, request)))
    assert server.idle()
    fails_as_second(api, api(api.genai().models.generate_content_stream(model="m", contents="x")))
    assert server.idle()


def read(api: Api, stream: Any) -> Any:
    return api(stream.read())


def test_bidi(api: Api, server: Loopback) -> None:
    setup = v1beta.BidiGenerateContentServerMessage(setup_complete={})
    server.on(BIDI, [setup, Garbage(), setup, 60.0])
    text = "3 bytes that are no BidiGenerateContentServerMessage"
    for idle in (None, 5.0):
        stream = api(api.client().bidi_generate_content(idle_timeout=idle))
        assert read(api, stream) == setup
        # The same when it is read once more.
        for _ in range(2):
            fails(partial(read, api, stream), text, BIDI)
        assert server.idle()
    stream = api(api.client().raw.bidi(BIDI))
    fails(lambda: api.list(stream), text, BIDI)
    assert server.idle()


def test_a_stream_that_stays_open_is_cancelled(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer([frame_message(GOOD.SerializeToString()), frame_message(GARBAGE)], ends=False) as server:
        monkeypatch.setenv("GEMINI_EMULATOR_HOST", server.address)
        stream = api(api.client().stream_generate_content(model="models/m"))
        fails(lambda: api.list(stream), UNDECODABLE, STREAM)

        async def cancelled() -> bool:
            return await asyncio.to_thread(comes, lambda: server.cancelled == 1)

        assert api(cancelled()) if api.is_async else comes(lambda: server.cancelled == 1)


def test_interceptors_meet_the_error_where_they_read_a_response(api: Api, server: Loopback) -> None:
    server.on(UNARY, Garbage())
    seen: list[str] = []

    class Reading(grpc.UnaryUnaryClientInterceptor):
        def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
            outcome = continuation(details, request)
            seen.append(outcome.result().model_version)
            return outcome

    class AsyncReading(grpc.aio.UnaryUnaryClientInterceptor):
        async def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
            call = await continuation(details, request)
            seen.append((await call).model_version)
            return call

    made = AsyncReading() if api.is_async else Reading()
    client = api.client(client_options={"interceptors": [made]})
    fails(lambda: api(client.generate_content(model="models/m")), UNDECODABLE)
    assert not seen


def test_a_page(api: Api, server: Loopback) -> None:
    server.on("ListModels", v1beta.ListModelsResponse(next_page_token="2"), Garbage())
    pager = api(api.client("ModelService").list_models())
    with pytest.raises(errors.Internal, match="3 bytes that are no ListModelsResponse"):
        api.list(pager)


def test_the_result_of_an_operation(api: Api, server: Loopback) -> None:
    packed = operations_pb2.Operation(name="operations/o", done=True)
    for field, kind in ((packed.response, "TunedModel"), (packed.metadata, "CreateTunedModelMetadata")):
        field.type_url = f"type.googleapis.com/google.ai.generativelanguage.v1beta.{kind}"
        field.value = GARBAGE
    server.on("CreateTunedModel", packed)
    operation = api(api.client("ModelService").create_tuned_model(tuned_model={}))
    with pytest.raises(errors.Internal, match=r"operations/o.* 3 bytes that are no TunedModel"):
        api(operation.result())
    with pytest.raises(errors.Internal, match="3 bytes that are no CreateTunedModelMetadata"):
        _ = operation.metadata


def test_an_operation_of_genai(api: Api, server: Loopback) -> None:
    video = operations_pb2.Operation(name="models/m/operations/o", done=True)
    video.response.type_url = (
        "type.googleapis.com/google.ai.generativelanguage.v1beta.PredictLongRunningResponse"
    )
    video.response.value = GARBAGE
    server.on("PredictLongRunning", video)
    models = api.genai().models
    with pytest.raises(errors.Internal, match="bytes that cannot be decoded"):
        api(models.generate_videos(model="m", prompt="a fox"))


def test_one_line_of_a_bulk_job(server: Loopback, tmp_path: Path) -> None:
    answers: list[Any] = [GOOD] * 20
    answers[7] = Garbage()
    server.on(UNARY, *answers)
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text("".join(f'"question {i}"\n' for i in range(20)))
    progress = bulk.generate(source, target, model="m")
    (failure,) = map(json.loads, (tmp_path / "out.failures.jsonl").read_text().splitlines())
    assert (progress.done, progress.failures) == (20, 1)
    assert failure["error"]["status"] == "INTERNAL"
    assert len(target.read_text().splitlines()) == 19


@pytest.mark.parametrize("body", [b"", b"{", b"<html>log in</html>", b'{"candidates": 3}', b"[" * 100_000])
def test_fields_that_go_over_http(
    api: Api, server: Loopback, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    def unary(_: Request, wire: Wire) -> None:
        wire.answer(200, body)

    def stream(_: Request, wire: Wire) -> None:
        wire.events()
        if body:
            wire.chunk(b"data: " + body + b"\r\n\r\n")
        wire.end()

    web = WebServer()
    web.on(unary, stream)
    monkeypatch.setenv("GEMINI_EMULATOR_HTTP_HOST", web.address)
    models = api.genai().models
    config = {"thinking_config": {"thinking_level": "HIGH"}}
    fails(lambda: api(models.generate_content(model="m", contents="x", config=config)), "response")
    start = partial(models.generate_content_stream, model="m", contents="x", config=config)
    fails(lambda: api.list(api(start())), "response|without a complete", STREAM)
    assert not server.journal
    assert len(web.requests) == 2
    web.stop()
