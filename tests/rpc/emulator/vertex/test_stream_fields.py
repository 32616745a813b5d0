"""Every field of a streamed generation on Vertex AI, alone and together, is in the journal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gemwire import aiplatform_v1
from gemwire.testing import RunningEmulator

_PARENT = "projects/my-project/locations/us-central1"
_MODEL = f"{_PARENT}/publishers/google/models/gemini-2.5-flash"
_CONTENTS = [{"role": "user", "parts": [{"text": "Why is the sky blue?"}]}]
#: The fields of the request's body.
_FIELDS: dict[str, Any] = {
    "tools": [
        {"function_declarations": [{"name": "look", "description": "Looks up."}]},
    ],
    "tool_config": {"function_calling_config": {"mode": "NONE"}},
    "labels": {"team": "sky", "größe-1": ""},
    "safety_settings": [
        {"category": "HARM_CATEGORY_HATE_SPEECH", "threshold": "BLOCK_ONLY_HIGH", "method": "SEVERITY"}
    ],
    "generation_config": {"temperature": 0.5, "top_k": 3, "max_output_tokens": 20, "stop_sequences": ["x"]},
    "system_instruction": {"parts": [{"text": "Be brief."}, {"text": "Be kind."}]},
}


@pytest.fixture(scope="module")
def running() -> Iterator[RunningEmulator]:
    made = RunningEmulator(http_port=0, tuning_seconds=0.0)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def endpoint(running: RunningEmulator) -> str:
    """The endpoint of a tuned model."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("GEMINI_EMULATOR_HOST", running.address)
        spec = {"training_dataset_uri": "gs://bucket/train.jsonl"}
        job = {"base_model": "gemini-2.0-flash-001", "supervised_tuning_spec": spec}
        with aiplatform_v1.GenAiTuningServiceClient() as client:
            made = client.create_tuning_job(parent=_PARENT, tuning_job=job)
            return client.get_tuning_job(name=made.name).tuned_model.endpoint


@pytest.mark.parametrize("transport", ["grpc", "rest"])
@pytest.mark.parametrize("fields", [*([name] for name in _FIELDS), [], list(_FIELDS)], ids=" ".join)
@pytest.mark.parametrize("tuned", [False, True], ids=["model", "endpoint"])
def test_fields_arrive(
    running: RunningEmulator,
    endpoint: str,
    monkeypatch: pytest.MonkeyPatch,
    transport: str,
    fields: list[str],
    tuned: bool,
) -> None:
    monkeypatch.setenv("GEMINI_EMULATOR_HOST", running.address)
    monkeypatch.setenv("GEMINI_EMULATOR_HTTP_HOST", running.http.removeprefix("http://"))
    model = endpoint if tuned else _MODEL
    given = {name: _FIELDS[name] for name in fields}
    request = aiplatform_v1.GenerateContentRequest(model=model, contents=_CONTENTS, **given)
    with aiplatform_v1.PredictionServiceClient(transport=transport) as client:
        chunks = list(client.stream_generate_content(request))
    assert chunks[-1].candidates[0].finish_reason
    call = running.calls("StreamGenerateContent")[-1]
    assert call.front == {"grpc": "grpc", "rest": "http"}[transport]
    assert call.request == request
    assert {field.name for field, _ in call.request.ListFields()} == {"model", "contents", *fields}
