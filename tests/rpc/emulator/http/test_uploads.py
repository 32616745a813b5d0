"""Uploads over real sockets: in one request, in chunks, interrupted, resumed, after a crash."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import errno
import hashlib
import http.client
import random
import socket
import ssl
import sys
from collections.abc import AsyncGenerator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from emulator_process import Answer, Process, ask
from eventually import comes
from json_http import Json

from gemwire.testing import RunningEmulator, emulator
from gemwire_emulator.blob_store import BlobStore
from gemwire_emulator.http import request_body
from gemwire_emulator.http.multipart import MultipartReader
from gemwire_emulator.services import files

MIB = 2**20
HOUR = 3600


@pytest.fixture(scope="module")
def running() -> Iterator[RunningEmulator]:
    with emulator(http_port=0) as made:
        yield made


@pytest.fixture
def gemini(running: RunningEmulator) -> RunningEmulator:
    running.reset()
    return running


def list_contents(gemini: RunningEmulator) -> list[Path]:
    """List the contents on the emulator's disk."""
    directory = gemini._emulator.state.blobs.path("")
    return list(directory.iterdir()) if directory.is_dir() else []


class Upload:
    """A resumable upload.

    Attributes:
        url: Where its parts go.
        begun: The answer to its beginning.
    """

    def __init__(
        self,
        base: str,
        size: int | None = None,
        key: str = "k",
        path: str = "/upload/v1beta/files",
        **more: Json,
    ) -> None:
        self._base = base
        headers = {"x_goog_upload_protocol": "resumable", "x_goog_upload_command": "start"}
        if size is not None:
            headers["x_goog_upload_header_content_length"] = str(size)
        body = {"file": more.pop("file", {"display_name": "Notes", "mime_type": "text/plain"})}
        self.begun = ask(base, "POST", path, body, key, **headers, **more)
        self.url = self.begun.headers.get("x-goog-upload-url", "")

    def __call__(self, command: str, body: Json = b"", offset: int | None = None, **more: Json) -> Answer:
        headers: dict[str, Json] = {"x_goog_upload_command": command, **more}
        if offset is not None:
            headers["x_goog_upload_offset"] = offset
        return ask(self._base, "POST", self.url, body, **headers)

    def switch_server(self, old: str, new: str) -> None:
        """Continue with another emulator."""
        self._base, self.url = new, self.url.replace(old, new)

    def received(self) -> int:
        answer = self("query")
        assert (answer.status, answer.headers["x-goog-upload-status"]) == (200, "active")
        return int(answer.headers["x-goog-upload-size-received"])

    def cut(self, parts: Iterable[bytes], offset: int, announced: int, *, reset: bool = False) -> None:
        """Send less than announced and disconnect: orderly, or with a reset."""
        address = urlsplit(self.url)
        assert address.port is not None
        with socket.create_connection((address.hostname, address.port)) as link:
            head = (
                f"POST {address.path}?{address.query} HTTP/1.1\r\nhost: {address.netloc}\r\n"
                f"content-length: {announced}\r\nx-goog-upload-command: upload, finalize\r\n"
                f"x-goog-upload-offset: {offset}\r\n\r\n"
            )
            link.sendall(head.encode())
            for part in parts:
                link.sendall(part)
            if reset:
                link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                return
            link.shutdown(socket.SHUT_WR)
            assert link.recv(1) == b""


