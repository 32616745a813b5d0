"""Concurrency that follows what the server has room for."""

from __future__ import annotations

import asyncio
import math
import random
import threading
import time
import weakref
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from gemwire._transport import overload
from gemwire.errors import APIError
from gemwire.pipeline.run import Run

#: What remains of the concurrency after a refusal.
_CUT = 0.7
#: The concurrency may pass the one that was last refused by this much before that counts as outdated.
_BEYOND = 1.25
#: Seconds: the bound of an item's first pause after a refusal, and of any; it doubles each time.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 30.0
#: Doublings while other items get through.
_DOUBLINGS = 3


@dataclass(frozen=True)
class Adaptive:
    """Concurrency that backs off while a server refuses calls, and finds the rate again.

    Refusals are RESOURCE_EXHAUSTED (429) and UNAVAILABLE (503) answers, those that the client's retries
    hide included. The concurrency doubles from round to round until the first of them. Each takes away
    three tenths, once for all calls that were under way then; after that it grows by one a round, and
    faster again when it has passed the old bound by a quarter without being refused. An item that ends
    with such an error is tried again after a pause: so the function must be one that may be called twice.

    Attributes:
        start: Calls at once at first.
        minimum: Calls at once that are always made.
        maximum: Calls at once that are never exceeded.
        repeats: How often an item is tried again after a refusal, beyond what the client's retries do.
            The pauses grow to 30 seconds, or are what the server asks for; 12 are a minute and a half
            on average. 0 for never.
    """

    start: int = 8
    minimum: int = 1
    maximum: int = 512
    repeats: int = 12

    def __post_init__(self) -> None:
        for name in ("start", "minimum", "maximum", "repeats"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int):
                raise TypeError(f"Adaptive.{name}: expected a whole number, got {value!r}")
        if self.minimum < 1:
            raise ValueError(f"Adaptive.minimum: {self.minimum} is less than 1")
        if not self.minimum <= self.start <= self.maximum:
            raise ValueError(
                f"Adaptive.start: {self.start} is not between minimum ({self.minimum}) and maximum "
                f"({self.maximum})"
            )
        if self.repeats < 0:
            raise ValueError(f"Adaptive.repeats: {self.repeats} is less than 0")


class Controller:
    """How many calls at once; additive increase, multiplicative decrease.

    The answer to a refusal is known at once and sure, so this is what is steered by; a rise of the
    latency, which gradient methods watch, says little where answers take as long as they are.

    Attributes:
        limit: Calls at once, with a fraction that grows.
        streak: Refusals since the last success, those of one moment counted once.
    """

    def __init__(self, adaptive: Adaptive) -> None:
        self.limit = float(adaptive.start)
        self._minimum = adaptive.minimum
        self._maximum = adaptive.maximum
        self._ceiling = math.inf
        self._cut_at = self._counted_at = -math.inf
        self.streak = 0

    def succeeded(self, active: int) -> None:
        """A call was answered, when so many were under way."""
        self.streak = 0
        if active * 2 < self.limit:
            # The source or the consumer is what is slow; nothing is known about more.
            return
        if self.limit > self._ceiling * _BEYOND + 1:
            self._ceiling = math.inf
        step = 1.0 if math.isinf(self._ceiling) else 1 / self.limit
        self.limit = min(self._maximum, self.limit + step)

    def was_refused(self, active: int, began: float, now: float) -> None:
        """An attempt that began then was refused, when so many calls were under way."""
        if began >= self._counted_at:
            self.streak, self._counted_at = self.streak + 1, now
        if began < self._cut_at or active > self.limit:
            # It says nothing about the concurrency as it is since, or will be once calls have ended.
            return
        self._ceiling, self._cut_at = self.limit, now
        self.limit = max(self._minimum, min(self.limit, active) * _CUT)


class Adapted:
    """A function whose refusals steer how often it is called at once."""

    def __init__(
        self,
        function: Callable[[Any], Awaitable[Any]],
        adaptive: Adaptive,
        run: Run,
    ) -> None:
        self.controller = Controller(adaptive)
        self._function = function
        self._repeats = adaptive.repeats
        self._run = run
        # Failures of attempts that were heard of, and counted: the last of a call is raised as well.
        self._told: weakref.WeakSet[BaseException] = weakref.WeakSet()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()

    async def __call__(self, item: Any) -> Any:
        """Call it, again where it was refused."""
        # The worker's own context; what the function sets in motion has a copy of it.
        overload.listener.set(self._heard)
        repeats = 0
        while True:
            began = time.monotonic()
            try:
                value = await self._function(item)
            except Exception as error:
                if not _is_refusal(error):
                    raise
                if error not in self._told:
                    # Another package's, or made where nobody listens.
                    self._refused(began)
                if repeats >= self._repeats:
                    raise
                delay = _pause(error, min(repeats, self.controller.streak + _DOUBLINGS))
            else:
                self._succeeded()
                return value
            repeats += 1
            await asyncio.sleep(delay)

    def _succeeded(self) -> None:
        before = int(self.controller.limit)
        self.controller.succeeded(self._run.active)
        if int(self.controller.limit) != before:
            self._run.resize(int(self.controller.limit))

    def _heard(self, error: APIError, began: float) -> None:
        self._told.add(error)
        if threading.get_ident() == self._thread:
            self._refused(began)
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._refused, began)

    def _refused(self, began: float) -> None:
        self._run.refused += 1
        self.controller.was_refused(self._run.active, began, time.monotonic())
        self._run.resize(int(self.controller.limit))


def _is_refusal(error: Exception) -> bool:
    if isinstance(error, APIError):
        return overload.is_overload(error)
    return getattr(error, "code", None) in {429, 503}


def _pause(error: Exception, doublings: int) -> float:
    """Seconds until an item is tried again."""
    asked = getattr(error, "retry_delay", None)
    bound = min(_FIRST_PAUSE * 2.0**doublings, _LONGEST_PAUSE)
    if isinstance(asked, (int, float)) and asked > 0:
        return asked + random.uniform(0, min(bound, asked / 10))  # noqa: S311 - not a secret
    return random.uniform(0, bound)  # noqa: S311 - not a secret
