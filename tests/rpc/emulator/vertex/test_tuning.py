"""Vertex AI's tuning jobs, and the models and endpoints that they make."""

from __future__ import annotations

from typing import Any

import pytest
from asynchronous import awaited
from emulator_calls import Caller, emulator

from gemwire_proto import aiplatform_v1
from gemwire_proto.google.protobuf import empty_pb2

_PARENT = "projects/my-project/locations/us-central1"
_DATA = "gs://bucket/train.jsonl"
_ASK = [{"role": "user", "parts": [{"text": "Why is the sky blue?"}]}]
_STATES = aiplatform_v1.JobState


def _job(**fields: Any) -> dict[str, Any]:
    spec = {"training_dataset_uri": _DATA, **fields.pop("spec", {})}
    return {"base_model": "gemini-2.0-flash-001", "supervised_tuning_spec": spec, **fields}


async def _create(call: Caller, **fields: Any) -> Any:
    return await call("aiplatform.CreateTuningJob", parent=_PARENT, tuning_job=_job(**fields))


async def _tune(running: Any, call: Caller, **fields: Any) -> Any:
    job = await _create(call, **fields)
    running.state.clock.advance(10)
    return await call("aiplatform.GetTuningJob", name=job.name)


@awaited
async def test_a_job_goes_on_by_the_clock() -> None:
    async with emulator(tuning_seconds=100, frozen_at=1e9) as (running, call):
        job = await _create(call, tuned_model_display_name="mine", labels={"team": "one"})
        assert job.name.startswith(f"{_PARENT}/tuningJobs/")
        assert (job.state, job.create_time.seconds) == (_STATES.JOB_STATE_PENDING, 10**9)
        running.state.clock.advance(20)
        job = await call("aiplatform.GetTuningJob", name=job.name)
        assert (job.state, job.start_time.seconds) == (_STATES.JOB_STATE_RUNNING, 10**9 + 10)
        running.state.clock.advance(80)
        job = await call("aiplatform.GetTuningJob", name=job.name)
        assert (job.state, job.end_time.seconds) == (_STATES.JOB_STATE_SUCCEEDED, 10**9 + 100)
        assert job.tuned_model.model.endswith("@1")
        assert [found.epoch for found in job.tuned_model.checkpoints] == [1, 2, 3]
        assert await call("aiplatform.GetTuningJob", name=job.name) == job
        page = await call("aiplatform.ListTuningJobs", parent=_PARENT, filter="state=JOB_STATE_SUCCEEDED")
    assert list(page.tuning_jobs) == [job]


@awaited
async def test_its_endpoints_answer() -> None:
    async with emulator() as (running, call):
        job = await _tune(running, call, spec={"hyper_parameters": {"epoch_count": 2}})
        endpoints = [found.endpoint for found in job.tuned_model.checkpoints]
        assert endpoints[-1] == job.tuned_model.endpoint
        assert len(set(endpoints)) == 2
        for endpoint in endpoints:
            answer = await call("aiplatform.GenerateContent", model=endpoint, contents=_ASK)
            assert answer.candidates
        counted = await call("aiplatform.CountTokens", endpoint=job.tuned_model.endpoint, contents=_ASK)
    assert counted.total_tokens == 6


