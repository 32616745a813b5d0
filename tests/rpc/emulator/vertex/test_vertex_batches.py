"""Batches of Vertex AI: prompts and answers in Cloud Storage."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from emulator_process import Process, ask
from eventually import comes

from gemwire.testing import RunningEmulator, emulator

_PARENT = "projects/my-project/locations/us-central1"
_PATH = f"/v1beta1/{_PARENT}/batchPredictionJobs"
_FLASH = "publishers/google/models/gemini-2.5-flash"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "my-bucket").mkdir()
    return tmp_path


@pytest.fixture
def running(folder: Path) -> Iterator[RunningEmulator]:
    with emulator(http_port=0, storage=folder, tuning_seconds=100.0, frozen_at=1e9) as made:
        yield made


def _prompt(text: str, **more: Any) -> str:
    request = {"contents": [{"role": "user", "parts": [{"text": text}]}]}
    return json.dumps({"request": request, **more})


def _write(folder: Path, *lines: str, name: str = "in.jsonl") -> str:
    (folder / "my-bucket" / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return f"gs://my-bucket/{name}"


def _job(*uris: str, model: str = _FLASH, **more: Any) -> dict[str, Any]:
    return {
        "model": model,
        "displayName": "mine",
        "inputConfig": {"instancesFormat": "jsonl", "gcsSource": {"uris": list(uris)}},
        "outputConfig": {
            "predictionsFormat": "jsonl",
            "gcsDestination": {"outputUriPrefix": "gs://my-bucket/out"},
        },
        **more,
    }


def _create(running: RunningEmulator, job: dict[str, Any]) -> Any:
    return ask(running.http, "POST", _PATH, job).json


def _get(running: Any, job: dict[str, Any]) -> Any:
    return ask(running.http, "GET", f"/v1beta1/{job['name']}").json


def _is_in(running: Any, job: dict[str, Any], state: str) -> bool:
    return comes(lambda: _get(running, job)["state"] == f"JOB_STATE_{state}")


def _read(folder: Path, job: dict[str, Any]) -> list[Any]:
    address = job["outputInfo"]["gcsOutputDirectory"].removeprefix("gs://")
    text = (folder / address / "predictions.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_prompts_are_answered_in_order_by_the_clock(running: RunningEmulator, folder: Path) -> None:
    first = _write(folder, _prompt("Why?", key="one"), '{"request": {}}', "no JSON", name="a1.jsonl")
    _write(folder, _prompt("And?"), name="a2.jsonl")
    job = _create(running, _job(first.replace("a1", "a*"), labels={"team": "one"}))
    assert job["name"].startswith(f"{_PARENT}/batchPredictionJobs/")
    assert job["state"] == "JOB_STATE_PENDING"
    running.advance(20)
    assert _is_in(running, job, "RUNNING")
    running.advance(80)
    assert _is_in(running, job, "SUCCEEDED")
    job = _get(running, job)
    assert job["completionStats"] == {"successfulCount": "2", "failedCount": "2"}
    answers = _read(folder, job)
    assert [answer["status"][:16] for answer in answers] == ["", "INVALID_ARGUMENT", "INVALID_ARGUMENT", ""]
    assert answers[0]["key"] == "one"
    assert answers[0]["request"]["contents"][0]["parts"] == [{"text": "Why?"}]
    assert answers[0]["response"]["candidates"][0]["content"]["parts"]
    assert answers[1]["response"] == {}
    assert "contents" in answers[1]["status"]


def test_texts_are_embedded(running: RunningEmulator, folder: Path) -> None:
    uri = _write(folder, '{"content": "one"}', '{"content": ""}')
    job = _create(running, _job(uri, model="publishers/google/models/text-embedding-004"))
    running.advance(100)
    assert _is_in(running, job, "SUCCEEDED")
    good, bad = _read(folder, _get(running, job))
    assert good["instance"] == {"content": "one"}
    assert len(good["predictions"][0]["embeddings"]["values"]) == 768
    assert "content: is required" in bad["status"]


def test_list_cancel_and_delete(running: RunningEmulator, folder: Path) -> None:
    uri = _write(folder, _prompt("Why?"))
    jobs = [_create(running, _job(uri, displayName=f"job {i}")) for i in range(3)]
    assert ask(running.http, "DELETE", f"/v1beta1/{jobs[0]['name']}").error == (400, "FAILED_PRECONDITION")
    assert ask(running.http, "POST", f"/v1beta1/{jobs[0]['name']}:cancel", {}).json == {}
    assert _get(running, jobs[0])["state"] == "JOB_STATE_CANCELLED"
    again = ask(running.http, "POST", f"/v1beta1/{jobs[0]['name']}:cancel", {})
    assert again.error == (400, "FAILED_PRECONDITION")
    running.advance(100)
    assert _is_in(running, jobs[2], "SUCCEEDED"), _get(running, jobs[2])
    assert _get(running, jobs[0])["state"] == "JOB_STATE_CANCELLED"
    page = ask(running.http, "GET", f"{_PATH}?pageSize=2").json
    assert [one["displayName"] for one in page["batchPredictionJobs"]] == ["job 0", "job 1"]
    page = ask(running.http, "GET", f"{_PATH}?pageSize=2&pageToken={page['nextPageToken']}").json
    assert [one["displayName"] for one in page["batchPredictionJobs"]] == ["job 2"]
    page = ask(running.http, "GET", f'{_PATH}?filter=state="JOB_STATE_CANCELLED"'.replace('"', "%22")).json
    assert [one["displayName"] for one in page["batchPredictionJobs"]] == ["job 0"]
    operation = ask(running.http, "DELETE", f"/v1beta1/{jobs[0]['name']}").json
    assert operation["done"]
    assert ask(running.http, "GET", f"/v1beta1/{jobs[0]['name']}").error == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("source", "destination", "words"),
    [
        ({"bigquerySource": {"inputUri": "bq://p.d.t"}}, {}, "bq://p.d.t: the emulator has no BigQuery"),
        ({}, {"bigqueryDestination": {"outputUri": "bq://p.d"}}, "bq://p.d: the emulator has no BigQuery"),
        (
            {"vertexMultimodalDatasetSource": {"datasetName": f"{_PARENT}/datasets/5"}},
            {},
            "the emulator has no multimodal datasets",
        ),
    ],
)
def test_what_is_not_in_cloud_storage_fails(
    running: RunningEmulator,
    folder: Path,
    source: dict[str, Any],
    destination: dict[str, Any],
    words: str,
) -> None:
    job = _job(_write(folder, _prompt("Why?")))
    if source:
        job["inputConfig"] = {"instancesFormat": "bigquery", **source}
    if destination:
        job["outputConfig"] = {"predictionsFormat": "bigquery", **destination}
    job = _create(running, job)
    running.advance(100)
    assert _is_in(running, job, "FAILED")
    assert words in _get(running, job)["error"]["message"]


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"displayName": ""}, 400, "batch_prediction_job.display_name: is required"),
        ({"labels": {"A": "b"}}, 400, "labels: the key 'A'"),
        ({"model": "publishers/google/models/none"}, 404, f"{_PARENT}/publishers/google/models/none was not"),
        ({"model": "publishers/google/models/imagen-4.0-generate-001"}, 404, "not supported for batch"),
        ({"model": f"{_PARENT}/models/5"}, 404, f"{_PARENT}/models/5 was not found"),
        ({"inputConfig": {}}, 400, "input_config: is required"),
        ({"outputConfig": {}}, 400, "output_config: is required"),
        (
            {"inputConfig": {"instancesFormat": "csv", "gcsSource": {"uris": ["gs://my-bucket/in.jsonl"]}}},
            400,
            "'csv' is not jsonl",
        ),
        (
            {"inputConfig": {"instancesFormat": "jsonl", "gcsSource": {"uris": ["gs://my-bucket/no.jsonl"]}}},
            404,
            "there is no file",
        ),
        (
            {"inputConfig": {"instancesFormat": "jsonl", "gcsSource": {"uris": ["gs://my-bucket/no*"]}}},
            404,
            "was not found",
        ),
        (
            {"outputConfig": {"gcsDestination": {"outputUriPrefix": "gs://my-bucket/../.."}}},
            400,
            "is outside the directory",
        ),
    ],
)
def test_what_is_refused(
    running: RunningEmulator, folder: Path, change: dict[str, Any], status: int, words: str
) -> None:
    answer = ask(running.http, "POST", _PATH, {**_job(_write(folder, _prompt("Why?"))), **change})
    assert answer.status == status
    assert words in answer.json["error"]["message"]


def test_without_a_folder_the_flag_is_named() -> None:
    with emulator(http_port=0) as running:
        answer = ask(running.http, "POST", _PATH, _job("gs://my-bucket/in.jsonl"))
    assert answer.error == (400, "FAILED_PRECONDITION")
    assert "start it with --storage DIR, and this is the file DIR/my-bucket/in.jsonl" in str(answer.json)


def test_a_batch_resumes_after_a_kill(folder: Path, tmp_path: Path) -> None:
    uri = _write(folder, _prompt("Why?"))
    options = ("--state", str(tmp_path / "state"), "--storage", str(folder))
    first = Process(*options)
    try:
        job = _create(first, _job(uri))  # type: ignore[arg-type]
    finally:
        first.kill()
    second = Process(*options)
    try:
        assert _is_in(second, job, "SUCCEEDED")
        assert _read(folder, _get(second, job))[0]["response"]
    finally:
        second.kill()
