"""Whether to make a failed call again, and after which pause. The one retry layer there is.

gRPC's own retryPolicy is not used: it stops without a word above a 256 KiB
request, makes five attempts at most and cannot repeat a stream whose headers
came (all measured). Its transparent retries, of calls that never left, stay on.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc

from gemwire.errors import APIError
from gemwire.options import Hedge, Retry
from gemwire_runtime.method import DEFAULT, Default, RetryDefaults

PUSHBACK = "grpc-retry-pushback-ms"

#: Seconds; without a timeout a server could ask for a pause of a thousand years.
_LONGEST = 86_400.0


class Budget:
    """Keeps an outage from being multiplied (gRFC A6, retry throttling).

    A failure takes one token, a success gives a tenth of one back; calls are repeated only while
    more than half of the tokens are there. Shared by all calls of a transport. Counts are not
    guarded by a lock: a lost update changes nothing that matters.
    """

    def __init__(self, tokens: float = 100.0, ratio: float = 0.1) -> None:
        self._most = tokens
        self._tokens = tokens
        self._ratio = ratio

    @property
    def enough(self) -> bool:
        """Whether calls may be repeated."""
        return self._tokens > self._most / 2

    @property
    def full(self) -> bool:
        """Whether nothing was taken; then a success has nothing to give back."""
        return self._tokens >= self._most

    def succeeded(self) -> None:
        self._tokens = min(self._most, self._tokens + self._ratio)

    def failed(self) -> bool:
        """Count a failure. Returns whether calls may be repeated."""
        self._tokens = max(0.0, self._tokens - 1.0)
        return self.enough


@dataclass(frozen=True)
class Policy:
    """A `Retry`, a method's default or a google.api_core retry object, as one thing.

    Attributes:
        wanted: Whether an error is one to repeat the call after.
        max_attempts: Attempts in all; None for as many as the time allows.
        initial: Seconds, upper bound of the first pause.
        maximum: Seconds, upper bound of any pause.
        multiplier: Growth of the bound.
        within: Seconds from the first attempt after which no other is begun; None for the call's timeout.
        on_error: Called with each error that is followed by another attempt.
        hedge: When another attempt begins beside one that is slow; None for never.
    """

    wanted: Callable[[APIError], bool]
    max_attempts: int | None
    initial: float
    maximum: float
    multiplier: float
    within: float | None = None
    on_error: Callable[[Exception], Any] | None = None
    hedge: Hedge | None = None

    def passing(self, error: APIError, asked: float | None) -> bool:
        """Whether an error is one after which a further attempt may do better.

        Args:
            error: What the attempt ended with.
            asked: Seconds that the server asks to wait; None where it does not say.
        """
        told_when = asked is not None and error.grpc_code is grpc.StatusCode.RESOURCE_EXHAUSTED
        return told_when or self.wanted(error) or _turned_away(error)

    def pause(self, error: APIError, attempt: int, elapsed: float, remaining: float | None) -> float | None:
        """Seconds to wait before the next attempt; None to give up.

        Args:
            error: What the attempt ended with.
            attempt: How many attempts there were.
            elapsed: Seconds since the first began.
            remaining: Seconds to the deadline; None without one.
        """
        if self.max_attempts is not None and attempt >= self.max_attempts:
            return None
        asked, refused = server_delay(error)
        if refused or not self.passing(error, asked):
            return None
        bound = min(self.initial * self.multiplier ** min(attempt - 1, 64), self.maximum)
        # Jitter comes on top of what the server asks for, lest all its callers return at once.
        asked, bound = (asked, min(bound, asked / 10)) if asked and asked > 0 else (0.0, bound)
        wait = asked + random.uniform(0, bound)  # noqa: S311 - not a secret
        if wait >= (_LONGEST if remaining is None else remaining):
            return None
        if self.within is not None and elapsed + wait > self.within:
            return None
        return wait


def _turned_away(error: APIError) -> bool:
    """Whether a server that was about to stop never looked at the call: gRPC's core says just CANCELLED."""
    return error.grpc_code is grpc.StatusCode.CANCELLED and error.message == "CANCELLED"


def server_delay(error: APIError) -> tuple[float | None, bool]:
    """Seconds that the server asks to wait, and whether it asks not to come again at all."""
    for key, value in error.trailing_metadata:
        if key == PUSHBACK:
            # gRFC A6: anything but a number of milliseconds means no.
            text = value.decode(errors="replace") if isinstance(value, bytes) else value
            return (int(text) / 1000, False) if text.isdecimal() and len(text) < 10 else (None, True)
    return error.retry_delay, False


def policy(retry: Any, default: RetryDefaults | None) -> Policy | None:
    """Understand a call's ``retry`` argument.

    Args:
        retry: `DEFAULT`, None, a `Retry`, or a retry object of google.api_core.
        default: What the method table says.

    Raises:
        TypeError: It is none of these.
    """
    if isinstance(retry, Default) or type(retry).__name__ == "_MethodDefault":
        return of_defaults(default)
    if retry is None:
        return None
    if isinstance(retry, Retry):
        codes = retry.codes
        return Policy(
            lambda error: error.grpc_code in codes,
            retry.max_attempts,
            retry.initial,
            retry.maximum,
            retry.multiplier,
            hedge=retry.hedge,
        )
    if hasattr(retry, "_predicate") and hasattr(retry, "_initial"):
        return _of_api_core(retry)
    raise TypeError(
        f"retry: expected gemwire.Retry, a google.api_core retry or None, got {type(retry).__name__}"
    )


def unhedged(retry: Any, what: str) -> Policy | None:
    """The policy of something that goes in steps, of which none is sent twice at a time.

    Raises:
        ValueError: ``retry`` has a hedge.
        TypeError: It is none that `policy` takes.
    """
    found = policy(retry, None)
    if found and found.hedge:
        raise ValueError(f"retry: {what} cannot be hedged, a hedge is for calls with one answer")
    return found


_defaults: dict[RetryDefaults, Policy] = {}


def of_defaults(default: RetryDefaults | None) -> Policy | None:
    """The policy of a method table's entry."""
    if default is None:
        return None
    found = _defaults.get(default)
    if found is None:
        retry = Retry(
            frozenset(grpc.StatusCode[c] for c in default.codes),
            None,
            default.initial,
            default.maximum,
            default.multiplier,
        )
        found = policy(retry, None)
        assert found is not None  # noqa: S101 - a Retry always gives one
        _defaults[default] = found
    return found


def _of_api_core(retry: Any) -> Policy:
    predicate: Callable[[Exception], bool] = retry._predicate

    def wanted(error: APIError) -> bool:
        from google.api_core import exceptions

        return bool(predicate(exceptions.from_grpc_status(error.grpc_code, error.message)))

    return Policy(
        wanted,
        None,
        retry._initial,
        retry._maximum,
        retry._multiplier,
        within=getattr(retry, "_timeout", None),
        on_error=getattr(retry, "_on_error", None),
    )


def check_timeout(timeout: Any, default: float | None, argument: str = "timeout") -> float | None:
    """Seconds of a ``timeout`` argument; None for no deadline.

    Raises:
        TypeError: It is not a number.
        ValueError: It is negative, zero or not finite.
    """
    if timeout is DEFAULT:
        return default
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
        if type(timeout).__name__ == "_MethodDefault":
            return default
        raise TypeError(f"{argument}: expected seconds or None, got {type(timeout).__name__}")
    if not 0 < timeout < float("inf"):
        raise ValueError(f"{argument}: {timeout} is not a positive number of seconds")
    return timeout
