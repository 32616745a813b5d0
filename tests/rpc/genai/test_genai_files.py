"""Files: metadata over gRPC, contents over HTTP, sync and async."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import random
import socket
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import google.auth.credentials
import google.oauth2.credentials
import pytest
from scripted_grpc_server import Api

from gemwire import genai
from gemwire.errors import NotFound, Unauthenticated
from gemwire.genai import errors, types
from gemwire.testing import RunningEmulator, environment

MODEL = "gemini-2.5-flash"
#: Three chunks of an upload.
DATA = random.Random(1).randbytes(20 * 2**20 + 5)
GENERATED = b'{"key": "one", "request": {"contents": [{"parts": [{"text": "Hello"}]}]}}\n'


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


def digest(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def fronts(gemini: RunningEmulator) -> list[tuple[str, str]]:
    """Return the calls that were made, with their transports."""
    return [(call.method.rpartition("/")[2], call.front) for call in gemini.calls()]


def generated(api: Api, resources: Any, gemini: RunningEmulator) -> str:
    """Return the name of a downloadable file: the responses of a batch job."""
    source = api(resources.files.upload(file=GENERATED, config={"mime_type": "application/jsonl"}))
    job = api(resources.batches.create(model=MODEL, src=source))
    gemini.advance(5)
    while not job.done:
        job = api(resources.batches.get(name=job.name))
    return str(job.dest.file_name)


def test_file_lifecycle(api: Api, gemini: RunningEmulator, tmp_path: Path) -> None:
    resources = api.genai()
    path = tmp_path / "notes.txt"
    path.write_bytes(b"one two six")
    file = api(resources.files.upload(file=path, config={"display_name": "Notes", "name": "mine"}))
    assert isinstance(file, types.File)
    assert (file.name, file.display_name, file.mime_type) == ("files/mine", "Notes", "text/plain")
    assert (file.size_bytes, file.sha256_hash) == (11, digest(b"one two six"))
    assert (file.state, file.source, file.error) == (types.FileState.ACTIVE, types.FileSource.UPLOADED, None)
    assert file.model_dump()["sha256_hash"] == file.sha256_hash
    for name in ("mine", "files/mine", file.uri):
        assert api(resources.files.get(name=name)) == file
    pager = api(resources.files.list(config={"page_size": 1}))
    assert (pager.name, len(pager), pager[0]) == ("files", 1, file)
    answer = api(resources.models.generate_content(model=MODEL, contents=[file, "What is this?"]))
    assert "What is this?" in answer.text
    assert isinstance(api(resources.files.delete(name=file.name)), types.DeleteFileResponse)
    with pytest.raises(errors.ClientError) as caught:
        api(resources.files.get(name=file.name))
    assert caught.value.code == 403
    assert fronts(gemini)[0] == ("CreateFile", "http")
    assert {front for _, front in fronts(gemini)[1:]} == {"grpc"}


def pieces() -> Iterator[bytes]:
    yield from (DATA[at : at + 2**20] for at in range(0, len(DATA), 2**20))


@pytest.mark.parametrize(
    "source", [lambda: DATA, lambda: io.BytesIO(DATA), pieces], ids=["bytes", "file", "it"]
)
def test_upload_sources(api: Api, gemini: RunningEmulator, source: Callable[[], Any]) -> None:
    told: list[tuple[int, int | None]] = []
    file = api(
        api.genai().files.upload(
            file=source(),
            config=types.UploadFileConfig(mime_type="image/png"),
            progress=lambda sent, size: told.append((sent, size)),
        )
    )
    assert (file.size_bytes, file.sha256_hash, file.mime_type) == (len(DATA), digest(DATA), "image/png")
    size = None if source is pieces else len(DATA)
    assert told == [(8 << 20, size), (16 << 20, size), (len(DATA), size)]


class Relay:
    """A TCP relay that breaks the first connection after a number of bytes."""

    def __init__(self, target: str, limit: int) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._limit: float = limit
        self.connections = 0
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads: list[threading.Thread] = []
        self._begin(self._accept)

    def _begin(self, work: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=work, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            near, _ = self._listener.accept()
            if self._limit == 0:
                near.close()
                return
            self.connections += 1
            far = socket.create_connection(self._target)
            self._sockets += near, far
            limit, self._limit = self._limit, float("inf")
            self._begin(self._pass, near, far, limit)
            self._begin(self._pass, far, near, float("inf"))

    def _pass(self, source: socket.socket, target: socket.socket, limit: float) -> None:
        with contextlib.suppress(OSError):
            while limit > 0 and (data := source.recv(65536)):
                limit -= len(data)
                target.sendall(data)
        self._end(source, target)

    def _end(self, *sockets: socket.socket) -> None:
        for one in sockets:
            with contextlib.suppress(OSError):
                # It wakes up who reads; what is unread then makes the end a sudden one.
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def stop(self) -> None:
        self._limit = 0
        # Closing does not wake accept() up; a connection does.
        socket.create_connection(self._listener.getsockname()).close()
        self._end(*self._sockets)
        for thread in self._threads:
            thread.join(10)
        self._listener.close()


def test_upload_resumes_after_a_broken_connection(
    api: Api, gemini: RunningEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay = Relay(gemini.http.removeprefix("http://"), 11 << 20)
    monkeypatch.setenv("GEMINI_EMULATOR_HTTP_HOST", relay.address)
    config = {"mime_type": "image/png", "http_options": {"retry_options": {"initial_delay": 0.01}}}
    file = api(api.genai().files.upload(file=pieces(), config=config))
    relay.stop()
    assert file.sha256_hash == digest(DATA)
    assert relay.connections > 1
    assert [name for name, _ in fronts(gemini)] == ["CreateFile"]


def test_downloads(api: Api, gemini: RunningEmulator, tmp_path: Path) -> None:
    resources = api.genai()
    name = generated(api, resources, gemini)
    data = api(resources.files.download(file=name))
    assert json.loads(data)["key"] == "one"
    file = api(resources.files.get(name=name))
    assert file.source == types.FileSource.GENERATED
    told: list[int] = []
    for given in (file, file.download_uri):
        path = tmp_path / "answers.jsonl"
        found = api(
            resources.files.download(
                file=given, destination=path, progress=lambda received, size: told.append(received)
            )
        )
        assert (found, path.read_bytes()) == (None, data)
        path.unlink()
    assert told[-1] == len(data)
    into = io.BytesIO()
    assert api(resources.files.download(file=file, destination=into)) is None
    assert into.getvalue() == data
    for made in (types.Video(uri=file.download_uri), types.GeneratedVideo(video=types.Video(uri=file.uri))):
        assert api(resources.files.download(file=made)) == data
        video = made.video if isinstance(made, types.GeneratedVideo) else made
        assert video is not None
        assert video.video_bytes == data


def test_files_that_cannot_be_downloaded(api: Api, gemini: RunningEmulator) -> None:
    resources = api.genai()
    file = api(resources.files.upload(file=b"x", config={"mime_type": "text/plain"}))
    before = len(gemini.calls())
    with pytest.raises(ValueError, match="only generated files, which have a download_uri, can"):
        api(resources.files.download(file=file))
    with pytest.raises(ValueError, match="has no uri"):
        api(resources.files.download(file=types.Video(video_bytes=b"x")))
    with pytest.raises(ValueError, match="the generated video is None"):
        api(resources.files.download(file=types.GeneratedVideo()))
    with pytest.raises(TypeError, match="expected the name of a file"):
        api(resources.files.download(file=7))
    assert len(gemini.calls()) == before
    with pytest.raises(errors.APIError, match="generated"):
        api(resources.files.download(file=file.name))


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"file": b"x"}, ValueError, r"^config\.mime_type: "),
        ({"file": "/nowhere/x.txt"}, FileNotFoundError, "nowhere"),
        ({"file": 7}, TypeError, "expected a path, bytes, a file object"),
        ({"file": b"x", "config": {"mime": "text/plain"}}, ValueError, "no field 'mime'"),
        ({"file": b"x", "config": {"name": "Not a name"}}, ValueError, "is not the name of a file"),
        ({"file": b"x", "config": {"mime_type": 7}}, TypeError, "config.mime_type: expected a string"),
    ],
)
def test_invalid_arguments_are_refused(
    api: Api, gemini: RunningEmulator, arguments: dict[str, Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        api(api.genai().files.upload(**arguments))
    assert not gemini.calls()


def test_without_the_emulators_http_address(
    api: Api, gemini: RunningEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GEMINI_EMULATOR_HTTP_HOST")
    files = api.genai().files
    assert len(api(files.list())) == 0
    with pytest.raises(ValueError, match="set GEMINI_EMULATOR_HTTP_HOST to the emulator's HTTP address"):
        api(files.upload(file=b"x", config={"mime_type": "text/plain"}))


def test_without_an_http_client(api: Api, gemini: RunningEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gemwire._transport.rest.session", None)
    files = api.genai().files
    assert len(api(files.list())) == 0
    with pytest.raises(ImportError, match=r"^files.upload: goes over HTTP.*pip install 'gemwire\[http\]'"):
        api(files.upload(file=b"x", config={"mime_type": "text/plain"}))


def test_transport_grpc_refuses_transfers(api: Api, gemini: RunningEmulator) -> None:
    files = api.genai(transport="grpc").files
    assert len(api(files.list())) == 0
    with pytest.raises(ValueError, match=r"^files.upload: goes over HTTP, but .* transport='grpc'"):
        api(files.upload(file=b"x", config={"mime_type": "text/plain"}))


def test_transport_rest(api: Api, gemini: RunningEmulator) -> None:
    files = api.genai(transport="rest").files
    file = api(files.upload(file=b"x", config={"mime_type": "text/plain"}))
    assert api(files.get(name=file.name)) == file
    assert {front for _, front in fronts(gemini)} == {"http"}


def test_client_timeout_does_not_limit_uploads(api: Api, gemini: RunningEmulator) -> None:
    files = api.genai(http_options={"timeout": 1}).files
    assert api(files.upload(file=DATA, config={"mime_type": "image/png"})).size_bytes == len(DATA)
    config = {"mime_type": "image/png", "http_options": {"timeout": 1}}
    with pytest.raises(errors.APIError):
        api(files.upload(file=DATA, config=config))


def test_closed_client_refuses_uploads(api: Api, gemini: RunningEmulator) -> None:
    resources = api.genai()
    api(resources.close())
    with pytest.raises(RuntimeError, match="this client is closed"):
        api(resources.files.upload(file=b"x", config={"mime_type": "text/plain"}))


@pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")
def test_google_genai_reads_the_same_files(gemini: RunningEmulator, tmp_path: Path) -> None:
    google: Any = pytest.importorskip("google.genai", reason="google-genai 3 needs Python 3.11")
    warnings.simplefilter("ignore", google._common.ExperimentalWarning)
    theirs = google.Client(api_key="k", http_options={"base_url": gemini.http, "api_version": "v1beta"})
    ours = genai.Client(api_key="k")
    path = tmp_path / "notes.txt"
    path.write_bytes(b"one two six")
    config: types.UploadFileConfigDict = {"display_name": "Notes"}
    made = [client.files.upload(file=path, config=config) for client in (theirs, ours)]
    names = ("display_name", "mime_type", "size_bytes", "sha256_hash", "state", "source", "error")
    assert len({tuple(str(getattr(file, name)) for name in names) for file in made}) == 1
    for file in made:
        assert file.name is not None
        wanted, found = (client.files.get(name=file.name) for client in (theirs, ours))
        dump = wanted.model_dump(exclude_none=True, mode="json")
        assert {name: found.to_json_dict().get(name) for name in dump} == {
            **dump,
            **{
                name: getattr(found, name).isoformat().replace("+00:00", "Z")
                for name in dump
                if "_time" in name
            },
        }
    listed = [[file.name for file in client.files.list()] for client in (theirs, ours)]
    assert listed[0] == listed[1]
    assert len(listed[0]) == 2
    for client in (theirs, ours):
        with pytest.raises(ValueError, match="nly generated files"):
            client.files.download(file=made[0] if client is theirs else made[1])
        client.close()


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[Path]:
    """The folder of a bucket, in an emulator's storage."""
    (tmp_path / "harbour").mkdir()
    running = RunningEmulator(http_port=0, storage=str(tmp_path))
    with environment(running):
        yield tmp_path / "harbour"
    running.stop()


