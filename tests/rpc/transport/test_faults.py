"""Failing servers and networks: benchmarks/faults.py in short, asserting what it promises.

Each fault checks itself, by limits that hold on a slow machine: a call that ends within its deadline, in
a result or an error of gemwire, and nothing left behind. Those marked ``slow`` wait for the network.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from eventually import comes

from gemwire import errors
from gemwire._transport.connection_health import ConnectionHealth
from gemwire._transport.overload import is_overload

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "benchmarks"))

import answer_faults
import faults

FAULTS = {**faults.FAULTS, **answer_faults.FAULTS}

#: Recovery of a connection that goes silent, the sync and the asyncio one, stays among the ordinary tests.
SLOW = frozenset(
    {"black_hole_stream", "black_hole_quiet", "black_hole_idle", "slow_server", "stalled_handshake"}
)


@pytest.fixture(autouse=True, scope="module")
def _warm() -> None:
    faults.warm_up()


@pytest.mark.parametrize(
    ("name", "transport"),
    [
        pytest.param(name, transport, marks=[pytest.mark.slow] if name in SLOW else [])
        for name in FAULTS
        for transport in faults.transports_of(name)
    ],
)
def test_fault(name: str, transport: str) -> None:
    outcome = FAULTS[name](transport, True)
    print(outcome.row())
    assert outcome.ok, outcome.row()


@pytest.fixture(params=["grpc_asyncio", "grpc"])
def connected(request: pytest.FixtureRequest) -> Iterator[tuple[Any, faults.Server]]:
    """A client that has made a call, and its server."""
    with faults.Server() as server, faults.face_to(request.param, server.port) as face:
        assert face.unary({}).result().saw == "result"
        yield face, server


def replace(face: Any) -> None:
    """Do what happens when a channel went silent."""
    channels = face.client.transport.pool
    if isinstance(face, faults.SyncFace):
        channels.replace(channels.current())
        return

    async def work() -> None:
        channels.replace(channels.current())

    asyncio.run_coroutine_threadsafe(work(), face._loop).result(10)


def settled(descriptors: int) -> bool:
    """Whether so few descriptors are open, now or in a moment."""
    return comes(lambda: faults.descriptors() <= descriptors)


def test_a_replaced_channel_closes_when_its_last_call_has_ended(
    connected: tuple[Any, faults.Server],
) -> None:
    face, _ = connected
    before = faults.descriptors()
    stream = face.stream({"chunks": 20, "every": 0.05})
    stream.reached(2)
    replace(face)
    assert face.unary({}).result().saw == "result"
    assert faults.descriptors() > before
    assert stream.result().messages == 20
    assert settled(before)
    assert face.unary({}).result().saw == "result"


def test_closing_ends_the_calls_of_a_replaced_channel(connected: tuple[Any, faults.Server]) -> None:
    face, server = connected
    stream = face.stream({"chunks": 1000, "every": 0.05})
    stream.reached(2)
    replace(face)
    assert face.unary({}).result().saw == "result"
    face.close()
    ended = stream.result(10)
    assert ended.saw == "Cancelled"
    assert ended.typed
    assert comes(lambda: server.ask("open") == 0)


def test_a_call_that_a_stopping_server_turned_away_is_repeated(connected: tuple[Any, faults.Server]) -> None:
    # gRPC's core says just CANCELLED of calls that its server never looked at.
    face, server = connected
    told = {"key": "k", "fails": 1, "code": "CANCELLED", "message": "CANCELLED"}
    assert face.unary(told).result().saw == "result"
    assert server.ask("seen k") == 2
    assert face.unary({**told, "key": "own", "message": "I do not want to"}).result().saw == "Cancelled"


def failure(code: grpc.StatusCode, *trailers: tuple[str, str]) -> grpc.RpcError:
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(*trailers))


LATE = failure(grpc.StatusCode.DEADLINE_EXCEEDED)


def test_silence_is_noticed_after_some_seconds_of_it() -> None:
    health, now = ConnectionHealth(), time.monotonic()
    assert not health.mark_unanswered(LATE, now - 2), "the first"
    assert health.silent_since is not None
    health.silent_since -= 2
    assert not health.mark_unanswered(LATE, time.monotonic()), "too early"
    health.silent_since -= 2
    assert not health.mark_unanswered(LATE, health.silent_since - 1), "began before the silence was known"
    assert health.mark_unanswered(LATE, time.monotonic())
    assert health.mark_unanswered(None, time.monotonic()), "an idle stream"


@pytest.mark.parametrize(
    "answer",
    [
        failure(grpc.StatusCode.NOT_FOUND),
        failure(grpc.StatusCode.UNAVAILABLE),
        failure(grpc.StatusCode.DEADLINE_EXCEEDED, ("server", "x")),
    ],
)
def test_an_answer_ends_the_silence(answer: grpc.RpcError) -> None:
    health = ConnectionHealth(patience=12, silent_since=time.monotonic() - 100)
    assert not health.mark_unanswered(answer, time.monotonic())
    assert health.silent_since is None
    assert health.patience == 3


def test_replacing_in_vain_becomes_rarer() -> None:
    patience = []
    health = ConnectionHealth()
    for _ in range(7):
        health = health.successor()
        patience.append(health.patience)
        assert health.silent_since is not None
    assert patience == [6, 12, 24, 48, 60, 60, 60]


@pytest.mark.parametrize(
    ("error", "overload"),
    [
        (errors.Unavailable("overloaded"), True),
        (errors.ResourceExhausted("quota"), True),
        (errors.Unavailable("failed to connect to all addresses; last error: Connection refused"), False),
        (errors.Unavailable("Stream removed (RST_STREAM (Received RST_STREAM with error code 7))"), False),
        (errors.Internal("no"), False),
    ],
)
def test_broken_connections_do_not_use_up_the_retry_budget(error: errors.APIError, overload: bool) -> None:
    assert is_overload(error) is overload
