"""A semaphore that admits the most urgent waiter first."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


class PrioritySemaphore:
    """A semaphore with priorities."""

    def __init__(self, free: int) -> None:
        """Create a semaphore with a number of free slots."""
        self._free = free
        self._waiting: list[tuple[int, int, int, asyncio.Future[None]]] = []
        self._arrivals = itertools.count()

    @asynccontextmanager
    async def acquire(self, priority: int, number: int) -> AsyncGenerator[None, None]:
        """Hold a slot, and wait for it if none is free.

        Args:
            priority: The smallest is admitted first.
            number: Order among equal priorities.
        """
        if self._free:
            self._free -= 1
        else:
            turn = asyncio.get_running_loop().create_future()
            heapq.heappush(self._waiting, (priority, number, next(self._arrivals), turn))
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._release()
                raise
        try:
            yield
        finally:
            self._release()

    def _release(self) -> None:
        while self._waiting:
            turn = heapq.heappop(self._waiting)[3]
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