def test_objects_of_cloud_storage_are_registered(api: Api, bucket: Path) -> None:
    (bucket / "tides.txt").write_bytes(b"High water is at noon.")
    (bucket / "b.bin").write_bytes(b"\0\1")
    resources = api.genai()
    uris = ["gs://harbour/tides.txt", "gs://harbour/b.bin"]
    token = google.oauth2.credentials.Credentials("a-token")
    response = api(resources.files.register_files(auth=token, uris=uris))
    assert isinstance(response, types.RegisterFilesResponse)
    text, other = response.files or []
    assert (text.display_name, text.mime_type, text.size_bytes) == ("tides.txt", "text/plain", 22)
    assert (text.source, text.state) == (types.FileSource.REGISTERED, types.FileState.ACTIVE)
    assert (other.mime_type, other.sha256_hash) == ("application/octet-stream", digest(b"\0\1"))
    assert api(resources.files.get(name=text.name)) == text
    answer = api(resources.models.count_tokens(model=MODEL, contents=[text]))
    assert answer.total_tokens > 4


def test_objects_that_cannot_be_registered(api: Api, bucket: Path) -> None:
    register = api.genai().files.register_files
    token = google.oauth2.credentials.Credentials("a-token")
    with pytest.raises(NotFound, match="gs://harbour/none"):
        api(register(auth=token, uris=["gs://harbour/none"]))
    with pytest.raises(TypeError, match=r"auth: expected google\.auth credentials, got str"):
        api(register(auth="a-token", uris=["gs://harbour/none"]))
    with pytest.raises(TypeError, match="uris: expected a list of addresses, got str"):
        api(register(auth=token, uris="gs://harbour/none"))
    with pytest.raises(ValueError, match=r"uris\[1\]: 'harbour' is not the address of an object"):
        api(register(auth=token, uris=["gs://harbour/none", "harbour"]))
    with pytest.raises(ValueError, match="uris: is empty"):
        api(register(auth=token, uris=[]))
    anonymous = google.auth.credentials.AnonymousCredentials()
    with pytest.raises(Unauthenticated, match="RegisterFiles needs an OAuth token"):
        api(register(auth=anonymous, uris=["gs://harbour/none"]))
