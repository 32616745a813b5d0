"""``gemwire --vertex``: the commands for Vertex AI."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gemwire_command import Ended, complaint, run

from gemwire.testing import RunningEmulator

_PARENT = "projects/my-project/locations/us-central1"
_MODEL = f"{_PARENT}/publishers/google/models/gemini-2.5-flash"
_PLACE: dict[str, Any] = {"GOOGLE_CLOUD_PROJECT": "my-project", "GOOGLE_CLOUD_LOCATION": "us-central1"}


@pytest.fixture(scope="module")
def emulated() -> Iterator[RunningEmulator]:
    made = RunningEmulator(http_port=0)
    yield made
    made.stop()


@pytest.fixture
def gemini(emulated: RunningEmulator) -> RunningEmulator:
    emulated.reset()
    return emulated


def vertex(gemini: RunningEmulator, *arguments: str, stdin: str = "", **variables: str) -> Ended:
    """Run a command with the project and the location in variables."""
    http: dict[str, Any] = {"GEMINI_EMULATOR_HTTP_HOST": gemini.http.removeprefix("http://")}
    return run(gemini.address, "--vertex", *arguments, stdin=stdin, **{**http, **_PLACE, **variables})


def test_generate_and_chat(gemini: RunningEmulator, tmp_path: Path) -> None:
    gemini.reply("Blue.")
    tools = tmp_path / "tools.json"
    tools.write_text('[{"name": "f", "parameters": {"type": "object", "properties": {}}}]')
    assert vertex(gemini, "generate", "Why?", "--tools", str(tools), "--seed", "3") == Ended(0, "Blue.\n", "")
    [call] = gemini.calls("PredictionService/StreamGenerateContent")
    assert call.request.model == _MODEL
    assert call.request.tools[0].function_declarations[0].name == "f"
    assert vertex(gemini, "chat", stdin="Hi\nAnd?\n") == Ended(0, "Blue.\nBlue.\n", "")
    assert [content.role for content in gemini.calls()[-1].request.contents] == ["user", "model", "user"]
    place = ("--project", "other-project", "--location", "europe-west4")
    variables: dict[str, Any] = {"GOOGLE_GENAI_USE_VERTEXAI": "true"}
    assert run(gemini.address, *place, "generate", "Why?", **variables).out == "Blue.\n"
    assert gemini.calls()[-1].request.model.startswith("projects/other-project/locations/europe-west4/")


def test_an_answer_that_is_blocked_is_named_by_this_services_enum(gemini: RunningEmulator) -> None:
    blocked = vertex(gemini, "generate", "[[block:HARM_CATEGORY_HATE_SPEECH]]")
    assert "the prompt was blocked (SAFETY)" in complaint(blocked, 1)


def test_tokens_and_embeddings(gemini: RunningEmulator) -> None:
    assert vertex(gemini, "count-tokens", "one two three").out == "3\n"
    for model in ("gemini-embedding-001", "text-embedding-005"):
        vector = vertex(gemini, "embed", "text", "--model", model, "--dimensions", "8", "--json").json
        assert len(vector) == 8


@pytest.mark.parametrize(
    ("model", "rpcs", "processes"),
    [("gemini-embedding-001", ["EmbedContent"] * 3, 2), ("text-embedding-005", ["Predict"], 1)],
)
def test_a_file_of_texts(
    gemini: RunningEmulator, tmp_path: Path, model: str, rpcs: list[str], processes: int
) -> None:
    source, target = tmp_path / "in.txt", tmp_path / "out.jsonl"
    source.write_text("one\ntwo\nthree\n")
    ended = vertex(
        *(gemini, "embed-file", str(source), str(target), "--model", model, "--dimensions", "8"),
        *("--task-type", "RETRIEVAL_DOCUMENT", "--processes", str(processes), "--json"),
    )
    assert ended.json["done"] == 3
    calls = gemini.calls()
    assert [call.method for call in calls] == [
        f"google.cloud.aiplatform.v1.PredictionService/{rpc}" for rpc in rpcs
    ]
    first = calls[0].request
    assert (first.model if model == "gemini-embedding-001" else first.endpoint) == (
        f"{_PARENT}/publishers/google/models/{model}"
    )
    written = [json.loads(line) for line in target.read_text().splitlines()]
    assert [len(line["embedding"]) for line in written] == [8] * 3


def test_a_file_of_texts_by_the_variables(gemini: RunningEmulator, tmp_path: Path) -> None:
    """What chooses Vertex AI for a program, chooses it for `gemwire.bulk`."""
    source = tmp_path / "in.txt"
    source.write_text("one\n")
    variables: dict[str, Any] = {"GOOGLE_GENAI_USE_VERTEXAI": "true", **_PLACE}
    for number, arguments in enumerate([("embed-file",), ("--vertex", "embed-file")]):
        target = str(tmp_path / f"{number}.jsonl")
        assert run(gemini.address, *arguments, str(source), target, **variables).code == 0
    target = str(tmp_path / "gemini.jsonl")
    assert run(gemini.address, "embed-file", str(source), target, **_PLACE).code == 0
    assert [call.method.rpartition("/")[2] for call in gemini.calls()] == [
        *("EmbedContent", "EmbedContent", "GetModel", "BatchEmbedContents")
    ]


def test_models(gemini: RunningEmulator) -> None:
    names = [model["name"] for model in vertex(gemini, "models", "list", "--json").json]
    full = "publishers/google/models/gemini-2.5-flash"
    assert full in names
    for name in ("gemini-2.5-flash", "google/gemini-2.5-flash", _MODEL):
        assert vertex(gemini, "models", "get", name, "--json").json["name"] == full
    assert f"{_PARENT}/models/5 was not found" in complaint(vertex(gemini, "models", "get", "5"), 1)


def test_caches(gemini: RunningEmulator) -> None:
    name = vertex(gemini, "caches", "create", "A long story.", "--ttl", "600").out.strip()
    assert name.startswith(f"{_PARENT}/cachedContents/")
    [listed] = vertex(gemini, "caches", "list", "--json").json
    assert (listed["name"], listed["model"]) == (name, _MODEL)
    short = name.rpartition("/")[2]
    assert vertex(gemini, "caches", "update", short, "--ttl", "60", "--json").json["name"] == name
    assert vertex(gemini, "caches", "get", short, "--json").json["name"] == name
    assert vertex(gemini, "caches", "delete", name).code == 0
    assert vertex(gemini, "caches", "list", "--json").json == []


def test_rpcs(gemini: RunningEmulator) -> None:
    request = json.dumps({"model": _MODEL, "contents": [{"role": "user", "parts": [{"text": "Hi"}]}]})
    name = "google.cloud.aiplatform.v1.PredictionService/GenerateContent"
    for rpc in ("Prediction.GenerateContent", name):
        assert vertex(gemini, "rpc", rpc, request).json["candidates"]
    assert vertex(gemini, "rpc", "Job.ListBatchPredictionJobs", json.dumps({"parent": _PARENT})).json == []
    listed: Any = vertex(gemini, "rpc", "--list", "Prediction", "--json").json
    assert {entry["name"] for entry in listed} >= {"Prediction.Predict", "Prediction.GenerateContent"}


def test_doctor(gemini: RunningEmulator, tmp_path: Path) -> None:
    report = vertex(gemini, "doctor", "--json").json
    assert report["project"] == {"value": "my-project", "reason": "GOOGLE_CLOUD_PROJECT is set"}
    assert report["location"]["value"] == "us-central1"
    alone: dict[str, Any] = {"HOME": str(tmp_path), "NO_GCE_CHECK": "true", "GOOGLE_API_KEY": "k3y-s3cret"}
    ended = run(None, "--vertex", "--project", "my-project", "doctor", "--offline", "--json", **alone)
    report = json.loads(ended.out)
    assert report["location"]["value"] == "global"
    assert report["endpoint"]["value"] == "aiplatform.googleapis.com:443"
    assert "GEMINI_API_KEY" not in str(report["credentials"])
    assert "gcloud auth application-default login" in report["credentials"]["problem"]
    regional = ("--vertex", "--project", "my-project", "--location", "eu", "doctor", "--offline", "--json")
    report = json.loads(run(None, *regional, **alone).out)
    assert report["endpoint"]["value"] == "aiplatform.eu.rep.googleapis.com:443"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--vertex", "generate", "Hi"), "--project: missing"),
        (("--project", "my-project", "generate", "Hi"), "--project belongs to Vertex AI; add --vertex"),
        (("--location", "eu", "generate", "Hi"), "--location belongs to Vertex AI; add --vertex"),
        (
            ("--vertex", "--project", "p", "files", "list"),
            "files belongs to the Gemini API; leave --vertex out",
        ),
        (("--vertex", "--project", "p", "tuned-models", "list"), "tuned-models belongs to the Gemini API"),
        (("--vertex", "--project", "p", "generate", "x", "-m", "5"), "say endpoints/5"),
        (("--vertex", "--project", "p", "generate", "x", "-m", "tunedModels/t"), "belongs to the Gemini API"),
        (("generate", "x", "-m", _MODEL), "belongs to Vertex AI; add --vertex"),
        (
            ("--vertex", "--project", "p", "--location", "Mars 1", "generate", "x"),
            "'Mars 1' is not a location",
        ),
    ],
)
def test_what_is_refused(gemini: RunningEmulator, arguments: tuple[str, ...], words: str) -> None:
    assert words in complaint(run(gemini.address, *arguments), 2)
    assert not gemini.calls()
