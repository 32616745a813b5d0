"""What programs set in ``http_options``; with threads and asyncio."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from scripted_grpc_server import Api
from scripted_http_server import WebServer, reply

from gemwire import genai
from gemwire.genai import types
from gemwire.testing import RunningEmulator, emulator

MODEL = "gemini-2.5-flash"
ANSWER = {"candidates": [{"content": {"role": "model", "parts": [{"text": "Blue."}]}}]}


@pytest.fixture
def web() -> Iterator[WebServer]:
    made = WebServer()
    made.on(reply(ANSWER))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def _running() -> Iterator[RunningEmulator]:
    with emulator() as running:
        yield running


@pytest.fixture
def gemini(_running: RunningEmulator, monkeypatch: pytest.MonkeyPatch) -> RunningEmulator:
    _running.reset()
    monkeypatch.setenv("GEMINI_EMULATOR_HOST", _running.address)
    return _running


def ask(api: Api, config: Any = None, **arguments: Any) -> Any:
    client = genai.Client(api_key="a-key", **arguments)
    models: Any = client.aio.models if api.is_async else client.models
    try:
        return api(models.generate_content(model=MODEL, contents="Why?", config=config))
    finally:
        api(client.aio.close()) if api.is_async else client.close()


def test_a_gateway_with_a_path(api: Api, web: WebServer) -> None:
    options = types.HttpOptions(base_url=f"http://{web.address}/gateway/gemini/")
    assert ask(api, http_options=options).text == "Blue."
    (request,) = web.requests
    assert request.path == f"/gateway/gemini/v1beta/models/{MODEL}:generateContent"
    assert request.headers["x-goog-api-key"] == "a-key"


@pytest.mark.parametrize("transport", ["grpc", "auto"])
@pytest.mark.parametrize(
    ("url", "what"),
    [("https://gateway.example/gemini", "has a path"), ("http://gateway.example", "is another machine")],
)
def test_what_goes_over_http_alone(transport: str, url: str, what: str) -> None:
    with pytest.raises(ValueError, match=rf"http_options.base_url: {what}.*leave transport out"):
        genai.Client(api_key="a-key", transport=transport, http_options={"base_url": url})


def test_another_machine_without_tls_is_called_where_the_program_says_so() -> None:
    with genai.Client(api_key="a-key", http_options={"base_url": "http://gateway.example:4000"}) as client:
        assert client.models


def test_further_fields_of_requests(api: Api, gemini: RunningEmulator) -> None:
    of_client = {"extra_body": {"generationConfig": {"topK": 3, "seed": 1}}}
    of_call = {"http_options": {"extra_body": {"generationConfig": {"seed": 2}}}, "temperature": 0.5}
    ask(api, of_call, http_options=of_client)
    (call,) = gemini.calls("GenerateContent")
    sent = call.requests[0].generation_config
    assert (sent.top_k, sent.seed, sent.temperature) == (3, 2, 0.5)
    with pytest.raises(ValueError, match=r"http_options.extra_body: .*brandNew"):
        ask(api, {"http_options": {"extra_body": {"brandNew": 1}}})


def test_arguments_of_other_http_clients(api: Api, gemini: RunningEmulator) -> None:
    arguments = {"headers": {"X-Team": "harbour"}, "timeout": 30}
    ask(api, http_options={"client_args": arguments, "async_client_args": arguments})
    (call,) = gemini.calls("GenerateContent")
    assert call.metadata["x-team"] == "harbour"
    with pytest.raises(ValueError, match=r"client_args.timeout: 0 is not a positive number of sec"):
        genai.Client(api_key="a-key", http_options={"client_args": {"timeout": 0}})


def test_enterprise() -> None:
    with genai.Client(api_key="a-key", enterprise=False) as client:
        assert client.vertexai is False
        names = [
            name for name, value in vars(type(client).__mro__[1]).items() if hasattr(value, "__set_name__")
        ]
        assert len(names) >= 8
        for resources in (client, client.aio):
            assert [getattr(resources, name).vertexai for name in names] == [False] * len(names)
    with genai.Client(api_key="a-key", enterprise=True) as client:
        assert client.vertexai is True
    with pytest.raises(ValueError, match=r"enterprise and vertexai: .* differ"):
        genai.Client(api_key="a-key", enterprise=False, vertexai=True)
