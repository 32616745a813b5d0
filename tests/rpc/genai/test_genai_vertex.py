"""`genai.Client` of Vertex AI against the emulator: over gRPC, and over HTTP."""

from __future__ import annotations

import asyncio
import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eventually import comes

from gemwire import genai
from gemwire.genai import types
from gemwire.testing import RunningEmulator, emulator, environment

MODEL = "gemini-2.5-flash"
PARENT = "projects/my-project/locations/us-central1"
FULL = f"{PARENT}/publishers/google/models/{MODEL}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Cloud Storage."""
    return tmp_path_factory.mktemp("storage")


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[RunningEmulator]:
    with emulator(http_port=0, storage=folder) as running:
        yield running


def write(folder: Path, name: str, *lines: object) -> str:
    """Write a file of JSON Lines; return its address."""
    path = folder / "my-bucket" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return f"gs://my-bucket/{name}"


@pytest.fixture(autouse=True)
def _addresses(running: RunningEmulator) -> Iterator[None]:
    with environment(running):
        yield


@pytest.fixture(params=[None, "rest"], ids=["grpc", "rest"])
def client(request: pytest.FixtureRequest, running: RunningEmulator) -> Iterator[Any]:
    running.reset()
    with genai.Client(
        vertexai=True, project="my-project", location="us-central1", transport=request.param
    ) as made:
        yield made


@pytest.fixture
def grpc(running: RunningEmulator) -> Iterator[Any]:
    running.reset()
    with genai.Client(vertexai=True, project="my-project", location="us-central1", transport="grpc") as made:
        yield made


def test_generation(client: Any, running: RunningEmulator) -> None:
    config = {
        "labels": {"team": "one"},
        "safety_settings": [
            {"category": "HARM_CATEGORY_HATE_SPEECH", "threshold": "BLOCK_NONE", "method": "SEVERITY"}
        ],
        "top_k": 2.5,
        "system_instruction": "Be brief.",
        "thinking_config": {"thinking_level": "HIGH"},
    }
    whole = client.models.generate_content(model=MODEL, contents="Why?", config=config)
    pieces = list(client.models.generate_content_stream(model=MODEL, contents="Why?", config=config))
    assert client.vertexai
    assert "".join(piece.text or "" for piece in pieces) == whole.text
    for view, kind in ((whole, types.GenerateContentResponse), (whole.candidates[0].content, types.Content)):
        assert isinstance(view, kind)
    assert whole.candidates[0].finish_reason == types.FinishReason.STOP
    for call in running.calls("GenerateContent"):
        sent = call.requests[0]
        assert sent.model == FULL
        assert dict(sent.labels) == {"team": "one"}
        assert (sent.safety_settings[0].category, sent.safety_settings[0].method) == (1, 1)
        assert sent.generation_config.top_k == 2.5
        assert sent.generation_config.thinking_config.thinking_level == 3
        assert sent.system_instruction.parts[0].text == "Be brief."


def test_asyncio(client: Any) -> None:
    async def test() -> None:
        async with client.aio as aio:
            stream = await aio.models.generate_content_stream(model=MODEL, contents="Why?")
            final = await stream.get_final_response()
            assert isinstance(final, types.GenerateContentResponse)
            assert (await aio.models.generate_content(model=MODEL, contents="Why?")).text == final.text
            chat = aio.chats.create(model=MODEL)
            assert (await chat.send_message("Hi")).text
            assert [piece.text async for piece in await chat.send_message_stream("And?")]
            assert len(chat.get_history()) == 4

    asyncio.run(test())