def digest(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


@pytest.mark.parametrize("version", ["v1", "v1beta", "v1alpha"])
def test_upload_in_chunks(gemini: RunningEmulator, version: str) -> None:
    data = random.Random(1).randbytes(300_000)
    upload = Upload(gemini.http, len(data), path=f"/upload/{version}/files")
    headers = upload.begun.headers
    assert (upload.begun.status, upload.begun.body) == (200, b"")
    assert upload.url.startswith(f"{gemini.http}/upload/{version}/files?upload_id=")
    assert headers["x-goog-upload-status"] == "active"
    assert headers["x-goog-upload-control-url"] == upload.url
    assert int(headers["x-goog-upload-chunk-granularity"]) > 0
    first = upload("upload", data[:100_000], 0)
    assert (first.status, first.headers["x-goog-upload-status"]) == (200, "active")
    assert first.headers["x-goog-upload-size-received"] == "100000"
    assert upload("upload", [data[100_000:150_000], data[150_000:200_000]], 100_000).status == 200
    last = upload("upload, finalize", data[200_000:], 200_000)
    assert last.headers["x-goog-upload-status"] == "final"
    file = last.json["file"]
    assert (file["displayName"], file["mimeType"], file["state"]) == ("Notes", "text/plain", "ACTIVE")
    assert (file["sizeBytes"], file["sha256Hash"]) == ("300000", digest(data))
    assert file["source"] == "UPLOADED"
    assert "downloadUri" not in file
    assert ask(gemini.http, "GET", f"/{version}/{file['name']}", key="k").json == file
    assert ask(gemini.http, "GET", f"/{version}/{file['name']}", key="other").error == (
        403,
        "PERMISSION_DENIED",
    )
    assert [path.read_bytes() for path in list_contents(gemini)] == [data]


def test_upload_url_has_the_host_of_the_request(gemini: RunningEmulator) -> None:
    upload = Upload(gemini.http, 3, Host="gemini.test:8080")
    assert upload.url.startswith("http://gemini.test:8080/upload/v1beta/files?")


def test_upload_url_has_the_scheme_of_the_request() -> None:
    with emulator(https_port=0) as secure:
        context = ssl.create_default_context(cafile=secure._emulator.ca_file)
        netloc = urlsplit(secure.https).netloc
        with contextlib.closing(http.client.HTTPSConnection(netloc, context=context)) as connection:
            headers = {"x-goog-upload-protocol": "resumable", "x-goog-upload-command": "start"}
            connection.request("POST", "/upload/v1/files", b"", headers)
            address = connection.getresponse().headers["x-goog-upload-url"]
        assert address.startswith(f"{secure.https}/upload/v1/files?")


def test_finalize_alone_and_empty_files(gemini: RunningEmulator) -> None:
    upload = Upload(gemini.http)
    upload("upload", b"abc", 0)
    assert upload("finalize").json["file"]["sizeBytes"] == "3"
    empty = Upload(gemini.http, 0)("upload, finalize", b"", 0)
    assert empty.json["file"]["sha256Hash"] == digest(b"")


@pytest.mark.parametrize(
    ("file", "headers", "kind"),
    [
        ({"mimeType": "text/csv"}, {"x_goog_upload_header_content_type": "text/plain"}, "text/csv"),
        ({}, {"x_goog_upload_header_content_type": "text/plain"}, "text/plain"),
        ({}, {"x_goog_upload_file_name": "a.png"}, "image/png"),
        ({}, {}, ""),
        ({"size_bytes": "3", "name": "files/mine"}, {}, ""),
    ],
)
def test_media_types(
    gemini: RunningEmulator, file: dict[str, str], headers: dict[str, str], kind: str
) -> None:
    made = Upload(gemini.http, 3, file=file, **headers)("upload, finalize", b"abc", 0).json["file"]
    assert made.get("mimeType", "") == kind
    assert made["name"] == file.get("name", made["name"])


def test_videos_are_processed_first(gemini: RunningEmulator) -> None:
    film = Upload(gemini.http, 3, file={"mimeType": "video/mp4"})("upload, finalize", b"abc", 0).json["file"]
    assert film["state"] == "PROCESSING"
    path = f"/v1beta/{film['name']}"
    ask_with = {"contents": [{"parts": [{"fileData": {"fileUri": film["uri"]}}]}]}
    target = "/v1beta/models/gemini-2.5-flash:generateContent"
    assert ask(gemini.http, "POST", target, ask_with, "k").error == (400, "FAILED_PRECONDITION")
    gemini.advance(2)
    assert ask(gemini.http, "GET", path, key="k").json["state"] == "ACTIVE"
    assert ask(gemini.http, "POST", target, ask_with, "k").status == 200


def test_raw_upload(gemini: RunningEmulator) -> None:
    headers = {"x_goog_upload_protocol": "raw", "content_type": "image/png"}
    made = ask(gemini.http, "POST", "/upload/v1beta/files", b"abc", "k", **headers)
    assert made.headers["x-goog-upload-status"] == "final"
    assert made.json["file"]["mimeType"] == "image/png"
    made = ask(gemini.http, "POST", "/upload/v1beta/files?uploadType=media&key=k", [b"ab", b"c"])
    assert made.json["file"]["sha256Hash"] == digest(b"abc")
    assert len(ask(gemini.http, "GET", "/v1beta/files", key="k").json["files"]) == 2


def related(data: bytes, boundary: str = "xyz", metadata: bytes = b'{"file":{"displayName":"d"}}') -> bytes:
    """Build a body as Google's first JS SDK sends it."""
    kinds = b"Content-Type: application/json; charset=utf-8", b"Content-Type: text/plain"
    mark = b"--" + boundary.encode()
    first = mark + b"\r\n" + kinds[0] + b"\r\n\r\n" + metadata + b"\r\n"
    return first + mark + b"\r\n" + kinds[1] + b"\r\n\r\n" + data + b"\r\n" + mark + b"--"


def send_related(gemini: RunningEmulator, sent: Json, boundary: str = "xyz") -> Answer:
    kind = f"multipart/related; boundary={boundary}"
    headers = {"x_goog_upload_protocol": "multipart", "content_type": kind}
    return ask(gemini.http, "POST", "/upload/v1beta/files", sent, "k", **headers)


_PARTS = [b"", b"some\r\n--xy\r\n--bytes\r\n-", bytes(range(256)) * 300]


@pytest.mark.parametrize("data", _PARTS)
def test_multipart_upload(gemini: RunningEmulator, data: bytes) -> None:
    file = send_related(gemini, related(data)).json["file"]
    assert (file["displayName"], file["mimeType"]) == ("d", "text/plain")
    assert (file.get("sizeBytes", "0"), file["sha256Hash"]) == (str(len(data)), digest(data))


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("data", _PARTS)
def test_multipart_in_any_chunks(data: bytes, step: int) -> None:
    """The data is what is between the delimiters, and no more than a delimiter is buffered."""
    sent = b"before" + related(data[:2000]).removeprefix(b"--xyz\r\n").join([b"\r\n--xyz\r\n", b"after"])

    async def arriving() -> AsyncGenerator[bytes, None]:
        for at in range(0, len(sent), step):
            yield sent[at : at + step]

    async def read() -> None:
        parts = MultipartReader('multipart/related; boundary="xyz"', arriving())
        assert await parts.read_json() == b'{"file":{"displayName":"d"}}'
        assert parts.content_type == "text/plain"
        found = b""
        async for piece in parts.iter_data():
            found += piece
            assert len(parts._buffer) <= step + 10
        assert found == data[:2000]

    asyncio.run(read())


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"abc",
        related(b"abc")[:-5],
        related(b"abc")[:20],
        related(b"abc", metadata=b"{"),
        related(b"abc", metadata=b'{"file":{"name":"files/Bad"}}'),
        related(b"abc", boundary="other"),
    ],
)
def test_invalid_multipart(gemini: RunningEmulator, sent: bytes) -> None:
    refused = send_related(gemini, sent)
    assert refused.error == (400, "INVALID_ARGUMENT")
    assert refused.headers["x-goog-upload-status"] == "final"
    assert not list_contents(gemini)
    assert not ask(gemini.http, "GET", "/v1beta/files", key="k").json


