"""Answers over HTTP that are too large, too deep, or none of the service."""

from __future__ import annotations

import contextlib
import gc
import itertools
import json
import resource
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from scripted_grpc_server import Api, Loopback
from scripted_http_server import Request, WebServer, Wire, reply

from gemwire import ClientOptions, Retry, errors, v1beta

_MODEL = "models/m"
_ONCE = Retry(codes=frozenset(), max_attempts=1)
#: An assumed key, which a page repeats.
_KEY = "AIza" + "S" * 35


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    # A client of an earlier test that is collected at the limit of recursion could not end its thread.
    gc.collect()
    server = WebServer()
    monkeypatch.setenv("GEMINI_EMULATOR_HTTP_HOST", server.address)
    yield server
    server.stop()


def _client(api: Api, service: str = "GenerativeService", **options: Any) -> Any:
    label = "rest_asyncio" if api.is_async else "rest"
    return api.client(service, transport=label, client_options=options or None)


def _unary(api: Api, client: Any, **arguments: Any) -> Any:
    return api(client.count_tokens(model=_MODEL, **arguments))


def _stream(api: Api, client: Any, **arguments: Any) -> Any:
    return api.list(api(client.stream_generate_content(model=_MODEL, **arguments)))


calls = pytest.mark.parametrize("call", [_unary, _stream])


# Size ----------------------------------------------------------------------------------------------


