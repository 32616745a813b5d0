"""The transport by its name: what it loads, what it needs, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import grpc.aio
import pytest
from scripted_grpc_server import Fail, Loopback
from scripted_http_server import WebServer, reply

import gemwire
from gemwire import genai, v1beta

_SERVICE = """
async with v1beta.GenerativeServiceAsyncClient(transport="h2_asyncio") as client:
    await client.generate_content(model="models/m", contents=[], retry=gemwire.Retry(max_attempts=2))
    async for _ in await client.stream_generate_content(model="models/m", contents=[]):
        pass
    try:
        await client.generate_content(model="models/m", contents=[], timeout=5)
    except gemwire.errors.NotFound as error:
        assert (error.code, error.status) == (404, "NOT_FOUND")
"""
_GENAI = """
from gemwire import genai
async with genai.Client(api_key="k", transport="h2").aio as client:
    await client.models.generate_content(model="m", contents="Hello")
    async for _ in await client.models.generate_content_stream(model="m", contents="Hello"):
        pass
"""
_EMBEDDER = """
from gemwire.embeddings import Embedder
async with v1beta.GenerativeServiceAsyncClient(transport="h2_asyncio") as client:
    async with Embedder(client, model="m") as embedder:
        await embedder.embed("Hello")
"""
_PIPELINE = """
from gemwire import pipeline
async with v1beta.GenerativeServiceAsyncClient(transport="h2_asyncio") as client:
    async def count(text):
        return await client.count_tokens(model="models/m", contents=[{"parts": [{"text": text}]}])
    async for result in pipeline.map(count, ["a", "b"], concurrency=2):
        assert result is not None
"""


def _run(program: str) -> subprocess.CompletedProcess[str]:
    lines = "\n    ".join(program.strip().splitlines())
    code = (
        f"import asyncio, sys\nimport gemwire\nfrom gemwire import v1beta\nasync def main():\n    {lines}\n"
        "asyncio.run(main())\nprint([name for name in sys.modules if name.partition('.')[0] == 'grpc'])"
    )
    return _python(code)


def _python(code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("program", [_SERVICE, _GENAI, _EMBEDDER, _PIPELINE])
def test_grpc_is_not_loaded(server: Loopback, program: str) -> None:
    answer = v1beta.GenerateContentResponse()
    server.on("GenerateContent", answer, Fail("NOT_FOUND"))
    server.on("EmbedContent", v1beta.EmbedContentResponse(embedding={"values": [1.0]}))
    server.on("BatchEmbedContents", v1beta.BatchEmbedContentsResponse(embeddings=[{"values": [1.0]}]))
    done = _run(program)
    assert done.stdout == "[]\n", done.stderr
    assert server.journal


def test_grpc_is_not_loaded_by_threads(server: Loopback) -> None:
    server.on("GenerateContent", v1beta.GenerateContentResponse(), Fail("NOT_FOUND"))
    done = _python(
        "import sys\nfrom gemwire import errors, genai, v1beta\n"
        "with v1beta.GenerativeServiceClient(transport='h2') as client:\n"
        "    client.generate_content(model='models/m', contents=[])\n"
        "    assert len(list(client.stream_generate_content(model='models/m', contents=[]))) == 1\n"
        "    list(client.bidi_generate_content([{'setup': {'model': 'models/m'}}]))\n"
        "    try:\n        client.generate_content(model='models/m', contents=[])\n"
        "    except errors.NotFound:\n        print('grpc' in sys.modules)\n"
    )
    assert done.stdout == "False\n", done.stderr


def _create(**arguments: Any) -> Any:
    return v1beta.GenerativeServiceAsyncClient(
        **{"transport": "h2_asyncio", "client_options": {"api_key": "k"}, **arguments}
    )


def test_without_hpack_one_sentence_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['hpack'] = None\nfrom gemwire import v1beta\n"
        "v1beta.GenerativeServiceAsyncClient(transport='h2_asyncio', client_options={'api_key': 'k'})"
    )
    done = _python(code)
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: transport='h2' needs: pip install 'gemwire[h2]' (")


def test_interceptors_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^client_options\.interceptors: those are grpc's"):
        _create(client_options={"api_key": "k", "interceptors": [object()]})


async def _give_channel() -> None:
    async with grpc.aio.insecure_channel("127.0.0.1:1") as channel:
        with pytest.raises(TypeError, match=r"^channel: this transport makes its own connections"):
            gemwire.H2AsyncIOTransport(channel=channel)  # type: ignore[call-arg]


def test_a_channel_is_refused(api: Any) -> None:
    if api.is_async:
        api(_give_channel())


@pytest.mark.parametrize("host", ["xds:///generativelanguage", "google-c2p:///generativelanguage"])
def test_addresses_that_only_grpc_resolves_are_refused(host: str) -> None:
    with pytest.raises(ValueError, match=r"^client_options\.api_endpoint: .* has a scheme"):
        _create(client_options={"api_key": "k", "api_endpoint": host})


def test_the_names_are_listed() -> None:
    with pytest.raises(KeyError, match="'h2_asyncio'"):
        _create(transport="http3")
    with pytest.raises(KeyError, match="'h2'"):
        genai.Client(api_key="k", transport="http3")


def test_genai_sends_over_http_what_grpc_cannot_carry(
    api: Any, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = WebServer()
    try:
        monkeypatch.setenv("GEMINI_EMULATOR_HTTP_HOST", web.address)
        web.on(reply({"candidates": []}))
        models = api.genai(transport="h2").models
        api(models.generate_content(model="m", contents="Why?"))
        thinking = {"thinking_config": {"thinking_level": "low"}}
        api(models.generate_content(model="m", contents="Why?", config=thinking))
        assert (len(server.journal), len(web.requests)) == (1, 1)
    finally:
        web.stop()


def test_a_service_client_refuses_what_grpc_cannot_carry(server: Loopback, api: Any) -> None:
    client = api.client(transport="h2_asyncio" if api.is_async else "h2")
    config = {"thinking_config": {"thinking_level": "LOW"}}
    with pytest.raises(ValueError, match=r"thinking_level: not available over gRPC; use a client with"):
        api(client.generate_content({"model": "models/m", "generation_config": config}))
    assert not server.journal
