"""Batch jobs over HTTP, sync and async."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf import json_format
from scripted_grpc_server import Api

from gemwire import genai
from gemwire.genai import errors, types
from gemwire.testing import RunningEmulator, environment

MODEL, EMBEDDER = "gemini-2.5-flash", "gemini-embedding-001"


@pytest.fixture(scope="module")
def running() -> Iterator[RunningEmulator]:
    made = RunningEmulator(http_port=0, frozen_at=1_800_000_000.0)
    yield made
    made.stop()


@pytest.fixture
def gemini(running: RunningEmulator) -> Iterator[RunningEmulator]:
    """An emulator with a frozen clock: a batch job waits until the test advances it."""
    running.reset()
    with environment(running):
        yield running


def poll_until_done(api: Api, batches: Any, name: str) -> Any:
    """Return a batch job when it is done."""
    deadline = time.monotonic() + 20
    while not (job := api(batches.get(name=name))).done:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return job


def created_json(gemini: RunningEmulator, method: str) -> dict[str, Any]:
    """Return the JSON that created a batch job."""
    [call] = gemini.calls(method)
    return json_format.MessageToDict(call.requests[0])


def test_inlined_requests(api: Api, gemini: RunningEmulator) -> None:
    batches = api.genai().batches
    config = types.GenerateContentConfig(
        system_instruction="Be brief.",
        temperature=0.5,
        max_output_tokens=9,
        response_schema={"type": "OBJECT", "properties": {"a": {"type": "STRING"}}},
        thinking_config=types.ThinkingConfig(thinking_level="low"),
    )
    src = [
        types.InlinedRequest(contents="Hello", config=config, metadata={"my_key": "1"}),
        {"contents": [{"role": "user", "parts": [{"text": "And you?"}]}], "model": MODEL},
        {"contents": "x", "model": "gemini-2.0-flash"},
    ]
    job = api(batches.create(model=MODEL, src=src, config={"display_name": "Three"}))
    assert isinstance(job, types.BatchJob)
    assert job.name is not None
    assert job.name.startswith("batches/")
    assert (job.display_name, job.model, job.done) == ("Three", f"models/{MODEL}", False)
    assert job.state is types.JobState.JOB_STATE_PENDING == "JOB_STATE_PENDING"
    assert job.create_time is not None
    assert (job.create_time.tzinfo is not None, job.end_time, job.dest, job.error) == (True, None, None, None)
    body = created_json(gemini, "BatchGenerateContent")
    requests = body["batch"]["inputConfig"]["requests"]["requests"]
    assert requests[0]["metadata"] == {"my_key": "1"}
    assert requests[0]["request"] == {
        "contents": [{"role": "user", "parts": [{"text": "Hello"}]}],
        "systemInstruction": {"role": "user", "parts": [{"text": "Be brief."}]},
        "generationConfig": {
            "temperature": 0.5,
            "maxOutputTokens": 9,
            "responseMimeType": "application/json",
            "responseSchema": {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}},
            "thinkingConfig": {"thinkingLevel": "LOW"},
        },
    }
    assert [one["request"].get("model") for one in requests] == [
        None,
        f"models/{MODEL}",
        "models/gemini-2.0-flash",
    ]
    gemini.advance(5)
    job = poll_until_done(api, batches, job.name)
    assert job.state is types.JobState.JOB_STATE_SUCCEEDED
    assert job.end_time >= job.create_time
    first, second, third = job.dest.inlined_responses
    assert isinstance(first.response, types.GenerateContentResponse)
    assert first.metadata == {"my_key": "1"}
    assert "And you?" in second.response.text
    assert second.response.usage_metadata.prompt_token_count > 0
    assert (third.response, third.error.code) == (None, 3)
    assert "must be" in third.error.message
    assert job.completion_stats == types.CompletionStats(
        successful_count=2, failed_count=1, incomplete_count=0
    )


@pytest.mark.parametrize("form", ["name", "file", "dict", "source"])
def test_requests_from_a_file(api: Api, gemini: RunningEmulator, form: str) -> None:
    resources = api.genai()
    lines = [{"key": str(n), "request": {"contents": [{"parts": [{"text": f"n{n}"}]}]}} for n in range(3)]
    data = "\n".join(map(json.dumps, lines)).encode()
    file = api(resources.files.upload(file=data, config={"mime_type": "application/jsonl"}))
    src = {
        "name": file.name,
        "file": file,
        "dict": {"file_name": file.name},
        "source": types.BatchJobSource(file_name=file.name),
    }[form]
    job = api(resources.batches.create(model=MODEL, src=src))
    assert job.src == types.BatchJobSource(file_name=file.name)
    gemini.advance(5)
    job = poll_until_done(api, resources.batches, job.name)
    assert job.dest.inlined_responses is None
    answers = api(resources.files.download(file=job.dest.file_name)).splitlines()
    assert [json.loads(line)["key"] for line in answers] == ["0", "1", "2"]


def test_embeddings(api: Api, gemini: RunningEmulator) -> None:
    batches = api.genai().batches
    src = types.EmbeddingsBatchJobSource(
        inlined_requests=types.EmbedContentBatch(
            contents=["a", "b"],
            config=types.EmbedContentConfig(output_dimensionality=8, task_type="clustering"),
        )
    )
    job = api(batches.create_embeddings(model=EMBEDDER, src=src, config={"display_name": "Two"}))
    body = created_json(gemini, "AsyncBatchEmbedContent")
    assert body["batch"]["inputConfig"]["requests"]["requests"][0]["request"] == {
        "model": f"models/{EMBEDDER}",
        "content": {"role": "user", "parts": [{"text": "a"}]},
        "outputDimensionality": 8,
        "taskType": "CLUSTERING",
    }
    gemini.advance(5)
    job = poll_until_done(api, batches, job.name)
    assert job.display_name == "Two"
    assert job.dest.inlined_responses is None
    vectors = [one.response.embedding.values for one in job.dest.inlined_embed_content_responses]
    assert [len(vector) for vector in vectors] == [8, 8]
    assert job.dest.inlined_embed_content_responses[0].response.token_count == 1


def test_list(api: Api, gemini: RunningEmulator) -> None:
    batches = api.genai().batches
    names = [api(batches.create(model=MODEL, src=[{"contents": "x"}])).name for _ in range(3)]
    pager = api(batches.list(config={"page_size": 2}))
    assert (pager.name, len(pager), type(pager[0])) == ("batch_jobs", 2, types.BatchJob)
    assert len(api(pager.next_page())) == 1
    assert sorted(job.name for job in api.list(pager)) == sorted(names)


def test_cancel_and_delete(api: Api, gemini: RunningEmulator) -> None:
    batches = api.genai().batches
    name = api(batches.create(model=MODEL, src=[{"contents": "x"}])).name
    assert api(batches.cancel(name=name)) is None
    job = api(batches.get(name=name))
    assert (job.state, job.done, job.error.code) == (types.JobState.JOB_STATE_CANCELLED, True, 1)
    assert api(batches.delete(name=name)).done
    with pytest.raises(errors.ClientError) as caught:
        api(batches.get(name=name))
    assert (caught.value.code, caught.value.status) == (404, "NOT_FOUND")
    fronts = {call.method.rpartition("/")[2]: call.front for call in gemini.calls()}
    assert (fronts["CancelOperation"], fronts["GetOperation"]) == ("grpc", "http")


def test_creation_is_not_retried(api: Api, gemini: RunningEmulator) -> None:
    gemini.fail("UNAVAILABLE", method="BatchGenerateContent", times=1)
    batches = api.genai().batches
    with pytest.raises(errors.ServerError) as caught:
        api(batches.create(model=MODEL, src=[{"contents": "x"}]))
    assert caught.value.code == 503
    gemini.fail("UNAVAILABLE", method="GetOperation", times=1)
    job = api(batches.create(model=MODEL, src=[{"contents": "x"}]))
    assert api(batches.get(name=job.name)).name == job.name


@pytest.mark.parametrize(
    ("src", "kind", "message"),
    [
        ([], ValueError, "src: the list of requests is empty"),
        (None, ValueError, "one of inlined_requests and file_name"),
        (7, TypeError, "src: expected BatchJobSource"),
        ({"inlined_requests": [{"contents": "x"}], "file_name": "files/a"}, ValueError, "one of inlined"),
        (
            {"gcs_uri": ["gs://x"]},
            ValueError,
            "src.gcs_uri: parameter is only supported in Gemini Enterprise",
        ),
        ("bq://x", ValueError, "src.bigquery_uri: parameter is only supported in Gemini Enterprise"),
        ("a-name", ValueError, "src: Unsupported source: 'a-name'; pass requests or a file"),
        ([{"content": "x"}], ValueError, "did you mean 'contents'"),
        ([{"contents": "x"}, {"contents": None}], ValueError, r"^src\[1\]: contents are required"),
        (
            [{"contents": "x", "config": {"temperature": "hot"}}],
            ValueError,
            r"inlined_requests\[0\].config.temperature: ",
        ),
    ],
)
def test_invalid_sources_are_refused(
    api: Api, gemini: RunningEmulator, src: Any, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        api(api.genai().batches.create(model=MODEL, src=src))
    assert not gemini.calls()


def test_a_source_of_vertex_is_named_before_its_model(api: Api, gemini: RunningEmulator) -> None:
    with pytest.raises(ValueError, match="bigquery_uri: parameter is only supported in Gemini Enterprise"):
        api(api.genai().batches.create(model=f"publishers/google/models/{MODEL}", src="bq://x"))
    assert not gemini.calls()


def test_invalid_names_are_refused(api: Api, gemini: RunningEmulator) -> None:
    for name in ("", "a", "a/b", "batches/../x", "batches/a/b"):
        with pytest.raises(ValueError, match=r"is not a name|Invalid batch job name"):
            api(api.genai().batches.get(name=name))
    with pytest.raises(ValueError, match="is not available over gRPC; use a client with transport='rest'"):
        api(api.genai(transport="grpc").batches.get(name="batches/a"))


@pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")
def test_google_genai_reads_the_same_jobs(gemini: RunningEmulator) -> None:
    google: Any = pytest.importorskip("google.genai", reason="google-genai 3 needs Python 3.11")
    warnings.simplefilter("ignore", google._common.ExperimentalWarning)
    theirs = google.Client(api_key="k", http_options={"base_url": gemini.http, "api_version": "v1beta"})
    ours = genai.Client(api_key="k")
    src: list[types.InlinedRequestDict] = [
        {"contents": "Hello", "config": {"temperature": 0.5}, "metadata": {"a": "b"}}
    ]
    made = [c.batches.create(model=MODEL, src=src, config={"display_name": "B"}) for c in (theirs, ours)]
    wanted, found = (json_format.MessageToDict(c.requests[0]) for c in gemini.calls("BatchGenerateContent"))
    assert found == wanted
    embedding: types.EmbeddingsBatchJobSourceDict = {"inlined_requests": {"contents": ["a"]}}
    made += [c.batches.create_embeddings(model=EMBEDDER, src=embedding) for c in (theirs, ours)]
    gemini.advance(5)
    api = Api("sync")
    for job in made:
        assert job.name is not None
        found = poll_until_done(api, ours.batches, job.name)
        wanted = theirs.batches.get(name=job.name)
        for name in ("name", "display_name", "model", "create_time", "end_time", "update_time", "done"):
            assert getattr(found, name) == getattr(wanted, name), name
        assert found.state == wanted.state.value
        for answers in ("inlined_responses", "inlined_embed_content_responses"):
            for got, theirs_ in zip(
                getattr(found.dest, answers) or (), getattr(wanted.dest, answers) or (), strict=True
            ):
                assert got.metadata == theirs_.metadata
                if answers == "inlined_responses":
                    assert got.response.text == theirs_.response.text
                else:
                    assert list(got.response.embedding.values) == pytest.approx(
                        theirs_.response.embedding.values
                    )
                    assert got.response.token_count == theirs_.response.token_count
    listed = [[job.name for job in client.batches.list()] for client in (theirs, ours)]
    assert listed[0] == listed[1]
    theirs.close()
    ours.close()
