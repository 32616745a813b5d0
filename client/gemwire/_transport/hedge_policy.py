"""The policy of hedging: when to send a call again while it is still unanswered, and how often.

As in gRFC A6, plus a budget: hedges are meant for the few calls that are slow, so a server that is
slow as a whole must not get twice the load.
"""

from __future__ import annotations

import math
from collections import deque

from google.protobuf.message import Message

from gemwire._transport.retry import RetryBudget, RetryPolicy, server_requested_delay
from gemwire.errors import APIError
from gemwire_runtime.method import AnyMethod, Kind
from gemwire_runtime.retry import Hedge

#: Latencies kept for each method and model, and new ones after which they are sorted again, which takes
#: some 15 µs.
WINDOW, _SORT_INTERVAL = 256, 16
#: Methods and models with latencies; a back end uses a handful.
_MAX_WINDOWS = 256
#: Hedges that calls leave unused for later ones.
_MAX_SAVED = 50.0


class LatencyWindow:
    """The latest latencies of a method. Without a lock: a lost sample changes nothing that matters."""

    def __init__(self) -> None:
        self._recent: deque[float] = deque(maxlen=WINDOW)
        self._sorted: list[float] = []
        self._count = 0
        self._sorted_at = 0

    def add(self, seconds: float) -> None:
        """Add the latency of a call."""
        self._recent.append(seconds)
        self._count += 1

    def percentile(self, share: float, minimum: int) -> float | None:
        """Return the latency that ``share`` of the calls stayed within; None with fewer than ``minimum``."""
        if len(self._recent) < minimum:
            return None
        if not self._sorted_at or self._count - self._sorted_at >= _SORT_INTERVAL:
            self._sorted, self._sorted_at = sorted(self._recent), self._count
        return self._sorted[math.ceil(share * len(self._sorted)) - 1]


class HedgeState:
    """Hedge budget and latencies of a transport, shared by all its calls. Without a lock, too."""

    def __init__(self, budget: RetryBudget) -> None:
        """``budget`` is the retry budget: hedges stop when retries do."""
        self._budget = budget
        self._tokens = 1.0
        self._latencies: dict[tuple[str, str], LatencyWindow] = {}

    def create_plan(self, method: AnyMethod, request: Message, policy: RetryPolicy) -> HedgePlan:
        """Build the plan of one call, whose policy has a hedge.

        Raises:
            ValueError: The method cannot be hedged.
        """
        if method.kind is not Kind.UNARY:
            raise ValueError(f"retry: {method.name} is a stream; only calls with one response can be hedged")
        if not method.idempotent:
            raise ValueError(f"retry: {method.name} is not idempotent; a hedge could execute it twice")
        hedge = policy.hedge
        assert hedge is not None  # noqa: S101 - checked by the caller
        self._tokens = min(_MAX_SAVED, self._tokens + hedge.budget)
        return HedgePlan(self, policy, hedge, self._window(method, request) if hedge.percentile else None)

    def _window(self, method: AnyMethod, request: Message) -> LatencyWindow:
        key = (method.path, getattr(request, "model", ""))
        window = self._latencies.get(key)
        if window is None:
            if len(self._latencies) >= _MAX_WINDOWS:
                self._latencies.clear()
            window = self._latencies[key] = LatencyWindow()
        return window

    def try_acquire(self) -> bool:
        """Take one hedge out of the budget. Returns False if there is none."""
        # A little less than one: ten tenths are not quite one.
        if self._tokens < 0.999 or not self._budget.has_capacity:
            return False
        self._tokens -= 1
        return True


class HedgePlan:
    """The hedges of one call.

    Attributes:
        refused: Whether the server asked for no further attempt.
    """

    def __init__(
        self, state: HedgeState, policy: RetryPolicy, hedge: Hedge, latencies: LatencyWindow | None
    ) -> None:
        """``latencies`` is None where the delay is fixed."""
        self._state = state
        self._policy = policy
        self._hedge = hedge
        self._latencies = latencies
        self.refused = False

    def delay(self) -> float | None:
        """Return the seconds between two attempts; None for no hedge."""
        seconds = self._hedge.delay
        if self._latencies and self._hedge.percentile:
            seen = self._latencies.percentile(self._hedge.percentile, self._hedge.minimum_samples)
            seconds = seconds if seen is None else seen
        return seconds

    def record_latency(self, seconds: float) -> None:
        """Note how long the call took.

        From its first attempt on, whichever succeeded: this is at least the delay where the first was
        slow. If the quick hedge counted instead, the percentile would sink from one slow call to the next.
        """
        if self._latencies:
            self._latencies.add(seconds)

    def try_acquire(self, concurrent: int, attempts: int) -> bool:
        """Take a hedge out of the budget. Returns False if no further attempt is allowed.

        So far, this round has made ``concurrent`` attempts, and the call ``attempts``.
        """
        limit = self._policy.max_attempts
        if concurrent >= self._hedge.max_attempts or (limit is not None and attempts >= limit):
            return False
        return self._state.try_acquire()

    def is_retryable(self, error: APIError) -> bool:
        """Return whether the other attempts may go on after one failed with ``error``."""
        return self._policy.is_retryable(error, server_requested_delay(error)[0])

    def next_delay(self, error: APIError) -> float | None:
        """Return the seconds to wait after a failed attempt before the next; None for no further attempt.

        None means that the server refuses further attempts, also after the remaining ones: see `refused`.
        """
        delay, refused = server_requested_delay(error)
        self.refused = self.refused or refused
        return None if refused else max(delay or 0.0, 0.0)
