"""Uploads and downloads over the resumable protocol, with connections that break at every stage."""

from __future__ import annotations

import io
import itertools
import random
import time
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import google.auth.api_key
import grpc
import pytest
from eventually import PATIENCE
from scripted_grpc_server import Api
from scripted_http_server import Request, WebServer, Wire, failure, reply

from gemwire import Retry, errors, v1beta

_QUICK = Retry(
    codes=frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL}),
    max_attempts=4,
    initial=0.001,
    maximum=0.001,
)


class Service:
    """The upload and download side of the service.

    Attributes:
        received: What arrived.
        script: What to do with the coming requests instead of taking them: ``drop`` the connection before
            anything was taken, ``half`` of the chunk taken and then dropped, ``lost`` all taken and the
            answer lost, ``error`` an error and nothing taken.
    """

    def __init__(self, web: WebServer) -> None:
        self.web = web
        self.received: Any = bytearray()
        self.script: list[str] = []
        self.final = False
        self.keep = True
        self.file: dict[str, Any] = {}
        self.commands: list[str] = []
        web.on(self.handle)

    def handle(self, request: Request, wire: Wire) -> Any:
        if request.path == "/upload/v1beta/files":
            return self._begin(request, wire)
        if request.path.startswith("/session"):
            return self._command(request, wire)
        return self._download(request, wire)

    def _begin(self, request: Request, wire: Wire) -> Any:
        self.commands.append("start")
        assert request.headers["x-goog-upload-protocol"] == "resumable"
        assert request.headers["x-goog-upload-command"] == "start"
        self.began = request
        self.file = request.json.get("file", {})
        if self.script and self.script[0] == "start":
            self.script.pop(0)
            return False
        return wire.answer(
            200,
            b"",
            x_goog_upload_url=f"http://{self.web.address}/session?id=1",
            x_goog_upload_status="active",
        )

    def _command(self, request: Request, wire: Wire) -> Any:
        command = request.headers["x-goog-upload-command"]
        self.commands.append(command)
        assert "x-goog-api-key" not in request.headers
        if command == "query":
            return self._answer(wire)
        offset = int(request.headers["x-goog-upload-offset"])
        assert offset == len(self.received), "an offset that is none"
        step = self.script.pop(0) if self.script else ""
        if step == "error":
            return failure(503, "UNAVAILABLE")(request, wire)
        taken = {"drop": 0, "half": len(request.body) // 2}.get(step, len(request.body))
        if self.keep:
            self.received += request.body[:taken]
        else:
            self.received = _Length(len(self.received) + taken)
            request.body = b""
        if "finalize" in command and step not in ("drop", "half"):
            self.final = True
        return False if step else self._answer(wire)

    def _answer(self, wire: Wire) -> None:
        status = "final" if self.final else "active"
        body = b""
        if self.final:
            body = b'{"file": {"name": "files/f", "sizeBytes": "%d", "displayName": "%s"}}' % (
                len(self.received),
                self.file.get("displayName", "").encode(),
            )
        wire.answer(200, body, x_goog_upload_status=status, x_goog_upload_size_received=len(self.received))

    def _download(self, request: Request, wire: Wire) -> Any:
        self.commands.append(request.headers.get("range", "all"))
        assert request.path == "/v1beta/files/f:download"
        assert request.query == {"alt": "media"}
        data, start = bytes(self.received), 0
        head: dict[str, Any] = {"etag": '"1"'}
        if "range" in request.headers:
            start = int(request.headers["range"].removeprefix("bytes=").rstrip("-"))
            head["content_range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        step = self.script.pop(0) if self.script else ""
        if step == "whole":
            start, head = 0, {"etag": '"1"'}
        elif step == "changed":
            start, head = 0, {"etag": '"2"'}
        elif step == "missing":
            return failure(404, "NOT_FOUND")(request, wire)
        wire.head(206 if "content_range" in head else 200, content_length=len(data) - start, **head)
        if step == "half":
            wire.send(data[start : start + (len(data) - start) // 2])
            return False
        return wire.send(data[start:])


class _Length:
    """As long as what arrived, without keeping it."""

    def __init__(self, length: int) -> None:
        self._length = length

    def __len__(self) -> int:
        return self._length


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    web = WebServer()
    monkeypatch.setenv("GEMINI_EMULATOR_HTTP_HOST", web.address)
    yield Service(web)
    web.stop()


@pytest.fixture
def transport(service: Service, api: Api) -> Any:
    client = api.client(
        "FileService",
        transport="rest_asyncio" if api.is_async else "rest",
        credentials=google.auth.api_key.Credentials("key"),
    )
    return client.transport


_DATA = random.Random(1).randbytes(100_003)


class _AsyncFile:
    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    async def read(self, size: int) -> bytes:
        return self._file.read(size)


class _Pipe:
    """A file object that cannot be sought in and gives less than it is asked for."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def read(self, size: int) -> bytes:
        return self._file.read(min(size, 777))


async def _async_pieces() -> AsyncIterator[bytes]:
    for at in range(0, len(_DATA), 4321):
        yield _DATA[at : at + 4321]


def _pieces() -> Iterator[bytes]:
    for at in range(0, len(_DATA), 4321):
        yield _DATA[at : at + 4321]


@pytest.mark.parametrize(
    "kind",
    ["path", "str", "bytes", "view", "file", "pipe", "iterator", "list", "async file", "async iterator"],
)
@pytest.mark.parametrize("chunk_size", [10_000, 100_003, 1 << 20])
def test_sources(
    service: Service, transport: Any, api: Api, tmp_path: Path, kind: str, chunk_size: int
) -> None:
    if kind.startswith("async") and not api.is_async:
        pytest.skip("for asyncio")
    path = tmp_path / "data.bin"
    path.write_bytes(_DATA)
    source: Any = {
        "path": lambda: path,
        "str": lambda: str(path),
        "bytes": lambda: _DATA,
        "view": lambda: memoryview(_DATA),
        "file": lambda: io.BytesIO(_DATA),
        "pipe": lambda: _Pipe(_DATA),
        "iterator": _pieces,
        "list": lambda: list(_pieces()),
        "async file": lambda: _AsyncFile(_DATA),
        "async iterator": _async_pieces,
    }[kind]()
    seen: list[tuple[int, int | None]] = []
    file = api(
        transport.upload_file(
            source,
            file={"display_name": "d"},
            mime_type="image/png",
            chunk_size=chunk_size,
            progress=lambda sent, size: seen.append((sent, size)),
        )
    )
    assert isinstance(file, v1beta.File)
    assert (file.name, file.size_bytes, file.display_name) == ("files/f", len(_DATA), "d")
    assert bytes(service.received) == _DATA
    chunks = -(-len(_DATA) // chunk_size)
    assert service.commands == ["start", *["upload"] * (chunks - 1), "upload, finalize"]
    headers = service.began.headers
    known = kind in ("path", "str", "bytes", "view", "file")
    assert headers.get("x-goog-upload-header-content-length") == (str(len(_DATA)) if known else None)
    assert headers["x-goog-upload-header-content-type"] == "image/png"
    assert headers["x-goog-api-key"] == "key"
    assert headers.get("x-goog-upload-file-name") == ("data.bin" if kind in ("path", "str") else None)
    assert seen[-1] == (len(_DATA), len(_DATA) if known else None)
    assert [sent for sent, _ in seen] == [min(n * chunk_size, len(_DATA)) for n in range(1, chunks + 1)]


def test_nothing_at_all(service: Service, transport: Any, api: Api) -> None:
    assert api(transport.upload_file(b"", mime_type="text/plain")).name == "files/f"
    assert service.commands == ["start", "upload, finalize"]


@pytest.mark.parametrize(
    "script", [list(s) for s in itertools.product(["", "drop", "half", "lost", "error"], repeat=3)]
)
def test_it_goes_on_after_any_failure(service: Service, transport: Any, api: Api, script: list[str]) -> None:
    service.script = list(script)
    file = api(transport.upload_file(_DATA, mime_type="text/plain", chunk_size=40_000, retry=_QUICK))
    assert file.size_bytes == len(_DATA)
    assert bytes(service.received) == _DATA


def test_the_beginning_is_repeated(service: Service, transport: Any, api: Api) -> None:
    service.script = ["start"]
    api(transport.upload_file(_DATA, mime_type="text/plain", retry=_QUICK))
    assert service.commands == ["start", "start", "upload, finalize"]


def test_it_gives_up(service: Service, transport: Any, api: Api) -> None:
    service.script = ["drop"] * 50
    with pytest.raises(errors.Unavailable, match="FileService/CreateFile, 4 attempts"):
        api(transport.upload_file(_DATA, mime_type="text/plain", retry=_QUICK))
    service.script = ["drop"]
    with pytest.raises(errors.Unavailable):
        api(transport.upload_file(_DATA, mime_type="text/plain", retry=None))


def test_an_upload_has_a_deadline(service: Service, transport: Any, api: Api) -> None:
    service.web.on(service.handle, lambda _, wire: wire.gone() and False)
    began = time.monotonic()
    with pytest.raises(errors.DeadlineExceeded):
        api(transport.upload_file(_DATA, mime_type="text/plain", timeout=0.3))
    assert time.monotonic() - began < PATIENCE


def test_constant_memory(service: Service, transport: Any, api: Api) -> None:
    service.keep = False
    size = 96 << 20
    piece = bytes(1 << 20)

    def pieces() -> Iterator[bytes]:
        for _ in range(96):
            yield piece

    tracemalloc.start()
    try:
        api(transport.upload_file(pieces(), mime_type="video/mp4", size=size))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # The server of this process holds a chunk or two as well.
    assert peak < 80 << 20
    assert len(service.received) == size


def test_what_is_refused(service: Service, transport: Any, api: Api, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="mime_type: cannot be derived from the source"):
        api(transport.upload_file(b"x"))
    with pytest.raises(
        TypeError, match="expected a path, bytes, a file object or an iterable of bytes, got int"
    ):
        api(transport.upload_file(7))
    with pytest.raises(FileNotFoundError):
        api(transport.upload_file(tmp_path / "nothing.txt"))
    with pytest.raises(ValueError, match="chunk_size: 0"):
        api(transport.upload_file(b"x", chunk_size=0))
    with pytest.raises(ValueError, match="size: -1 is negative"):
        api(transport.upload_file(b"x", size=-1))
    with pytest.raises(ValueError, match="bogus"):
        api(transport.upload_file(b"x", file={"bogus": 1}, mime_type="text/plain"))
    with pytest.raises(ValueError, match="timeout: 0 is not"):
        api(transport.upload_file(b"x", mime_type="text/plain", timeout=0))
    assert not service.commands
    with pytest.raises(TypeError, match="it gave str; open the file in binary mode"):
        api(transport.upload_file(io.StringIO("x"), mime_type="text/plain"))
    for given in (3, 5):
        announced = f"4 bytes were announced, but the source has (at least )?{given}"
        with pytest.raises(ValueError, match=announced):
            api(transport.upload_file([b"x" * given], size=4, mime_type="text/plain"))
    assert not service.final


def test_the_type_is_told_by_the_name(service: Service, transport: Any, api: Api, tmp_path: Path) -> None:
    path = tmp_path / "bild ü.png"
    path.write_bytes(b"x")
    api(transport.upload_file(path))
    assert service.began.headers["x-goog-upload-header-content-type"] == "image/png"
    assert "x-goog-upload-file-name" not in service.began.headers


def test_an_answer_without_address(service: Service, transport: Any, api: Api) -> None:
    service.web.on(reply({}))
    with pytest.raises(errors.Internal, match="no x-goog-upload-url"):
        api(transport.upload_file(b"x", mime_type="text/plain", retry=None))
    service.web.on(lambda _, wire: wire.answer(200, b"", x_goog_upload_url="http://evil.example/"))
    with pytest.raises(errors.Internal, match=r"'evil.example' without encryption"):
        api(transport.upload_file(b"x", mime_type="text/plain", retry=None))


def test_chunks_keep_to_the_granularity(service: Service, transport: Any, api: Api) -> None:
    def begin(request: Request, wire: Wire) -> Any:
        service.began = request
        wire.answer(
            200,
            b"",
            x_goog_upload_url=f"http://{service.web.address}/session",
            x_goog_upload_chunk_granularity=1000,
        )

    service.web.on(begin, service.handle)
    seen: list[int] = []
    api(
        transport.upload_file(
            _DATA, mime_type="a/b", chunk_size=50_999, progress=lambda sent, _: seen.append(sent)
        )
    )
    assert seen == [50_000, 100_000, len(_DATA)]


# Downloads -----------------------------------------------------------------------------------------


def test_download(service: Service, transport: Any, api: Api, tmp_path: Path) -> None:
    service.received = bytearray(_DATA)
    seen: list[tuple[int, int | None]] = []
    path = tmp_path / "out"
    got = api(transport.download_file("files/f", path, progress=lambda *now: seen.append(now)))
    assert got == len(_DATA)
    assert path.read_bytes() == _DATA
    assert seen[-1] == (len(_DATA), len(_DATA))
    file = io.BytesIO()
    api(transport.download_file("files/f", file))
    assert file.getvalue() == _DATA
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("script", [["half"], ["half", "half", "half", "half", "half"], ["half", "whole"]])
def test_a_download_goes_on(
    service: Service, transport: Any, api: Api, tmp_path: Path, script: list[str]
) -> None:
    service.received = bytearray(_DATA)
    service.script = list(script)
    path = tmp_path / "out"
    assert api(transport.download_file("files/f", path, retry=_QUICK)) == len(_DATA)
    assert path.read_bytes() == _DATA
    assert service.commands[1].startswith("bytes=")
    assert len(service.commands) == len(script) + (script[-1] == "half")


def test_a_download_that_fails_leaves_nothing(
    service: Service, transport: Any, api: Api, tmp_path: Path
) -> None:
    service.received = bytearray(_DATA)
    path = tmp_path / "out"
    for script, kind in ((["half", "missing"], errors.NotFound), (["half", "changed"], errors.Aborted)):
        service.script = script
        with pytest.raises(kind):
            api(transport.download_file("files/f", path, retry=_QUICK))
    with pytest.raises(ValueError, match="name must look like 'files/"):
        api(transport.download_file("f", path))
    with pytest.raises(TypeError, match="destination: expected a path or a file object, got int"):
        api(transport.download_file("files/f", 7))
    assert not list(tmp_path.iterdir())
