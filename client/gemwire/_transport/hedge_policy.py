"""The pure part of hedging: when to ask once more while an answer is out, and how often.

As gRFC A6 has it, with a budget besides: hedges are meant for the few calls that
are slow, so a server that is slow as a whole must not get twice the load.
"""

from __future__ import annotations

import math
from typing import Any

from gemwire._transport.retry import Budget, Policy, server_delay
from gemwire.errors import APIError
from gemwire.options import Hedge
from gemwire_runtime.method import Kind, Method

#: Latencies that are kept of each method and model, and how many come in before their order is looked
#: at again, which takes some 15 µs.
WINDOW, _STALE = 256, 16
#: Methods and models that are remembered; a back end uses a handful.
_REMEMBERED = 256
#: Hedges that calls leave to later ones.
_SAVED = 50.0


class Latencies:
    """How long the last calls took. Not guarded by a lock: a lost sample changes nothing that matters."""

    def __init__(self) -> None:
        self._recent: list[float] = []
        self._ordered: list[float] = []
        self._count = 0
        self._looked = 0

    def add(self, seconds: float) -> None:
        """Note a call."""
        if len(self._recent) < WINDOW:
            self._recent.append(seconds)
        else:
            self._recent[self._count % WINDOW] = seconds
        self._count += 1

    def percentile(self, share: float, minimum: int) -> float | None:
        """Seconds within which that share of them was answered; None while there are too few."""
        if len(self._recent) < minimum:
            return None
        if not self._looked or self._count - self._looked >= _STALE:
            self._ordered, self._looked = sorted(self._recent), self._count
        return self._ordered[math.ceil(share * len(self._ordered)) - 1]


class Hedges:
    """What all calls of a transport share. Not guarded by a lock either."""

    def __init__(self, budget: Budget) -> None:
        """``budget``: that of the retries; where it forbids these, it forbids hedges."""
        self._budget = budget
        self._tokens = 1.0
        self._latencies: dict[tuple[str, str], Latencies] = {}

    def plan(self, method: Method[Any, Any], request: Any, policy: Policy, hedge: Hedge) -> Plan:
        """What one call may do.

        Raises:
            ValueError: It is none that can be hedged.
        """
        if method.kind is not Kind.UNARY:
            raise ValueError(f"retry: {method.name} is a stream, and a hedge is for calls with one answer")
        if not method.idempotent:
            raise ValueError(f"retry: {method.name} is not idempotent, a hedge could carry it out twice")
        self._tokens = min(_SAVED, self._tokens + hedge.budget)
        return Plan(self, policy, hedge, self._of(method, request) if hedge.percentile else None)

    def _of(self, method: Method[Any, Any], request: Any) -> Latencies:
        key = (method.path, getattr(request, "model", ""))
        found = self._latencies.get(key)
        if found is None:
            if len(self._latencies) >= _REMEMBERED:
                self._latencies.clear()
            found = self._latencies[key] = Latencies()
        return found

    def take(self) -> bool:
        """Whether there is something left for a hedge, which is then used up."""
        # A little less than one: ten tenths are not quite one.
        if self._tokens < 0.999 or not self._budget.enough:
            return False
        self._tokens -= 1
        return True


class Plan:
    """The hedges of one call.

    Attributes:
        refused: Whether the server asked not to come again.
    """

    def __init__(self, hedges: Hedges, policy: Policy, hedge: Hedge, latencies: Latencies | None) -> None:
        """``latencies`` is None where the delay is fixed."""
        self._hedges = hedges
        self._policy = policy
        self._hedge = hedge
        self._latencies = latencies
        self.refused = False

    def delay(self) -> float | None:
        """Seconds between one attempt and the next; None where there is to be no other."""
        seconds = self._hedge.delay
        if self._latencies and self._hedge.percentile:
            seen = self._latencies.percentile(self._hedge.percentile, self._hedge.minimum_samples)
            seconds = seconds if seen is None else seen
        return seconds

    def answered(self, seconds: float) -> None:
        """Note how long the call took.

        From its first attempt on, whichever was answered: this is at least as long as the delay
        where the first was slow. If the quick hedge counted instead, the percentile would sink from
        one slow call to the next.
        """
        if self._latencies:
            self._latencies.add(seconds)

    def take(self, here: int, attempts: int) -> bool:
        """Whether another attempt may begin; then it is counted.

        Args:
            here: How many there are side by side.
            attempts: How many there were of the call.
        """
        most = self._policy.max_attempts
        if here >= self._hedge.max_attempts or (most is not None and attempts >= most):
            return False
        return self._hedges.take()

    def passing(self, error: APIError) -> bool:
        """Whether an attempt that failed so leaves hope for the others."""
        return self._policy.passing(error, server_delay(error)[0])

    def pause(self, error: APIError) -> float | None:
        """Seconds after such an error before another attempt; None where the server wants none.

        Then there is none, whatever comes of the others, nor one after them: see `refused`.
        """
        asked, refused = server_delay(error)
        self.refused = self.refused or refused
        return None if refused else max(asked or 0.0, 0.0)
