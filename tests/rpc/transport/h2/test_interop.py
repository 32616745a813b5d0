"""The cases of gRPC's interoperability tests, against other people's HTTP/2, over TLS.

They are those of doc/interop-test-descriptions.md of gRPC, with the RPCs of this API and payloads of the same
sizes. Cases about authentication, load balancing and compressed requests have no counterpart here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import certificates
import pytest
from eventually import comes
from other_http2_servers import RUNNING, OtherServer, prepare
from scripted_grpc_server import Api

from gemwire import errors, v1beta

#: Go builds its server, at first with all that it needs.
pytestmark = pytest.mark.timeout(300)
#: The sizes that the cases name.
_LARGE_REQUEST, _LARGE_RESPONSE = 271_828, 314_159
_REQUESTS, _RESPONSES = (27_182, 8, 1_828, 45_904), (31_415, 9, 2_653, 58_979)
_MODEL = "models/m"
_SPECIAL = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"
_SILENT = (("x-silent", "1"), ("x-grpc-test-echo-initial", "1"))
_LARGE = v1beta.GenerateContentRequest(model=_MODEL, contents=[{"parts": [{"text": "x" * _LARGE_REQUEST}]}])


def _response(size: int) -> v1beta.GenerateContentResponse:
    return v1beta.GenerateContentResponse(candidates=[{"content": {"parts": [{"text": "x" * size}]}}])


def _reply(size: int) -> v1beta.BidiGenerateContentServerMessage:
    turn = {"parts": [{"text": "x" * size}]}
    return v1beta.BidiGenerateContentServerMessage(server_content={"model_turn": turn})


def _turn(size: int) -> v1beta.BidiGenerateContentClientMessage:
    turns = [{"parts": [{"text": "x" * size}]}]
    return v1beta.BidiGenerateContentClientMessage(client_content={"turns": turns})


@pytest.fixture(scope="module", params=RUNNING)
def other(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OtherServer]:
    """Each of the servers, whose authority the clients trust."""
    folder = tmp_path_factory.mktemp("server")
    # Workers of nginx that root starts run as somebody else.
    folder.parent.chmod(0o755)
    folder.chmod(0o755)
    authority = certificates.Authority("interop")
    (folder / "roots.pem").write_bytes(authority.certificate)
    replies = {"unary": _response(_LARGE_RESPONSE).SerializeToString()}
    for number, size in enumerate(_RESPONSES):
        replies[f"stream-{number}"] = _response(size).SerializeToString()
        replies[f"bidi-{number}"] = _reply(size).SerializeToString()
    prepare(folder, authority, replies)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", str(folder / "roots.pem"))
        with RUNNING[request.param](folder) as server:
            yield server


@pytest.fixture
def client(api: Api, other: OtherServer) -> Any:
    return api.client(**_arguments(api.is_async, other))


def _arguments(is_async: bool, other: OtherServer) -> dict[str, Any]:
    return {
        "transport": "h2_asyncio" if is_async else "h2",
        "client_options": {"api_endpoint": other.address, "api_key": "k3y"},
    }


def _size_of(message: Any) -> tuple[tuple[str, str], ...]:
    return (("x-size", str(message.ByteSize())),)


def test_empty_unary(api: Api, client: Any) -> None:
    assert api(client.generate_content({})) == v1beta.GenerateContentResponse()


def test_large_unary(api: Api, client: Any) -> None:
    found = api(client.generate_content(_LARGE, metadata=_size_of(_LARGE)))
    assert found == _response(_LARGE_RESPONSE)
    with pytest.raises(errors.InvalidArgument, match=f"request of {_LARGE.ByteSize()} bytes"):
        api(client.generate_content(_LARGE, metadata=(("x-size", "1"),)))


def test_server_streaming(api: Api, client: Any) -> None:
    stream = api(client.stream_generate_content(model=_MODEL, contents=[]))
    assert api.list(stream) == [_response(size) for size in _RESPONSES]


def test_ping_pong(api: Api, client: Any) -> None:
    stream = api(client.bidi_generate_content())
    for sent, wanted in zip(_REQUESTS, _RESPONSES, strict=True):
        api(stream.write(_turn(sent)))
        assert api(stream.read()) == _reply(wanted)
    api(stream.done_writing())
    assert api(stream.read()) is None
    sizes = ",".join(str(_turn(size).ByteSize()) for size in _REQUESTS)
    assert ("x-received", sizes) in api(stream.trailing_metadata())


def test_empty_stream(api: Api, client: Any) -> None:
    stream = api(client.bidi_generate_content())
    api(stream.done_writing())
    assert api(stream.read()) is None


def test_custom_metadata(api: Api, client: Any) -> None:
    first, last = (
        ("x-grpc-test-echo-initial", "test_initial"),
        ("x-grpc-test-echo-trailing-bin", b"\xab\xab\xab"),
    )
    stream = api(client.bidi_generate_content(metadata=[first, last]))
    api(stream.done_writing())
    assert first in api(stream.initial_metadata())
    assert api(stream.read()) is None
    assert last in api(stream.trailing_metadata())


@pytest.mark.parametrize("message", ["test status message", _SPECIAL])
def test_status_code_and_special_status_message(api: Api, client: Any, message: str) -> None:
    metadata = (("x-status", "2"), ("x-message-bin", message.encode()))
    with pytest.raises(errors.Unknown) as caught:
        api(client.generate_content(model=_MODEL, contents=[], metadata=metadata))
    assert caught.value.message == message


def test_cancel_after_begin(api: Api, client: Any, other: OtherServer) -> None:
    before = other.cancelled
    stream = api(client.bidi_generate_content(metadata=_SILENT))
    api(stream.write(_turn(1)))
    if not other.is_late:
        api(stream.initial_metadata())
    assert stream.cancel()
    with pytest.raises(errors.Cancelled):
        api(stream.read())
    assert other.is_late or comes(lambda: other.cancelled > before)


def test_cancel_after_first_response(api: Api, client: Any, other: OtherServer) -> None:
    before = other.cancelled
    stream = api(client.bidi_generate_content())
    api(stream.write(_turn(_REQUESTS[0])))
    assert api(stream.read()) == _reply(_RESPONSES[0])
    assert stream.cancel()
    with pytest.raises(errors.Cancelled):
        api(stream.read())
    assert other.is_late or comes(lambda: other.cancelled > before)


def test_timeout_on_sleeping_server(api: Api, client: Any, other: OtherServer) -> None:
    before, began = other.cancelled, time.monotonic()
    stream = api(client.bidi_generate_content(metadata=_SILENT, timeout=2))
    api(stream.write(_turn(_REQUESTS[0])))
    if not other.is_late:
        api(stream.initial_metadata())
    with pytest.raises(errors.DeadlineExceeded):
        api(stream.read())
    assert 1.9 < time.monotonic() - began < 10
    assert other.is_late or comes(lambda: other.cancelled > before)


def test_unimplemented_method(api: Api, client: Any) -> None:
    with pytest.raises(errors.Unimplemented):
        api(client.count_tokens(model=_MODEL, contents=[]))


def test_unimplemented_service(api: Api, other: OtherServer) -> None:
    models = api.client("ModelService", **_arguments(api.is_async, other))
    with pytest.raises(errors.Unimplemented):
        api(models.get_model(name=_MODEL))


def test_concurrent_large_unary(other: OtherServer) -> None:
    async def main() -> None:
        async with v1beta.GenerativeServiceAsyncClient(**_arguments(True, other)) as client:
            calls = (client.generate_content(_LARGE, metadata=_size_of(_LARGE)) for _ in range(50))
            assert await asyncio.gather(*calls) == [_response(_LARGE_RESPONSE)] * 50

    asyncio.run(main())


def test_more_calls_than_a_connection_may_have(other: OtherServer) -> None:
    """A proxy ends connections after so many requests: nginx after 1,000, while others are going on."""

    async def main() -> int:
        async with v1beta.GenerativeServiceAsyncClient(**_arguments(True, other)) as client:

            async def work() -> int:
                return sum([await client.generate_content({}, retry=None) is not None for _ in range(60)])

            return sum(await asyncio.gather(*(work() for _ in range(25))))

    assert asyncio.run(main()) == 1500
