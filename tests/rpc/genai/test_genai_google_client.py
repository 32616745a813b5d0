"""google-genai's own client over gemwire."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scripted_http_server import WebServer, reply

from gemwire import genai
from gemwire.testing import RunningEmulator, environment

google = pytest.importorskip("google.genai", reason="google-genai 3 needs Python 3.11")
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")

MODEL = "gemini-2.5-flash"


@pytest.fixture(scope="module")
def running() -> Iterator[RunningEmulator]:
    made = RunningEmulator(http_port=0)
    yield made
    made.stop()


@pytest.fixture
def gemini(running: RunningEmulator) -> Iterator[RunningEmulator]:
    running.reset()
    with environment(running):
        yield running


@pytest.fixture
def client(gemini: RunningEmulator) -> Iterator[Any]:
    with genai.google_client() as made:
        yield made


def test_is_of_googles_class(client: Any, gemini: RunningEmulator) -> None:
    assert type(client) is google.Client
    assert client._api_client._http_options.base_url == gemini.http
    response = client.models.generate_content(model=MODEL, contents="Hello")
    assert type(response) is google.types.GenerateContentResponse
    assert response.text.startswith("Emulated answer to: Hello")
    assert response.usage_metadata.total_token_count


def test_calls_arrive_over_grpc(client: Any, gemini: RunningEmulator) -> None:
    client.models.generate_content(model=MODEL, contents="Hello")
    chunks = list(client.models.generate_content_stream(model=MODEL, contents="Hello"))
    assert len(chunks) > 1
    client.models.embed_content(model="gemini-embedding-001", contents=["a", "b"])
    client.models.count_tokens(model=MODEL, contents="a")
    assert len(list(client.models.list(config={"page_size": 5}))) > 5
    methods = {call.method.rpartition("/")[2] for call in gemini.calls()}
    assert methods == {
        *("GenerateContent", "StreamGenerateContent", "BatchEmbedContents", "CountTokens", "ListModels")
    }
    assert {call.front for call in gemini.calls()} == {"grpc"}


def test_asyncio_on_several_loops(client: Any) -> None:
    async def ask() -> str:
        aio = client.aio
        stream = await aio.models.generate_content_stream(model=MODEL, contents="Hello")
        streamed = "".join([chunk.text async for chunk in stream])
        assert streamed == (await aio.models.generate_content(model=MODEL, contents="Hello")).text
        return streamed

    assert asyncio.run(ask()) == asyncio.run(ask())

    async def close() -> None:
        await client.aio.aclose()

    asyncio.run(close())


def test_errors_are_googles(client: Any) -> None:
    with pytest.raises(google.errors.ClientError) as caught:
        client.models.generate_content(model="no-such-model", contents="Hello")
    assert (caught.value.code, caught.value.status) == (404, "NOT_FOUND")
    assert "no-such-model" in caught.value.message
    assert caught.value.details["error"]["details"][0]["@type"].endswith("ErrorInfo")


def test_an_error_within_a_stream(client: Any, gemini: RunningEmulator) -> None:
    gemini.fail("UNAVAILABLE", method="StreamGenerateContent", after_messages=2)
    texts = []
    with pytest.raises(google.errors.ServerError) as caught:  # noqa: PT012
        for chunk in client.models.generate_content_stream(model=MODEL, contents="Hello"):
            texts.append(chunk.text)  # noqa: PERF401
    assert caught.value.code == 503
    assert texts


def test_files_go_over_http_with_the_clients_credentials(
    client: Any, gemini: RunningEmulator, tmp_path: Path
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("Hello")
    file = client.files.upload(file=path)
    assert client.files.get(name=file.name).size_bytes == 5
    client.files.delete(name=file.name)
    assert not list(client.files.list())


def test_batches(client: Any) -> None:
    job = client.batches.create(model=MODEL, src=[{"contents": "Hello"}])
    assert client.batches.get(name=job.name).model == f"models/{MODEL}"


def test_what_no_rpc_carries_goes_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    server = WebServer()
    try:
        server.on(reply({"candidates": []}))
        monkeypatch.setenv("GEMINI_EMULATOR_HOST", "127.0.0.1:1")
        monkeypatch.setenv("GEMINI_EMULATOR_HTTP_HOST", server.address)
        with genai.google_client(http_options={"extra_body": {"brandNew": {"a": 1}}}) as client:
            client.models.generate_content(model=MODEL, contents="Hello")
        (request,) = server.requests
        assert request.json["brandNew"] == {"a": 1}
        assert "x-goog-api-key" not in request.headers
        with (
            genai.google_client(transport="grpc", http_options={"extra_body": {"brandNew": 1}}) as client,
            pytest.raises(ValueError, match=r"generateContent: goes over HTTP, but this client has gRPC"),
        ):
            client.models.generate_content(model=MODEL, contents="Hello")
    finally:
        server.stop()


def test_timeouts_and_headers_of_calls(client: Any, gemini: RunningEmulator) -> None:
    options = {"timeout": 60_000, "headers": {"x-team": "harbour"}}
    client.models.generate_content(model=MODEL, contents="Hello", config={"http_options": options})
    (call,) = gemini.calls()
    assert call.metadata["x-team"] == "harbour"
    gemini.pace(first=5)
    slow = {"http_options": {"timeout": 50}}
    try:
        with pytest.raises(google.errors.ServerError) as caught:
            client.models.generate_content(model=MODEL, contents="Hello", config=slow)
    finally:
        gemini.pace()
    assert caught.value.code == 504


def test_schemas_keep_the_order_of_their_properties(client: Any) -> None:
    names = ["zeta", "answer", "mid", "alpha"]
    schema = {"type": "object", "properties": {name: {"type": "integer"} for name in names}}
    config = {"response_mime_type": "application/json", "response_json_schema": schema}
    response = client.models.generate_content(model=MODEL, contents="Hello", config=config)
    assert list(response.parsed) == names


def test_other_http_clients_are_refused() -> None:
    with pytest.raises(ValueError, match=r"http_options.httpx_client: gemwire makes the calls"):
        genai.google_client(api_key="a-key", http_options={"httpx_client": object()})
    with pytest.raises(TypeError, match=r"http_options: expected HttpOptions or a dict, got int"):
        genai.google_client(api_key="a-key", http_options=3)