def _inflating(piece: bytes, first: bytes = b"", times: int | None = None) -> Callable[..., Any]:
    """A handler that sends 16 MiB of copies of a byte again and again, in 16 KB of gzip each."""
    packer = zlib.compressobj(1, zlib.DEFLATED, -15)
    start = packer.compress(first) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(piece * (16 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)

    def handle(_: Request, wire: Wire) -> bool:
        kind = "text/event-stream" if first else "application/json"
        wire.head(200, content_type=kind, content_encoding="gzip", transfer_encoding="chunked")
        wire.chunk(b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + start)
        for _number in itertools.repeat(0) if times is None else range(times):
            wire.chunk(block)
        return False

    return handle


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.mark.parametrize("first", [b"", b"data: "], ids=["array", "event"])
@calls
def test_two_gigabytes_of_spaces(web: WebServer, api: Api, call: Any, first: bytes) -> None:
    web.on(_inflating(b" ", first, times=128))
    before, began = _peak(), time.monotonic()
    if call is _unary and first:
        web.on(_inflating(b" ", times=128))
    with pytest.raises((errors.ResourceExhausted, errors.DeadlineExceeded)) as caught:
        call(api, _client(api), timeout=20)
    assert _peak() - before < 700 << 20
    assert time.monotonic() - began < 21
    if isinstance(caught.value, errors.ResourceExhausted):
        assert "268435456 bytes" in caught.value.message
        assert caught.value.attempts == 1


@calls
def test_the_deadline_holds_while_an_answer_is_inflated(web: WebServer, api: Api, call: Any) -> None:
    web.on(_inflating(b" "))
    client = _client(api, max_response_size=(1 << 31) - 1)
    began = time.monotonic()
    with pytest.raises(errors.DeadlineExceeded):
        call(api, client, timeout=0.3)
    assert time.monotonic() - began < 2


@calls
def test_the_limit_of_an_answer_can_be_set(web: WebServer, api: Api, call: Any) -> None:
    tree = {"x": "y" * 1000}
    size = len(json.dumps(tree))
    web.on(reply(tree))
    assert call(api, _client(api, max_response_size=size)) is not None
    with pytest.raises(errors.ResourceExhausted, match=rf"larger than max \({size - 1} bytes") as caught:
        call(api, _client(api, max_response_size=size - 1))
    assert "Raise client_options.max_response_size" in caught.value.hint
    assert caught.value.attempts == 1


def test_a_stream_may_be_longer_than_its_events(web: WebServer, api: Api) -> None:
    event = b"data: " + json.dumps({"x": "y" * 500}).encode() + b"\n\n"

    def many(_: Request, wire: Wire) -> None:
        wire.events()
        for _number in range(50):
            wire.chunk(b": " + b"z" * 700 + b"\n" + event[:100])
            wire.chunk(event[100:])
        wire.end()

    web.on(many)
    assert len(_stream(api, _client(api, max_response_size=1000))) == 50

    def one(_: Request, wire: Wire) -> None:
        wire.events()
        wire.chunk(event)
        for _number in range(50):
            wire.chunk(b"data: " + b"z" * 100 + b"\n")

    web.on(one)
    arriving = api(_client(api, max_response_size=1000).stream_generate_content(model=_MODEL))
    with pytest.raises(errors.ResourceExhausted, match="larger than max"):
        api.list(arriving)


def test_grpc_has_the_same_limit(api: Api, server: Loopback) -> None:
    message = v1beta.GenerateContentResponse(model_version="y" * 1000)
    server.on("GenerateContent", message)
    server.on("StreamGenerateContent", [message])
    size = message.ByteSize()
    client = api.client(client_options={"max_response_size": size})
    assert api(client.generate_content(model=_MODEL)).model_version
    client = api.client(client_options={"max_response_size": size - 1})
    with pytest.raises(errors.ResourceExhausted, match="larger than max") as caught:
        api(client.generate_content(model=_MODEL))
    assert "Raise client_options.max_response_size" in caught.value.hint
    with pytest.raises(errors.ResourceExhausted, match="larger than max"):
        _stream(api, client)
    assert len(server.journal) == 3


def test_grpc_counts_decompressed_bytes(api: Api, server: Loopback) -> None:
    def compressed(_: Any, context: Any) -> Iterator[Any]:
        context.set_compression(grpc.Compression.Gzip)
        yield v1beta.GenerateContentResponse(model_version=" " * (1 << 20))

    server.on("GenerateContent", compressed)
    with pytest.raises(errors.ResourceExhausted, match="ecompressed message larger than max") as caught:
        api(api.client(client_options={"max_response_size": 1 << 19}).generate_content(model=_MODEL))
    assert "Raise client_options.max_response_size" in caught.value.hint


@pytest.mark.parametrize("size", [0, -1, 1 << 31, 1.5, "9", True, None])
def test_a_limit_that_is_none(size: Any) -> None:
    with pytest.raises((ValueError, TypeError), match=r"^client_options.max_response_size: "):
        ClientOptions(max_response_size=size)


# Depth ---------------------------------------------------------------------------------------------


def _deep(depth: int, how: str) -> Callable[..., Any]:
    text = {
        "lists": b"[" * depth + b"]" * depth,
        "cut": b"[" * depth,
        "objects": b'{"candidates":' * depth + b"7" + b"}" * depth,
        "inside": b'{"candidates": [{"x":' + b"[" * depth + b"]" * depth + b"}]}",
        "error": b'{"error": {"code": 400, "details": ' + b"[" * depth + b"]" * depth + b"}}",
    }[how]

    def handle(request: Request, wire: Wire) -> None:
        if request.query.get("alt") == "sse" and not how.endswith("cut"):
            wire.events()
            wire.chunk(b"data: " + text + b"\n\n")
            wire.end()
        else:
            wire.answer(200, text)

    return handle


_SHAPES = ["lists", "cut", "objects", "inside", "error"]


@pytest.mark.parametrize("how", _SHAPES)
@calls
def test_deep_nesting_is_internal(web: WebServer, api: Api, call: Any, how: str) -> None:
    web.on(_deep(100_000, how))
    with pytest.raises(errors.Internal, match="cannot be read"):
        call(api, _client(api))


@pytest.mark.parametrize("how", _SHAPES)
@calls
def test_nesting_of_any_depth_is_an_answer_or_an_error(web: WebServer, api: Api, call: Any, how: str) -> None:
    client = _client(api)
    for depth in (*range(60, 1000, 80), 3000, 9000):
        web.on(_deep(depth, how))
        with contextlib.suppress(errors.APIError):
            call(api, client, retry=None)


@pytest.mark.parametrize("depth", [1_000, 100_000])
def test_deep_nesting_in_an_array_and_a_last_event(web: WebServer, api: Api, depth: int) -> None:
    deep = b"[" * depth
    web.on(lambda _, wire: wire.answer(200, b"[" + deep + b"]" * depth + b"]"))
    with pytest.raises(errors.Internal, match="cannot be read"):
        _stream(api, _client(api))

    def cut(_: Request, wire: Wire) -> None:
        wire.events()
        wire.chunk(b"data: " + deep)
        wire.end()

    web.on(cut)
    with pytest.raises((errors.Internal, errors.Unavailable)):
        _stream(api, _client(api), retry=None)
    web.on(lambda _, wire: wire.answer(500, deep + b"]" * depth))
    with pytest.raises(errors.APIError, match="HTTP 500"):
        _stream(api, _client(api), retry=None)


# Pages ---------------------------------------------------------------------------------------------

_PAGE = (
    "<html><head><style>p {color: red}</style></head><body>Please log in to the hotel. You asked for "
    f"/v1beta/models?key={_KEY} with Authorization: Bearer ya29.a0Secret-token_1</body></html>"
).encode()


def _page(kind: str, body: bytes = _PAGE) -> Callable[..., Any]:
    return lambda _, wire: wire.answer(200, body, content_type=kind)


@pytest.mark.parametrize("kind", ["text/html", "text/html; charset=utf-8", "text/plain", "image/png"])
@calls
def test_a_page_in_place_of_an_answer(web: WebServer, api: Api, call: Any, kind: str) -> None:
    web.on(_page(kind))
    with pytest.raises(errors.Internal) as caught:
        call(api, _client(api))
    error = caught.value
    assert error.message.startswith(
        f"HTTP 200 OK, and {kind.partition(';')[0]} instead of a response of the API"
    )
    assert "Please log in to the hotel." in error.message
    assert _KEY not in str(error)
    assert "Secret" not in str(error)
    assert "login page" in error.hint
    assert error.attempts == 1


@calls
def test_nothing_in_place_of_an_answer(web: WebServer, api: Api, call: Any) -> None:
    web.on(lambda _, wire: wire.answer(200, b" \n"))
    with pytest.raises(errors.Internal, match="the response is empty, without a message"):
        call(api, _client(api))


def test_what_is_no_json_is_shown_without_keys(web: WebServer, api: Api) -> None:
    web.on(lambda _, wire: wire.answer(200, f"key={_KEY} is unknown".encode()))
    with pytest.raises(errors.Internal, match=r"cannot be read: .* \(it begins with 'key=\*\*\* is unknown'"):
        _unary(api, _client(api))


# Transfers -----------------------------------------------------------------------------------------


def _upload(api: Api, client: Any) -> Any:
    return api(client.transport.upload_file(b"abc", mime_type="text/plain", retry=_ONCE))


@pytest.mark.parametrize(
    ("location", "text"),
    [
        ("http://[bad", "not the URL"),
        ("https://:443/x", "not the URL"),
        ("ftp://127.0.0.1/x", "not the URL"),
        ("http://127.0.0.1:99999/x", "not the URL"),
        ("http://127.0.0.1:port/x", "not the URL"),
        ("file:///etc/passwd", "not the URL"),
        ("javascript:alert(1)", "not the URL"),
        ("http://elsewhere.example/x", "without encryption"),
    ],
)
def test_an_upload_that_is_directed_to_nowhere(web: WebServer, api: Api, location: str, text: str) -> None:
    web.on(lambda _, wire: wire.answer(200, b"", x_goog_upload_url=location))
    with pytest.raises(errors.Internal, match=text):
        _upload(api, _client(api, "FileService"))
    assert len(web.requests) == 1


@pytest.mark.parametrize("body", [b"", b"{}", b'{"file": {}}', _PAGE, b"[" * 100_000])
def test_an_upload_that_ends_without_a_file(web: WebServer, api: Api, body: bytes) -> None:
    web.on(
        lambda _, wire: wire.answer(200, b"", x_goog_upload_url="/session"),
        lambda _, wire: wire.answer(200, body, x_goog_upload_status="final"),
    )
    with pytest.raises(errors.Internal, match=r"no file|is empty|cannot be read") as caught:
        _upload(api, _client(api, "FileService"))
    assert _KEY not in str(caught.value)


def test_an_upload_whose_answer_is_too_large(web: WebServer, api: Api) -> None:
    web.on(lambda _, wire: wire.answer(200, b" " * 2000, x_goog_upload_url="/session"))
    with pytest.raises(errors.ResourceExhausted, match="larger than max"):
        _upload(api, _client(api, "FileService", max_response_size=1000))


def _described(size: int, mime_type: str, page: Callable[..., Any]) -> Callable[..., Any]:
    """The service's description of a file, and a page for its contents."""
    file = reply({"name": "files/f", "mimeType": mime_type, "sizeBytes": str(size)})
    return lambda request, wire: (page if "download" in request.path else file)(request, wire)


def test_a_login_page_is_not_saved(web: WebServer, api: Api, tmp_path: Path) -> None:
    client = _client(api, "FileService")
    for page in (_page("text/html"), _described(len(_PAGE), "video/mp4", _page("text/html; charset=x"))):
        web.on(page)
        with pytest.raises(errors.Internal, match="text/html instead of a response of the API: Please log"):
            api(client.transport.download_file("files/f", tmp_path / "f.mp4", retry=_ONCE))
        assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_a_page_is_saved(web: WebServer, api: Api, tmp_path: Path) -> None:
    web.on(_described(len(_PAGE), "text/html", _page("text/html")))
    api(_client(api, "FileService").transport.download_file("files/f", tmp_path / "f.html"))
    assert (tmp_path / "f.html").read_bytes() == _PAGE


def test_nothing_is_not_saved_for_a_file(web: WebServer, api: Api, tmp_path: Path) -> None:
    client = _client(api, "FileService")
    web.on(_described(9, "video/mp4", _page("video/mp4", b"")))
    with pytest.raises(errors.Unavailable, match="HTTP 200 with an empty body, but the file has 9 bytes"):
        api(client.transport.download_file("files/f", tmp_path / "f", retry=_ONCE))
    assert list(tmp_path.iterdir()) == []
    web.on(_described(0, "text/plain", _page("text/plain", b"")))
    assert api(client.transport.download_file("files/f", tmp_path / "f")) == 0
    assert (tmp_path / "f").read_bytes() == b""
