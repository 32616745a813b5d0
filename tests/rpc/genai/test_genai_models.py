"""Models, pagers, images and videos, sync and async."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scripted_grpc_server import Api, Fail, Loopback

from gemwire import errors, v1beta
from gemwire.genai import types
from gemwire.testing import RunningEmulator

IMAGEN, VEO = "imagen-3.0-generate-002", "veo-2.0-generate-001"
#: Token of a page: its models and the next token. One page in the middle and the last are empty.
PAGES: dict[str, tuple[list[str], str]] = {
    "": (["models/a", "models/b"], "t1"),
    "t1": ([], "t2"),
    "t2": (["models/c"], "t3"),
    "t3": ([], ""),
}


def serve_pages(server: Loopback) -> None:
    def page(request: Any, context: Any) -> Any:
        names, token = PAGES[request.page_token]
        yield v1beta.ListModelsResponse(models=[{"name": name} for name in names], next_page_token=token)

    server.on("ListModels", page)


def names(items: Any) -> list[str]:
    return [item.name for item in items]


# Pagers ----------------------------------------------------------------------------------------------


def test_pager_has_a_current_page(api: Api, server: Loopback) -> None:
    serve_pages(server)
    pager = api(api.genai().models.list(config={"page_size": 2}))
    assert (pager.page_size, len(pager), pager.name) == (2, 2, "models")
    assert names(pager.page) == ["models/a", "models/b"] == names(pager[:2])
    assert (pager[0].name, pager[-1].name) == ("models/a", "models/b")
    assert isinstance(pager[0], types.Model)
    assert pager.config == {"page_size": 2, "page_token": "t1"}
    assert len(server.journal) == 1
    assert api(pager.next_page()) == []
    assert (len(pager), pager.page_size, pager.config["page_token"]) == (0, 2, "t2")
    assert names(api(pager.next_page())) == ["models/c"] == names(pager.page)
    api(pager.next_page())
    for _ in range(2):
        with pytest.raises(IndexError, match="No more pages to fetch"):
            api(pager.next_page())
    assert [call.request.page_size for call in server.journal] == [2, 2, 2, 2]


def test_each_iteration_yields_all_items(api: Api, server: Loopback) -> None:
    serve_pages(server)
    pager = api(api.genai().models.list())
    for _ in range(2):
        assert names(api.list(pager)) == ["models/a", "models/b", "models/c"]
    assert pager.page == []
    # As in google-genai, nothing is left after an iteration.
    with pytest.raises(IndexError, match="No more pages to fetch"):
        api(pager.next_page())
    assert [names(page) for page in api.list(pager.pages)] == [["models/a", "models/b"], [], ["models/c"], []]


def test_pager_is_an_iterator(api: Api, server: Loopback) -> None:
    serve_pages(server)
    pager = api(api.genai().models.list())
    step: Callable[[Any], Any] = (lambda it: api(anext(it))) if api.is_async else next
    assert [step(pager).name for _ in range(3)] == ["models/a", "models/b", "models/c"]
    with pytest.raises(StopAsyncIteration if api.is_async else StopIteration):
        step(pager)


def test_page_size_is_the_requested_one(api: Api, server: Loopback) -> None:
    serve_pages(server)
    assert api(api.genai().models.list(config={"page_size": 50})).page_size == 50


def test_page_size_defaults_to_that_of_the_first_page(api: Api, server: Loopback) -> None:
    serve_pages(server)
    assert api(api.genai().models.list()).page_size == 2
    assert server.journal[0].request.page_size == 0


def test_list_from_a_page_token(api: Api, server: Loopback) -> None:
    serve_pages(server)
    pager = api(api.genai().models.list(config=types.ListModelsConfig(page_token="t2")))
    assert names(api.list(pager)) == ["models/c"]


def test_failed_page_can_be_requested_again(api: Api, server: Loopback) -> None:
    first = v1beta.ListModelsResponse(models=[{"name": "models/a"}], next_page_token="t")
    last = v1beta.ListModelsResponse(models=[{"name": "models/b"}])
    server.on("ListModels", first, Fail("INTERNAL"), last)
    pager = api(api.genai().models.list())
    with pytest.raises(errors.APIError):
        api(pager.next_page())
    assert names(pager.page) == ["models/a"]
    assert names(api(pager.next_page())) == ["models/b"]


def test_http_options_apply_to_every_page(api: Api, server: Loopback) -> None:
    serve_pages(server)
    pager = api(api.genai().models.list(config={"http_options": {"headers": {"X-A": "b"}}}))
    api.list(pager)
    assert [call.values("x-a") for call in server.journal] == [["b"]] * 4


# Which models ----------------------------------------------------------------------------------------


def test_list_base_and_tuned_models(api: Api, gemini_emulator: RunningEmulator) -> None:
    models, tunings = (resources := api.genai()).models, resources.tunings
    base = api.list(api(models.list()))
    assert "models/gemini-2.5-flash" in names(base)
    assert all(isinstance(model, types.Model) and model.supported_actions for model in base)
    assert api.list(api(models.list(config={"query_base": False}))) == []
    job = api(
        tunings.tune(
            base_model="gemini-1.5-flash-001-tuning",
            training_dataset={"examples": [{"text_input": "1", "output": "2"}]},
        )
    )
    (tuned,) = api.list(api(models.list(config={"query_base": False, "filter": "owner:me"})))
    assert isinstance(tuned, types.TunedModel)
    assert tuned.name == tuned.model == job.name
    assert tuned.tuned_model_info.base_model == "models/gemini-1.5-flash-001-tuning"
    assert gemini_emulator.calls("ListTunedModels")[-1].request.filter == "owner:me"
    changed = api(models.update(model=tuned.name, config=types.UpdateModelConfig(display_name="mine")))
    assert (changed.display_name, changed.endpoint) == ("mine", tuned.name)


def test_invalid_list_configs_are_refused(api: Api, server: Loopback) -> None:
    models = api.genai().models
    with pytest.raises(ValueError, match=r"config\.filter: applies to tuned models"):
        api(models.list(config={"filter": "owner:me"}))
    with pytest.raises(ValueError, match="has no field 'pagesize'; did you mean"):
        api(models.list(config={"pagesize": 2}))
    assert not server.journal


# Pictures --------------------------------------------------------------------------------------------


def test_generate_images(api: Api, gemini_emulator: RunningEmulator, tmp_path: Path) -> None:
    config = types.GenerateImagesConfig(number_of_images=2, include_rai_reason=True, aspect_ratio="16:9")
    response = api(api.genai().models.generate_images(model=IMAGEN, prompt="An umbrella", config=config))
    assert isinstance(response, types.GenerateImagesResponse)
    assert response.generated_images is not None
    assert len(response.generated_images) == len(response.images) == 2
    image = response.generated_images[0].image
    assert isinstance(image, types.Image)
    assert image.mime_type == "image/png"
    image.save(tmp_path / "a.png")
    assert types.Image.from_file(location=tmp_path / "a.png") == image
    assert image.image_bytes is not None
    assert image.image_bytes.startswith(b"\x89PNG")


def test_image_requests(api: Api, server: Loopback) -> None:
    scores = {"categories": ["a"], "scores": [0.5]}
    answer = types.PredictResponse(
        predictions=[
            {"bytesBase64Encoded": "eA==", "mimeType": "image/jpeg", "prompt": "Better"},
            {"raiFilteredReason": "no"},
            {"contentType": "Positive Prompt", "safetyAttributes": scores},
        ]
    )
    server.on("Predict", answer._pb)
    config = types.GenerateImagesConfig(
        number_of_images=1,
        output_mime_type="image/jpeg",
        output_compression_quality=80,
        person_generation=types.PersonGeneration.ALLOW_ADULT,
        safety_filter_level="BLOCK_ONLY_HIGH",
    )
    response = api(api.genai().models.generate_images(model=IMAGEN, prompt="An umbrella", config=config))
    sent = types.PredictRequest.of(server.journal[0].request)
    assert sent.to_dict() == {
        "model": f"models/{IMAGEN}",
        "instances": [{"prompt": "An umbrella"}],
        "parameters": {
            "sampleCount": 1,
            "personGeneration": "ALLOW_ADULT",
            "safetySetting": "BLOCK_ONLY_HIGH",
            "outputOptions": {"mimeType": "image/jpeg", "compressionQuality": 80},
        },
    }
    made, filtered = response.generated_images
    assert made.image == types.Image(image_bytes=b"x", mime_type="image/jpeg")
    assert made.enhanced_prompt == "Better"
    assert (filtered.image, filtered.rai_filtered_reason) == (None, "no")
    assert response.positive_prompt_safety_attributes.categories == ["a"]


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"prompt": ""}, ValueError, "prompt is required"),
        ({"prompt": 3}, TypeError, "prompt: expected a string, got int"),
        (
            {"prompt": "a", "config": {"output_gcs_uri": "gs://x"}},
            ValueError,
            "config.output_gcs_uri: parameter is only supported in Gemini Enterprise",
        ),
        ({"prompt": "a", "config": {"sample_count": 1}}, ValueError, "has no field 'sample_count'"),
        ({"prompt": "a", "model": ""}, ValueError, "model: '' is not the name of a model"),
    ],
)
def test_invalid_image_arguments_are_refused(
    api: Api, server: Loopback, arguments: Any, error: type[Exception], says: str
) -> None:
    with pytest.raises(error) as caught:
        api(api.genai().models.generate_images(**{"model": IMAGEN, **arguments}))
    assert says in str(caught.value)
    assert not server.journal


# Videos ----------------------------------------------------------------------------------------------


def ended(api: Api, resources: Any, operation: Any) -> Any:
    end = time.monotonic() + 20
    while not operation.done and time.monotonic() < end:
        operation = api(resources.operations.get(operation))
        time.sleep(0.02)
    return operation


def test_generate_videos(api: Api, gemini_emulator: RunningEmulator, tmp_path: Path) -> None:
    resources = api.genai()
    config = types.GenerateVideosConfig(number_of_videos=1, fps=24, duration_seconds=5, enhance_prompt=True)
    operation = api(resources.models.generate_videos(model=VEO, prompt="A neon cat", config=config))
    assert isinstance(operation, types.GenerateVideosOperation)
    assert not operation.done
    assert (operation.response, operation.result, operation.error) == (None, None, None)
    assert not api(resources.operations.get(operation)).done
    gemini_emulator.advance(3)
    named = types.GenerateVideosOperation(name=operation.name)
    operation = ended(api, resources, named)
    assert operation.result is operation.response
    video = operation.result.generated_videos[0].video
    assert isinstance(video, types.Video)
    video.save(tmp_path / "a.png")
    assert types.Video.from_file(location=tmp_path / "a.png") == video


def test_failed_video(api: Api, gemini_emulator: RunningEmulator) -> None:
    resources = api.genai()
    operation = api(resources.models.generate_videos(model=VEO, prompt="[[fail:RESOURCE_EXHAUSTED]]"))
    gemini_emulator.advance(3)
    operation = ended(api, resources, operation)
    assert operation.error["code"] == 8
    assert "[[fail:RESOURCE_EXHAUSTED]]" in operation.error["message"]
    assert operation.result is None


def test_video_requests(api: Api, server: Loopback) -> None:
    image = types.Image(image_bytes=b"x", mime_type="image/png")
    source = types.GenerateVideosSource(prompt="p", image=image)
    for arguments in ({"prompt": "p", "image": image}, {"source": source}):
        api(
            api.genai().models.generate_videos(
                model=VEO,
                config={"negative_prompt": "n", "last_frame": {"image_bytes": b"y", "mime_type": "a/b"}},
                **arguments,
            )
        )
        assert types.PredictLongRunningRequest.of(server.journal[-1].request).to_dict() == {
            "model": f"models/{VEO}",
            "instances": [
                {
                    "prompt": "p",
                    "image": {"bytesBase64Encoded": "eA==", "mimeType": "image/png"},
                    "lastFrame": {"bytesBase64Encoded": "eQ==", "mimeType": "a/b"},
                }
            ],
            "parameters": {"negativePrompt": "n"},
        }


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({}, ValueError, "a prompt, an image or a video is required"),
        ({"prompt": 3}, TypeError, "prompt: expected a string, got int"),
        ({"prompt": "a", "source": {"prompt": "b"}}, ValueError, "exclude each other"),
        ({"image": {"gcs_uri": "gs://a"}}, ValueError, "image: image_bytes are required"),
        ({"image": 3}, TypeError, "image: expected Image or a dict, got int"),
        ({"video": {}}, ValueError, "video: uri or video_bytes are required"),
        (
            {"prompt": "a", "config": {"pubsub_topic": "t"}},
            ValueError,
            "config.pubsub_topic: parameter is only supported in Gemini Enterprise",
        ),
    ],
)
def test_invalid_video_arguments_are_refused(
    api: Api, server: Loopback, arguments: Any, error: type[Exception], says: str
) -> None:
    with pytest.raises(error) as caught:
        api(api.genai().models.generate_videos(model=VEO, **arguments))
    assert says in str(caught.value)
    assert not server.journal


@pytest.mark.parametrize(
    ("made", "suffix"),
    [
        (types.Image(image_bytes=b"x", mime_type="image/jpeg"), ".jpg"),
        (types.Image(image_bytes=b"x"), ".png"),
        (types.Video(video_bytes=b"x", mime_type="video/webm"), ".webm"),
    ],
)
def test_show_opens_the_file(made: Any, suffix: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    made.show()
    (file,) = tmp_path.iterdir()
    assert (file.suffix, file.read_bytes(), opened) == (suffix, b"x", [file.as_uri()])


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (types.Image(), "the image has no bytes"),
        (types.Video(), "the video has no bytes"),
        (types.Video(uri="https://x"), "call client.files.download"),
    ],
)
def test_missing_bytes_are_neither_shown_nor_saved(made: Any, says: str, tmp_path: Path) -> None:
    for what in (made.show, lambda: made.save(tmp_path / "a")):
        with pytest.raises(ValueError, match=says):
            what()


# Embeddings ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "vectors"),
    [("gemini-embedding-001", 3), ("text-embedding-004", 3), ("gemini-embedding-2", 2), ("m-gemini-2", 2)],
)
def test_models_of_several_kinds_embed_whole_contents(
    api: Api, server: Loopback, model: str, vectors: int
) -> None:
    """Other models make a vector of each item; these make one of texts and parts that follow each other."""
    server.on("BatchEmbedContents", v1beta.BatchEmbedContentsResponse())
    picture = types.Part.from_bytes(data=b"png", mime_type="image/png")
    contents = ["a", picture, types.Content(parts=[types.Part(text="b")])]
    api(api.genai().models.embed_content(model=model, contents=contents))
    (call,) = server.journal
    requests = call.requests[0].requests
    assert [request.content.parts[-1].text for request in requests][-1] == "b"
    assert len(requests) == vectors


# Refusals --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("edit_image", {"prompt": "p", "reference_images": []}),
        ("upscale_image", {"image": {"image_bytes": b"png"}, "upscale_factor": "x2"}),
        ("recontext_image", {"source": {"prompt": "p"}}),
        ("segment_image", {"source": {"prompt": "p"}}),
        ("compute_tokens", {"contents": "a"}),
    ],
)
def test_vertex_only_methods_are_refused(
    api: Api, server: Loopback, method: str, arguments: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=f"{method}: method is only supported in Gemini Enterprise"):
        api(getattr(api.genai().models, method)(model="m", **arguments))
    assert not server.journal


def test_invalid_operations_are_refused(api: Api, server: Loopback) -> None:
    operations = api.genai().operations
    with pytest.raises(TypeError, match="operation: expected the operation that a method returned, got str"):
        api(operations.get("models/a/operations/b"))
    with pytest.raises(ValueError, match="operation: has no name"):
        api(operations.get(types.GenerateVideosOperation()))
    assert not server.journal