def test_objects_of_both_services_are_interchangeable(client: Any, running: RunningEmulator) -> None:
    gemini: Any
    with genai.Client(api_key="k") as gemini:
        answer = gemini.models.generate_content(model=MODEL, contents="Why?")
        ours = client.models.generate_content(
            model=MODEL, contents=["So?", answer.candidates[0].content, types.Part(text="And?")]
        )
        assert gemini.models.generate_content(model=MODEL, contents=[ours.candidates[0].content]).text
        assert gemini.models.generate_content(model=MODEL, contents=ours.candidates[0].content.parts).text
        chat = gemini.chats.create(model=MODEL)
        chat.send_message("Hi")
        other = client.chats.create(model=MODEL, history=chat.get_history())
        other.send_message("And?")
        assert gemini.chats.create(model=MODEL, history=other.get_history()).send_message("So?").text
        assert other.get_history()[:2] == chat.get_history()
    sent = running.calls("GenerateContent")[1].requests[0]
    assert [content.role for content in sent.contents] == ["user", "model", "user"]
    assert sent.contents[1].parts[0].text == answer.text


def test_functions_are_called(client: Any, running: RunningEmulator) -> None:
    def get_weather(city: str) -> str:
        """Tell the weather of a city."""
        return f"rain in {city}"

    response = client.models.generate_content(
        model=MODEL, contents='call get_weather {"city": "Oslo"}', config={"tools": [get_weather]}
    )
    history = response.automatic_function_calling_history
    calls = running.calls("GenerateContent")
    assert calls[0].requests[0].tools[0].function_declarations[0].name == "get_weather"
    assert [content.role for content in history] == ["user", "model", "user"]
    assert history[-1].parts[0].function_response.response["result"].startswith("rain in ")
    assert len(calls) == 2


def test_tokens(client: Any) -> None:
    config = {"system_instruction": "Be brief."}
    assert client.models.count_tokens(model=MODEL, contents="Why? Oh.", config=config).total_tokens == 7
    prompt = client.prepare(model=MODEL, contents="Why? Oh.", system_instruction="Be brief.")
    assert prompt.count_tokens().total_tokens == 7
    assert prompt.generate("So?").text
    (info,) = client.models.compute_tokens(model=MODEL, contents="Why? Oh.").tokens_info
    assert (len(info.token_ids), info.role, b"".join(info.tokens)) == (4, "user", b"Why? Oh.")


def test_embeddings(client: Any, grpc: Any, running: RunningEmulator) -> None:
    def embed(by: Any, model: str, contents: Any, **config: Any) -> list[Any]:
        made = by.models.embed_content(model=model, contents=contents, config=config)
        return [list(found.values) for found in made.embeddings]

    one = embed(client, "gemini-embedding-001", "one")
    two = embed(client, "gemini-embedding-001", ["one", "two"])
    assert (len(one), len(one[0]), two[0]) == (1, 768, one[0])
    assert embed(grpc, "gemini-embedding-001", ["one", "two"]) == two
    assert running.calls("BatchEmbedContents")
    old = client.models.embed_content(
        model="text-embedding-004", contents=["one", "two"], config={"task_type": "RETRIEVAL_QUERY"}
    )
    assert [len(found.values) for found in old.embeddings] == [768] * 2
    assert old.metadata.billable_character_count == 6
    assert old.embeddings[0].statistics.token_count == 1
    fields = running.calls("PredictionService/Predict")[0].requests[0].instances[0].struct_value.fields
    assert fields["task_type"].string_value == "RETRIEVAL_QUERY"
    with pytest.raises(ValueError, match=r"contents\[0\]\.parts\[0\]: text-embedding-004 embeds texts only"):
        embed(client, "text-embedding-004", types.Part.from_bytes(data=b"x", mime_type="image/png"))
    with pytest.raises(ValueError, match="takes one content at a time, got 2"):
        embed(client, "gemini-embedding-001-maas", ["one", types.Content(parts=[{"text": "two"}])])


