"""Google's generated clients of Vertex AI: as the judge of the emulator, and beside ours."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from typing import Any

import grpc
import pytest
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import aiplatform_v1 as theirs
from google.protobuf import field_mask_pb2

from gemwire import aiplatform_v1
from gemwire.testing import RunningEmulator, emulator

PARENT = "projects/my-project/locations/us-central1"
MODEL = f"{PARENT}/publishers/google/models/gemini-2.5-flash"
EMBEDDER = f"{PARENT}/publishers/google/models/gemini-embedding-001"
SERVICES = ("Prediction", "LlmUtility", "GenAiCache", "GenAiTuning", "ModelGarden", "Model", "Evaluation")


@pytest.fixture(scope="module")
def running() -> Iterator[RunningEmulator]:
    with emulator(http_port=0) as running:
        yield running


def client_of(service: str, running: RunningEmulator, wire: str = "grpc") -> Any:
    """Google's sync client of a service, in plaintext."""
    name = re.sub("(?<!^)(?=[A-Z])", "_", service).lower()
    module = import_module(f"{theirs.__name__}.services.{name}_service").transports
    if wire == "grpc":
        transport = getattr(module, f"{service}ServiceGrpcTransport")
        made = transport(channel=grpc.insecure_channel(running.address))
    else:
        transport = getattr(module, f"{service}ServiceRestTransport")
        host = running.http.removeprefix("http://")
        made = transport(host=host, url_scheme="http", credentials=AnonymousCredentials())
    return getattr(theirs, f"{service}ServiceClient")(transport=made)


@pytest.fixture(params=["grpc", "rest"])
def google(request: pytest.FixtureRequest, running: RunningEmulator) -> Callable[[str], Any]:
    """Google's client of a service, by its name."""
    running.reset()
    return partial(client_of, running=running, wire=request.param)


def said(text: str) -> list[theirs.Content]:
    return [theirs.Content(role="user", parts=[theirs.Part(text=text)])]


def test_generate_stream_count_and_compute(google: Callable[[str], Any]) -> None:
    client = google("Prediction")
    whole = client.generate_content(model=MODEL, contents=said("Why is the sky blue?"))
    assert whole.candidates[0].finish_reason == theirs.Candidate.FinishReason.STOP
    pieces = list(client.stream_generate_content(model=MODEL, contents=said("Why is the sky blue?")))
    assert len(pieces) > 3
    text = "".join(p.candidates[0].content.parts[0].text for p in pieces if p.candidates[0].content.parts)
    assert text == whole.candidates[0].content.parts[0].text
    tokens = google("LlmUtility")
    counted = tokens.count_tokens(theirs.CountTokensRequest(endpoint=MODEL, contents=said("Why? Oh.")))
    listed = tokens.compute_tokens(theirs.ComputeTokensRequest(endpoint=MODEL, contents=said("Why? Oh.")))
    assert counted.total_tokens == len(listed.tokens_info[0].token_ids) == 4


def test_embeddings(google: Callable[[str], Any]) -> None:
    client = google("Prediction")
    config = {"output_dimensionality": 8, "task_type": "RETRIEVAL_QUERY"}
    request = theirs.EmbedContentRequest(model=EMBEDDER, content=said("a")[0], embed_content_config=config)
    assert len(client.embed_content(request).embedding.values) == 8


def test_caches(google: Callable[[str], Any]) -> None:
    client = google("GenAiCache")
    cached = theirs.CachedContent(model=MODEL, contents=said("A long story."), ttl={"seconds": 60})
    names = [client.create_cached_content(parent=PARENT, cached_content=cached).name for _ in range(3)]
    pager = client.list_cached_contents(theirs.ListCachedContentsRequest(parent=PARENT, page_size=2))
    assert [found.name for found in pager] == names
    found = client.get_cached_content(name=names[0])
    found.ttl = {"seconds": 7200}
    mask = field_mask_pb2.FieldMask(paths=["ttl"])
    changed = client.update_cached_content(cached_content=found, update_mask=mask)
    assert changed.expire_time > changed.create_time
    client.delete_cached_content(name=names[0])
    with pytest.raises(exceptions.NotFound, match=names[0]):
        client.get_cached_content(name=names[0])


def test_tuning_models_and_the_operation_that_deletes_one(
    running: RunningEmulator, google: Callable[[str], Any]
) -> None:
    tunings, models = google("GenAiTuning"), google("Model")
    spec = {"training_dataset_uri": "gs://bucket/train.jsonl"}
    job = tunings.create_tuning_job(
        parent=PARENT, tuning_job={"base_model": "gemini-2.0-flash-001", "supervised_tuning_spec": spec}
    )
    assert job.state == theirs.JobState.JOB_STATE_PENDING
    running.advance(60)
    job = tunings.get_tuning_job(name=job.name)
    assert job.state == theirs.JobState.JOB_STATE_SUCCEEDED
    assert [found.name for found in tunings.list_tuning_jobs(parent=PARENT)] == [job.name]
    answer = google("Prediction").generate_content(model=job.tuned_model.endpoint, contents=said("Why?"))
    assert answer.candidates
    model = models.get_model(name=job.tuned_model.model)
    listed = models.list_models(theirs.ListModelsRequest(parent=PARENT, filter="labels.tune-type:*"))
    assert [found.name for found in listed] == [model.name]
    checkpoints = models.list_model_version_checkpoints(name=model.name)
    assert [found.epoch for found in checkpoints] == [1, 2, 3]
    model.display_name = "mine"
    mask = field_mask_pb2.FieldMask(paths=["display_name"])
    assert models.update_model(model=model, update_mask=mask).display_name == "mine"
    models.delete_model(name=model.name).result(timeout=30)
    with pytest.raises(exceptions.NotFound):
        models.get_model(name=model.name)


