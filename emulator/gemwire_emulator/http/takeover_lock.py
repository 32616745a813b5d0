"""Locks that a later task takes over from an earlier one, which is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


class TakenOverError(Exception):
    """A later task took over the lock."""


class TakeoverLocks:
    """Locks by key."""

    def __init__(self) -> None:
        """Start without locks."""
        self._locks: dict[str, _Lock] = {}

    async def run(self, key: str, work: Callable[[], Awaitable[None]]) -> None:
        """Cancel the work that holds or awaits the lock of a key, and run other work instead.

        Raises:
            TakenOverError: Later work took over.
        """
        lock = self._locks.setdefault(key, _Lock())
        if lock.task:
            lock.task.cancel()

        async def run() -> None:
            async with lock.mutex:
                await work()

        task = lock.task = asyncio.ensure_future(run())
        try:
            await asyncio.wait((task,))
        finally:
            task.cancel()
            await asyncio.wait((task,))
            if lock.task is task:
                del self._locks[key]
        if task.cancelled():
            raise TakenOverError
        task.result()


class _Lock:
    """A mutex and the latest task that wants it."""

    def __init__(self) -> None:
        self.mutex = asyncio.Lock()
        self.task: asyncio.Future[None] | None = None
