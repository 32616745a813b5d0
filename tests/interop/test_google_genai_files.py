"""Google's own Python SDK, google-genai, as the judge of files and batches."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
import random
import time
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import google.oauth2.credentials
import pytest
from emulator_process import ask

genai = pytest.importorskip("google.genai", reason="google-genai 3 needs Python 3.11")
from google.genai import errors, types  # noqa: E402

from gemwire.testing import RunningEmulator, emulator  # noqa: E402

MODEL, EMBEDDER = "gemini-2.5-flash", "gemini-embedding-001"
NOW = 1_800_000_000.0
#: More than a part of an upload.
DATA = random.Random(1).randbytes(20 * 2**20 + 5)

pytestmark = [
    # The SDK's words about its own plans.
    pytest.mark.filterwarnings("ignore::google.genai._common.ExperimentalWarning"),
    pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning"),
]


@pytest.fixture(scope="module")
def running() -> Iterator[RunningEmulator]:
    with emulator(http_port=0, frozen_at=NOW) as made:
        yield made


@pytest.fixture
def gemini(running: RunningEmulator) -> RunningEmulator:
    running.reset()
    return running


@pytest.fixture(params=["v1beta", "v1"])
def client(request: pytest.FixtureRequest, gemini: RunningEmulator) -> Iterator[Any]:
    """The SDK, by each of the versions that its releases have called."""
    options = types.HttpOptions(base_url=gemini.http, api_version=request.param)
    made = genai.Client(api_key="x", http_options=options)
    yield made
    made.close()


def ended(client: Any, name: str) -> Any:
    """A batch when it is done."""
    deadline = time.monotonic() + 20
    while (job := client.batches.get(name=name)).state in {"JOB_STATE_PENDING", "JOB_STATE_RUNNING"}:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return job


def test_upload_and_use(client: Any, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("one two six", "utf-8")
    file = client.files.upload(file=path, config={"display_name": "Notes", "name": "mine"})
    assert (file.name, file.display_name, file.mime_type) == ("files/mine", "Notes", "text/plain")
    assert (file.size_bytes, file.state, file.source) == (
        11,
        types.FileState.ACTIVE,
        types.FileSource.UPLOADED,
    )
    digest = hashlib.sha256(b"one two six").digest()
    assert base64.b64decode(file.sha256_hash) == digest
    assert (file.expiration_time - file.create_time).total_seconds() == pytest.approx(48 * 3600, abs=1)
    assert client.files.get(name=file.name) == file
    # Also by its address, out of which the SDK cuts the name.
    assert client.files.get(name=file.uri).name == file.name
    counted = client.models.count_tokens(model=MODEL, contents=[file, "What?"])
    assert counted.total_tokens == 5
    answer = client.models.generate_content(model=MODEL, contents=[file, "What is this?"])
    assert "What is this?" in answer.text
    assert answer.usage_metadata.prompt_token_count > 4
    client.files.delete(name=file.name)
    with pytest.raises(errors.ClientError) as refused:
        client.files.get(name=file.name)
    assert refused.value.code == 403


def test_upload_in_parts(client: Any) -> None:
    file = client.files.upload(file=io.BytesIO(DATA), config={"mime_type": "image/png"})
    assert file.size_bytes == len(DATA)
    assert base64.b64decode(file.sha256_hash) == hashlib.sha256(DATA).digest()


def test_upload_with_asyncio(gemini: RunningEmulator) -> None:
    async def test() -> None:
        options = types.HttpOptions(base_url=gemini.http)
        client = genai.Client(api_key="x", http_options=options)
        try:
            file = await client.aio.files.upload(file=io.BytesIO(DATA), config={"mime_type": "image/png"})
            assert base64.b64decode(file.sha256_hash) == hashlib.sha256(DATA).digest()
            await client.aio.files.delete(name=file.name)
        finally:
            await client.aio.aclose()
            client.close()

    asyncio.run(test())


def test_uploads_to_a_file_search_store_with_asyncio(gemini: RunningEmulator) -> None:
    text = b"The heron stands in water. " * 500_000

    async def test() -> None:
        client = genai.Client(api_key="x", http_options=types.HttpOptions(base_url=gemini.http))
        stores = client.aio.file_search_stores
        try:
            store = await stores.create()
            operation = await stores.upload_to_file_search_store(
                file_search_store_name=store.name,
                file=io.BytesIO(text),
                config={"mime_type": "text/plain", "display_name": "birds"},
            )
            assert operation.name.startswith(f"{store.name}/upload/operations/")
            [document] = [one async for one in await stores.documents.list(parent=store.name)]
            assert (document.display_name, document.size_bytes) == ("birds", len(text))
            assert document.state == types.DocumentState.STATE_PENDING
            await stores.delete(name=store.name, config={"force": True})
        finally:
            await client.aio.aclose()
            client.close()

    asyncio.run(test())


def test_objects_of_cloud_storage_are_registered(tmp_path: Path) -> None:
    (tmp_path / "harbour").mkdir()
    (tmp_path / "harbour" / "tides.txt").write_bytes(b"High water is at noon.")
    with emulator(http_port=0, storage=str(tmp_path)) as gemini:
        client = genai.Client(api_key="x", http_options=types.HttpOptions(base_url=gemini.http))
        token = google.oauth2.credentials.Credentials("a-token")
        [file] = client.files.register_files(auth=token, uris=["gs://harbour/tides.txt"]).files
        assert (file.display_name, file.size_bytes, file.source) == (
            *("tides.txt", 22),
            types.FileSource.REGISTERED,
        )
        assert client.files.get(name=file.name) == file
        with pytest.raises(errors.ClientError, match="gs://harbour/none"):
            client.files.register_files(auth=token, uris=["gs://harbour/none"])
        client.close()


def test_films_are_waited_for(client: Any, gemini: RunningEmulator) -> None:
    file = client.files.upload(file=io.BytesIO(b"frames"), config={"mime_type": "video/mp4"})
    assert file.state == types.FileState.PROCESSING
    gemini.advance(2)
    assert client.files.get(name=file.name).state == types.FileState.ACTIVE


def test_list(client: Any) -> None:
    assert list(client.files.list()) == []
    names = [
        client.files.upload(file=io.BytesIO(b"a"), config={"mime_type": "text/plain"}).name for _ in range(5)
    ]
    assert [file.name for file in client.files.list(config={"page_size": 2})] == names


def test_download(client: Any, gemini: RunningEmulator, tmp_path: Path) -> None:
    own = client.files.upload(file=io.BytesIO(b"abc"), config={"mime_type": "text/plain"})
    for what in (own.name, own.uri):
        with pytest.raises(errors.ClientError, match="only generated files"):
            client.files.download(file=what)
    # The SDK no longer begins films on this API; it still fetches them.
    target = "/v1beta/models/veo-2.0-generate-001:predictLongRunning"
    name = ask(gemini.http, "POST", target, {"instances": [{"prompt": "a cat"}]}, "x").json["name"]
    gemini.advance(2)
    operation = types.GenerateVideosOperation.model_validate({"name": name})
    deadline = time.monotonic() + 10
    while not operation.done and time.monotonic() < deadline:
        operation = client.operations.get(operation)
    assert operation.response is not None
    assert operation.response.generated_videos is not None
    [video] = operation.response.generated_videos
    data = client.files.download(file=video.video)
    assert data.startswith(b"\x89PNG")
    assert video.video is not None
    assert video.video.video_bytes == data
    [file] = [one for one in client.files.list() if one.download_uri]
    client.files.download(file=file, destination=tmp_path / "film.png")
    assert (tmp_path / "film.png").read_bytes() == data


def test_errors_in_an_upload_are_told_at_once(client: Any, gemini: RunningEmulator) -> None:
    client.files.upload(file=io.BytesIO(b"a"), config={"mime_type": "text/plain", "name": "mine"})
    with pytest.raises(errors.ClientError, match="already exists"):
        client.files.upload(file=io.BytesIO(b"a"), config={"mime_type": "text/plain", "name": "mine"})
    gemini.fail("UNAVAILABLE", method="CreateFile")
    with pytest.raises(errors.ServerError, match="UNAVAILABLE"):
        client.files.upload(file=io.BytesIO(b"a"), config={"mime_type": "text/plain"})


def inline(client: Any) -> Any:
    requests = [
        {"contents": [{"parts": [{"text": "One"}]}], "metadata": {"of": "one"}},
        {"contents": "Two", "config": {"system_instruction": "Be brief.", "max_output_tokens": 3}},
        {"contents": [{"parts": [{"text": "Three"}], "role": "smoke"}]},
    ]
    return client.batches.create(model=MODEL, src=requests, config={"display_name": "Mine"})


def test_batch_inline(client: Any, gemini: RunningEmulator) -> None:
    job = inline(client)
    assert (job.state, job.display_name) == (types.JobState.JOB_STATE_PENDING, "Mine")
    assert job.model == f"models/{MODEL}"
    gemini.advance(1)
    job = ended(client, job.name)
    assert job.state == types.JobState.JOB_STATE_SUCCEEDED
    assert job.end_time > job.create_time
    first, second, third = job.dest.inlined_responses
    assert "One" in first.response.text
    assert first.metadata == {"of": "one"}
    assert second.response.candidates[0].finish_reason == types.FinishReason.MAX_TOKENS
    assert third.response is None
    assert (third.error.code, "smoke" in third.error.message) == (3, True)


def test_batch_by_file(client: Any, gemini: RunningEmulator) -> None:
    lines = [
        {"key": str(i), "request": {"contents": [{"parts": [{"text": f"Number {i}"}]}]}} for i in range(20)
    ]
    data = "\n".join(map(json.dumps, lines)).encode()
    file = client.files.upload(file=io.BytesIO(data), config={"mime_type": "application/jsonl"})
    job = client.batches.create(model=MODEL, src=file.name)
    gemini.advance(1)
    job = ended(client, job.name)
    answers = [json.loads(line) for line in client.files.download(file=job.dest.file_name).splitlines()]
    assert [answer["key"] for answer in answers] == [str(i) for i in range(20)]
    found = types.GenerateContentResponse.model_validate(answers[7]["response"])
    assert found.text is not None
    assert "Number 7" in found.text


@pytest.mark.parametrize("by_file", [False, True])
def test_batch_of_embeddings(client: Any, gemini: RunningEmulator, *, by_file: bool) -> None:
    alone = client.models.embed_content(model=EMBEDDER, contents=["one two", "three"]).embeddings
    source: Any = {
        "inlined_requests": {"contents": ["one two", "three"], "config": {"task_type": "CLUSTERING"}}
    }
    if by_file:
        lines = [
            {"key": text, "request": {"content": {"parts": [{"text": text}]}}}
            for text in ("one two", "three")
        ]
        data = "\n".join(map(json.dumps, lines)).encode()
        file = client.files.upload(file=io.BytesIO(data), config={"mime_type": "application/jsonl"})
        source = {"file_name": file.name}
    job = client.batches.create_embeddings(model=EMBEDDER, src=source, config={"display_name": "Mine"})
    gemini.advance(1)
    job = ended(client, job.name)
    if by_file:
        answers = client.files.download(file=job.dest.file_name).splitlines()
        values = [json.loads(line)["response"]["embedding"]["values"] for line in answers]
    else:
        values = [one.response.embedding.values for one in job.dest.inlined_embed_content_responses]
        assert [one.response.token_count for one in job.dest.inlined_embed_content_responses] == [2, 1]
    # Decimals that are the same 32-bit floats: the service has no others.
    assert [array("f", one) for one in values] == [array("f", one.values) for one in alone]


def test_batches_are_listed_cancelled_and_deleted(client: Any, gemini: RunningEmulator) -> None:
    jobs = [inline(client) for _ in range(3)]
    assert [job.name for job in client.batches.list(config={"page_size": 2})] == [job.name for job in jobs]
    client.batches.cancel(name=jobs[0].name)
    assert client.batches.get(name=jobs[0].name).state == types.JobState.JOB_STATE_CANCELLED
    client.batches.delete(name=jobs[1].name)
    assert [job.name for job in client.batches.list()] == [jobs[0].name, jobs[2].name]
    gemini.advance(1)
    assert ended(client, jobs[2].name).state == types.JobState.JOB_STATE_SUCCEEDED
    for call in (client.batches.get, client.batches.delete, client.batches.cancel):
        with pytest.raises(errors.ClientError) as refused:
            call(name=jobs[1].name)
        assert refused.value.code == 404
