"""Deadlines of many calls with few timers."""

from __future__ import annotations

import asyncio
import random

import pytest
from eventually import comes_in_loop

from gemwire._transport.aio.h2.deadlines import Deadlines


class _Call:
    def __init__(self, due: float) -> None:
        self.due = due
        self.expired_at: float | None = None

    def expire(self) -> None:
        self.expired_at = asyncio.get_running_loop().time()


def test_calls_expire_when_they_are_due_and_only_then() -> None:
    chance = random.Random(1)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        deadlines = Deadlines(loop)
        calls = []
        for _ in range(300):
            timeout = chance.choice((0.0, 0.01, 0.05, 0.2, chance.random() / 5))
            call = _Call(loop.time() + timeout)
            queue = deadlines.add(timeout, call)
            if chance.random() < 0.3:
                queue.remove(call)
                queue.remove(call)
                call.due = float("inf")
            calls.append(call)
            await asyncio.sleep(0)
        last = _Call(loop.time() + 0.25)
        deadlines.add(0.25, last)
        assert await comes_in_loop(lambda: last.expired_at)
        for call in calls:
            if call.due == float("inf"):
                assert call.expired_at is None
            else:
                assert call.expired_at is not None
                assert call.expired_at >= call.due - 0.002

    asyncio.run(main())


def test_calls_that_end_in_time_need_no_timers(monkeypatch: pytest.MonkeyPatch) -> None:
    timers: list[float] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(loop, "call_at", lambda when, _: timers.append(when))
        deadlines = Deadlines(loop)
        for _ in range(10_000):
            call = _Call(0)
            deadlines.add(60.0, call).remove(call)

    asyncio.run(main())
    assert len(timers) == 1