def test_received_bytes_of_an_interrupted_chunk_are_kept(gemini: RunningEmulator) -> None:
    data = random.Random(2).randbytes(300_000)
    upload = Upload(gemini.http, len(data))
    upload.cut([data[:12_345]], 0, len(data))
    assert upload.received() == 12_345
    upload.cut([data[12_345:12_346]], 12_345, len(data) - 12_345)
    assert upload.received() == 12_346
    file = upload("upload, finalize", data[12_346:], 12_346).json["file"]
    assert file["sha256Hash"] == digest(data)


def test_interruptions_at_any_place(gemini: RunningEmulator) -> None:
    """Also within a write, and with bytes that the kernel discards."""
    chance = random.Random(4)
    data = chance.randbytes(12 * MIB)
    upload = Upload(gemini.http, len(data))
    for turn in range(8):
        at = upload.received()
        end = at + chance.randrange(3 * MIB // 2)
        upload.cut([data[at:end]], at, len(data) - at, reset=turn % 2 == 1)
        assert at <= upload.received() <= end
    at = upload.received()
    assert at > MIB
    file = upload("upload, finalize", data[at:], at).json["file"]
    assert file["sha256Hash"] == digest(data)


def test_later_request_takes_over(gemini: RunningEmulator) -> None:
    """A connection that only its client knows to be broken does not block the upload."""
    data = random.Random(5).randbytes(2 * MIB)
    upload = Upload(gemini.http, len(data))
    address = urlsplit(upload.url)
    with contextlib.closing(http.client.HTTPConnection(address.netloc, timeout=10)) as connection:
        connection.putrequest("POST", f"{address.path}?{address.query}")
        connection.putheader("content-length", str(len(data)))
        connection.putheader("x-goog-upload-command", "upload, finalize")
        connection.putheader("x-goog-upload-offset", "0")
        connection.endheaders(data[: MIB + MIB // 2])
        assert comes(lambda: list_contents(gemini)[0].stat().st_size >= MIB)
        at = upload.received()
        assert MIB <= at <= MIB + MIB // 2
        assert upload("upload, finalize", data[at:], at).json["file"]["sha256Hash"] == digest(data)
        connection.send(data[MIB + MIB // 2 :])
        assert Answer(connection.getresponse()).error == (409, "ABORTED")


def test_idle_timeout_ends_a_chunk_but_not_the_upload(
    gemini: RunningEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_body, "IDLE_TIMEOUT", 0.2)
    upload = Upload(gemini.http, 10)
    address = urlsplit(upload.url)
    assert address.port is not None
    with socket.create_connection((address.hostname, address.port)) as link:
        link.sendall(
            f"POST {address.path}?{address.query} HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n"
            "x-goog-upload-command: upload\r\nx-goog-upload-offset: 0\r\n\r\nabc".encode()
        )
        link.settimeout(5)
        assert link.recv(1000).startswith(b"HTTP/1.1 408")
    assert upload.received() == 3


def test_wrong_offsets_and_sizes(gemini: RunningEmulator) -> None:
    upload = Upload(gemini.http, 10)
    upload("upload", b"abcd", 0)
    for offset in (0, 3, 5, None):
        refused = upload("upload", b"ef", offset)
        assert refused.error == (400, "INVALID_ARGUMENT")
        assert "4 bytes were received" in refused.json["error"]["message"]
        assert refused.headers["x-goog-upload-status"] == "active"
        assert refused.headers["x-goog-upload-size-received"] == "4"
    for early in (upload("finalize"), upload("upload, finalize", b"e", 4)):
        assert early.error == (400, "INVALID_ARGUMENT")
        assert early.headers["x-goog-upload-status"] == "active"
    # One byte more than announced: with its length told before, and without.
    assert upload("upload", b"fghijk", 5).error == (400, "INVALID_ARGUMENT")
    assert upload("upload", [b"fghijk"], 5).error == (400, "INVALID_ARGUMENT")
    assert upload.received() == 5
    assert upload("upload, finalize", b"fghij", 5).json["file"]["sha256Hash"] == digest(b"abcdefghij")


@pytest.mark.parametrize(
    ("headers", "field"),
    [
        ({"x_goog_upload_protocol": "smoke"}, "X-Goog-Upload-Protocol"),
        ({}, "X-Goog-Upload-Protocol"),
        ({"x_goog_upload_protocol": "resumable"}, "X-Goog-Upload-Command"),
        ({"x_goog_upload_protocol": "resumable", "x_goog_upload_command": "upload"}, "X-Goog-Upload-Command"),
        (
            {
                "x_goog_upload_protocol": "resumable",
                "x_goog_upload_command": "start",
                "x_goog_upload_header_content_length": "many",
            },
            "X-Goog-Upload-Header-Content-Length",
        ),
    ],
)
def test_invalid_starts(gemini: RunningEmulator, headers: dict[str, str], field: str) -> None:
    refused = ask(gemini.http, "POST", "/upload/v1beta/files", {"file": {}}, "k", **headers)
    assert refused.error == (400, "INVALID_ARGUMENT")
    [violation] = refused.json["error"]["details"][0]["fieldViolations"]
    assert violation["field"] == field
    assert not list_contents(gemini)


def test_invalid_files_are_rejected_before_their_bytes(gemini: RunningEmulator) -> None:
    assert Upload(gemini.http, 3, file={"name": "files/No!"}).begun.error == (400, "INVALID_ARGUMENT")
    assert Upload(gemini.http, 3, file={"displayName": "x" * 513}).begun.error == (400, "INVALID_ARGUMENT")
    late = Upload(gemini.http, 3, file={"name": "files/mine"})
    Upload(gemini.http, 3, file={"name": "files/mine"})("upload, finalize", b"abc", 0)
    assert Upload(gemini.http, 3, file={"name": "files/mine"}).begun.error == (409, "ALREADY_EXISTS")
    refused = late("upload, finalize", b"abc", 0)
    assert refused.error == (409, "ALREADY_EXISTS")
    assert refused.headers["x-goog-upload-status"] == "cancelled"
    assert len(list_contents(gemini)) == 1
    assert Upload(gemini.http, 3, key="other", file={"name": "files/mine"}).begun.status == 200


def test_other_verbs_versions_and_commands(gemini: RunningEmulator) -> None:
    assert ask(gemini.http, "GET", "/upload/v1beta/files").error == (404, "NOT_FOUND")
    assert ask(gemini.http, "POST", "/upload/v9/files").error == (404, "NOT_FOUND")
    upload = Upload(gemini.http, 3)
    for command in ("", "start", "finalize, upload", "smoke"):
        refused = upload(command, b"abc", 0)
        assert refused.error == (400, "INVALID_ARGUMENT")
        assert refused.headers["x-goog-upload-status"] == "active"
    assert upload.received() == 0


def test_size_limits(gemini: RunningEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Upload(gemini.http, 2 * 2**30 + 1).begun.error == (400, "INVALID_ARGUMENT")
    assert Upload(gemini.http, 2 * 2**30).begun.status == 200
    monkeypatch.setattr(files, "MAX_FILE_SIZE", 10)
    monkeypatch.setattr(files, "MAX_TOTAL_SIZE", 25)
    unannounced = Upload(gemini.http)
    assert unannounced("upload", [b"a" * 11], 0).error == (400, "INVALID_ARGUMENT")
    headers = {"x_goog_upload_protocol": "raw"}
    assert ask(gemini.http, "POST", "/upload/v1/files", [b"a" * 11], "k", **headers).status == 400
    for _ in range(2):
        assert Upload(gemini.http, 10)("upload, finalize", b"a" * 10, 0).status == 200
    late = Upload(gemini.http, 5)
    assert Upload(gemini.http, 6).begun.error == (429, "RESOURCE_EXHAUSTED")
    assert Upload(gemini.http, 5)("upload, finalize", b"a" * 5, 0).status == 200
    assert late("upload, finalize", b"a" * 5, 0).error == (429, "RESOURCE_EXHAUSTED")
    assert Upload(gemini.http, 10, key="other").begun.status == 200
    gemini.advance(48 * HOUR)
    assert Upload(gemini.http, 10).begun.status == 200


def test_disk_full(gemini: RunningEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = Upload(gemini.http, 6)
    upload("upload", b"abc", 0)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(BlobStore, "append", full)
        refused = upload("upload, finalize", b"def", 3)
    assert refused.error == (429, "RESOURCE_EXHAUSTED")
    assert "No space left" in refused.json["error"]["message"]
    assert refused.headers["x-goog-upload-status"] == "active"
    assert upload("upload, finalize", b"def", 3).json["file"]["sha256Hash"] == digest(b"abcdef")


def test_concurrent_uploads(gemini: RunningEmulator) -> None:
    def upload(number: int) -> bool:
        data = random.Random(number).randbytes(3 * MIB + number)
        made = Upload(gemini.http, len(data), key=str(number % 3))
        made("upload", data[:MIB], 0)
        file = made("upload, finalize", data[MIB:], MIB).json["file"]
        return bool(file["sha256Hash"] == digest(data))

    with ThreadPoolExecutor(12) as pool:
        assert all(pool.map(upload, range(24)))


def test_uploads_expire(gemini: RunningEmulator) -> None:
    unknown = ask(
        gemini.http, "POST", "/upload/v1beta/files?upload_id=no", b"", x_goog_upload_command="query"
    )
    assert unknown.error == (404, "NOT_FOUND")
    assert unknown.headers["x-goog-upload-status"] == "final"
    final = Upload(gemini.http, 3)
    file = final("upload, finalize", b"abc", 0).json
    # An answer that was lost on its way is asked for again.
    assert (final("query").json, final("query").headers["x-goog-upload-status"]) == (file, "final")
    refused = final("upload, finalize", b"abc", 0)
    assert refused.error == (400, "FAILED_PRECONDITION")
    assert refused.headers["x-goog-upload-status"] == "final"
    cancelled = Upload(gemini.http, 3)
    cancelled("upload", b"ab", 0)
    assert len(list_contents(gemini)) == 2
    assert cancelled("cancel").headers["x-goog-upload-status"] == "cancelled"
    refused = cancelled("upload", b"c", 2)
    assert refused.error == (400, "FAILED_PRECONDITION")
    assert refused.headers["x-goog-upload-status"] == "cancelled"
    old = Upload(gemini.http, 3)
    old("upload", b"ab", 0)
    gemini.advance(24 * HOUR)
    for ended in (final, cancelled, old):
        assert ended("query").error == (404, "NOT_FOUND")
    assert [path.read_bytes() for path in list_contents(gemini)] == [b"abc"]


def test_content_is_deleted_with_its_file(gemini: RunningEmulator) -> None:
    made = [Upload(gemini.http, 1)("upload, finalize", b"a", 0).json["file"]["name"] for _ in range(3)]
    assert len(list_contents(gemini)) == 3
    assert ask(gemini.http, "DELETE", f"/v1beta/{made[0]}", key="k").status == 200
    assert len(list_contents(gemini)) == 2
    gemini.advance(48 * HOUR - 1)
    assert len(list_contents(gemini)) == 2
    gemini.advance(2)
    assert comes(lambda: not list_contents(gemini))
    upload = Upload(gemini.http, 3)
    upload("upload", b"ab", 0)
    gemini.reset()
    assert not list_contents(gemini)
    assert upload("upload", b"c", 2).error == (404, "NOT_FOUND")


def test_text_files_are_read_into_prompts(gemini: RunningEmulator) -> None:
    def tokens(uri: str, key: str = "k") -> Answer:
        parts = [{"fileData": {"fileUri": uri}}, {"text": "What?"}]
        return ask(
            gemini.http,
            "POST",
            "/v1beta/models/gemini-2.5-flash:countTokens",
            {"contents": [{"parts": parts}]},
            key,
        )

    text, picture = (
        Upload(gemini.http, 11, file={"mimeType": kind})("upload, finalize", b"one two six", 0).json["file"]
        for kind in ("text/plain", "image/png")
    )
    assert tokens(text["uri"]).json["totalTokens"] == 5
    assert tokens(text["name"]).json["totalTokens"] == 5
    assert tokens(f"http://localhost:1/v1/{text['name']}").json["totalTokens"] == 5
    assert tokens(picture["uri"]).json["totalTokens"] == 2
    assert tokens("https://www.youtube.com/watch?v=x").json["totalTokens"] == 2
    assert tokens(text["uri"], "other").error == (403, "PERMISSION_DENIED")


def test_cached_contents_outlive_their_files(gemini: RunningEmulator) -> None:
    file = Upload(gemini.http, 11)("upload, finalize", b"one two six", 0).json["file"]
    contents = [{"role": "user", "parts": [{"fileData": {"fileUri": file["uri"]}}]}]
    made = {"model": "models/gemini-2.5-flash", "contents": contents}
    cached = ask(gemini.http, "POST", "/v1beta/cachedContents", made, "k").json
    assert cached["usageMetadata"]["totalTokenCount"] == 3
    ask(gemini.http, "DELETE", f"/v1beta/{file['name']}", key="k")
    prompt = {"cachedContent": cached["name"], "contents": [{"parts": [{"text": "What?"}]}]}
    target = "/v1beta/models/gemini-2.5-flash:generateContent"
    answer = ask(gemini.http, "POST", target, prompt, "k").json
    assert answer["usageMetadata"]["promptTokenCount"] == 5


def test_starts_are_subject_to_faults_quota_and_journal(gemini: RunningEmulator) -> None:
    gemini.fail("UNAVAILABLE", method="CreateFile")
    assert Upload(gemini.http, 3).begun.error == (503, "UNAVAILABLE")
    assert not list_contents(gemini)
    upload = Upload(gemini.http, 3)
    for part in range(3):
        upload("upload", b"a", part)
    upload("finalize")
    ask(gemini.http, "POST", "/upload/v1/files", b"abc", "k", x_goog_upload_protocol="raw")
    calls = gemini.calls("CreateFile")
    assert [call.status for call in calls] == ["UNAVAILABLE", "OK", "OK"]
    assert calls[1].requests[0].file.mime_type == "text/plain"
    assert calls[2].responses[0].file.size_bytes == 3


def test_kill_9_loses_no_received_bytes(tmp_path: Path) -> None:
    data, state = random.Random(3).randbytes(2 * MIB + 5), str(tmp_path / "state")
    first = Process("--state", state)
    try:
        done = Upload(first.http, 3)("upload, finalize", b"abc", 0).json["file"]
        upload = Upload(first.http, len(data))
        upload("upload", data[:MIB], 0)
        upload.cut([data[MIB : MIB + 1000]], MIB, len(data) - MIB)
        assert upload.received() == MIB + 1000
        orphan = tmp_path / "state.files" / "orphan"
        orphan.touch()
    finally:
        first.kill()
    second = Process("--state", state)
    try:
        assert not orphan.exists()
        assert ask(second.http, "GET", f"/v1beta/{done['name']}", key="k").json == done
        upload.switch_server(first.http, second.http)
        at = upload.received()
        assert at == MIB + 1000
        file = upload("upload, finalize", data[at:], at).json["file"]
        assert file["sha256Hash"] == digest(data)
    finally:
        second.kill()


class Stream:
    """Endless reproducible bytes that are never held in memory."""

    def __init__(self, size: int) -> None:
        self._block = random.Random(size).randbytes(MIB)
        self.size = size

    def part(self, start: int, end: int) -> Iterator[bytes]:
        while start < end:
            # No two of the blocks are the same.
            block = (start // MIB).to_bytes(8, "big") + self._block[8:]
            piece = block[start % MIB :][: end - start]
            yield piece
            start += len(piece)

    def sha256(self) -> str:
        digest = hashlib.sha256()
        for piece in self.part(0, self.size):
            digest.update(piece)
        return base64.b64encode(digest.digest()).decode()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    "size", [64 * MIB, pytest.param(2048 * MIB, marks=[pytest.mark.slow, pytest.mark.timeout(600)])]
)
def test_large_files_in_little_memory(tmp_path: Path, size: int) -> None:
    """Interrupted, resumed, killed and resumed, a file arrives complete and is never held in memory."""
    stream, state = Stream(size), str(tmp_path / "state")
    first = Process("--state", state)
    try:
        Upload(first.http, 3)("upload, finalize", b"abc", 0)
        before = first.memory()
        upload = Upload(first.http, size)
        upload.cut(stream.part(0, size // 3), 0, size)
        at = upload.received()
        assert at > size // 3 - MIB
        upload.cut(stream.part(at, size * 2 // 3), at, size - at)
        assert upload.received() > size * 2 // 3 - MIB
        assert first.memory() - before < 64 * MIB
    finally:
        first.kill()
    second = Process("--state", state)
    try:
        before = second.memory()
        upload.switch_server(first.http, second.http)
        at = upload.received()
        rest = stream.part(at, size)
        file = upload("upload, finalize", rest, at, content_length=size - at).json["file"]
        assert (file["sizeBytes"], file["sha256Hash"]) == (str(size), stream.sha256())
        assert second.memory() - before < 64 * MIB
    finally:
        second.kill()
