"""A token bucket."""

from __future__ import annotations

import math


class Bucket:
    """Token bucket that refills evenly; overflow is lost, unless a single larger request waits for it."""

    __slots__ = ("_capacity", "_level", "_rate", "_updated")

    def __init__(self, per_minute: float | None, burst: float, minimum: float, now: float) -> None:
        # A full bucket and one minute's refill together are the limit of a minute.
        self._rate = math.inf if per_minute is None else per_minute / (60 + burst)
        self._capacity = max(self._rate * burst, minimum)
        self._level = self._capacity
        self._updated = now

    def delay(self, amount: float, now: float) -> float:
        """Return the seconds until this amount may be taken."""
        if math.isinf(self._rate):
            return 0.0
        maximum = max(self._capacity, amount)
        self._level = min(self._level + (now - self._updated) * self._rate, max(maximum, self._level))
        self._updated = now
        # A shortfall below a millionth is a rounding error that no wait would fill.
        return 0.0 if amount - self._level < 1e-6 else (amount - self._level) / self._rate

    def take(self, amount: float) -> None:
        """Take an amount; a negative one is given back."""
        if not math.isinf(self._rate):
            self._level = min(self._level - amount, self._capacity)
