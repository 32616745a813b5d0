"""Control headers and settings that would bring an emulator down: it answers them, and everybody else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

import grpc
import pytest
from emulator_calls import emulator

from gemwire_emulator.engines.canned import Reply
from gemwire_emulator.fault_rules import FaultRule
from gemwire_emulator.patterns import check_pattern, matches

MODEL = "models/gemini-2.5-flash"
#: Matches nothing, in a time that doubles with every character, or not at all.
CATASTROPHE = "^(([a-z.0-9A-Z/])+)+$!"


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 60))


@pytest.mark.parametrize(
    ("header", "value", "code"),
    [
        ("x-emulator-fault", f'{{"method":"{CATASTROPHE}","status":"ABORTED"}}', "OK"),
        ("x-emulator-fault", f'{{"model":"{CATASTROPHE}","status":"ABORTED"}}', "OK"),
        ("x-emulator-fault", '{"method":"^.*(Get|Set)Model$","status":"ABORTED"}', "ABORTED"),
        ("x-emulator-fault", '{"method":"(?=a)","status":"ABORTED"}', "INVALID_ARGUMENT"),
        ("x-emulator-fault", '{"method":"((a{100}){100}){100}","status":"ABORTED"}', "INVALID_ARGUMENT"),
        ("x-emulator-fault", '{"method":["a"]}', "INVALID_ARGUMENT"),
        ("x-emulator-fault", "[" * 7000, "INVALID_ARGUMENT"),
        ("x-emulator-fault", '{"delay": ' * 700, "INVALID_ARGUMENT"),
        ("x-emulator-fault", '{"status":"ABORTED","retry_delay":1e300}', "INVALID_ARGUMENT"),
        ("x-emulator-fault", '{"delay":1' + "0" * 400 + "}", "INVALID_ARGUMENT"),
        ("x-emulator-fault", '{"nth":' + "9" * 5000 + "}", "INVALID_ARGUMENT"),
        ("x-emulator-pace", "[" * 7000, "INVALID_ARGUMENT"),
        ("x-emulator-pace", '{"first":' * 800, "INVALID_ARGUMENT"),
        ("x-emulator-pace", '{"first":1' + "0" * 400 + "}", "INVALID_ARGUMENT"),
        ("x-emulator-pace", '{"first":NaN}', "INVALID_ARGUMENT"),
    ],
    ids=range(15),
)
def test_a_header_of_a_call(header: str, value: str, code: str) -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            began = time.monotonic()
            told = ("OK", "")
            try:
                await call("GetModel", name=MODEL, metadata=((header, value),))
            except grpc.aio.AioRpcError as error:
                told = (error.code().name, str(error.details()))
            assert told[0] == code
            assert header in told[1] or code != "INVALID_ARGUMENT"
            await call("GetModel", name=MODEL)
            assert time.monotonic() - began < 5

    run(test())


def test_rules_of_headers_do_not_pile_up() -> None:
    async def test() -> None:
        async with emulator() as (running, call):
            running.admission._header_rules = {("", str(number)): FaultRule() for number in range(10_000)}
            for number in range(3):
                fault = (("x-emulator-fault", f'{{"status": "ABORTED", "nth": {number + 1}}}'),)
                for _ in range(number):
                    await call("GetModel", name=MODEL, metadata=fault)
                with pytest.raises(grpc.aio.AioRpcError, match="injected fault"):
                    await call("GetModel", name=MODEL, metadata=fault)
            assert len(running.admission._header_rules) <= 10_001
            assert ("", "0") not in running.admission._header_rules

    run(test())


def test_patterns_are_regular_expressions_in_linear_time() -> None:
    name = "google.ai.generativelanguage.v1beta.GenerativeService/GenerateContent"
    for found in (
        "",
        "Generate",
        "GenerateContent$",
        "^google",
        "(Stream|Generate)Content",
        "v1beta[.]",
        "(?i)GEN",
    ):
        assert matches(found, name), found
    for other in ("generate", "^Generate", "Content.$", CATASTROPHE):
        assert not matches(other, name), other
    began = time.monotonic()
    assert not Reply("x", match="(a+)+$").matches("a" * 100_000 + "b", MODEL)
    assert time.monotonic() - began < 5
    for wrong in ("(", "\\1", "(?=a)", "\ud800", 5, None):
        with pytest.raises(ValueError, match=r"^method: "):
            check_pattern("method", wrong)


def test_the_clock_stays_in_the_calendar() -> None:
    async def test() -> None:
        async with emulator() as (running, call):
            clock, century = running.state.clock, 100 * 366 * 86400
            for _ in range(78):
                clock.advance(century)
            assert clock.datetime().year > 9800
            with pytest.raises(ValueError, match="leads beyond the year 9899"):
                clock.advance(century)
            for wrong in (float("nan"), float("inf"), 1e300):
                with pytest.raises(ValueError, match="seconds: "):
                    clock.advance(wrong)
            # Everything that has a time can still be made.
            corpus = await call("CreateCorpus", corpus={})
            assert corpus.create_time.ToDatetime().year > 9700
            await call("CreateFile", file={"display_name": "x"})
            contents = [{"role": "user", "parts": [{"text": "word " * 2000}]}]
            cached: dict[str, Any] = {"model": MODEL, "contents": contents, "ttl": {"seconds": 3600}}
            await call("CreateCachedContent", cached_content=cached)
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call(
                    "CreateCachedContent", cached_content={**cached, "ttl": {"seconds": 315_576_000_000}}
                )
            assert caught.value.code().name == "INVALID_ARGUMENT"

    run(test())


@pytest.mark.parametrize("at", [-1.0, 1e12, float("nan")])
def test_a_clock_does_not_start_outside_of_it(at: float) -> None:
    async def test() -> None:
        with pytest.raises(ValueError, match=r"clock: .* is not in the years 1970 to 9899"):
            async with emulator(frozen_at=at):
                pass

    run(test())
