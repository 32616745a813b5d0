"""Downloads of files over real sockets: complete, by range, and refused."""

from __future__ import annotations

import contextlib
import http.client
import os
import resource
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from emulator_process import Answer, ask
from eventually import comes
from json_http import Json

from gemwire.testing import RunningEmulator, emulator
from gemwire_emulator.http import downloads
from gemwire_emulator.services.files import store_file
from gemwire_proto import v1beta

MIB = 2**20
DATA = bytes(range(256)) * 8
VEO = "/v1beta/models/veo-2.0-generate-001:predictLongRunning"


@pytest.fixture(scope="module")
def running() -> Iterator[RunningEmulator]:
    with emulator(http_port=0) as made:
        yield made


@pytest.fixture
def gemini(running: RunningEmulator) -> RunningEmulator:
    running.reset()
    return running


def store_generated(gemini: RunningEmulator, data: bytes | str = DATA, kind: str = "text/plain") -> str:
    """Store a generated file, from bytes or from existing content; return its name."""

    def make() -> str:
        state = gemini._emulator.state
        wanted = v1beta.File(mime_type=kind, source=v1beta.File.Source.GENERATED)
        content = data if isinstance(data, str) else state.blobs.put(data)
        name: str = store_file(state, "k", "key:k", wanted, content).name
        return name

    return gemini._run_sync(make)


def get(gemini: RunningEmulator, name: str, verb: str = "GET", **headers: str) -> Answer:
    return ask(gemini.http, verb, f"/v1beta/{name}:download?alt=media", None, "k", **headers)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/{}:download?alt=media",
        "/v1beta/{}:download?alt=media",
        "/v1alpha/{}:download?alt=media&x=y",
        "/download/v1beta/{}:download?alt=media",
        "/download/v1beta/{}:download",
    ],
)
def test_complete_files(gemini: RunningEmulator, path: str) -> None:
    target = path.format(store_generated(gemini))
    # Compressed, it could not be gone on with.
    answer = ask(gemini.http, "GET", target, None, "k", accept_encoding="gzip")
    assert (answer.status, answer.body) == (200, DATA)
    assert answer.headers["content-type"] == "text/plain"
    assert answer.headers["content-length"] == str(len(DATA))
    assert answer.headers["accept-ranges"] == "bytes"
    head = ask(gemini.http, "HEAD", target, None, "k")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == str(len(DATA))
    assert len(gemini.calls("FileService/DownloadFile")) == 2


def test_without_alt_media_it_is_the_rpc(gemini: RunningEmulator) -> None:
    target = f"/v1beta/{store_generated(gemini)}:download"
    assert ask(gemini.http, "GET", target, None, "k").json == {}
    assert ask(gemini.http, "POST", f"{target}?alt=media", None, "k").error == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-", 0, 2048),
        ("bytes=100-199", 100, 200),
        ("bytes=2047-", 2047, 2048),
        ("bytes=2000-5000", 2000, 2048),
        ("bytes=-48", 2000, 2048),
        ("bytes=-5000", 0, 2048),
    ],
)
def test_ranges(gemini: RunningEmulator, asked: str, start: int, end: int) -> None:
    name = store_generated(gemini)
    answer = get(gemini, name, range=asked)
    assert (answer.status, answer.body) == (206, DATA[start:end])
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/2048"
    assert answer.headers["content-length"] == str(end - start)
    head = get(gemini, name, "HEAD", range=asked)
    assert (head.status, head.headers["content-range"], head.body) == (
        206,
        answer.headers["content-range"],
        b"",
    )


@pytest.mark.parametrize("asked", ["bytes=2048-", "bytes=5000-6000", "bytes=-0"])
def test_unsatisfiable_ranges(gemini: RunningEmulator, asked: str) -> None:
    answer = get(gemini, store_generated(gemini), range=asked)
    assert (answer.status, answer.headers["content-range"]) == (416, "bytes */2048")


