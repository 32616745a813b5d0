"""Deadlines of many calls with few timers."""

from __future__ import annotations

import asyncio
from typing import Protocol

#: Timeouts with a queue of their own; retries have odd ones.
_MAX_QUEUES = 64


class Expiring(Protocol):
    """A call with a deadline."""

    def expire(self) -> None:
        """End: the time is over."""


class Deadlines:
    """The deadlines of the calls on one event loop.

    Calls with the same timeout expire in the order in which they begin, so each timeout needs one timer, for
    the first of them. Most calls end long before; a timer of their own would cost more than all else that
    the loop does for them.
    """

    __slots__ = ("_loop", "_queues")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._queues: dict[float, DeadlineQueue] = {}

    def add(self, timeout: float, call: Expiring) -> DeadlineQueue:
        """Have a call expire after so many seconds, unless it is removed from the queue before."""
        queue = self._queues.get(timeout)
        if queue is None:
            if len(self._queues) >= _MAX_QUEUES:
                self._queues = {key: queue for key, queue in self._queues.items() if queue.calls}
            queue = self._queues[timeout] = DeadlineQueue(self._loop)
        queue.add(call, self._loop.time() + timeout)
        return queue


class DeadlineQueue:
    """Calls with the same timeout."""

    __slots__ = ("_is_armed", "_loop", "calls")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        #: The calls and the times at which they expire, in that order.
        self.calls: dict[Expiring, float] = {}
        self._is_armed = False

    def add(self, call: Expiring, expiry: float) -> None:
        self.calls[call] = expiry
        if not self._is_armed:
            self._is_armed = True
            self._loop.call_at(expiry, self._expire)

    def remove(self, call: Expiring) -> None:
        """Forget a call that has ended."""
        self.calls.pop(call, None)

    def _expire(self) -> None:
        self._is_armed = False
        now = self._loop.time()
        while self.calls:
            call, expiry = next(iter(self.calls.items()))
            if expiry > now:
                self._is_armed = True
                self._loop.call_at(expiry, self._expire)
                return
            del self.calls[call]
            call.expire()
