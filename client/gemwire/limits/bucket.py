"""What flows in evenly and is taken in pieces."""

from __future__ import annotations

import math


class Bucket:
    """Fills evenly; what does not fit is lost, unless a single larger request waits for it."""

    __slots__ = ("_capacity", "_level", "_rate", "_then")

    def __init__(self, per_minute: float | None, burst: float, least: float, now: float) -> None:
        # A full bucket and what flows in during a minute are together what a minute may see.
        self._rate = math.inf if per_minute is None else per_minute / (60 + burst)
        self._capacity = max(self._rate * burst, least)
        self._level = self._capacity
        self._then = now

    def delay(self, amount: float, now: float) -> float:
        """Seconds until so much may be taken."""
        if math.isinf(self._rate):
            return 0.0
        most = max(self._capacity, amount)
        self._level = min(self._level + (now - self._then) * self._rate, max(most, self._level))
        self._then = now
        # Less than a millionth is a rounding error, and would be waited for in vain.
        return 0.0 if amount - self._level < 1e-6 else (amount - self._level) / self._rate

    def take(self, amount: float) -> None:
        """Take it, or give it back if it is negative."""
        if not math.isinf(self._rate):
            self._level = min(self._level - amount, self._capacity)
