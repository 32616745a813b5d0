"""Videos of Vertex AI: operations that are fetched from their model."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from emulator_process import Answer, ask
from eventually import comes

from gemwire.testing import RunningEmulator, emulator

_MODEL = "projects/my-project/locations/us-central1/publishers/google/models/veo-3.0-generate-001"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[RunningEmulator]:
    with emulator(http_port=0, storage=tmp_path, frozen_at=1e9) as made:
        yield made


def _start(running: RunningEmulator, prompt: str = "a cat", model: str = _MODEL, **parameters: Any) -> Answer:
    body = {"instances": [{"prompt": prompt}], "parameters": {"durationSeconds": 1, **parameters}}
    return ask(running.http, "POST", f"/v1beta1/{model}:predictLongRunning", body)


def _fetch(running: RunningEmulator, name: str, model: str = _MODEL) -> Answer:
    return ask(running.http, "POST", f"/v1beta1/{model}:fetchPredictOperation", {"operationName": name})


def _finish(running: RunningEmulator, name: str) -> Any:
    running.advance(60)
    assert comes(lambda: _fetch(running, name).json.get("done"))
    return _fetch(running, name).json


def test_videos_are_made_by_the_clock(running: RunningEmulator) -> None:
    started = _start(running, sampleCount=2).json
    assert started["name"].startswith(f"{_MODEL}/operations/")
    assert _fetch(running, started["name"]).json == {"name": started["name"]}
    done = _finish(running, started["name"])
    videos = done["response"]["videos"]
    assert [video["mimeType"] for video in videos] == ["image/apng"] * 2
    assert base64.b64decode(videos[0]["bytesBase64Encoded"]).startswith(b"\x89PNG")
    assert videos[0] != videos[1]


def test_videos_are_stored(running: RunningEmulator, tmp_path: Path) -> None:
    name = _start(running, storageUri="gs://my-bucket/videos/").json["name"]
    (video,) = _finish(running, name)["response"]["videos"]
    assert "bytesBase64Encoded" not in video
    assert video["gcsUri"].startswith("gs://my-bucket/videos/")
    assert (tmp_path / video["gcsUri"].removeprefix("gs://")).read_bytes().startswith(b"\x89PNG")


def test_failures(running: RunningEmulator) -> None:
    blocked = _finish(running, _start(running, "[[block:HARM_CATEGORY_HARASSMENT]]").json["name"])
    assert blocked["response"]["raiMediaFilteredCount"] == 1
    failed = _finish(running, _start(running, "[[fail:INTERNAL]]").json["name"])
    assert failed["error"]["code"] == 13
    assert "response" not in failed


def test_what_is_refused(running: RunningEmulator) -> None:
    def refused(answer: Answer, status: int, words: str) -> None:
        assert answer.status == status
        assert words in answer.json["error"]["message"]

    flash = _MODEL.replace("veo-3.0-generate-001", "gemini-2.5-flash")
    refused(_start(running, ""), 400, "instances[0].prompt: is required")
    refused(_start(running, model=flash), 404, "is not supported for predictLongRunning")
    refused(_start(running, sampleCount=9), 400, "sampleCount: must be from 1 to 4")
    refused(_start(running, storageUri="bucket"), 400, "parameters.storageUri: 'bucket' is not of the form")
    refused(_start(running, storageUri=5), 400, "parameters.storageUri: must be a text")
    refused(_fetch(running, f"{_MODEL}/operations/none"), 404, f"{_MODEL}/operations/none was not found")
    refused(_fetch(running, f"{flash}/operations/x"), 400, f"must be an operation of {_MODEL}")
    with emulator(http_port=0) as bare:
        refused(_start(bare, storageUri="gs://my-bucket/x"), 400, "start it with --storage DIR")
