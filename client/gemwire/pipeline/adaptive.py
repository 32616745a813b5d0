"""Concurrency that follows the capacity of the server."""

from __future__ import annotations

import asyncio
import math
import random
import threading
import time
import weakref
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from gemwire._arguments import check_concurrency, check_integer
from gemwire._transport import overload
from gemwire.errors import APIError

_T = TypeVar("_T")
_R = TypeVar("_R")

#: Fraction of the concurrency that is kept after a refusal.
_DECREASE = 0.7
#: Factor by which the concurrency may exceed the one that was last refused before that counts as outdated.
_CEILING_MARGIN = 1.25
#: Seconds: bound of an item's first pause after a refusal, and of any pause; the bound doubles each time.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 30.0
#: Doublings while other items succeed.
_DOUBLINGS = 3


@dataclass(frozen=True)
class Adaptive:
    """Concurrency that backs off while a server refuses calls, and recovers afterwards.

    Refusals are RESOURCE_EXHAUSTED (429) and UNAVAILABLE (503) responses, including those that the client's
    retries hide. The concurrency doubles from round to round until the first refusal. A refusal takes away
    30 %, once for all calls that were in progress; after that the concurrency grows by one per round, and
    doubles again once it has exceeded the old bound by a quarter without a refusal. An item that ends with
    such an error is repeated after a pause, so the function must be safe to call twice.

    Attributes:
        start: Initial number of concurrent calls.
        minimum: Lower bound of concurrent calls.
        maximum: Upper bound of concurrent calls; at most 65,536.
        repeats: How often an item is repeated after a refusal, in addition to the client's retries. Pauses
            grow to 30 seconds, or are what the server asks for; 12 repeats take 90 seconds on average. 0
            disables repeats.
    """

    start: int = 8
    minimum: int = 1
    maximum: int = 512
    repeats: int = 12

    def __post_init__(self) -> None:
        for name, least in (("minimum", 1), ("start", 0), ("maximum", 0)):
            check_concurrency(f"Adaptive.{name}", getattr(self, name), minimum=least)
        check_integer("Adaptive.repeats", self.repeats, minimum=0)
        if not self.minimum <= self.start <= self.maximum:
            raise ValueError(
                f"Adaptive.start: {self.start} is not between minimum ({self.minimum}) and maximum "
                f"({self.maximum})"
            )


class ConcurrencyController:
    """Additive increase and multiplicative decrease of the concurrency.

    Refusals are immediate and unambiguous. Latency, which gradient methods watch, says little where the
    duration of an answer depends on its length.

    Attributes:
        limit: Number of concurrent calls, with a fraction that grows.
        streak: Refusals since the last success; simultaneous ones count once.
    """

    def __init__(self, adaptive: Adaptive) -> None:
        self.limit = float(adaptive.start)
        self._minimum = adaptive.minimum
        self._maximum = adaptive.maximum
        self._ceiling = math.inf
        self._decreased_at = self._counted_at = -math.inf
        self.streak = 0

    def record_success(self, active: int) -> None:
        """Record a success while ``active`` calls were in progress."""
        self.streak = 0
        if active * 2 < self.limit:
            # The source or the consumer is the bottleneck; nothing is known about higher concurrency.
            return
        if self.limit > self._ceiling * _CEILING_MARGIN + 1:
            self._ceiling = math.inf
        step = 1.0 if math.isinf(self._ceiling) else 1 / self.limit
        self.limit = min(self._maximum, self.limit + step)

    def record_refusal(self, active: int, started: float, now: float) -> None:
        """Record the refusal of an attempt that was started while ``active`` calls were in progress."""
        if started >= self._counted_at:
            self.streak, self._counted_at = self.streak + 1, now
        if started < self._decreased_at or active > self.limit:
            # It says nothing about the concurrency as it is since, or will be once calls have ended.
            return
        self._ceiling, self._decreased_at = self.limit, now
        self.limit = max(self._minimum, min(self.limit, active) * _DECREASE)


class _Pool(Protocol):
    """The part of the worker pool that is controlled."""

    active: int
    refused: int

    def resize(self, concurrency: int) -> None: ...


class AdaptiveCaller(Generic[_T, _R]):
    """Calls a function, and resizes the worker pool by the refusals of its calls."""

    def __init__(self, function: Callable[[_T], Awaitable[_R]], adaptive: Adaptive, pool: _Pool) -> None:
        self._controller = ConcurrencyController(adaptive)
        self._function = function
        self._repeats = adaptive.repeats
        self._pool = pool
        # Errors of attempts that are counted already: the last one of a call is raised as well.
        self._counted: weakref.WeakSet[BaseException] = weakref.WeakSet()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()

    async def __call__(self, item: _T) -> _R:
        """Call the function for an item, and repeat it after refusals."""
        # Set in the worker's context; tasks that the function starts copy it.
        overload.listener.set(self._on_overload)
        repeats = 0
        while True:
            started = time.monotonic()
            try:
                value = await self._function(item)
            except Exception as error:
                if not _is_refusal(error):
                    raise
                if error not in self._counted:
                    # Raised by another library, or where the listener is not set.
                    self._record_refusal(started)
                if repeats >= self._repeats:
                    raise
                delay = _pause(error, min(repeats, self._controller.streak + _DOUBLINGS))
            else:
                self._record_success()
                return value
            repeats += 1
            await asyncio.sleep(delay)

    def _record_success(self) -> None:
        before = int(self._controller.limit)
        self._controller.record_success(self._pool.active)
        if int(self._controller.limit) != before:
            self._pool.resize(int(self._controller.limit))

    def _on_overload(self, error: APIError, started: float) -> None:
        self._counted.add(error)
        if threading.get_ident() == self._thread:
            self._record_refusal(started)
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._record_refusal, started)

    def _record_refusal(self, started: float) -> None:
        self._pool.refused += 1
        self._controller.record_refusal(self._pool.active, started, time.monotonic())
        self._pool.resize(int(self._controller.limit))


def _is_refusal(error: Exception) -> bool:
    if isinstance(error, APIError):
        return overload.is_overload(error)
    return getattr(error, "code", None) in {429, 503}


def _pause(error: Exception, doublings: int) -> float:
    """Return the seconds until an item is repeated."""
    requested: object = getattr(error, "retry_delay", None)
    bound = min(_FIRST_PAUSE * 2.0**doublings, _LONGEST_PAUSE)
    if isinstance(requested, (int, float)) and requested > 0:
        return requested + random.uniform(0, min(bound, requested / 10))  # noqa: S311 - not a secret
    return random.uniform(0, bound)  # noqa: S311 - not a secret
