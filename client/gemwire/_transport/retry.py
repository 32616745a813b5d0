"""The retry policy: whether a failed call is made again, and after which pause. The only retry layer.

gRPC's own retryPolicy is not used: it silently does nothing for requests above 256 KiB, makes five attempts
at most and cannot retry a stream once its headers arrived (all measured). Its transparent retries, of calls
that never left the client, stay enabled.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from gemwire.errors import APIError, Cancelled, ResourceExhausted
from gemwire_runtime.method import DEFAULT, Default, RetryDefaults
from gemwire_runtime.retry import Hedge, Retry

PUSHBACK = "grpc-retry-pushback-ms"

#: Seconds; without a timeout a server could ask for a pause of a thousand years.
_MAX_DELAY = 86_400.0


class RetryBudget:
    """Limits retries, so that an outage is not multiplied (gRFC A6, retry throttling).

    A failure takes one token, a success returns a tenth of one; calls are retried while more than half of
    the tokens are left. Shared by all calls of a transport. Without a lock: a lost update changes nothing
    that matters.
    """

    def __init__(self, tokens: float = 100.0, ratio: float = 0.1) -> None:
        self._limit = tokens
        self._tokens = tokens
        self._ratio = ratio

    @property
    def has_capacity(self) -> bool:
        """Whether calls may be retried."""
        return self._tokens > self._limit / 2

    @property
    def is_full(self) -> bool:
        """Whether all tokens are there, so that a success has nothing to return."""
        return self._tokens >= self._limit

    def record_success(self) -> None:
        """Return a part of a token."""
        self._tokens = min(self._limit, self._tokens + self._ratio)

    def record_failure(self) -> bool:
        """Take a token. Returns whether calls may be retried."""
        self._tokens = max(0.0, self._tokens - 1.0)
        return self.has_capacity


@dataclass(frozen=True)
class RetryPolicy:
    """A `Retry`, a method's defaults or a google.api_core retry object in one form.

    Attributes:
        matches: Returns whether an error is to be retried.
        max_elapsed: Seconds since the start of the call after which no attempt starts; None for no limit
            but the call's timeout.
        on_error: Called with each error that is retried.
    """

    matches: Callable[[APIError], bool]
    max_attempts: int | None
    initial: float
    maximum: float
    multiplier: float
    max_elapsed: float | None = None
    on_error: Callable[[Exception], object] | None = None
    hedge: Hedge | None = None

    def is_retryable(self, error: APIError, requested: float | None) -> bool:
        """Return whether a further attempt may succeed. The server asks to wait ``requested`` seconds."""
        quota_resets = requested is not None and isinstance(error, ResourceExhausted)
        return quota_resets or self.matches(error) or _was_not_processed(error)

    def next_delay(
        self, error: APIError, attempt: int, elapsed: float, remaining: float | None
    ) -> float | None:
        """Return the seconds to wait before the next attempt; None to give up.

        ``attempt`` have been made in ``elapsed`` seconds; ``remaining`` are left to the deadline, if any.
        """
        if self.max_attempts is not None and attempt >= self.max_attempts:
            return None
        requested, refused = server_requested_delay(error)
        if refused or not self.is_retryable(error, requested):
            return None
        bound = min(self.initial * self.multiplier ** min(attempt - 1, 64), self.maximum)
        base = 0.0
        if requested and requested > 0:
            # Jitter on top of what the server asks for keeps its clients from returning all at once.
            base, bound = requested, min(bound, requested / 10)
        delay = base + random.uniform(0, bound)  # noqa: S311 - not a secret
        if delay >= (_MAX_DELAY if remaining is None else remaining):
            return None
        if self.max_elapsed is not None and elapsed + delay > self.max_elapsed:
            return None
        return delay


def _was_not_processed(error: APIError) -> bool:
    """Return whether a stopping server ignored the call, which gRPC's core reports as a bare CANCELLED."""
    return isinstance(error, Cancelled) and error.message == "CANCELLED"


def server_requested_delay(error: APIError) -> tuple[float | None, bool]:
    """Return the seconds that the server asks to wait (pushback or RetryInfo), and whether it says no."""
    for key, value in error.trailing_metadata:
        if key == PUSHBACK:
            # gRFC A6: anything but a number of milliseconds means no.
            text = value.decode(errors="replace") if isinstance(value, bytes) else value
            return (int(text) / 1000, False) if text.isdecimal() and len(text) < 10 else (None, True)
    return error.retry_delay, False


def resolve_policy(retry: object, default: RetryDefaults | None) -> RetryPolicy | None:
    """Convert a call's ``retry`` argument to a policy; None for never. ``default``: that of the method."""
    if isinstance(retry, Default) or type(retry).__name__ == "_MethodDefault":
        return default_policy(default)
    if retry is None:
        return None
    if isinstance(retry, Retry):
        names = retry.names
        return RetryPolicy(
            lambda error: error.status in names,
            retry.max_attempts,
            retry.initial,
            retry.maximum,
            retry.multiplier,
            hedge=retry.hedge,
        )
    if hasattr(retry, "_predicate") and hasattr(retry, "_initial"):
        return _from_api_core(retry)
    raise TypeError(
        f"retry: expected gemwire.Retry, a google.api_core retry or None, got {type(retry).__name__}"
    )


def resolve_unhedged_policy(retry: object, what: str) -> RetryPolicy | None:
    """Convert the ``retry`` argument of an upload or a download, which cannot have a hedge."""
    policy = resolve_policy(retry, None)
    if policy and policy.hedge:
        raise ValueError(f"retry: {what} cannot be hedged; only calls with one response can")
    return policy


_default_policies: dict[RetryDefaults, RetryPolicy] = {}


def default_policy(default: RetryDefaults | None) -> RetryPolicy | None:
    """Return the policy of a method's defaults."""
    if default is None:
        return None
    found = _default_policies.get(default)
    if found is None:
        codes = frozenset(default.codes)
        found = _default_policies[default] = RetryPolicy(
            lambda error: error.status in codes, None, default.initial, default.maximum, default.multiplier
        )
    return found


def _from_api_core(retry: object) -> RetryPolicy:
    """Convert a google.api_core retry object, which has no public attributes."""
    predicate: Callable[[Exception], bool] = getattr(retry, "_predicate")  # noqa: B009
    initial, maximum, multiplier = (
        getattr(retry, f"_{name}") for name in ("initial", "maximum", "multiplier")
    )

    def matches(error: APIError) -> bool:
        from google.api_core import exceptions

        return bool(predicate(exceptions.from_grpc_status(error.grpc_code, error.message)))

    return RetryPolicy(
        matches,
        None,
        initial,
        maximum,
        multiplier,
        max_elapsed=getattr(retry, "_timeout", None),
        on_error=getattr(retry, "_on_error", None),
    )


def check_timeout(timeout: object, default: float | None, argument: str = "timeout") -> float | None:
    """Return the seconds of a ``timeout`` argument, a positive number; None for no deadline."""
    if timeout is DEFAULT or type(timeout).__name__ == "_MethodDefault":
        return default
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
        raise TypeError(f"{argument}: expected seconds or None, got {type(timeout).__name__}")
    if not 0 < timeout < float("inf"):
        raise ValueError(f"{argument}: {timeout} is not a positive number of seconds")
    return timeout
