"""google-genai with ``vertexai=True`` against the emulator, sync and async."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import google.auth.credentials
import pytest
from eventually import comes

from gemwire.testing import RunningEmulator, emulator

genai = pytest.importorskip("google.genai", reason="google-genai needs Python 3.11")

#: Its own: what is experimental or deprecated there, and its use of aiohttp.
pytestmark = pytest.mark.filterwarnings("ignore")

MODEL = "gemini-2.5-flash"
PARENT = "projects/my-project/locations/us-central1"


class Credentials(google.auth.credentials.Credentials):
    """A token that never expires."""

    def __init__(self) -> None:
        super().__init__()
        self.token = "t"

    def refresh(self, request: object) -> None:
        raise AssertionError("the token is valid")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("storage")
    (made / "my-bucket").mkdir()
    return made


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[RunningEmulator]:
    with emulator(http_port=0, https_port=0, storage=folder) as running:
        yield running


def write(folder: Path, name: str, *lines: Any) -> str:
    """Store lines of JSON; return their address."""
    (folder / "my-bucket" / name).write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return f"gs://my-bucket/{name}"


@pytest.fixture
def client(running: RunningEmulator) -> Any:
    running.reset()
    return genai.Client(
        vertexai=True,
        project="my-project",
        location="us-central1",
        credentials=Credentials(),
        http_options={"base_url": running.http},
    )


def test_generation(client: Any, running: RunningEmulator) -> None:
    safety = {"category": "HARM_CATEGORY_HATE_SPEECH", "threshold": "BLOCK_NONE", "method": "SEVERITY"}
    config = {"labels": {"team": "one"}, "safety_settings": [safety], "top_k": 3}
    whole = client.models.generate_content(model=MODEL, contents="Why?", config=config)
    pieces = list(client.models.generate_content_stream(model=MODEL, contents="Why?", config=config))
    assert "".join(piece.text or "" for piece in pieces) == whole.text
    assert whole.candidates[0].finish_reason.name == "STOP"
    sent = running.calls("PredictionService/GenerateContent")[0].requests[0]
    assert dict(sent.labels) == {"team": "one"}
    assert (sent.safety_settings[0].category, sent.safety_settings[0].method) == (1, 1)
    chat = client.chats.create(model=MODEL)
    chat.send_message("Hi")
    assert chat.send_message("And?").text


def test_asyncio(client: Any) -> None:
    async def test() -> None:
        stream = await client.aio.models.generate_content_stream(model=MODEL, contents="Why?")
        assert [piece.text async for piece in stream]
        assert (await client.aio.models.count_tokens(model=MODEL, contents="Why? Oh.")).total_tokens == 4
        assert (await client.aio.caches.create(model=MODEL, config={"contents": "Long."})).name
        assert len([found async for found in await client.aio.caches.list()]) == 1

    asyncio.run(test())


def test_tokens(client: Any) -> None:
    config = {"system_instruction": "Be brief."}
    counted = client.models.count_tokens(model=MODEL, contents="Why? Oh.", config=config)
    (info,) = client.models.compute_tokens(model=MODEL, contents="Why? Oh.").tokens_info
    assert (counted.total_tokens, len(info.token_ids), info.role) == (7, 4, "user")
    assert b"".join(info.tokens) == b"Why? Oh."


def test_embeddings_in_three_forms(client: Any) -> None:
    def embed(model: str, contents: Any, **config: Any) -> list[Any]:
        made = client.models.embed_content(model=model, contents=contents, config=config)
        return [len(found.values) for found in made.embeddings]

    assert embed("gemini-embedding-001", "one") == [768]
    assert embed("gemini-embedding-001", ["one", "two"], output_dimensionality=5) == [5, 5]
    assert embed("text-embedding-004", ["one", "two"], task_type="RETRIEVAL_QUERY") == [768] * 2


def test_pictures(client: Any) -> None:
    made = client.models.generate_images(
        model="imagen-4.0-generate-001", prompt="a cat", config={"number_of_images": 2}
    )
    assert [found.image.mime_type for found in made.generated_images] == ["image/png"] * 2


def test_pictures_are_edited_and_scaled_up(client: Any, folder: Path) -> None:
    types = genai.types
    made = client.models.generate_images(model="imagen-4.0-generate-001", prompt="a cat").generated_images[0]
    edited = client.models.edit_image(
        model="imagen-3.0-capability-001",
        prompt="a cat with a hat",
        reference_images=[
            types.RawReferenceImage(reference_id=1, reference_image=made.image),
            types.MaskReferenceImage(
                reference_id=2, config=types.MaskReferenceConfig(mask_mode="MASK_MODE_BACKGROUND")
            ),
        ],
        config={"edit_mode": "EDIT_MODE_INPAINT_INSERTION", "number_of_images": 2},
    )
    assert len(edited.generated_images) == 2
    large = client.models.upscale_image(
        model="imagen-4.0-upscale-preview", image=made.image, upscale_factor="x2"
    )
    assert large.generated_images[0].image.image_bytes.startswith(b"\x89PNG")
    config = {"output_gcs_uri": "gs://my-bucket/pictures"}
    (stored,) = client.models.generate_images(
        model="imagen-4.0-generate-001", prompt="a cat", config=config
    ).generated_images
    assert (folder / stored.image.gcs_uri.removeprefix("gs://")).read_bytes() == made.image.image_bytes


def test_videos(client: Any, running: RunningEmulator, folder: Path) -> None:
    def finish(operation: Any) -> Any:
        running.advance(60)
        assert comes(lambda: client.operations.get(operation).done)
        return client.operations.get(operation).response.generated_videos[0].video

    model = "veo-3.0-generate-001"
    operation = client.models.generate_videos(model=model, prompt="a cat", config={"duration_seconds": 1})
    assert not operation.done
    assert finish(operation).video_bytes.startswith(b"\x89PNG")
    config = {"duration_seconds": 1, "output_gcs_uri": "gs://my-bucket/videos"}
    video = finish(client.models.generate_videos(model=model, prompt="a cat", config=config))
    assert (folder / video.uri.removeprefix("gs://")).is_file()


def test_batches(client: Any, running: RunningEmulator, folder: Path) -> None:
    source = write(folder, "in.jsonl", {"request": {"contents": [{"parts": [{"text": "Why?"}]}]}})
    job = client.batches.create(model=MODEL, src=source)
    assert job.state.name == "JOB_STATE_PENDING"
    running.advance(60)
    assert comes(lambda: client.batches.get(name=job.name).state.name == "JOB_STATE_SUCCEEDED")
    assert client.batches.get(name=job.name).completion_stats.successful_count == 1
    (answers,) = (folder / "my-bucket" / "in" / "dest").rglob("predictions.jsonl")
    assert json.loads(answers.read_text())["response"]["candidates"]
    other = client.batches.create(model=MODEL, src="bq://p.d.t")
    assert [found.name for found in client.batches.list()] == [job.name, other.name]
    client.batches.cancel(name=other.name)
    assert client.batches.get(name=other.name).state.name == "JOB_STATE_CANCELLED"
    assert client.batches.delete(name=job.name).done


def test_caches(client: Any) -> None:
    cached = client.caches.create(model=MODEL, config={"contents": "A long story.", "ttl": "600s"})
    assert cached.name.startswith(f"{PARENT}/cachedContents/")
    used = client.models.generate_content(
        model=MODEL, contents="And?", config={"cached_content": cached.name}
    )
    assert used.usage_metadata.cached_content_token_count == 4
    short = cached.name.rpartition("/")[2]
    changed = client.caches.update(name=short, config={"ttl": "7200s"})
    assert changed.expire_time > cached.expire_time
    assert client.caches.get(name=short).name == cached.name
    assert [found.name for found in client.caches.list()] == [cached.name]
    client.caches.delete(name=cached.name)
    assert not list(client.caches.list())


def test_tunings_and_models(client: Any, running: RunningEmulator, folder: Path) -> None:
    example = [{"role": "user", "parts": [{"text": "Hi"}]}, {"role": "model", "parts": [{"text": "Ho"}]}]
    job = client.tunings.tune(
        base_model="gemini-2.0-flash-001",
        training_dataset={"gcs_uri": write(folder, "train.jsonl", {"contents": example})},
        config={"epoch_count": 2, "tuned_model_display_name": "mine"},
    )
    assert job.state.name == "JOB_STATE_PENDING"
    running.advance(60)
    job = client.tunings.get(name=job.name)
    assert job.has_succeeded
    assert len(job.tuned_model.checkpoints) == 2
    assert [found.name for found in client.tunings.list()] == [job.name]
    assert client.models.generate_content(model=job.tuned_model.endpoint, contents="Hi").text == "Ho"
    model = client.models.get(model=job.tuned_model.model)
    assert model.tuned_model_info.base_model == "gemini-2-0-flash-001"
    assert [found.name for found in client.models.list(config={"query_base": False})] == [model.name]
    assert client.models.update(model=model.name, config={"display_name": "new"}).display_name == "new"
    client.models.delete(model=model.name)
    assert not list(client.models.list(config={"query_base": False}))


def test_base_models(client: Any) -> None:
    names = [model.name for model in client.models.list(config={"page_size": 7})]
    assert f"publishers/google/models/{MODEL}" in names
    assert len(names) == len(set(names)) > 20
    assert client.models.get(model=MODEL).name == f"publishers/google/models/{MODEL}"


def test_live_sessions(running: RunningEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    running.reset()
    monkeypatch.setenv("SSL_CERT_FILE", running.ca_file)
    options = {"base_url": running.https}
    client = genai.Client(
        vertexai=True,
        project="my-project",
        location="us-central1",
        credentials=Credentials(),
        http_options=options,
    )

    async def talk(session: Any) -> str:
        await session.send_client_content(turns={"role": "user", "parts": [{"text": "Hello"}]})
        return "".join([message.text or "" async for message in session.receive()])

    async def test() -> None:
        config = {"response_modalities": ["TEXT"], "session_resumption": {}}
        async with client.aio.live.connect(model="gemini-2.0-flash-live-001", config=config) as session:
            assert "Hello" in await talk(session)
        express = genai.Client(vertexai=True, api_key="k", http_options=options)
        async with express.aio.live.connect(model=MODEL, config=config) as session:
            assert "Hello" in await talk(session)

    asyncio.run(test())
    calls = running.calls("LlmBidiService/BidiGenerateContent")
    assert [call.front for call in calls] == ["websocket"] * 2
    models = (
        f"{PARENT}/publishers/google/models/gemini-2.0-flash-live-001",
        f"publishers/google/models/{MODEL}",
    )
    assert tuple(call.requests[0].setup.model for call in calls) == models


def test_express_mode_and_errors(client: Any, running: RunningEmulator) -> None:
    options = {"base_url": running.http}
    express = genai.Client(vertexai=True, api_key="k", http_options=options)
    assert express.models.generate_content(model=MODEL, contents="Hi").text
    with pytest.raises(
        genai.errors.ClientError, match=f"{PARENT}/publishers/google/models/none was not found"
    ):
        client.models.generate_content(model="none", contents="Hi")
    running.fail("RESOURCE_EXHAUSTED")
    with pytest.raises(genai.errors.ClientError) as caught:
        client.models.generate_content(model=MODEL, contents="Hi")
    assert (caught.value.code, caught.value.status) == (429, "RESOURCE_EXHAUSTED")
