"""Headers of responses, over gRPC and over HTTP: `sdk_http_response`."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from typing import Any

import pytest
from scripted_grpc_server import Api, Fail, Headers, Loopback
from scripted_http_server import Request, WebServer, Wire, reply

from gemwire import v1beta
from gemwire.genai import types
from gemwire_proto.google.protobuf import empty_pb2

MODEL = "gemini-2.5-flash"
PART = {"content": {"role": "model", "parts": [{"text": "Blue."}]}}
SENT = Headers((("x-request-id", "7"), ("server-timing", "a"), ("server-timing", "b"), ("key-bin", b"\x01")))
SEEN = {"x-request-id": "7", "server-timing": "a, b", "key-bin": "AQ=="}


@pytest.fixture
def web() -> Iterator[WebServer]:
    made = WebServer()
    yield made
    made.stop()


def over_http(api: Api, web: WebServer) -> Any:
    return api.genai(http_options={"base_url": f"http://{web.address}"})


def test_of_a_response_over_grpc(api: Api, server: Loopback) -> None:
    server.on("GenerateContent", [SENT, v1beta.GenerateContentResponse(candidates=[PART])])
    response = api(api.genai().models.generate_content(model=MODEL, contents="Why?"))
    assert response.sdk_http_response.headers == SEEN
    assert response.sdk_http_response is response.sdk_http_response
    assert response.model_dump()["sdk_http_response"] == {"headers": SEEN, "body": None}
    assert "sdk_http_response" not in repr(response)
    for made in (copy.copy(response), copy.deepcopy(response), pickle.loads(pickle.dumps(response))):
        assert made.sdk_http_response == response.sdk_http_response
    response.sdk_http_response = types.HttpResponse(headers={"a": "b"})
    assert response.sdk_http_response.headers == {"a": "b"}
    assert types.GenerateContentResponse().sdk_http_response is None


def test_of_the_attempt_that_succeeded(api: Api, server: Loopback) -> None:
    server.on(
        "GenerateContent",
        [Headers((("x-attempt", "1"),)), Fail("UNAVAILABLE")],
        [Headers((("x-attempt", "2"),)), v1beta.GenerateContentResponse()],
    )
    options = {"http_options": {"retry_options": {"initial_delay": 0.01}}}
    response = api(api.genai().models.generate_content(model=MODEL, contents="Why?", config=options))
    assert response.sdk_http_response.headers == {"x-attempt": "2"}


def test_of_a_stream_over_grpc(api: Api, server: Loopback) -> None:
    chunk = v1beta.GenerateContentResponse(candidates=[PART])
    server.on("StreamGenerateContent", [SENT, chunk, chunk])
    models = api.genai().models
    chunks = api.list(api(models.generate_content_stream(model=MODEL, contents="Why?")))
    assert [chunk.sdk_http_response.headers for chunk in chunks] == [SEEN, SEEN]
    whole = api(api(models.generate_content_stream(model=MODEL, contents="Why?")).get_final_response())
    assert whole.sdk_http_response.headers == SEEN


def test_of_a_chat(api: Api, server: Loopback) -> None:
    server.on("GenerateContent", [SENT, v1beta.GenerateContentResponse(candidates=[PART])])
    server.on("StreamGenerateContent", [SENT, v1beta.GenerateContentResponse(candidates=[PART])])
    chat = api.genai().chats.create(model=MODEL)
    assert api(chat.send_message("Why?")).sdk_http_response.headers == SEEN
    assert [c.sdk_http_response.headers for c in api.list(api(chat.send_message_stream("Why?")))] == [SEEN]


def test_with_functions_those_of_the_last_call(api: Api, server: Loopback) -> None:
    call = {"content": {"role": "model", "parts": [{"function_call": {"name": "depth", "args": {}}}]}}
    for rpc in ("GenerateContent", "StreamGenerateContent"):
        server.on(
            rpc,
            [Headers((("x-call", "1"),)), v1beta.GenerateContentResponse(candidates=[call])],
            [Headers((("x-call", "2"),)), v1beta.GenerateContentResponse(candidates=[PART])],
        )

    def depth() -> int:
        return 3

    models = api.genai().models
    response = api(models.generate_content(model=MODEL, contents="How deep?", config={"tools": [depth]}))
    assert response.sdk_http_response.headers == {"x-call": "2"}
    dumped = response.model_dump(exclude_none=True)["automatic_function_calling_history"]
    assert [content["role"] for content in dumped] == ["user", "model", "user"]
    assert dumped[2]["parts"][0]["function_response"]["response"] == {"result": 3}
    stream = api(models.generate_content_stream(model=MODEL, contents="a", config={"tools": [depth]}))
    assert [c.sdk_http_response.headers["x-call"] for c in api.list(stream)] == ["1", "2"]


def test_of_other_results(api: Api, server: Loopback) -> None:
    for rpc, response in {
        "CountTokens": v1beta.CountTokensResponse(total_tokens=3),
        "BatchEmbedContents": v1beta.BatchEmbedContentsResponse(embeddings=[{"values": [1.0]}]),
        "DeleteFile": empty_pb2.Empty(),
        "DeleteCachedContent": empty_pb2.Empty(),
        "DeleteTunedModel": empty_pb2.Empty(),
        "DeleteOperation": empty_pb2.Empty(),
        "GetTunedModel": v1beta.TunedModel(name="tunedModels/a", state="ACTIVE"),
        "Predict": v1beta.PredictResponse(),
    }.items():
        server.on(rpc, [SENT, response])
    client = api.genai()
    for made in (
        client.models.count_tokens(model=MODEL, contents="a"),
        client.models.embed_content(model=MODEL, contents="a"),
        client.models.delete(model="tunedModels/a"),
        client.models.generate_images(model="imagen", prompt="a"),
        client.files.delete(name="files/a"),
        client.caches.delete(name="cachedContents/a"),
        client.batches.delete(name="batches/a"),
        client.tunings.get(name="tunedModels/a"),
    ):
        result = api(made)
        assert result.sdk_http_response.headers == SEEN, type(result).__name__
        assert result.model_dump()["sdk_http_response"]["headers"] == SEEN


def test_of_each_page(api: Api, server: Loopback) -> None:
    files = [{"name": "files/a"}]
    server.on(
        "ListFiles",
        [Headers((("x-page", "1"),)), v1beta.ListFilesResponse(files=files, next_page_token="b")],
        [Headers((("x-page", "2"),)), v1beta.ListFilesResponse(files=files)],
    )
    pager = api(api.genai().files.list())
    assert pager.sdk_http_response.headers == {"x-page": "1"}
    api(pager.next_page())
    assert pager.sdk_http_response.headers == {"x-page": "2"}


def test_over_http(api: Api, web: WebServer) -> None:
    web.on(reply({"candidates": [PART]}, x_request_id="7"))
    models = over_http(api, web).models
    headers = api(models.generate_content(model=MODEL, contents="Why?")).sdk_http_response.headers
    assert (headers["x-request-id"], headers["content-type"]) == ("7", "application/json")

    def events(_: Request, wire: Wire) -> None:
        wire.events(x_request_id="8")
        wire.chunk(b'data: {"candidates": []}\r\n\r\n')
        wire.end()

    web.on(events)
    (chunk,) = api.list(api(models.generate_content_stream(model=MODEL, contents="Why?")))
    assert chunk.sdk_http_response.headers["x-request-id"] == "8"
    web.on(reply({"totalTokens": 3}, x_request_id="9"))
    assert (
        api(models.count_tokens(model=MODEL, contents="a")).sdk_http_response.headers["x-request-id"] == "9"
    )


def test_calls_of_service_clients_collect_nothing(api: Api, server: Loopback) -> None:
    from gemwire._transport.response_metadata import RECEIVED

    api(api.genai().models.count_tokens(model=MODEL, contents="a"))
    server.on("GetFile", Fail("NOT_FOUND"))
    with pytest.raises(Exception, match="404"):
        api(api.genai().files.get(name="files/a"))
    assert RECEIVED.get() is None
