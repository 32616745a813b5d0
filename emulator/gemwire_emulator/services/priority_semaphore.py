"""Who may work: so many at a time, the most urgent first."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


class Slots:
    """So many places; of those who wait for one, the least comes first."""

    def __init__(self, free: int) -> None:
        """``free``: how many there are."""
        self._free = free
        self._waiting: list[tuple[int, int, int, asyncio.Future[None]]] = []
        self._came = itertools.count()

    @asynccontextmanager
    async def slot(self, urgency: int, number: int) -> AsyncGenerator[None, None]:
        """Have a place, when it is one's turn.

        Args:
            urgency: The least is the most urgent.
            number: Decides between equals.
        """
        if self._free:
            self._free -= 1
        else:
            turn = asyncio.get_running_loop().create_future()
            heapq.heappush(self._waiting, (urgency, number, next(self._came), turn))
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._pass_on()
                raise
        try:
            yield
        finally:
            self._pass_on()

    def _pass_on(self) -> None:
        while self._waiting:
            turn = heapq.heappop(self._waiting)[3]
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