@pytest.mark.parametrize(
    "asked", ["", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-2", "bytes=0-1,5-6", "lines=0-1", "0-1"]
)
def test_invalid_and_multiple_ranges_are_ignored(gemini: RunningEmulator, asked: str) -> None:
    answer = get(gemini, store_generated(gemini), range=asked)
    assert (answer.status, answer.body) == (200, DATA)


def test_etags(gemini: RunningEmulator) -> None:
    name = store_generated(gemini)
    tag = get(gemini, name).headers["etag"]
    assert get(gemini, store_generated(gemini, b"other")).headers["etag"] != tag
    assert get(gemini, name, range="bytes=0-0", if_range=tag).status == 206
    changed = get(gemini, name, range="bytes=0-0", if_range='"other"')
    assert (changed.status, changed.body) == (200, DATA)
    same = get(gemini, name, if_none_match=tag)
    assert (same.status, same.body) == (304, b"")


def test_empty_files(gemini: RunningEmulator) -> None:
    name = store_generated(gemini, b"", "")
    answer = get(gemini, name)
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert get(gemini, name, range="bytes=0-").status == 416


def test_refused_downloads(gemini: RunningEmulator) -> None:
    name = store_generated(gemini)
    assert ask(gemini.http, "GET", f"/v1beta/{name}:download?alt=media").error == (403, "PERMISSION_DENIED")
    assert get(gemini, "files/none").error == (403, "PERMISSION_DENIED")
    assert ask(gemini.http, "GET", f"/v9/{name}:download?alt=media", None, "k").error == (404, "NOT_FOUND")
    headers = {"x_goog_upload_protocol": "raw"}
    own = ask(gemini.http, "POST", "/upload/v1beta/files", b"abc", "k", **headers).json["file"]["name"]
    refused = get(gemini, own)
    assert refused.error == (400, "FAILED_PRECONDITION")
    assert "only generated files" in refused.json["error"]["message"]
    gemini.fail("UNAVAILABLE", method="DownloadFile")
    assert get(gemini, name).error == (503, "UNAVAILABLE")
    gemini.advance(48 * 3600)
    assert get(gemini, name).error == (403, "PERMISSION_DENIED")


def test_videos_are_files(gemini: RunningEmulator) -> None:
    """Over HTTP; over gRPC, which cannot download, they are in the response."""
    asked = {"instances": [{"prompt": "a cat"}], "parameters": {"durationSeconds": 1, "sampleCount": 2}}
    operation = ask(gemini.http, "POST", VEO, asked, "k").json["name"]
    gemini.advance(2)
    done: Json = {}
    deadline = time.monotonic() + 15
    while not done.get("done") and time.monotonic() < deadline:
        done = ask(gemini.http, "GET", f"/v1beta/{operation}", None, "k").json
    samples = done["response"]["generateVideoResponse"]["generatedSamples"]
    targets = ["/v1beta/files/" + sample["video"]["uri"].partition("/files/")[2] for sample in samples]
    first, second = (ask(gemini.http, "GET", target, None, "k") for target in targets)
    assert first.headers["content-type"] == "image/apng"
    assert first.body.startswith(b"\x89PNG")
    assert first.body != second.body


@pytest.mark.skipif(sys.platform != "linux", reason="counts KiB")
def test_large_files_in_little_memory(gemini: RunningEmulator) -> None:
    """Also for a client that reads one byte and no more."""
    content = gemini._emulator.state.blobs.create()
    os.truncate(gemini._emulator.state.blobs.path(content), 256 * MIB)
    name = store_generated(gemini, content)
    target = f"/v1beta/{name}:download?alt=media"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    address = urlsplit(gemini.http)
    with socket.create_connection((address.hostname, address.port or 80)) as lazy:
        lazy.sendall(f"GET {target} HTTP/1.1\r\nhost: x\r\nx-goog-api-key: k\r\n\r\n".encode())
        assert lazy.recv(10)
        connection = http.client.HTTPConnection(address.netloc, timeout=60)
        with contextlib.closing(connection):
            connection.request("GET", target, headers={"x-goog-api-key": "k"})
            answer, size = connection.getresponse(), 0
            while piece := answer.read(MIB):
                size += len(piece)
        assert size == 256 * MIB
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 32 * MIB


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_disconnect_stops_reading(gemini: RunningEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a disconnect nothing more is read from disk."""
    monkeypatch.setattr(downloads, "_CHUNK_BYTES", 100)
    content = gemini._run_sync(lambda: gemini._emulator.state.blobs.put(bytes(32 * MIB)))
    path = str(gemini._emulator.state.blobs.path(content))
    name = store_generated(gemini, content)

    def is_open() -> bool:
        links = []
        for link in Path("/proc/self/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # One that was closed meanwhile.
                links.append(str(link.readlink()))
        return path in links

    address = urlsplit(gemini.http)
    with socket.create_connection((address.hostname, address.port or 80)) as link:
        asked = f"GET /v1beta/{name}:download?alt=media HTTP/1.1\r\nhost: x\r\nx-goog-api-key: k\r\n\r\n"
        link.sendall(asked.encode())
        assert link.recv(1000).startswith(b"HTTP/1.1 200")
        assert is_open()
    assert comes(lambda: not is_open())
