"""The time by which caches expire and operations advance: the real one, or one that tests move."""

from __future__ import annotations

import asyncio
import datetime
import time


class Clock:
    """Seconds since the epoch, plus what was skipped.

    `advance` lets time pass at once: what sleeps until then wakes up.

    Attributes:
        skipped: Seconds that were.
    """

    def __init__(self, frozen_at: float | None = None) -> None:
        """``frozen_at``: stand still at that time; time passes by `advance` alone."""
        self._frozen_at = frozen_at
        self.skipped = 0.0
        self._moved = asyncio.Event()

    def now(self) -> float:
        """Seconds since the epoch."""
        return (time.time() if self._frozen_at is None else self._frozen_at) + self.skipped

    def datetime(self) -> datetime.datetime:
        """The same, in UTC."""
        return datetime.datetime.fromtimestamp(self.now(), datetime.timezone.utc)

    def advance(self, seconds: float) -> None:
        """Let time pass.

        Raises:
            ValueError: ``seconds`` is negative.
        """
        if seconds < 0:
            raise ValueError(f"seconds: {seconds} is negative; time does not go back")
        self.set(self.skipped + seconds)

    def set(self, skipped: float) -> None:
        """Have so many seconds skipped in all, also fewer than before."""
        self.skipped = skipped
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def sleep(self, seconds: float) -> None:
        """Wait until that much time has passed, by itself or by `advance`."""
        until = self.now() + seconds
        # A float of seconds since the epoch is good for a microsecond; an advance by just that is enough.
        while (left := until - self.now()) > 1e-6:
            moved = self._moved
            if self._frozen_at is not None:
                await moved.wait()
                continue
            try:
                await asyncio.wait_for(moved.wait(), left)
            except asyncio.TimeoutError:
                continue