def test_caches(client: Any, running: RunningEmulator) -> None:
    made = {"contents": "A long story.", "ttl": "600s", "kms_key_name": "k", "display_name": "d"}
    cached = client.caches.create(model=MODEL, config=made)
    assert types.CachedContent in type(cached).__mro__
    assert (cached.name.startswith(f"{PARENT}/cachedContents/"), cached.model) == (True, FULL)
    sent = running.calls("CreateCachedContent")[0].requests[0]
    assert (sent.parent, sent.cached_content.encryption_spec.kms_key_name) == (PARENT, "k")
    short = cached.name.rpartition("/")[2]
    for given in (cached, short, f"cachedContents/{short}"):
        used = client.models.generate_content(model=MODEL, contents="And?", config={"cached_content": given})
        assert used.usage_metadata.cached_content_token_count == 4
    changed = client.caches.update(name=short, config={"ttl": "7200s"})
    assert changed.expire_time > cached.expire_time
    assert client.caches.get(name=short).name == cached.name
    assert [found.name for found in client.caches.list()] == [cached.name]
    client.caches.delete(name=cached.name)
    assert not list(client.caches.list())


def test_pictures(client: Any, running: RunningEmulator) -> None:
    made = client.models.generate_images(
        model="imagen-4.0-generate-001",
        prompt="a cat",
        config={"number_of_images": 2, "output_mime_type": "image/png", "labels": {"team": "one"}},
    )
    assert [found.image.mime_type for found in made.generated_images] == ["image/png"] * 2
    sent = running.calls("PredictionService/Predict")[0].requests[0]
    assert dict(sent.labels) == {"team": "one"}
    assert sent.parameters.struct_value.fields["outputOptions"].struct_value.fields["mimeType"]
    image = made.generated_images[0].image
    raw = types.RawReferenceImage(reference_id=1, reference_image=image)
    mask = types.MaskReferenceImage(
        reference_id=2, config=types.MaskReferenceConfig(mask_mode="MASK_MODE_BACKGROUND")
    )
    edited = client.models.edit_image(
        model="imagen-3.0-capability-001",
        prompt="a dog [1]",
        reference_images=[raw, mask],
        config={"edit_mode": "EDIT_MODE_INPAINT_INSERTION", "number_of_images": 1},
    )
    assert edited.generated_images[0].image.image_bytes
    scaled = client.models.upscale_image(model="imagen-4.0-upscale-preview", image=image, upscale_factor="x2")
    assert scaled.generated_images[0].image.image_bytes
    sent = running.calls("PredictionService/Predict")[-1].requests[0].parameters.struct_value.fields
    assert sent["upscaleConfig"].struct_value.fields["upscaleFactor"].string_value == "x2"


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.models.recontext_image(model="virtual-try-on-001", source={}),
        lambda client: client.models.segment_image(model="image-segmentation-001", source={}),
        lambda client: client.tunings.validate_reward(parent="p", sample_response={}, example={}),
    ],
)
def test_methods_that_gemwire_does_not_have(client: Any, running: RunningEmulator, call: Any) -> None:
    with pytest.raises(ValueError, match="gemwire does not have this method"):
        call(client)
    assert not running.calls()


def test_videos(client: Any, running: RunningEmulator) -> None:
    operation = client.models.generate_videos(
        model="veo-3.0-generate-001", prompt="a cat", config={"number_of_videos": 1, "fps": 24}
    )
    assert operation.name.startswith(f"{PARENT}/publishers/google/models/veo-3.0-generate-001/operations/")
    running.advance(60)
    assert comes(lambda: client.operations.get(operation).done)
    operation = client.operations.get(operation)
    assert operation.response.generated_videos[0].video.video_bytes


def test_base_models(client: Any) -> None:
    names = [model.name for model in client.models.list(config={"page_size": 7})]
    assert f"publishers/google/models/{MODEL}" in names
    assert len(names) == len(set(names)) > 20
    assert client.models.get(model=MODEL).name == f"publishers/google/models/{MODEL}"


