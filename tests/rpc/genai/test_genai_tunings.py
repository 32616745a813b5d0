"""Tuning jobs, sync and async."""

from __future__ import annotations

import copy
import pickle
import time
from typing import Any

import pytest
from scripted_grpc_server import Api, Fail, Loopback

from gemwire import v1beta
from gemwire.genai import types
from gemwire.testing import RunningEmulator
from gemwire_proto.google.longrunning import operations_pb2

BASE = "models/gemini-1.5-flash-001-tuning"
DATA = types.TuningDataset(
    examples=[types.TuningExample(text_input=f"Input text {i}", output=f"Output text {i}") for i in range(5)]
)


def tune(resources: Any, **config: Any) -> Any:
    return resources.tunings.tune(base_model=BASE, training_dataset=DATA, config=config)


def poll_until_ended(api: Api, tunings: Any, job: Any) -> list[Any]:
    """Return the states of a job until its end."""
    seen = [job]
    end = time.monotonic() + 30
    while not seen[-1].has_ended and time.monotonic() < end:
        seen.append(api(tunings.get(name=job.name)))
        time.sleep(0.05)
    return seen


def test_tuning_lifecycle(api: Api, gemini_emulator: RunningEmulator) -> None:
    resources = api.genai()
    job = api(tune(resources, epoch_count=3, tuned_model_display_name="my model", batch_size=2))
    assert isinstance(job, types.TuningJob)
    assert job.state == "JOB_STATE_RUNNING"
    assert job.state is types.JobState.JOB_STATE_RUNNING
    assert job.state in {"JOB_STATE_PENDING", "JOB_STATE_RUNNING"}
    assert (job.has_ended, job.has_succeeded, job.end_time) == (False, False, None)
    assert (job.base_model, job.tuned_model_display_name) == (BASE, "my model")
    assert job.tuned_model.model == job.tuned_model.endpoint == job.name
    assert (job.completed_steps, job.total_steps, job.progress) == (0, 8, 0.0)

    seen = poll_until_ended(api, resources.tunings, job)
    assert any(0 < other.progress < 100 and other.total_steps == 8 for other in seen[:-1])
    assert [other.progress for other in seen] == sorted(other.progress for other in seen)
    job = seen[-1]
    assert (job.state, job.has_ended, job.has_succeeded) == ("JOB_STATE_SUCCEEDED", True, True)
    assert (job.progress, job.completed_steps) == (100.0, 8)
    losses = [snapshot.mean_loss for snapshot in job.snapshots]
    assert len(losses) == 8
    assert losses == sorted(losses, reverse=True)
    assert job.start_time < job.end_time

    answer = api(resources.models.generate_content(model=job.tuned_model.endpoint, contents="Input text 3"))
    assert answer.text == "Output text 3"
    assert api(resources.models.get(model=job.tuned_model.model)) == job.tuned_model
    assert api(resources.tunings.get(name=job.name.removeprefix("tunedModels/"))) == job


def test_failed_tuning(api: Api, gemini_emulator: RunningEmulator) -> None:
    resources = api.genai()
    data = {"examples": [{"text_input": "a", "output": "[[fail:INTERNAL]]"}]}
    job = api(resources.tunings.tune(base_model=BASE, training_dataset=data))
    gemini_emulator.advance(3600)
    job = poll_until_ended(api, resources.tunings, job)[-1]
    assert (job.state, job.has_ended, job.has_succeeded) == ("JOB_STATE_FAILED", True, False)
    assert job.progress is None


def test_requests_that_are_sent(api: Api, server: Loopback) -> None:
    metadata = v1beta.CreateTunedModelMetadata(tuned_model="tunedModels/t", total_steps=4)
    operation: Any = operations_pb2.Operation(name="tunedModels/t/operations/o")
    operation.metadata.Pack(metadata)
    server.on("CreateTunedModel", operation)
    server.on("GetTunedModel", v1beta.TunedModel(name="tunedModels/t", state="CREATING"))
    config = types.CreateTuningJobConfig(
        epoch_count=1, learning_rate=0.5, tuned_model_display_name="d", description="e"
    )
    job = api(
        api.genai().tunings.tune(
            base_model="gemini-x",
            training_dataset={"examples": [{"text_input": "a", "output": "b"}]},
            config=config,
        )
    )
    assert (job.name, job.total_steps) == ("tunedModels/t", 4)
    create, get = server.journal
    assert types.TunedModel.of(create.request.tuned_model).to_dict() == {
        "base_model": "models/gemini-x",
        "display_name": "d",
        "description": "e",
        "tuning_task": {
            "training_data": {"examples": {"examples": [{"text_input": "a", "output": "b"}]}},
            "hyperparameters": {"epoch_count": 1, "learning_rate": 0.5},
        },
    }
    assert get.request.name == "tunedModels/t"


