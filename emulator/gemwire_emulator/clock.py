"""The emulator's time: real time, or a time that tests move."""

from __future__ import annotations

import asyncio
import datetime
import time

#: 9900-01-01. A century later, resources that expire could not express their times.
_END = 250_246_627_200.0


class Clock:
    """Seconds since the epoch, plus the seconds that were skipped.

    Attributes:
        skipped: Seconds skipped by `advance`.
    """

    def __init__(self, frozen_at: float | None = None) -> None:
        """Create a clock.

        Args:
            frozen_at: Stand still at this time; only `advance` moves it. None for real time.

        Raises:
            ValueError: The time is not in the years 1970 to 9899.
        """
        if frozen_at is not None and not 0 <= frozen_at < _END:
            raise ValueError(f"clock: {frozen_at} is not in the years 1970 to 9899")
        self._frozen_at = frozen_at
        self.skipped = 0.0
        self._moved = asyncio.Event()

    def now(self) -> float:
        """Return the seconds since the epoch."""
        return (time.time() if self._frozen_at is None else self._frozen_at) + self.skipped

    def datetime(self) -> datetime.datetime:
        """Return the time in UTC."""
        return datetime.datetime.fromtimestamp(self.now(), datetime.timezone.utc)

    def advance(self, seconds: float) -> None:
        """Skip some seconds, and wake the sleepers that are due.

        Raises:
            ValueError: ``seconds`` is negative or not a number, or leads beyond the year 9899.
        """
        if seconds < 0:
            raise ValueError(f"seconds: {seconds} is negative; the clock cannot go back")
        if not self.now() + seconds < _END:
            raise ValueError(f"seconds: {seconds} leads beyond the year 9899")
        self.set(self.skipped + seconds)

    def set(self, skipped: float) -> None:
        """Set the total of skipped seconds, which may be less than before."""
        self.skipped = skipped
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def sleep(self, seconds: float) -> None:
        """Wait until this much time has passed, by itself or by `advance`."""
        until = self.now() + seconds
        # A float of seconds since the epoch is accurate to a microsecond, so an advance by the exact
        # difference must be enough.
        while (left := until - self.now()) > 1e-6:
            moved = self._moved
            if self._frozen_at is not None:
                await moved.wait()
                continue
            try:
                await asyncio.wait_for(moved.wait(), left)
            except asyncio.TimeoutError:
                continue
