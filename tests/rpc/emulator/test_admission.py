"""Faults, quotas and pace: asked for, and the same every time."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Coroutine
from typing import Any

import grpc
import pytest
from emulator_calls import Caller, Refusal, emulator
from eventually import PATIENCE

from gemwire_emulator.admission import FAULT_HEADER, PACE_HEADER, Quota
from gemwire_emulator.engines.canned import Reply
from gemwire_emulator.fault_rules import FaultRule
from gemwire_emulator.latency import PROFILES, LatencyProfile
from gemwire_emulator.prompt_text import iter_texts
from gemwire_proto import v1beta

MODEL = "models/gemini-2.5-flash"
OTHER = "models/gemini-2.5-pro"
NOW = 1_800_000_000.0


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 60))


def fields(model: str = MODEL, text: str = "one two three") -> dict[str, Any]:
    return {"model": model, "contents": [{"parts": [{"text": text}]}]}


async def outcomes(call: Caller, count: int, rpc: str = "CountTokens", **more: Any) -> list[str]:
    """Return the outcomes of some calls, one after another."""
    found = []
    for _ in range(count):
        try:
            await call(rpc, **{**fields(), **more})
            found.append("OK")
        except grpc.aio.AioRpcError as error:
            found.append(error.code().name)
    return found


async def streamed(call: Caller, **more: Any) -> tuple[int, Refusal | None]:
    """Messages of a stream, and how it failed."""
    count = 0
    try:
        async for _ in call.stream("StreamGenerateContent", **more, **fields()):
            count += 1
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.UNAVAILABLE:
            await call.leave_broken()
        return count, Refusal(error)
    return count, None


def test_the_nth_call_fails() -> None:
    async def test() -> None:
        rule = FaultRule.from_json({"method": "CountTokens", "status": "UNAVAILABLE", "nth": 2, "times": 2})
        async with emulator(faults=[rule]) as (running, call):
            assert await outcomes(call, 5) == ["OK", "UNAVAILABLE", "UNAVAILABLE", "OK", "OK"]
            await call("GetModel", name=MODEL)
            assert [e.status for e in running.journal.calls("CountTokens")][:2] == ["OK", "UNAVAILABLE"]

    run(test())


def test_a_fault_may_last_and_be_for_one_model() -> None:
    async def test() -> None:
        rule = FaultRule.from_json(
            {"model": "pro$", "status": "INTERNAL", "times": 0, "message": "pro is ill"}
        )
        async with emulator(faults=[rule]) as (running, call):
            assert await outcomes(call, 3, model=OTHER) == ["INTERNAL"] * 3
            assert await outcomes(call, 1) == ["OK"]
            assert (await call.refused("CountTokens", **fields(OTHER))).message == "pro is ill"
            running.admission.rules.clear()
            assert await outcomes(call, 1, model=OTHER) == ["OK"]
            # A reset is the start again, with the faults that were asked for then.
            running.reset()
            assert await outcomes(call, 2, model=OTHER) == ["INTERNAL"] * 2
            assert (running.admission.rules[0].seen, rule.seen) == (2, 0)

    run(test())


def test_a_fault_may_say_when_to_come_again() -> None:
    async def test() -> None:
        rule = FaultRule.from_json({"status": "RESOURCE_EXHAUSTED", "retry_delay": 1.5})
        async with emulator(faults=[rule]) as (_, call):
            refused = await call.refused("CountTokens", **fields())
            assert refused.details["RetryInfo"].retry_delay.ToMilliseconds() == 1500

    run(test())


@pytest.mark.parametrize("streaming", [False, True])
def test_a_fault_may_be_slow(*, streaming: bool) -> None:
    async def test() -> None:
        rule = FaultRule.from_json({"method": "GenerateContent", "delay": 0.2, "times": 2})
        async with emulator(faults=[rule]) as (_, call):
            began = time.monotonic()
            if streaming:
                assert (await streamed(call))[1] is None
            else:
                await call("GenerateContent", **fields())
            assert 0.2 <= time.monotonic() - began < PATIENCE
            refused = await call.refused("GenerateContent", **fields(), timeout=0.05)
            assert refused.code == "DEADLINE_EXCEEDED"

    run(test())


def test_streams_fail_in_the_middle() -> None:
    async def test() -> None:
        rules = [
            FaultRule.from_json({"method": "Stream", "status": "INTERNAL", "after_messages": 2}),
            FaultRule.from_json({"method": "Stream", "disconnect": True, "after_messages": 3, "nth": 2}),
            FaultRule.from_json({"method": "Stream", "disconnect": True, "nth": 3}),
        ]
        async with emulator(faults=rules) as (running, call):
            whole = [await streamed(call) for _ in range(4)]
            assert [(count, r and r.code) for count, r in whole[:3]] == [
                (2, "INTERNAL"),
                (3, "UNAVAILABLE"),
                (0, "UNAVAILABLE"),
            ]
            count, refused = whole[3]
            assert count > 5
            assert refused is None
            entries = running.journal.calls("StreamGenerateContent")
            assert [e.status for e in entries] == ["INTERNAL", "DISCONNECTED", "DISCONNECTED", "OK"]
            assert [e.messages for e in entries] == [2, 3, 0, count]

    run(test())


def test_a_stream_may_fail_after_its_last_message() -> None:
    async def test() -> None:
        async with emulator() as (running, call):
            count, _ = await streamed(call)
            running.admission.rules.append(
                FaultRule.from_json({"status": "DATA_LOSS", "after_messages": count})
            )
            assert await streamed(call) != (count, None)
            running.admission.rules.append(
                FaultRule.from_json({"status": "DATA_LOSS", "after_messages": count + 1})
            )
            assert await streamed(call) == (count, None)

    run(test())


def test_a_call_may_bring_its_fault() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            metadata = ((FAULT_HEADER, json.dumps({"status": "UNAVAILABLE", "times": 2})),)
            # A retry is the next call of the same fault.
            assert await outcomes(call, 4, metadata=metadata) == ["UNAVAILABLE", "UNAVAILABLE", "OK", "OK"]
            assert await outcomes(call, 2, metadata=metadata, key="another") == ["UNAVAILABLE"] * 2
            middle = ((FAULT_HEADER, json.dumps({"disconnect": True, "after_messages": 1})),)
            count, refused = await streamed(call, metadata=middle)
            assert count == 1
            assert refused is not None
            assert refused.code == "UNAVAILABLE"

    run(test())


@pytest.mark.parametrize(
    "fault",
    [
        "nonsense",
        "[]",
        "5",
        "{}x",
        '{"status": "BAD"}',
        '{"unknown": 1}',
        '{"method": "("}',
        '{"nth": "x"}',
        '{"nth": 0}',
        '{"delay": -1}',
        '{"front": "fax"}',
        '{"goaway": 1}',
        '{"disconnect": "yes"}',
        '{"message": 5, "status": "ABORTED"}',
        '{"status": ["UNAVAILABLE"]}',
        '{"retry_delay": "soon", "status": "UNAVAILABLE"}',
    ],
)
def test_bad_faults_are_refused(fault: str) -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            refused = await call.refused("CountTokens", **fields(), metadata=((FAULT_HEADER, fault),))
            assert (refused.code, refused.fields) == ("INVALID_ARGUMENT", [FAULT_HEADER])

    run(test())


def test_requests_a_minute() -> None:
    async def test() -> None:
        async with emulator(quota=Quota(requests_per_minute=2), frozen_at=NOW) as (running, call):
            assert await outcomes(call, 3) == ["OK", "OK", "RESOURCE_EXHAUSTED"]
            refused = await call.refused("CountTokens", **fields())
            wait = refused.details["RetryInfo"].retry_delay.ToSeconds()
            assert 60 <= wait <= 61
            [violation] = refused.details["QuotaFailure"].violations
            assert violation.subject.endswith("requests_per_minute")
            # Each key has its own.
            assert await outcomes(call, 1, key="another") == ["OK"]
            running.state.clock.advance(wait)
            assert await outcomes(call, 3) == ["OK", "OK", "RESOURCE_EXHAUSTED"]

    run(test())


def test_tokens_a_minute() -> None:
    async def test() -> None:
        async with emulator(quota=Quota(tokens_per_minute=7), frozen_at=NOW) as (running, call):
            assert await outcomes(call, 3) == ["OK", "OK", "RESOURCE_EXHAUSTED"]
            refused = await call.refused("CountTokens", **fields())
            assert refused.details["QuotaFailure"].violations[0].subject.endswith("tokens_per_minute")
            running.state.clock.advance(61)
            assert await outcomes(call, 1) == ["OK"]

    run(test())


def test_every_kind_of_prompt_has_tokens() -> None:
    async def test() -> None:
        text = "one two three"
        content = {"parts": [{"text": text}]}
        embedding = {"model": "models/gemini-embedding-001", "content": content}
        requests: list[tuple[str, dict[str, Any]]] = [
            ("GenerateContent", fields()),
            ("EmbedContent", embedding),
            ("BatchEmbedContents", {"model": embedding["model"], "requests": [embedding]}),
            (
                "GenerateContent",
                {
                    "model": MODEL,
                    "contents": [
                        content,
                        {"parts": [{"function_call": {"name": "f", "args": {"text": "no"}}}]},
                    ],
                },
            ),
            ("GenerateText", {"model": "models/text-bison-001", "prompt": {"text": text}}),
            (
                "GenerateMessage",
                {"model": "models/chat-bison-001", "prompt": {"messages": [{"content": text}]}},
            ),
        ]
        async with emulator(quota=Quota(tokens_per_minute=5), frozen_at=NOW) as (_, call):
            for i, (rpc, request) in enumerate(requests):
                key = f"key {i}"
                await call(rpc, **request, key=key)
                assert (await call.refused(rpc, **request, key=key)).code == "RESOURCE_EXHAUSTED"
                # Other calls cost no tokens.
                await call("GetModel", name=MODEL, key=key)

    run(test())


def test_pace() -> None:
    async def test() -> None:
        async with emulator(pace=LatencyProfile(latency=0.1, first=0.1, between=0.02)) as (running, call):
            first, unary = [], []
            # The least of several: other work on the machine only ever adds.
            for _ in range(5):
                await streamed(call)
                entry = running.journal.calls("StreamGenerateContent")[-1]
                assert entry.first is not None
                assert entry.elapsed is not None
                assert entry.elapsed >= 0.2 + 0.02 * (entry.messages - 1)
                first.append(entry.first)
                began = time.monotonic()
                await call("CountTokens", **fields())
                unary.append(time.monotonic() - began)
            assert 0.2 <= min(first) < 0.5
            assert 0.1 <= min(unary) < 0.5

    run(test())


@pytest.mark.parametrize("after", [0, 3])
def test_silence_in_its_place(after: int) -> None:
    async def test() -> None:
        rule = FaultRule.from_json({"method": "Stream", "delay": 0.3, "after_messages": after})
        async with emulator(faults=[rule]) as (running, call):
            assert (await streamed(call))[1] is None
            times = running.journal.calls()[0].times
            assert [i for i, pause in enumerate(_pauses(times)) if pause >= 0.3] == [after]

    run(test())


def _pauses(times: list[float]) -> list[float]:
    return [now - before for before, now in zip([0.0, *times], times, strict=False)]


def test_faults_for_models_hit_live_sessions() -> None:
    async def live(call: Caller, model: str) -> str:
        session = call.bidi("BidiGenerateContent")
        await session.write(v1beta.BidiGenerateContentClientMessage(setup={"model": model}))
        try:
            await session.read()
        except grpc.aio.AioRpcError as error:
            return str(error.code().name)
        await session.done_writing()
        assert await session.read() is grpc.aio.EOF
        return "OK"

    async def test() -> None:
        rules = [
            FaultRule.from_json({"model": "flash", "status": "UNAVAILABLE", "nth": 2}),
            FaultRule.from_json({"status": "ABORTED", "nth": 4}),
            FaultRule.from_json({"model": ".*", "status": "INTERNAL", "nth": 5}),
        ]
        async with emulator(faults=rules) as (running, call):
            assert await live(call, MODEL) == "OK"
            # Another model is not counted by the one, a second message not by the other.
            assert await live(call, OTHER) == "OK"
            assert await live(call, MODEL) == "UNAVAILABLE"
            assert await live(call, MODEL) == "ABORTED"
            assert await live(call, MODEL) == "OK"
            # The third rule has not counted the call that was ended before its model was known.
            assert [rule.seen for rule in running.admission.rules] == [3, 5, 4]

    run(test())


def test_faults_for_one_way_in() -> None:
    async def test() -> None:
        rules = [
            FaultRule.from_json({"front": "http", "status": "INTERNAL"}),
            FaultRule.from_json({"front": "grpc", "status": "ABORTED"}),
        ]
        async with emulator(faults=rules) as (running, call):
            assert await outcomes(call, 2) == ["ABORTED", "OK"]
            assert [rule.seen for rule in running.admission.rules] == [0, 2]

    run(test())


def test_tokens_a_second() -> None:
    async def test() -> None:
        text = "one two three four " * 5
        replies = [Reply(text, pieces=5)]
        async with emulator(pace=LatencyProfile(first=0.2, tokens_per_second=50), replies=replies) as (
            running,
            call,
        ):
            tokens = running.state.engine.count_tokens([text])
            assert tokens >= 20
            first, last, at_once, counted = [], [], [], []
            # The least of several: other work on the machine only ever adds.
            for _ in range(3):
                await streamed(call)
                await call("GenerateContent", **fields())
                began = time.monotonic()
                await call("CountTokens", **fields())
                counted.append(time.monotonic() - began)
                stream, whole, _ = running.journal.calls()[-3:]
                first.append(stream.times[0])
                last.append(stream.times[-1])
                at_once.append(whole.times[0])
            # The first token is there at once then, and the rest of its message with it.
            rest = sum(running.state.engine.count_tokens(list(iter_texts(m))) for m in stream.responses[1:])
            assert 0.2 <= min(first) < 0.2 + rest / 50
            assert 0.2 + rest / 50 <= min(last) < 0.2 + rest / 50 + 0.5
            assert 0.2 + tokens / 50 <= min(at_once) < 0.2 + tokens / 50 + 0.5
            # What has no text has no pace.
            assert min(counted) < 0.2

    run(test())


def test_a_call_may_bring_its_pace() -> None:
    async def test() -> None:
        async with emulator(pace=LatencyProfile(latency=0.2)) as (running, call):
            for pace, least, most in (
                ('{"first": 0.2}', 0.4, 0.6),
                ("instant", 0, 0.2),
                ('"instant"', 0, 0.2),
                ('{"latency": 0}', 0, 0.2),
            ):
                for _ in range(3):
                    await streamed(call, metadata=((PACE_HEADER, pace),))
                # The least of several: other work on the machine only ever adds.
                assert least <= min(entry.times[0] for entry in running.journal.calls()[-3:]) < most
            await streamed(call)
            assert running.journal.calls()[-1].times[0] >= 0.2

    run(test())


@pytest.mark.parametrize(
    "pace", ["quick", "5", '{"speed": 1}', '{"first": -1}', '{"first": "1"}', '{"first": NaN}']
)
def test_bad_paces_are_refused(pace: str) -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            refused = await call.refused("CountTokens", **fields(), metadata=((PACE_HEADER, pace),))
            assert (refused.code, refused.fields) == ("INVALID_ARGUMENT", [PACE_HEADER])

    run(test())


def test_profiles_differ() -> None:
    speeds = [PROFILES[name].tokens_per_second for name in ("slow", "typical", "fast")]
    assert speeds == sorted(speeds)
    assert LatencyProfile(latency=9).override("fast") == PROFILES["fast"]
    assert PROFILES["fast"].override({"first": 3}).tokens_per_second == PROFILES["fast"].tokens_per_second


def test_the_same_calls_have_the_same_outcome() -> None:
    async def once() -> list[Any]:
        rules = [
            FaultRule.from_json({"status": "INTERNAL", "nth": 2, "times": 1}),
            FaultRule.from_json({"method": "Stream", "status": "ABORTED", "after_messages": 4}),
        ]
        async with emulator(faults=rules, quota=Quota(requests_per_minute=5), seed=5) as (_, call):
            found: list[Any] = await outcomes(call, 3)
            for _ in range(4):
                count, refused = await streamed(call)
                found.append((count, refused and refused.code))
            return found

    first = asyncio.run(once())
    assert first == asyncio.run(once())
    assert {"INTERNAL", (4, "ABORTED")} <= set(first)
    assert first[-1] == (0, "RESOURCE_EXHAUSTED")


def test_secrets_are_not_kept() -> None:
    async def test() -> None:
        async with emulator() as (running, call):
            await call("CountTokens", **fields(), key="very-secret")
            [entry] = running.journal.calls("CountTokens")
            assert "very-secret" not in str(entry.metadata)
            assert entry.metadata["x-goog-api-key"]
            assert entry.requests[0].model == MODEL

    run(test())