@awaited
async def test_its_model_is_found_changed_and_deleted() -> None:
    async with emulator() as (running, call):
        job = await _tune(running, call, labels={"team": "one"}, tuned_model_display_name="mine")
        model = await call("aiplatform.GetModel", name=job.tuned_model.model)
        assert model == await call("aiplatform.GetModel", name=job.tuned_model.model.removesuffix("@1"))
        assert model.labels["google-vertex-llm-tuning-base-model-id"] == "gemini-2-0-flash-001"
        for text, number in (
            ("labels.tune-type:*", 1),
            ('labels.team=one AND display_name="mine"', 1),
            ("labels.team=two", 0),
            ("labels.none:*", 0),
        ):
            page = await call("aiplatform.ListModels", parent=_PARENT, filter=text)
            assert len(page.models) == number, text
        versions = await call("aiplatform.ListModelVersions", name=model.name)
        assert list(versions.models) == [model]
        pages = await call("aiplatform.ListModelVersionCheckpoints", name=model.name, page_size=2)
        more = await call(
            "aiplatform.ListModelVersionCheckpoints",
            name=model.name,
            page_size=2,
            page_token=pages.next_page_token,
        )
        assert [found.epoch for found in (*pages.checkpoints, *more.checkpoints)] == [1, 2, 3]
        changed = await call(
            "aiplatform.UpdateModel",
            model={
                "name": model.name,
                "description": "new",
                "labels": {"a": "b"},
                "default_checkpoint_id": "2",
            },
            update_mask={"paths": ["description", "labels", "default_checkpoint_id"]},
        )
        assert (changed.description, dict(changed.labels), changed.default_checkpoint_id) == (
            "new",
            {"a": "b"},
            "2",
        )
        again = await _tune(
            running,
            call,
            base_model=None,
            pre_tuned_model={"tuned_model_name": job.tuned_model.model, "checkpoint_id": "1"},
        )
        assert again.pre_tuned_model.base_model == "gemini-2.0-flash-001"

        operation = await call("aiplatform.DeleteModel", name=model.name)
        assert operation.name.startswith(f"{_PARENT}/operations/")
        assert operation.done
        assert operation.response.Is(empty_pb2.Empty.DESCRIPTOR)
        assert await call("GetOperation", name=operation.name) == operation
        assert list((await call("ListOperations", name=_PARENT)).operations) == [operation]
        assert (await call.refused("aiplatform.GetModel", name=model.name)).code == "NOT_FOUND"
        gone = await call.refused("aiplatform.GenerateContent", model=job.tuned_model.endpoint, contents=_ASK)
    assert gone.code == "NOT_FOUND"


@awaited
async def test_a_job_is_cancelled_once() -> None:
    async with emulator(tuning_seconds=100) as (running, call):
        job = await _create(call)
        await call("aiplatform.CancelTuningJob", name=job.name)
        running.state.clock.advance(1000)
        job = await call("aiplatform.GetTuningJob", name=job.name)
        assert job.state == _STATES.JOB_STATE_CANCELLED
        assert not job.HasField("tuned_model")
        assert (await call.refused("aiplatform.CancelTuningJob", name=job.name)).code == "FAILED_PRECONDITION"


@pytest.mark.parametrize(
    ("fields", "code", "words"),
    [
        ({"base_model": ""}, "INVALID_ARGUMENT", "tuning_job.base_model: is required"),
        ({"base_model": "none"}, "NOT_FOUND", "publishers/google/models/none"),
        ({"supervised_tuning_spec": None}, "INVALID_ARGUMENT", "supervised_tuning_spec: is required"),
        ({"spec": {"training_dataset_uri": "a.jsonl"}}, "INVALID_ARGUMENT", "is neither gs:// nor a dataset"),
        (
            {"spec": {"validation_dataset_uri": "x"}},
            "INVALID_ARGUMENT",
            "validation_dataset_uri: 'x' is neither",
        ),
        (
            {"spec": {"hyper_parameters": {"epoch_count": 101}}},
            "INVALID_ARGUMENT",
            "epoch_count: must be from 1 to 100",
        ),
        ({"labels": {"A": "b"}}, "INVALID_ARGUMENT", "labels: the key 'A'"),
        (
            {"base_model": None, "pre_tuned_model": {"tuned_model_name": f"{_PARENT}/models/5"}},
            "NOT_FOUND",
            f"{_PARENT}/models/5",
        ),
    ],
)
@awaited
async def test_what_is_refused(fields: dict[str, Any], code: str, words: str) -> None:
    async with emulator() as (_, call):
        refusal = await call.refused(
            "aiplatform.CreateTuningJob", parent=_PARENT, tuning_job={**_job(), **_job(**fields)}
        )
    assert refusal.code == code
    assert words in refusal.message