def test_tunings_and_models(client: Any, running: RunningEmulator, folder: Path) -> None:
    example = [{"role": "user", "parts": [{"text": "Hi"}]}, {"role": "model", "parts": [{"text": "Ho"}]}]
    data = {"gcs_uri": write(folder, "train.jsonl", {"contents": example})}
    job = client.tunings.tune(
        base_model="gemini-2.0-flash-001",
        training_dataset=data,
        config={
            "epoch_count": 2,
            "tuned_model_display_name": "mine",
            "adapter_size": "ADAPTER_SIZE_FOUR",
            "validation_dataset": data,
            "labels": {"team": "one"},
        },
    )
    assert types.TuningJob in type(job).__mro__
    assert (job.state, job.has_ended) == (types.JobState.JOB_STATE_PENDING, False)
    sent = running.calls("CreateTuningJob")[0].requests[0].tuning_job
    assert sent.supervised_tuning_spec.validation_dataset_uri == data["gcs_uri"]
    assert sent.supervised_tuning_spec.hyper_parameters.adapter_size == 2
    running.advance(60)
    assert comes(lambda: client.tunings.get(name=job.name).has_succeeded)
    short = job.name.rpartition("/")[2]
    done = client.tunings.get(name=short)
    assert (done.base_model, done.tuned_model_display_name) == ("gemini-2.0-flash-001", "mine")
    assert types.TunedModel in type(done.tuned_model).__mro__
    assert [checkpoint.epoch for checkpoint in done.tuned_model.checkpoints] == [1, 2]
    assert (done.labels, done.end_time >= done.start_time) == ({"team": "one"}, True)
    assert pickle.loads(pickle.dumps(done.tuned_model)).endpoint == done.tuned_model.endpoint
    assert [found.name for found in client.tunings.list()] == [job.name]
    assert client.models.generate_content(model=done.tuned_model.endpoint, contents="Hi").text == "Ho"
    endpoint = "/".join(done.tuned_model.endpoint.split("/")[-2:])
    assert client.models.generate_content(model=endpoint, contents="Hi").text == "Ho"
    model = client.models.get(model=done.tuned_model.model)
    assert model.tuned_model_info.base_model == "gemini-2-0-flash-001"
    assert model.endpoints[0].name == done.tuned_model.endpoint
    assert [found.name for found in client.models.list(config={"query_base": False})] == [model.name]
    assert client.models.update(model=model.name, config={"display_name": "new"}).display_name == "new"
    client.models.delete(model=model.name)
    assert not list(client.models.list(config={"query_base": False}))
    again = client.tunings.tune(base_model="gemini-2.0-flash-001", training_dataset=data)
    client.tunings.cancel(name=again.name)
    assert client.tunings.get(name=again.name).state == "JOB_STATE_CANCELLED"


def test_batches(client: Any, running: RunningEmulator, folder: Path) -> None:
    source = write(folder, "in.jsonl", {"request": {"contents": [{"parts": [{"text": "Why?"}]}]}})
    job = client.batches.create(model=MODEL, src=source)
    assert (job.state, job.dest.gcs_uri) == ("JOB_STATE_PENDING", "gs://my-bucket/in/dest")
    assert job.src.gcs_uri == [source]
    running.advance(60)
    assert comes(lambda: client.batches.get(name=job.name).state == "JOB_STATE_SUCCEEDED")
    done = client.batches.get(name=job.name.rpartition("/")[2])
    assert (done.completion_stats.successful_count, done.done) == (1, True)
    assert done.output_info.gcs_output_directory.startswith("gs://my-bucket/in/dest")
    other = client.batches.create(model=MODEL, src="bq://p.d.t", config={"display_name": "mine"})
    assert (other.display_name, other.dest.bigquery_uri.startswith("bq://p.d.t_dest_")) == ("mine", True)
    assert [found.name for found in client.batches.list()] == [job.name, other.name]
    client.batches.cancel(name=other.name)
    assert client.batches.get(name=other.name).state == "JOB_STATE_CANCELLED"
    assert client.batches.delete(name=job.name).done


