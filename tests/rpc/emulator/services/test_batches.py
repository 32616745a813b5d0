"""Batches: created over HTTP, processed in the background, observed over HTTP and gRPC."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from emulator_process import Answer, Process, ask
from eventually import comes

from gemwire.testing import RunningEmulator, emulator
from gemwire_emulator.engines.base import Delta
from gemwire_emulator.engines.instant import InstantEngine
from gemwire_emulator.services import batch_lines, batches
from gemwire_emulator.store import Store
from gemwire_proto import v1beta
from gemwire_proto.google.longrunning import operations_pb2
from gemwire_proto.google.protobuf import any_pb2, struct_pb2
from gemwire_proto.longrunning import operations
from gemwire_proto.v1beta import generative_service

MODEL, EMBEDDER = "models/gemini-2.5-flash", "models/gemini-embedding-001"
NOW = 1_800_000_000.0


class Gated(InstantEngine):
    """Answers when it is let; notes what it is asked.

    Attributes:
        latch: Set to let it answer.
        asked: Prompts, in the order in which they came.
        most: Most of them at a time.
        cancelled: How many were given up.
    """

    def __init__(self) -> None:
        super().__init__()
        self.latch = threading.Event()
        self.asked: list[str] = []
        self.now = self.most = self.cancelled = 0

    async def generate(self, request: Any) -> AsyncGenerator[Delta, None]:
        self.asked.append(request.contents[-1].parts[0].text)
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            while not self.latch.is_set():  # noqa: ASYNC110 - a test sets it, from its own thread
                await asyncio.sleep(0.005)
            async for delta in super().generate(request):
                yield delta
        except (asyncio.CancelledError, GeneratorExit):
            self.cancelled += 1
            raise
        finally:
            self.now -= 1


@pytest.fixture(scope="module")
def running() -> Iterator[RunningEmulator]:
    with emulator(http_port=0, frozen_at=NOW) as made:
        yield made


@pytest.fixture
def gemini(running: RunningEmulator) -> RunningEmulator:
    """An emulator whose time stands still: a batch waits until a test lets a second pass."""
    running.reset()
    return running


@pytest.fixture
def gated() -> Iterator[tuple[RunningEmulator, Gated]]:
    engine = Gated()
    with emulator(http_port=0, frozen_at=NOW, engine=engine) as made:
        yield made, engine


def prompt(text: str) -> dict[str, Any]:
    return {"contents": [{"parts": [{"text": text}]}]}


def begin(gemini: RunningEmulator, batch: dict[str, Any], verb: str = "batchGenerateContent") -> Answer:
    model = EMBEDDER if "Embed" in verb else MODEL
    return ask(gemini.http, "POST", f"/v1beta/{model}:{verb}", {"batch": batch}, "k")


def inline(*requests: Any, **more: Any) -> dict[str, Any]:
    return {"inputConfig": {"requests": {"requests": list(requests)}}, **more}


def begun(gemini: RunningEmulator, batch: dict[str, Any], verb: str = "batchGenerateContent") -> str:
    answer = begin(gemini, batch, verb)
    assert answer.status == 200, answer.body
    name: str = answer.json["name"]
    return name


def get(gemini: RunningEmulator | Process, name: str, key: str = "k") -> Any:
    return ask(gemini.http, "GET", f"/v1beta/{name}", None, key).json


def ended(gemini: RunningEmulator | Process, name: str) -> Any:
    assert comes(lambda: get(gemini, name).get("done"), within=60)
    return get(gemini, name)


def upload(gemini: RunningEmulator | Process, data: bytes) -> str:
    headers = {"x_goog_upload_protocol": "raw"}
    name: str = ask(gemini.http, "POST", "/upload/v1/files", data, "k", **headers).json["file"]["name"]
    return name


def results(gemini: RunningEmulator | Process, batch: Any) -> list[Any]:
    """Return the lines of the file with the responses."""
    name = batch["response"]["responsesFile"]
    assert batch["metadata"]["output"] == {"responsesFile": name}
    answer = ask(gemini.http, "GET", f"/v1beta/{name}:download?alt=media", None, "k")
    assert answer.status == 200
    return [json.loads(line) for line in answer.body.splitlines()]


def given(batch: Any) -> list[Any]:
    """Return the inlined responses of a batch."""
    answers: list[Any] = batch["response"]["inlinedResponses"]["inlinedResponses"]
    return answers


def stored(gemini: RunningEmulator) -> int:
    directory = gemini._emulator.state.blobs.path("")
    return len(list(directory.iterdir())) if directory.is_dir() else 0


def test_requests_in_the_request(gemini: RunningEmulator) -> None:
    answer = begin(
        gemini,
        inline(
            {"request": prompt("One"), "metadata": {"of": "first"}},
            {"request": {**prompt("Two"), "model": MODEL, "generation_config": {"maxOutputTokens": 3.0}}},
            display_name="Mine",
        ),
    )
    name, told = answer.json["name"], answer.json["metadata"]
    assert "done" not in answer.json
    assert told["@type"].endswith(".GenerateContentBatch")
    assert (told["name"], told["model"], told["displayName"]) == (name, MODEL, "Mine")
    assert told["state"] == "BATCH_STATE_PENDING"
    assert told["batchStats"] == {"requestCount": "2", "pendingRequestCount": "2"}
    assert told["createTime"] == told["updateTime"] == "2027-01-15T08:00:00Z"
    assert get(gemini, name) == answer.json
    gemini.advance(1)
    batch = ended(gemini, name)
    told = batch["metadata"]
    assert told["state"] == "BATCH_STATE_SUCCEEDED"
    assert told["batchStats"] == {"requestCount": "2", "successfulRequestCount": "2"}
    assert told["endTime"] == told["updateTime"] == "2027-01-15T08:00:01Z"
    assert batch["response"]["@type"].endswith(".GenerateContentBatchOutput")
    assert batch["response"]["inlinedResponses"] == told["output"]["inlinedResponses"]
    first, second = given(batch)
    assert first["metadata"] == {"of": "first"}
    assert "One" in first["response"]["candidates"][0]["content"]["parts"][0]["text"]
    assert second["response"]["candidates"][0]["finishReason"] == "MAX_TOKENS"
    # As a call by itself would be answered.
    alone = ask(gemini.http, "POST", f"/v1beta/{MODEL}:generateContent", prompt("One"), "k").json
    assert alone["candidates"] == first["response"]["candidates"]


def test_bad_requests_fail_alone(gemini: RunningEmulator) -> None:
    bad: list[Any] = [
        {},
        {"metadata": {"number": "3"}},
        {"request": {"contents": []}},
        {"request": {"contents": [{"role": "smoke", "parts": [{"text": "a"}]}]}},
        {"request": {**prompt("a"), "model": "models/other"}},
    ]
    name = begun(gemini, inline({"request": prompt("a")}, *bad, {"request": prompt("b")}))
    gemini.advance(1)
    batch = ended(gemini, name)
    first, *middle, last = given(batch)
    assert "response" in first
    assert "response" in last
    assert [one["error"]["code"] for one in middle] == [3] * len(bad)
    assert middle[1]["metadata"] == {"number": "3"}
    assert "contents[0].role" in middle[3]["error"]["message"]
    told = batch["metadata"]
    assert told["state"] == "BATCH_STATE_SUCCEEDED"
    stats = {"requestCount": "7", "successfulRequestCount": "2", "failedRequestCount": "5"}
    assert told["batchStats"] == stats


def test_requests_in_a_file(gemini: RunningEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_lines, "_MAX_LINE", 1000)
    lines = [
        json.dumps({"key": "a", "request": prompt("One")}),
        "",
        "{no JSON",
        '"no object"',
        '{"key": "none", "request": "none"}',
        '{"metadata": {"number": "3"}, "request": {"contents": 5}}',
        json.dumps({"key": "long", "request": prompt("x" * 3000)}),
        json.dumps({"key": "b", "metadata": {"c": "d"}, "request": prompt("Two")}),
    ]
    file = upload(gemini, "\n".join(lines).encode())
    name = begun(gemini, {"input_config": {"file_name": file}})
    # The batch has its own by now.
    ask(gemini.http, "DELETE", f"/v1beta/{file}", None, "k")
    assert get(gemini, name)["metadata"]["inputConfig"] == {"fileName": file}
    gemini.advance(1)
    batch = ended(gemini, name)
    stats = {"requestCount": "7", "successfulRequestCount": "2", "failedRequestCount": "5"}
    assert batch["metadata"]["batchStats"] == stats
    first, *bad, long, last = results(gemini, batch)
    assert (first["key"], last["key"], last["metadata"]) == ("a", "b", {"c": "d"})
    assert "Two" in last["response"]["candidates"][0]["content"]["parts"][0]["text"]
    assert [one["error"]["code"] for one in (*bad, long)] == [3] * 5
    assert [one.get("key") for one in bad] == [None, None, "none", None]
    assert bad[3]["metadata"] == {"number": "3"}
    made = get(gemini, batch["response"]["responsesFile"])
    assert (made["source"], made["mimeType"]) == ("GENERATED", "application/jsonl")
    assert made["name"].removeprefix("files/").isalnum()
    # Of requests and answers, only the file is left.
    assert stored(gemini) == 1


@pytest.mark.parametrize("by_file", [False, True])
def test_embeddings(gemini: RunningEmulator, *, by_file: bool) -> None:
    requests: list[dict[str, Any]] = [
        {"request": {"content": {"parts": [{"text": text}]}, "outputDimensionality": 3}}
        for text in ("one two", "three")
    ]
    if by_file:
        file = upload(gemini, b"\n".join(json.dumps(r).encode() for r in requests))
        batch = {"inputConfig": {"fileName": file}}
    else:
        batch = inline(*requests)
    name = begun(gemini, batch, "asyncBatchEmbedContent")
    gemini.advance(1)
    done = ended(gemini, name)
    assert done["metadata"]["@type"].endswith(".EmbedContentBatch")
    answers = results(gemini, done) if by_file else given(done)
    for asked, answer in zip(requests, answers, strict=True):
        target = f"/v1beta/{EMBEDDER}:embedContent"
        alone = ask(gemini.http, "POST", target, asked["request"], "k").json
        # The same numbers of 32 bits, with seven or nine digits.
        values, expected = (one["embedding"]["values"] for one in (answer["response"], alone))
        assert values == pytest.approx(expected, rel=1e-6)
    assert [answer["response"]["tokenCount"] for answer in answers] == ["2", "1"]


@pytest.mark.parametrize(
    ("batch", "field"),
    [
        ({}, "batch.input_config"),
        ({"inputConfig": []}, "batch"),
        ({"inputConfig": {}}, "batch.input_config"),
        (inline(), "batch.input_config.requests.requests"),
        ({"inputConfig": {"fileName": "notes"}}, "batch.input_config.file_name"),
        (inline({}, displayName="x" * 513), "batch.display_name"),
    ],
)
def test_bad_batches_are_refused(gemini: RunningEmulator, batch: dict[str, Any], field: str) -> None:
    refused = begin(gemini, batch)
    assert refused.error == (400, "INVALID_ARGUMENT")
    [violation] = refused.json["error"]["details"][0]["fieldViolations"]
    assert violation["field"] == field
    assert get(gemini, "batches") == {}
    assert stored(gemini) == 0


@pytest.mark.parametrize(
    ("batch", "field"),
    [
        ({"inputConfig": {"requests": {"requests": [{}]}, "fileName": "files/a"}}, "oneof field 'source'"),
        ({"inputConfig": {"requests": 5}}, "'batch.input_config.requests' ("),
        ({"inputConfig": {"fileName": 5}}, "'batch.input_config.file_name' (TYPE_STRING), 5"),
        (inline("no object"), "'batch.input_config.requests.requests[0]' ("),
        (inline({"request": "none"}), "requests[0].request' ("),
        (inline({"key": "a"}), "Unknown name \"key\" at 'batch.input_config.requests.requests[0]'"),
        (inline({"request": {"contents": 5}}), "requests[0].request.contents[0]' ("),
        (inline({}, displayName=5), "'batch.display_name' (TYPE_STRING), 5"),
        (inline({}, priority="high"), "'batch.priority' (TYPE_INT64), \"high\""),
        (inline({}, priority=[]), "Unknown name \"priority\" at 'batch': Proto field is not repeating"),
    ],
)
def test_json_of_another_type_is_refused(gemini: RunningEmulator, batch: dict[str, Any], field: str) -> None:
    refused = begin(gemini, batch)
    assert refused.error == (400, "INVALID_ARGUMENT")
    message = refused.json["error"]["message"]
    assert field in message
    assert get(gemini, "batches") == {}
    assert stored(gemini) == 0


def test_other_refusals(gemini: RunningEmulator) -> None:
    target = f"/v1beta/{MODEL}:batchGenerateContent"
    for body in (b"", b"[]", b"{", b"5"):
        assert ask(gemini.http, "POST", target, body, "k").error == (400, "INVALID_ARGUMENT")
    assert ask(gemini.http, "GET", target, None, "k").error == (404, "NOT_FOUND")
    assert ask(gemini.http, "POST", target.replace("v1beta", "v9"), {}, "k").error == (404, "NOT_FOUND")
    one = {"batch": inline({"request": prompt("a")})}
    for model in ("models/none", EMBEDDER):
        target = f"/v1beta/{model}:batchGenerateContent"
        assert ask(gemini.http, "POST", target, one, "k").error == (404, "NOT_FOUND")
    assert begin(gemini, {"inputConfig": {"fileName": "files/none"}}).error == (403, "PERMISSION_DENIED")
    made = ask(gemini.http, "POST", "/v1beta/files", {"file": {"name": "files/bare"}}, "k")
    assert made.status == 200
    refused = begin(gemini, {"inputConfig": {"fileName": "files/bare"}})
    assert refused.error == (400, "FAILED_PRECONDITION")
    for verb, path in (("GET", ""), ("DELETE", ""), ("POST", ":cancel")):
        assert ask(gemini.http, verb, f"/v1beta/batches/none{path}", None, "k").error == (404, "NOT_FOUND")


def test_a_file_without_requests_fails(gemini: RunningEmulator) -> None:
    name = begun(gemini, {"inputConfig": {"fileName": upload(gemini, b"\n\n")}})
    gemini.advance(1)
    batch = ended(gemini, name)
    assert (batch["metadata"]["state"], batch["error"]["code"]) == ("BATCH_STATE_FAILED", 3)
    assert "response" not in batch


def test_lists(gemini: RunningEmulator) -> None:
    names = [begun(gemini, inline({"request": prompt(str(i))})) for i in range(5)]
    listed = get(gemini, "batches")
    assert [one["name"] for one in listed["operations"]] == names
    assert "nextPageToken" not in listed
    page = get(gemini, "batches?pageSize=3")
    assert [one["name"] for one in page["operations"]] == names[:3]
    page = get(gemini, f"batches?pageSize=3&pageToken={page['nextPageToken']}")
    assert [one["metadata"]["state"] for one in page["operations"]] == ["BATCH_STATE_PENDING"] * 2
    assert get(gemini, "batches", key="other") == {}
    assert ask(gemini.http, "GET", f"/v1beta/{names[0]}", None, "other").error == (404, "NOT_FOUND")
    gemini.advance(1)
    for name in names:
        ended(gemini, name)
    assert len(get(gemini, "batches?filter=done=true")["operations"]) == 5
    assert get(gemini, "batches?filter=done=false") == {}


def test_cancel(gated: tuple[RunningEmulator, Gated]) -> None:
    gemini, engine = gated
    waits, works = (begun(gemini, inline(*[{"request": prompt(n)}] * 9)) for n in ("a", "b"))
    target = f"/v1beta/{waits}:cancel"
    assert ask(gemini.http, "POST", target, {}, "k").json == {}
    gemini.advance(1)
    assert comes(lambda: engine.now == 4)
    assert get(gemini, works)["metadata"]["state"] == "BATCH_STATE_RUNNING"
    ask(gemini.http, "POST", f"/v1beta/{works}:cancel", None, "k")
    for name in (waits, works):
        batch = get(gemini, name)
        assert batch["metadata"]["state"] == "BATCH_STATE_CANCELLED"
        assert batch["metadata"]["endTime"]
        assert (batch["done"], batch["error"]["code"]) == (True, 1)
    assert comes(lambda: engine.cancelled == 4)
    assert stored(gemini) == 0
    engine.latch.set()
    # What is done stays as it is.
    done = begun(gemini, inline({"request": prompt("c")}))
    gemini.advance(1)
    before = ended(gemini, done)
    assert engine.asked == [*["b"] * 4, "c"]
    ask(gemini.http, "POST", f"/v1beta/{done}:cancel", {}, "k")
    assert get(gemini, done) == before


def test_delete(gated: tuple[RunningEmulator, Gated]) -> None:
    gemini, engine = gated
    name = begun(gemini, inline(*[{"request": prompt("a")}] * 9))
    gemini.advance(1)
    assert comes(lambda: engine.now == 4)
    assert ask(gemini.http, "DELETE", f"/v1beta/{name}", None, "k").json == {}
    assert ask(gemini.http, "GET", f"/v1beta/{name}", None, "k").error == (404, "NOT_FOUND")
    assert comes(lambda: engine.cancelled == 4)
    assert stored(gemini) == 0
    engine.latch.set()
    name = begun(gemini, inline({"request": prompt("b")}))
    gemini.advance(1)
    ended(gemini, name)
    ask(gemini.http, "DELETE", f"/v1beta/{name}", None, "k")
    assert stored(gemini) == 0


def test_too_old(gated: tuple[RunningEmulator, Gated]) -> None:
    gemini, engine = gated
    name = begun(gemini, inline({"request": prompt("a")}))
    gemini.advance(1)
    assert comes(lambda: engine.now == 1)
    gemini.advance(48 * 3600)
    batch = ended(gemini, name)
    assert (batch["metadata"]["state"], batch["error"]["code"]) == ("BATCH_STATE_EXPIRED", 4)
    assert comes(lambda: engine.cancelled == 1)


def test_so_many_at_a_time(gated: tuple[RunningEmulator, Gated]) -> None:
    gemini, engine = gated
    names = [begun(gemini, inline(*[{"request": prompt(text)}] * 20)) for text in "abcde"]
    gemini.advance(1)
    assert comes(lambda: engine.now == 8)
    assert len(set(engine.asked)) == 2
    engine.latch.set()
    for name in names:
        ended(gemini, name)
    assert engine.most == 8


def test_the_urgent_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "_MAX_BATCHES", 1)
    engine = Gated()
    with emulator(http_port=0, frozen_at=NOW, engine=engine) as gemini:
        names = []
        for text, priority in {"a": 0, "b": 0, "c": "-1", "d": 0, "e": "7"}.items():
            names.append(begun(gemini, inline({"request": prompt(text)}, priority=priority)))
            if text == "a":
                # This one is being worked on when the others come.
                gemini.advance(1)
                assert comes(lambda: engine.now == 1)
        gemini.advance(1)
        assert comes(lambda: len(gemini._emulator._batches._semaphore._waiting) == 4)
        # One that is cancelled while it waits lets the others pass.
        ask(gemini.http, "POST", f"/v1beta/{names[1]}:cancel", {}, "k")
        engine.latch.set()
        for name in names:
            ended(gemini, name)
        assert engine.asked == ["a", "e", "d", "c"]
        assert get(gemini, names[4])["metadata"]["priority"] == "7"


def test_reset_ends_them(gated: tuple[RunningEmulator, Gated]) -> None:
    gemini, engine = gated
    for _ in range(3):
        begun(gemini, inline(*[{"request": prompt("a")}] * 9))
    gemini.advance(1)
    assert comes(lambda: engine.now == 8)
    gemini.reset()
    assert comes(lambda: engine.now == 0)
    assert stored(gemini) == 0
    assert get(gemini, "batches") == {}
    engine.latch.set()
    name = begun(gemini, inline({"request": prompt("a")}))
    gemini.advance(1)
    assert ended(gemini, name)["metadata"]["state"] == "BATCH_STATE_SUCCEEDED"


def test_faults_and_the_journal(gemini: RunningEmulator) -> None:
    gemini.fail("RESOURCE_EXHAUSTED", method="BatchGenerateContent")
    one = inline({"request": prompt("a")}, displayName="Mine")
    assert begin(gemini, one).error == (429, "RESOURCE_EXHAUSTED")
    name = begun(gemini, one)
    calls = gemini.calls("GenerativeService/BatchGenerateContent")
    assert [call.status for call in calls] == ["RESOURCE_EXHAUSTED", "OK"]
    assert calls[1].requests[0].batch.display_name == "Mine"
    assert calls[1].requests[0].model == MODEL
    assert calls[1].responses[0].name == name


def test_canned_replies_and_files_are_for_batches_too(gemini: RunningEmulator) -> None:
    gemini.reply("Blue.", match="sky")
    name = begun(gemini, inline({"request": prompt("The sky?")}))
    gemini.advance(1)
    [answer] = given(ended(gemini, name))
    assert answer["response"]["candidates"][0]["content"]["parts"][0]["text"] == "Blue."


def test_over_grpc(gemini: RunningEmulator) -> None:
    name = begun(gemini, inline({"request": prompt("a")}))
    methods = operations.SERVICE.methods
    with grpc.insecure_channel(gemini.address) as channel:

        def call(rpc: str, **fields: Any) -> Any:
            method = methods[rpc]
            stub = channel.unary_unary(
                method.path,
                request_serializer=method.request.SerializeToString,
                response_deserializer=method.response.FromString,
            )
            return stub(method.request(**fields), metadata=(("x-goog-api-key", "k"),), timeout=10)

        pending = call("GetOperation", name=name)
        assert isinstance(pending, operations_pb2.Operation)
        batch = v1beta.GenerateContentBatch()
        assert pending.metadata.Unpack(batch)
        assert batch.state == v1beta.BatchState.BATCH_STATE_PENDING
        gemini.advance(1)
        done = call("WaitOperation", name=name)
        assert done.done
        output = v1beta.GenerateContentBatchOutput()
        assert call("GetOperation", name=name).response.Unpack(output)
        [answer] = output.inlined_responses.inlined_responses
        assert answer.response.candidates[0].finish_reason == v1beta.Candidate.FinishReason.STOP
        assert [one.name for one in call("ListOperations", name="batches").operations] == [name]
        assert not call("ListOperations", name="operations").operations
        call("CancelOperation", name=name)
        call("DeleteOperation", name=name)
        assert not call("ListOperations", name="batches").operations


def test_they_are_not_created_over_grpc(gemini: RunningEmulator) -> None:
    method = generative_service.SERVICE.methods["BatchGenerateContent"]
    assert method.http_only
    with grpc.insecure_channel(gemini.address) as channel:
        call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method.path)
        with pytest.raises(grpc.RpcError) as caught:
            call(b"", timeout=10)
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_state_file_of_an_older_version_is_read(tmp_path: Path) -> None:
    """Before they had protos, batches were Structs."""

    def pack(fields: dict[str, Any]) -> Any:
        struct, packed = struct_pb2.Struct(), any_pb2.Any()
        struct.update(fields)
        packed.Pack(struct)
        return packed

    path = tmp_path / "state"
    kind = "type.googleapis.com/google.ai.generativelanguage.v1beta.GenerateContentBatch"
    told = {
        "@type": kind,
        "name": "batches/old",
        "model": MODEL,
        "createTime": "2027-01-15T08:00:00Z",
        "updateTime": "2027-01-15T08:00:01Z",
        "inputConfig": {"fileName": "files/x"},
        "batchStats": {"requestCount": "2", "successfulRequestCount": "2"},
        "priority": "7",
    }
    output = {"responsesFile": "files/batchold"}
    store = Store(path)
    extra = json.dumps({"contents": ["", ""], "inline": False, "kind": "generate", "model": MODEL})
    done = operations_pb2.Operation(
        name="batches/old",
        done=True,
        metadata=pack({**told, "state": "BATCH_STATE_SUCCEEDED", "output": output}),
        response=pack({"@type": f"{kind}Output", **output}),
    )
    store.put("k", "batches/old", done, extra=extra)
    store.close()
    with emulator(http_port=0, frozen_at=NOW, state=path) as gemini:
        batch = get(gemini, "batches/old")
        assert batch["metadata"] == {**told, "state": "BATCH_STATE_SUCCEEDED", "output": output}
        assert batch["response"] == {"@type": f"{kind}Output", **output}
        assert get(gemini, "batches")["operations"] == [batch]


def test_kill_9_loses_and_repeats_nothing(tmp_path: Path) -> None:
    count, state = 3000, str(tmp_path / "state")
    lines = [json.dumps({"key": str(i), "request": prompt(f"Number {i}")}).encode() for i in range(count)]
    first = Process("--state", state)
    try:
        name = ask(
            first.http,
            "POST",
            f"/v1/{MODEL}:batchGenerateContent",
            {"batch": {"inputConfig": {"fileName": upload(first, b"\n".join(lines))}}},
            "k",
        ).json["name"]

        def answered() -> int:
            stats = get(first, name)["metadata"].get("batchStats", {})
            return int(stats.get("successfulRequestCount", 0))

        assert comes(lambda: answered() > 100)
        told = answered()
        assert told < count
    finally:
        first.kill()
    kept = max(
        (p.read_bytes() for p in Path(f"{state}.files").iterdir() if b'"response"' in p.read_bytes()), key=len
    )
    whole = kept[: kept.rfind(b"\n") + 1]
    assert whole.count(b"\n") >= told
    # As if the kill had come in the midst of a line.
    [target] = [p for p in Path(f"{state}.files").iterdir() if p.read_bytes() == kept]
    target.write_bytes(whole + b'{"key": "x", "resp')
    second = Process("--state", state)
    try:
        batch = ended(second, name)
        assert batch["metadata"]["batchStats"] == {"requestCount": "3000", "successfulRequestCount": "3000"}
        result = batch["response"]["responsesFile"]
        answer = ask(second.http, "GET", f"/v1/{result}:download?alt=media", None, "k").body
        assert answer.startswith(whole)
        assert [json.loads(line)["key"] for line in answer.splitlines()] == [str(i) for i in range(count)]
    finally:
        second.kill()
