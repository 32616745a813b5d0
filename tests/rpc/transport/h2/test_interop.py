"""The cases of gRPC's interoperability tests, against grpcio's server.

They are those of doc/interop-test-descriptions.md of gRPC, with the RPCs of this API and payloads of the same
sizes. Cases about authentication, load balancing and compressed requests have no counterpart here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent import futures
from typing import Any

import grpc
import pytest
from scripted_grpc_server import Api, Fail, Headers, Loopback, Trailers

from gemwire import errors, v1beta

#: The sizes that the cases name.
_LARGE_REQUEST, _LARGE_RESPONSE = 271_828, 314_159
_REQUESTS, _RESPONSES = (27_182, 8, 1_828, 45_904), (31_415, 9, 2_653, 58_979)
_MODEL = "models/m"
_SPECIAL = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"


def _client(api: Api) -> Any:
    return api.client(transport="h2_asyncio" if api.is_async else "h2")


def _response(size: int) -> v1beta.GenerateContentResponse:
    return v1beta.GenerateContentResponse(candidates=[{"content": {"parts": [{"text": "x" * size}]}}])


def _reply(size: int) -> v1beta.BidiGenerateContentServerMessage:
    turn = {"parts": [{"text": "x" * size}]}
    return v1beta.BidiGenerateContentServerMessage(server_content={"model_turn": turn})


def _turn(size: int) -> dict[str, Any]:
    return {"client_content": {"turns": [{"parts": [{"text": "x" * size}]}]}}


def _echo(requests: Iterator[Any], context: Any) -> Iterator[Any]:
    context.send_initial_metadata(
        [pair for pair in context.invocation_metadata() if pair[0] == "x-grpc-test-echo-initial"]
    )
    context.set_trailing_metadata(
        [pair for pair in context.invocation_metadata() if pair[0] == "x-grpc-test-echo-trailing-bin"]
    )
    for size, _ in zip(_RESPONSES, requests, strict=False):
        yield _reply(size)


def test_empty_unary(api: Api, server: Loopback) -> None:
    client = _client(api)
    assert api(client.generate_content({})) == v1beta.GenerateContentResponse()
    assert server.journal[0].request == v1beta.GenerateContentRequest()


def test_large_unary(api: Api, server: Loopback) -> None:
    server.on("GenerateContent", _response(_LARGE_RESPONSE))
    contents = [{"parts": [{"text": "x" * _LARGE_REQUEST}]}]
    found = api(_client(api).generate_content(model=_MODEL, contents=contents))
    assert len(found.candidates[0].content.parts[0].text) == _LARGE_RESPONSE
    assert len(server.journal[0].request.contents[0].parts[0].text) == _LARGE_REQUEST


def test_server_streaming(api: Api, server: Loopback) -> None:
    server.on("StreamGenerateContent", [_response(size) for size in _RESPONSES])
    stream = api(_client(api).stream_generate_content(model=_MODEL, contents=[]))
    found = [len(chunk.candidates[0].content.parts[0].text) for chunk in api.list(stream)]
    assert found == [*_RESPONSES]


def test_ping_pong(api: Api, server: Loopback) -> None:
    server.on("BidiGenerateContent", _echo)
    stream = _open(api, _client(api))
    for sent, wanted in zip(_REQUESTS, _RESPONSES, strict=True):
        api(stream.write(_turn(sent)))
        found = api(stream.read())
        assert len(found.server_content.model_turn.parts[0].text) == wanted
    api(stream.done_writing())
    assert api(stream.read()) is None
    sizes = [len(each.client_content.turns[0].parts[0].text) for each in server.journal[0].requests]
    assert sizes == [*_REQUESTS]


def _open(api: Api, client: Any, **arguments: Any) -> Any:
    return api(client.bidi_generate_content(**arguments))


def test_empty_stream(api: Api, server: Loopback) -> None:
    server.on("BidiGenerateContent", _echo)
    stream = _open(api, _client(api))
    api(stream.done_writing())
    assert api(stream.read()) is None


def test_custom_metadata(api: Api, server: Loopback) -> None:
    first, last = (
        ("x-grpc-test-echo-initial", "test_initial"),
        ("x-grpc-test-echo-trailing-bin", b"\xab\xab\xab"),
    )
    server.on("BidiGenerateContent", _echo)
    stream = _open(api, _client(api), metadata=[first, last])
    api(stream.done_writing())
    assert first in api(stream.initial_metadata())
    assert api(stream.read()) is None
    assert last in api(stream.trailing_metadata())


def test_custom_metadata_of_a_stream(api: Api, server: Loopback) -> None:
    last = ("x-grpc-test-echo-trailing-bin", b"\xab\xab\xab")
    steps = [Headers((("x-first", "1"),)), Trailers((last,)), _response(1)]
    server.on("StreamGenerateContent", steps)
    stream = api(_client(api).stream_generate_content(model=_MODEL, contents=[]))
    assert ("x-first", "1") in api(stream.initial_metadata())
    api.list(stream)
    assert last in api(stream.trailing_metadata())


@pytest.mark.parametrize(
    "message", ["test status message", "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"]
)
def test_status_code_and_special_status_message(api: Api, server: Loopback, message: str) -> None:
    server.on("GenerateContent", Fail("UNKNOWN", message))
    with pytest.raises(errors.Unknown) as caught:
        api(_client(api).generate_content(model=_MODEL, contents=[]))
    assert caught.value.message == message


def test_cancel_after_begin(api: Api, server: Loopback) -> None:
    server.on("BidiGenerateContent", [60.0])
    stream = _open(api, _client(api))
    api(stream.write(_turn(1)))
    assert server.busy()
    assert stream.cancel()
    with pytest.raises(errors.Cancelled):
        api(stream.read())
    assert server.idle()


def test_cancel_after_first_response(api: Api, server: Loopback) -> None:
    server.on("BidiGenerateContent", [_reply(_RESPONSES[0]), 60.0])
    stream = _open(api, _client(api))
    api(stream.write(_turn(_REQUESTS[0])))
    assert api(stream.read()) is not None
    assert stream.cancel()
    with pytest.raises(errors.Cancelled):
        api(stream.read())
    assert server.idle()


def test_timeout_on_sleeping_server(api: Api, server: Loopback) -> None:
    server.on("BidiGenerateContent", [60.0])
    stream = _open(api, _client(api), timeout=0.2)
    began = time.monotonic()
    with pytest.raises(errors.DeadlineExceeded):
        api(stream.read())
    assert time.monotonic() - began < 5
    assert server.idle()


def test_unimplemented_method(api: Api, server: Loopback) -> None:
    server.on("GenerateContent", Fail("UNIMPLEMENTED"))
    with pytest.raises(errors.Unimplemented):
        api(_client(api).generate_content(model=_MODEL, contents=[]))


def test_unimplemented_service(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    running = grpc.server(futures.ThreadPoolExecutor(2))
    monkeypatch.setenv("GEMINI_EMULATOR_HOST", f"127.0.0.1:{running.add_insecure_port('127.0.0.1:0')}")
    running.start()
    try:
        with pytest.raises(errors.Unimplemented):
            api(_client(api).generate_content(model=_MODEL, contents=[]))
    finally:
        running.stop(0)


def test_concurrent_large_unary(server: Loopback) -> None:
    server.on("GenerateContent", _response(_LARGE_RESPONSE))
    contents = [{"parts": [{"text": "x" * _LARGE_REQUEST}]}]

    async def main() -> list[int]:
        async with v1beta.GenerativeServiceAsyncClient(transport="h2_asyncio") as client:
            calls = (client.generate_content(model=_MODEL, contents=contents) for _ in range(50))
            found = await asyncio.gather(*calls)
        return [len(each.candidates[0].content.parts[0].text) for each in found]

    assert asyncio.run(main()) == [_LARGE_RESPONSE] * 50
