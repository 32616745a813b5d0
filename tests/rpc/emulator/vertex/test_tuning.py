"""Vertex AI's tuning jobs, and the models and endpoints that they make."""

from __future__ import annotations

import json
from pathlib import Path
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


def _example(question: str, answer: str) -> str:
    contents = [
        {"role": role, "parts": [{"text": text}]} for role, text in (("user", question), ("model", answer))
    ]
    return json.dumps({"contents": contents})


@awaited
async def test_examples_are_read_from_cloud_storage(tmp_path: Path) -> None:
    (tmp_path / "bucket").mkdir()
    lines = [_example("Why is the sky blue?", "Because it is."), "", _example("And the sea?", "Salt.")]
    (tmp_path / "bucket" / "train.jsonl").write_text("\n".join(lines), encoding="utf-8")
    async with emulator(storage=tmp_path) as (running, call):
        job = await _tune(running, call)
        assert job.state == _STATES.JOB_STATE_SUCCEEDED
        stats = job.tuning_data_stats.supervised_tuning_data_stats
        assert (stats.tuning_dataset_example_count, stats.tuning_step_count) == (2, 6)
        for endpoint in (found.endpoint for found in job.tuned_model.checkpoints):
            answer = await call("aiplatform.GenerateContent", model=endpoint, contents=_ASK)
            assert answer.candidates[0].content.parts[0].text == "Because it is."
        refusal = await call.refused(
            "aiplatform.CreateTuningJob",
            parent=_PARENT,
            tuning_job=_job(spec={"validation_dataset_uri": "gs://bucket/none.jsonl"}),
        )
    assert refusal.code == "NOT_FOUND"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("no JSON", "gs://bucket/train.jsonl, line 3: Invalid JSON"),
        ("[]", "line 3: * request: must be in an object"),
        ("{}", "line 3: * contents: must have at least one of the user and one of the model"),
        (_example("a", "b").replace('"model"', '"user"'), "contents: must end with what the model"),
        (_example("a", "b").replace('"user"', '"me"'), "contents[0].role: 'me' is not one of user and model"),
        ('{"contents": [{"role": "user"}, {"role": "model"}]}', "contents[0].parts: must have at least one"),
    ],
)
@awaited
async def test_a_job_with_a_bad_line_fails(tmp_path: Path, line: str, words: str) -> None:
    (tmp_path / "bucket").mkdir()
    (tmp_path / "bucket" / "train.jsonl").write_text(f"{_example('a', 'b')}\n\n{line}\n", encoding="utf-8")
    async with emulator(storage=tmp_path) as (running, call):
        job = await _tune(running, call)
    assert job.state == _STATES.JOB_STATE_FAILED
    assert job.error.code == 3
    assert words in job.error.message
    assert not job.HasField("tuned_model")


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