def test_a_tuned_model_may_be_tuned_further(api: Api, gemini_emulator: RunningEmulator) -> None:
    resources = api.genai()
    first = poll_until_ended(api, resources.tunings, api(tune(resources)))[-1]
    job = api(resources.tunings.tune(base_model=first.name, training_dataset=DATA))
    assert job.tuned_model_source.tuned_model == first.name
    assert job.base_model == BASE


def test_job_without_its_operation(api: Api, server: Loopback) -> None:
    snapshots = [{"step": 3, "epoch": 1, "mean_loss": 0.5}]
    model = v1beta.TunedModel(name="tunedModels/t", state="CREATING", tuning_task={"snapshots": snapshots})
    server.on("GetTunedModel", model)
    server.on("ListOperations", Fail("UNIMPLEMENTED"))
    job = api(api.genai().tunings.get(name="t"))
    assert (job.state, job.progress, job.total_steps, job.completed_steps) == (
        "JOB_STATE_RUNNING",
        None,
        None,
        3,
    )


def test_list_pages(api: Api, gemini_emulator: RunningEmulator) -> None:
    resources = api.genai()
    made = [api(tune(resources)).name for _ in range(3)]
    pager = api(resources.tunings.list(config={"page_size": 2}))
    assert (pager.page_size, len(pager)) == (2, 2)
    assert isinstance(pager[0], types.TuningJob)
    assert len(api(pager.next_page())) == 1
    assert sorted(job.name for job in api.list(pager)) == sorted(made)
    assert all(isinstance(job, types.TuningJob) for job in api.list(api(resources.tunings.list())))


@pytest.mark.parametrize(
    ("method", "arguments", "error", "says"),
    [
        (
            "tune",
            {"training_dataset": {"gcs_uri": "gs://a"}},
            ValueError,
            "training_dataset.gcs_uri: parameter is only supported in Gemini Enterprise",
        ),
        ("tune", {"training_dataset": {}}, ValueError, "training_dataset.examples are required"),
        ("tune", {"training_dataset": 3}, TypeError, "training_dataset: expected TuningDataset or a dict"),
        (
            "tune",
            {"training_dataset": {"examples": [3]}},
            TypeError,
            "training_dataset.examples[0]: expected Tun",
        ),
        (
            "tune",
            {"training_dataset": {"examples": [{"a": 1}]}},
            ValueError,
            "training_dataset.examples[0] has no field 'a'; it has output, text_input",
        ),
        ("tune", {"base_model": ""}, ValueError, "base_model: '' is not the name of a model"),
        ("tune", {"config": {"epoch_count": "x"}}, ValueError, "config.epoch_count: "),
        (
            "tune",
            {"config": {"adapter_size": "ADAPTER_SIZE_FOUR"}},
            ValueError,
            "config.adapter_size: parameter is only supported in Gemini Enterprise",
        ),
        ("tune", {"config": {"epochs": 4}}, ValueError, "has no field 'epochs'"),
        ("get", {"name": ""}, ValueError, "name: '' is not a name, such as 'tunedModels/abc-123'"),
        (
            "list",
            {"config": {"size": 2}},
            ValueError,
            "config has no field 'size'; did you mean 'page",
        ),
    ],
)
def test_invalid_arguments_are_refused(
    api: Api, server: Loopback, method: str, arguments: Any, error: type[Exception], says: str
) -> None:
    if method == "tune":
        arguments = {"base_model": BASE, "training_dataset": DATA, **arguments}
    with pytest.raises(error) as caught:
        api(getattr(api.genai().tunings, method)(**arguments))
    assert says in str(caught.value)
    assert not server.journal


def test_jobs_are_comparable_values() -> None:
    job = types.TuningJob(name="tunedModels/t", state="ACTIVE", base_model="models/m")
    assert (job.state, job.progress) == (types.JobState.JOB_STATE_SUCCEEDED, 100.0)
    for made in (copy.deepcopy(job), pickle.loads(pickle.dumps(job)), job.model_copy()):
        assert made == job
        assert isinstance(made, types.TuningJob)
        assert made.has_succeeded
    assert job.to_json_dict()["state"] == "JOB_STATE_SUCCEEDED"
    assert str(job.state) == "JobState.JOB_STATE_SUCCEEDED"
    assert types.TuningJob().state == "JOB_STATE_UNSPECIFIED"
    assert (types.TuningJob().snapshots, types.TuningJob().start_time) == ([], None)