def test_publishers_models(google: Callable[[str], Any]) -> None:
    name = "publishers/google/models/gemini-2.5-flash"
    model = google("ModelGarden").get_publisher_model(name=name)
    assert (model.name, model.launch_stage) == (name, theirs.PublisherModel.LaunchStage.GA)


def test_errors_have_decoded_details(google: Callable[[str], Any]) -> None:
    client = google("Prediction")
    with pytest.raises(exceptions.BadRequest) as refused:
        client.generate_content(model=MODEL)
    [bad] = refused.value.details
    violations = bad["fieldViolations"] if isinstance(bad, dict) else bad.field_violations
    assert "contents" in str(violations[0])
    with pytest.raises(exceptions.NotFound, match="publishers/google/models/none"):
        client.generate_content(model=MODEL.replace("gemini-2.5-flash", "none"), contents=said("x"))
    with pytest.raises(exceptions.MethodNotImplemented, match="custom models"):
        client.explain(endpoint=f"{PARENT}/endpoints/5", instances=[{}])


def test_async_client(running: RunningEmulator) -> None:
    module = import_module(f"{theirs.__name__}.services.prediction_service").transports

    async def main() -> int:
        channel = grpc.aio.insecure_channel(running.address)
        client = theirs.PredictionServiceAsyncClient(
            transport=module.PredictionServiceGrpcAsyncIOTransport(channel=channel)
        )
        stream = await client.stream_generate_content(model=MODEL, contents=said("Why?"))
        count = len([chunk async for chunk in stream])
        await channel.close()
        return count

    assert asyncio.run(main()) > 3


@pytest.mark.parametrize("service", SERVICES)
def test_methods_and_names_are_googles(service: str) -> None:
    ours: Any = getattr(aiplatform_v1, f"{service}ServiceClient")
    google: Any = getattr(theirs, f"{service}ServiceClient")
    paths = {name for name in dir(google) if name.endswith("_path")}
    assert {name for name in dir(ours) if name.endswith("_path")} == paths
    for name in paths:
        if not name.startswith("parse_"):
            variables = list(inspect.signature(getattr(google, name)).parameters)
            built = getattr(google, name)(*variables)
            assert getattr(ours, name)(*variables) == built
            parse = f"parse_{name}"
            assert getattr(ours, parse)(built) == getattr(google, parse)(built)
    for method in ours.SERVICE.methods.values():
        if method.http_only:
            continue
        parameters = inspect.signature(getattr(google, method.snake)).parameters
        mine = inspect.signature(getattr(ours, method.snake)).parameters
        # Both directions of a call cannot be repeated.
        skipped = {"retry"} if "requests" in mine else set()
        assert [p for p in mine if p not in {"idle_timeout", "fields"}] == [
            p for p in parameters if p not in skipped
        ]


def test_ours_and_googles_calls_leave_the_same_journal(running: RunningEmulator) -> None:
    contents = [{"role": "user", "parts": [{"text": "Why is the sky blue?"}]}]
    safety = [{"category": "HARM_CATEGORY_HATE_SPEECH", "threshold": "BLOCK_ONLY_HIGH", "method": "SEVERITY"}]
    request = {
        "model": MODEL,
        "contents": contents,
        "generation_config": {"temperature": 0.5, "top_k": 3, "stop_sequences": ["x"]},
        "safety_settings": safety,
        "labels": {"team": "one"},
    }

    def calls(client_of: Callable[[str], Any]) -> list[Any]:
        before = len(running.calls())
        prediction, caches, tokens = (client_of(name) for name in ("Prediction", "GenAiCache", "LlmUtility"))
        prediction.generate_content(request)
        list(prediction.stream_generate_content(request))
        prediction.embed_content(model=EMBEDDER, content=contents[0])
        tokens.count_tokens({"endpoint": MODEL, "contents": contents})
        cached = caches.create_cached_content(
            parent=PARENT, cached_content={"model": MODEL, "contents": contents}
        )
        caches.get_cached_content(name=cached.name)
        list(caches.list_cached_contents({"parent": PARENT, "page_size": 5}))
        caches.delete_cached_content(name=cached.name)
        client_of("ModelGarden").get_publisher_model(name=MODEL.removeprefix(f"{PARENT}/"))
        return running.calls()[before:]

    ours = calls(lambda name: getattr(aiplatform_v1, f"{name}ServiceClient")())
    googles = calls(partial(client_of, running=running))
    for mine, other in zip(ours, googles, strict=True):
        assert mine.method == other.method
        # Each made a cache of its own.
        if not mine.method.endswith(("GetCachedContent", "DeleteCachedContent")):
            assert mine.requests[0].SerializeToString() == other.requests[0].SerializeToString()
            assert mine.metadata.get("x-goog-request-params") == other.metadata.get("x-goog-request-params")
        assert list(mine.metadata) == list(other.metadata)
