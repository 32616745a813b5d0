"""An embedder with a client of Vertex AI, by each RPC that its models have."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from gemwire import aiplatform_v1, genai
from gemwire.embeddings import BlockingEmbedder, Embedder
from gemwire.testing import RunningEmulator

_MODELS = "projects/my-project/locations/us-central1/publishers/google/models"
_CONTENTS, _INSTANCES = f"{_MODELS}/gemini-embedding-001", f"{_MODELS}/text-embedding-005"


@pytest.fixture(scope="module")
def emulated() -> Iterator[RunningEmulator]:
    made = RunningEmulator(http_port=0)
    yield made
    made.stop()


@pytest.fixture
def gemini(emulated: RunningEmulator, monkeypatch: pytest.MonkeyPatch) -> RunningEmulator:
    emulated.reset()
    monkeypatch.setenv("GEMINI_EMULATOR_HOST", emulated.address)
    monkeypatch.setenv("GEMINI_EMULATOR_HTTP_HOST", emulated.http.removeprefix("http://"))
    return emulated


def _embed(model: str, *texts: Any, transport: str | None = None, **settings: Any) -> list[Any]:
    async def main() -> list[Any]:
        async with (
            aiplatform_v1.PredictionServiceAsyncClient(transport=transport) as client,
            Embedder(client, model=model, **settings) as embedder,
        ):
            return await embedder.embed_all(list(texts), on_error="return")

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("model", "transport", "rpc", "calls"),
    [
        (_CONTENTS, None, "EmbedContent", 3),
        (_CONTENTS, "rest_asyncio", "BatchEmbedContents", 1),
        (_INSTANCES, None, "Predict", 1),
        (_INSTANCES, "rest_asyncio", "Predict", 1),
    ],
)
def test_each_rpc(gemini: RunningEmulator, model: str, transport: str | None, rpc: str, calls: int) -> None:
    settings: dict[str, Any] = {"task_type": "RETRIEVAL_DOCUMENT", "title": "t", "output_dimensionality": 700}
    vectors = _embed(model, "one", "two", "three", transport=transport, vectors="array", **settings)
    assert [len(vector) for vector in vectors] == [700] * 3
    assert len({bytes(vector) for vector in vectors}) == 3
    made = gemini.calls()
    assert [call.method.rpartition("/")[2] for call in made] == [rpc] * calls
    request = made[0].request
    if rpc == "EmbedContent":
        config = request.embed_content_config
        assert (config.task_type, config.title, config.output_dimensionality) == (3, "t", 700)
    elif rpc == "Predict":
        assert dict(request.instances[0].struct_value) == {
            "content": "one",
            "task_type": "RETRIEVAL_DOCUMENT",
            "title": "t",
        }
        assert request.parameters.struct_value["outputDimensionality"] == 700


def test_all_rpcs_give_the_same_vector(gemini: RunningEmulator) -> None:
    (alone,) = _embed(_CONTENTS, "one")
    (batched,) = _embed(_CONTENTS, "one", transport="rest_asyncio")
    (predicted,) = _embed(_INSTANCES, "one")
    assert alone == pytest.approx(batched)
    assert alone == pytest.approx(predicted)


def test_batches_are_as_large_as_the_model_takes(gemini: RunningEmulator) -> None:
    assert len(_embed(_INSTANCES, *[f"text {i}" for i in range(300)])) == 300
    assert sorted(len(call.request.instances) for call in gemini.calls()) == [50, 250]
    client = aiplatform_v1.PredictionServiceAsyncClient()
    with pytest.raises(ValueError, match="batch_size"):
        Embedder(client, model=_CONTENTS, batch_size=2)
    with pytest.raises(ValueError, match="batch_size"):
        Embedder(client, model=_INSTANCES, batch_size=251)
    assert Embedder(client, model=f"{_MODELS}/multimodalembedding@001").batch_size == 1


def test_pictures_are_for_models_that_take_contents(gemini: RunningEmulator) -> None:
    part = {"inline_data": {"mime_type": "image/png", "data": b"x"}}
    (error,) = _embed(_INSTANCES, [part])
    assert str(error) == "contents[0]: text-embedding-005 embeds texts only"
    assert not gemini.calls()


def test_for_threads(gemini: RunningEmulator) -> None:
    client = aiplatform_v1.PredictionServiceAsyncClient()
    with BlockingEmbedder(client, model=_INSTANCES) as embedder:
        assert len(embedder.embed("one")) == 768


def test_the_name_of_a_model_is_a_full_one(gemini: RunningEmulator) -> None:
    client = aiplatform_v1.PredictionServiceAsyncClient()
    with pytest.raises(ValueError, match="model: 'text-embedding-005' is not a full name of Vertex AI"):
        Embedder(client, model="text-embedding-005")
    with pytest.raises(TypeError, match="model: expected a string, got int"):
        Embedder(client, model=5)  # type: ignore[arg-type]


_PLACE: dict[str, Any] = {"vertexai": True, "project": "my-project", "location": "us-central1"}


@pytest.mark.parametrize(
    ("model", "transport", "rpcs"),
    [
        ("gemini-embedding-001", None, ["EmbedContent"] * 3),
        ("gemini-embedding-001", "grpc", ["EmbedContent"] * 3),
        ("google/gemini-embedding-001", "rest", ["BatchEmbedContents"]),
        ("text-embedding-005", None, ["Predict"]),
        (_INSTANCES, "h2", ["Predict"]),
    ],
)
def test_a_client_of_genai(
    gemini: RunningEmulator, model: str, transport: str | None, rpcs: list[str]
) -> None:
    options: Any = {"headers": {"x-team": "sky"}}
    with (
        genai.Client(transport=transport, http_options=options, **_PLACE) as client,
        BlockingEmbedder(client, model=model, output_dimensionality=16) as embedder,
    ):
        vectors = embedder.embed_all(["one", "two", "three"])
    assert [len(vector) for vector in vectors] == [16] * 3
    calls = gemini.calls()
    assert [call.method.rpartition("/")[2] for call in calls] == rpcs
    full = f"{_MODELS}/{model.rpartition('/')[2]}"
    assert {call.request.endpoint if rpcs == ["Predict"] else call.request.model for call in calls} == {full}
    assert calls[0].metadata["x-team"] == "sky"


def test_a_client_of_genai_refuses_names_that_are_of_another_service_or_location(
    gemini: RunningEmulator,
) -> None:
    with genai.Client(**_PLACE) as client:
        for name in ("tunedModels/t", "projects/p/locations/eu/publishers/google/models/m", "5"):
            with pytest.raises(ValueError, match=r"^model: "):
                Embedder(client, model=name)
    with genai.Client(api_key="k") as client, pytest.raises(ValueError, match="use vertexai=True"):
        Embedder(client, model=_INSTANCES)
    assert not gemini.calls()
