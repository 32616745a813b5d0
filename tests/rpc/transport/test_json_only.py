"""Requests with JSON-only fields are refused over gRPC before anything is sent, and arrive over REST."""

from __future__ import annotations

import dataclasses
from typing import Any

import grpc
import grpc.aio
import pytest
from scripted_grpc_server import Api, Loopback
from scripted_http_server import WebServer, reply

from gemwire import Hedge, Retry, errors, v1beta
from gemwire.genai import types
from gemwire_proto.v1beta.generative_service import GENERATE_CONTENT

MODEL = "models/gemini-2.5-flash"
#: What a serialized JSON-only field ends its tag with, inside a user's own bytes.
LOOKALIKE = b"\xfa\xff\xff\xff\x0f"
REFUSAL = (
    r"^GenerateContentRequest\.generation_config\.thinking_config\.thinking_level: not available over gRPC; "
    "use a client with transport='rest' or transport='auto'$"
)


def request(*, thinking: bool) -> Any:
    config = types.ThinkingConfig(thinking_level="HIGH") if thinking else types.ThinkingConfig()
    return v1beta.GenerateContentRequest(
        model=MODEL,
        contents=[{"parts": [{"inline_data": {"data": LOOKALIKE}}]}],
        generation_config={"thinking_config": config},
    )


def test_a_unary_call(api: Api, server: Loopback) -> None:
    client = api.client()
    with pytest.raises(ValueError, match=REFUSAL):
        api(client.generate_content(request(thinking=True)))
    assert not server.journal
    api(client.generate_content(request(thinking=False)))
    assert server.calls("GenerateContent")[0].request == request(thinking=False)


@pytest.mark.parametrize("delay", [0.0, 5.0])
def test_a_hedged_call(api: Api, server: Loopback, delay: float) -> None:
    client, retry = api.client(), Retry(hedge=Hedge(delay=delay))
    with pytest.raises(ValueError, match=REFUSAL):
        api(client.generate_content(request(thinking=True), retry=retry))
    assert not server.journal
    api(client.generate_content(request(thinking=False), retry=retry))
    assert server.calls("GenerateContent")[0].request == request(thinking=False)


def test_a_stream(api: Api, server: Loopback) -> None:
    client = api.client()
    with pytest.raises(ValueError, match=REFUSAL):
        api(client.stream_generate_content(request(thinking=True)))
    assert not server.journal
    assert len(api.list(api(client.stream_generate_content(request(thinking=False))))) == 1
    assert server.calls("StreamGenerateContent")[0].request == request(thinking=False)


def test_raw_bytes(api: Api, server: Loopback) -> None:
    raw = api.client().raw
    refused, accepted = (request(thinking=thinking).SerializeToString() for thinking in (True, False))
    with pytest.raises(ValueError, match=REFUSAL):
        api(raw.unary("GenerateContent", refused))
    assert not server.journal
    api(raw.unary("GenerateContent", accepted))
    assert server.calls("GenerateContent")[0].request == request(thinking=False)


def setup(*, thinking: bool) -> Any:
    made = v1beta.BidiGenerateContentClientMessage(setup={"model": MODEL})
    made.setup.generation_config.CopyFrom(request(thinking=thinking).generation_config)
    return made


def echo(requests: Any, _: Any) -> Any:
    for _ in requests:
        yield v1beta.BidiGenerateContentServerMessage()


def test_what_is_written_to_a_bidirectional_stream(api: Api, server: Loopback) -> None:
    server.on("BidiGenerateContent", echo)
    live = api(api.client().bidi_generate_content())
    with pytest.raises(ValueError, match=r"setup\.generation_config\.thinking_config\.thinking_level: not"):
        api(live.write(setup(thinking=True)))
    api(live.write(setup(thinking=False)))
    assert api(live.read()) is not None
    live.cancel()
    assert [call.requests for call in server.journal] == [[setup(thinking=False)]]


def test_the_iterable_of_a_bidirectional_stream(api: Api, server: Loopback) -> None:
    server.on("BidiGenerateContent", echo)
    live = api(api.client().bidi_generate_content([setup(thinking=True)]))
    with pytest.raises(errors.Cancelled, match="thinking_level: not available over gRPC") as caught:
        api(live.read())
    assert isinstance(caught.value.__cause__, ValueError)
    assert server.idle()
    assert [call.requests for call in server.journal] in ([], [[]])


def test_an_rpc_that_exists_over_http_only(api: Api, server: Loopback) -> None:
    transport, method = api.client().transport, dataclasses.replace(GENERATE_CONTENT, http_only=True)
    with pytest.raises(ValueError, match=r"^GenerateContent is not available over gRPC; use a client with"):
        api(transport.unary(method, request(thinking=False)))
    assert not server.journal


def test_over_rest_it_arrives(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    web = WebServer()
    try:
        monkeypatch.setenv("GEMINI_EMULATOR_HTTP_HOST", web.address)
        web.on(reply({"modelVersion": "m"}))
        client = api.client(transport="rest_asyncio" if api.is_async else "rest")
        api(client.generate_content(request(thinking=True)))
    finally:
        web.stop()
    (arrived,) = web.requests
    assert arrived.json["generationConfig"] == {"thinkingConfig": {"thinkingLevel": "HIGH"}}


class AsyncSeen(grpc.aio.UnaryUnaryClientInterceptor):
    def __init__(self) -> None:
        self.requests: list[Any] = []

    async def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        self.requests.append(request)
        return await continuation(details, request)


class SyncSeen(grpc.UnaryUnaryClientInterceptor):
    def __init__(self) -> None:
        self.requests: list[Any] = []

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        self.requests.append(request)
        return continuation(details, request)


def test_interceptors_see_messages(api: Api, server: Loopback) -> None:
    seen = AsyncSeen() if api.is_async else SyncSeen()
    client = api.client(client_options={"interceptors": [seen]})
    with pytest.raises(ValueError, match=REFUSAL):
        api(client.generate_content(request(thinking=True)))
    assert not server.journal
    api(client.generate_content(request(thinking=False)))
    assert seen.requests == [request(thinking=False)]
    assert server.calls("GenerateContent")[0].request == request(thinking=False)
