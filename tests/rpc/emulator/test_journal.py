"""The journal: requests and responses, within bounds, and as a file."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from emulator_calls import emulator
from google.protobuf import json_format

from gemwire_emulator.call import Call
from gemwire_emulator.fault_rules import FaultRule
from gemwire_emulator.journal import Journal
from gemwire_proto import v1beta
from gemwire_proto.google.protobuf.struct_pb2 import Value
from gemwire_proto.v1beta import generative_service
from gemwire_runtime.method import Method

MODEL = "models/gemini-2.5-flash"
METHOD: Method[Any, Any] = generative_service.SERVICE.methods["GenerateContent"]


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 60))


def fields(text: str = "one two three") -> dict[str, Any]:
    return {"model": MODEL, "contents": [{"parts": [{"text": text}]}]}


def response(text: str) -> Any:
    return v1beta.GenerateContentResponse(candidates=[{"content": {"parts": [{"text": text}]}}])


def text_of(message: Any) -> str:
    return str(message.candidates[0].content.parts[0].text)


def test_requests_and_answers_are_kept() -> None:
    async def test() -> None:
        async with emulator() as (running, call):
            whole = await call("GenerateContent", **fields())
            pieces = [m async for m in call.stream("StreamGenerateContent", **fields())]
            await call.refused("GenerateContent", model="models/none")
            answered, streamed, refused = running.journal.calls("GenerateContent")
            assert (answered.request.model, answered.response, answered.messages) == (MODEL, whole, 1)
            assert streamed.responses == pieces
            assert streamed.response == pieces[-1]
            assert (streamed.messages, len(streamed.times)) == (len(pieces), len(pieces))
            assert streamed.times == sorted(streamed.times)
            assert (refused.request.model, refused.response, refused.first) == ("models/none", None, None)
            assert refused.failure is not None
            assert refused.status == refused.failure.code.name
            assert answered.front == "grpc"
            assert answered.peer.startswith("ipv4:127.0.0.1:")
            # What one does with a message is done to no other.
            answered.request.model = "changed"
            assert answered.request.model == MODEL

    run(test())


def test_memory_is_bounded() -> None:
    journal = Journal(most=100, most_bytes=1_000_000)
    for number in range(300):
        entry = journal.begin(Call(METHOD, {}), v1beta.GenerateContentRequest(**fields("x" * 20_000)))
        entry.record_response(response(str(number)))
        entry.end("OK")
    kept = journal.calls()
    assert len(kept) < 50
    assert kept[-1].number == 300
    assert sum(entry.size for entry in kept) <= 1_000_000
    for _ in range(200):
        journal.begin(Call(METHOD, {}), None)
    assert len(journal.calls()) == 100


def test_one_long_call_does_not_take_it_all() -> None:
    journal = Journal(most_bytes=400_000)
    for entry in (journal.begin(Call(METHOD, {}), None), journal.begin(Call(METHOD, {}), None)):
        for _ in range(1000):
            entry.record_request(v1beta.GenerateContentRequest(model="x" * 400))
            entry.record_response(response("x" * 600))
        entry.end("OK")
    # The beginning of it is there, and how much there was; and it has not pushed out the other.
    assert len(journal.calls()) == 2
    for entry in journal.calls():
        assert (entry.messages, entry.complete) == (1000, False)
        assert 50 < len(entry.responses) < 120
        assert len(entry.times) == len(entry.responses)
        assert entry.size <= 100_000
    # Nor does one that is forgotten while it goes on.
    gone = journal.begin(Call(METHOD, {}), None)
    journal.clear()
    for _ in range(10):
        gone.record_response(response("x"))
    assert (gone.responses, gone.messages, journal.calls()) == ([], 10, [])


def test_it_is_written_to_a_file(tmp_path: Path) -> None:
    async def test() -> list[dict[str, Any]]:
        rules = [
            FaultRule.from_json({"model": "pro", "status": "ABORTED", "message": "no", "retry_delay": 1})
        ]
        async with emulator(journal=tmp_path / "calls", faults=rules) as (running, call):
            secret = (("authorization", "Bearer secret"), ("binary-bin", "x"))
            await call("GenerateContent", **fields(), key="secret", metadata=secret[:1])
            await call.refused("CountTokens", **{**fields(), "model": "models/gemini-2.5-pro"})
            [entry] = running.journal.calls("GenerateContent")
            assert text_of(entry.response).startswith("Emulated")
            # Written at once, and what a reset makes the emulator forget stays written.
            running.reset()
            return [json.loads(line) for line in (tmp_path / "calls").read_text().splitlines()]

    async def again() -> None:
        async with emulator(journal=tmp_path / "calls") as (_, call):
            await call("GetModel", name=MODEL)

    answered, refused = asyncio.run(test())
    assert answered["method"] == "google.ai.generativelanguage.v1beta.GenerativeService/GenerateContent"
    assert answered["requests"][0]["contents"][0]["parts"] == [{"text": "one two three"}]
    assert answered["responses"][0]["candidates"][0]["finishReason"] == "STOP"
    assert (answered["status"], answered["number"], len(answered["times"])) == ("OK", 1, 1)
    assert "secret" not in json.dumps(answered)
    assert answered["metadata"]["authorization"] == answered["metadata"]["x-goog-api-key"] == "…"
    assert (refused["status"], refused["failure"]["message"], refused["responses"]) == ("ABORTED", "no", [])
    assert refused["failure"]["details"] == [{"retryDelay": "1s"}]
    asyncio.run(again())
    assert len((tmp_path / "calls").read_text().splitlines()) == 3


def test_operations_have_json_as_well(tmp_path: Path) -> None:
    async def test() -> None:
        async with emulator(journal=tmp_path / "calls") as (_, call):
            prompt = json_format.ParseDict({"prompt": "a"}, Value())
            await call("PredictLongRunning", model="models/veo-2.0-generate-001", instances=[prompt])

    run(test())
    [line] = (tmp_path / "calls").read_text().splitlines()
    [operation] = json.loads(line)["responses"]
    assert operation["name"].startswith("models/veo")
    assert operation["metadata"]["@type"].endswith("PredictLongRunningMetadata")