def test_fields_of_vertex_ai(client: Any, running: RunningEmulator) -> None:
    search: Any = {"vertex_ai_search": {"datastore": "d", "max_results": 3}}
    config: Any = {
        "routing_config": {"manual_mode": {"model_name": "m"}},
        "audio_timestamp": True,
        "model_armor_config": {"prompt_template_name": "t"},
        "tools": [types.Tool(retrieval=search), {"enterprise_web_search": {"exclude_domains": ["a"]}}],
        "image_config": {"output_mime_type": "image/png", "output_compression_quality": 5},
    }
    client.models.generate_content(model=MODEL, contents="a", config=config)
    sent = running.calls("GenerateContent")[0].requests[0]
    assert sent.generation_config.routing_config.manual_mode.model_name == "m"
    assert sent.generation_config.audio_timestamp
    assert sent.model_armor_config.prompt_template_name == "t"
    assert sent.tools[0].retrieval.vertex_ai_search.max_results == 3
    assert list(sent.tools[1].enterprise_web_search.exclude_domains) == ["a"]
    options = sent.generation_config.image_config.image_output_options
    assert (options.mime_type, options.compression_quality) == ("image/png", 5)
    gemini: Any
    with genai.Client(api_key="k") as gemini:
        for name, value in config.items():
            if name != "image_config":
                with pytest.raises(ValueError, match="Vertex AI"):
                    gemini.models.generate_content(model=MODEL, contents="a", config={name: value})


def test_fields_that_json_alone_has_go_over_http(client: Any, grpc: Any, running: RunningEmulator) -> None:
    with pytest.raises(ValueError, match="ListPublisherModels"):
        grpc.models.list()
    with pytest.raises(ValueError, match="BatchPredictionJob"):
        grpc.batches.list()
    part = types.Part(function_response={"id": "7", "name": "f", "response": {"a": 1}})
    cases: Any = (
        ({"service_tier": "flex"}, "service_tier"),
        ({"model_selection_config": {"feature_selection_preference": "BALANCED"}}, "model_selection_config"),
        ({}, r"contents\[0\]\.parts\[0\]\.function_response\.id"),
    )
    for config, name in cases:
        contents = "a" if config else part
        client.models.generate_content(model=MODEL, contents=contents, config=config)
        with pytest.raises(ValueError, match=f"{name}: goes over HTTP|{name}: not available over gRPC"):
            grpc.models.generate_content(model=MODEL, contents=contents, config=config)
    entries = running.calls("GenerateContent")
    assert {entry.requests[0].model for entry in entries} == {FULL}
    assert entries[0].requests[0].service_tier == "flex"


def test_what_vertex_ai_does_not_have(client: Any) -> None:
    refused = r"files\.\w+ belongs to the Gemini API; Vertex AI does not have it; give gs://"
    for method in (client.files.get, client.files.delete):
        with pytest.raises(ValueError, match=refused):
            method(name="files/a")
    with pytest.raises(ValueError, match=refused):
        client.files.list()
    with pytest.raises(
        ValueError, match=r"config\.store belongs to the Gemini API; Vertex AI does not have it"
    ):
        client.models.generate_content(model=MODEL, contents="a", config={"store": True})
    with pytest.raises(ValueError, match=r"batches\.create_embeddings belongs to the Gemini API"):
        client.batches.create_embeddings(model=MODEL, src={"file_name": "files/a"})


def test_live_sessions(client: Any, running: RunningEmulator) -> None:
    config = {"session_resumption": {}, "response_modalities": ["TEXT"]}
    with client.live.connect(model="gemini-2.0-flash-live-001", config=config) as session:
        for question in ("Why?", "And?"):
            session.send_client_content(turns=question)
            assert question in "".join(message.text or "" for message in session.receive())
        with pytest.raises(ValueError, match="audio_stream_end belongs to the Gemini API"):
            session.send_realtime_input(audio_stream_end=True)
    with client.live.connect(model=MODEL) as session:
        session.send_realtime_input(text="Hello")
        assert any(message.data for message in session.receive())
    first, second = running.calls("google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent")
    assert (first.front, second.front) == ("websocket", "websocket")
    assert first.request.setup.model == f"{PARENT}/publishers/google/models/gemini-2.0-flash-live-001"
    assert list(second.request.setup.generation_config.response_modalities) == [3]


def test_live_sessions_do_not_go_over_grpc(grpc: Any) -> None:
    with (
        pytest.raises(ValueError, match="BidiGenerateContent is not available over gRPC"),
        grpc.live.connect(model=MODEL),
    ):
        raise AssertionError("it is refused")
