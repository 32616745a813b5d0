"""Retries and hedges of one call. Both are frozen and pickle."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from gemwire_runtime.status_code import StatusCode

if TYPE_CHECKING:
    import grpc

#: gRFC A6 has the same limit of attempts; a percentile is taken of at most so many latencies.
_MAX_HEDGED_ATTEMPTS, _MAX_SAMPLES = 5, 256


class ApiCoreRetry(Protocol):
    """Common interface of ``google.api_core.retry.Retry`` and ``AsyncRetry``, for type checkers."""

    def with_predicate(self, predicate: Callable[[Exception], bool]) -> ApiCoreRetry: ...
    def with_timeout(self, timeout: float | None) -> ApiCoreRetry: ...


@dataclass(frozen=True)
class Hedge:
    """When a slow call is sent once more beside itself; the first response counts.

    For methods that change nothing on the server and have one response: generating, embedding,
    counting, reading. As in gRFC A6, an attempt that fails with a retryable status starts the
    next at once, any other failure ends the call, and the losers are cancelled. A server
    bills each attempt that it carries out.

    Attributes:
        delay: Seconds after which another attempt starts; 0 starts all at once. With `percentile`, the
            delay to use until there are enough samples.
        percentile: Between 0 and 1: the delay is this percentile of the latencies of the last calls
            that were hedged so, of the same method and model on this client. Without enough
            samples and without `delay` there is no hedge.
        max_attempts: Attempts side by side, the first included; 2 to 5.
        budget: Hedges as a share of calls, above 0 and at most 1. All calls of a client share
            the unused budget, up to 50 hedges, and begin with one.
        minimum_samples: Number of latencies that `percentile` needs; 1 to 256.
    """

    delay: float | None = None
    percentile: float | None = None
    max_attempts: int = 2
    budget: float = 0.1
    minimum_samples: int = 20

    def __post_init__(self) -> None:
        if self.delay is None and self.percentile is None:
            raise ValueError("Hedge: neither delay nor percentile says when; give one")
        if self.delay is not None and not 0 <= self.delay < float("inf"):
            raise ValueError(f"Hedge.delay: {self.delay} is not a number of seconds")
        if self.percentile is not None and not 0 < self.percentile < 1:
            raise ValueError(f"Hedge.percentile: {self.percentile} is not between 0 and 1")
        if not 2 <= self.max_attempts <= _MAX_HEDGED_ATTEMPTS:
            raise ValueError(f"Hedge.max_attempts: {self.max_attempts} is not 2 to {_MAX_HEDGED_ATTEMPTS}")
        if not 0 < self.budget <= 1:
            raise ValueError(f"Hedge.budget: {self.budget} is not a share above 0 and at most 1")
        if not 1 <= self.minimum_samples <= _MAX_SAMPLES:
            raise ValueError(f"Hedge.minimum_samples: {self.minimum_samples} is not 1 to {_MAX_SAMPLES}")


class _Codes:
    """The field `Retry.codes`: kept as names, read as members of grpc's enum.

    Not every transport needs grpc, which takes longer to import than all else together.
    """

    def __get__(self, retry: Retry | None, kind: type[Retry]) -> object:
        if retry is None:
            return ("UNAVAILABLE",)
        import grpc

        return frozenset(grpc.StatusCode[name] for name in retry.names)

    def __set__(self, retry: Retry, codes: object) -> None:
        listed = codes if isinstance(codes, Iterable) and not isinstance(codes, str) else (codes,)
        vars(retry)["_names"] = frozenset(_name_of(code) for code in listed)


@dataclass(frozen=True)
class Retry:
    """When and how a failed call is retried.

    Pauses are drawn uniformly between zero and a bound that grows with each attempt ("full
    jitter"). The call's timeout spans all attempts: a pause that would end after it is not begun.
    RESOURCE_EXHAUSTED is retried when the server says how long to wait, whether
    it is among `codes` or not.

    Attributes:
        codes: Statuses after which the call is retried. Names ("UNAVAILABLE") are accepted, too.
        max_attempts: Attempts in all, hedges included; None for as many as the timeout allows.
        initial: Seconds, upper bound of the first pause.
        maximum: Seconds, upper bound of any pause.
        multiplier: Growth of the bound from one pause to the next.
        hedge: When another attempt starts beside a slow one; None for never.
    """

    if TYPE_CHECKING:
        codes: frozenset[grpc.StatusCode]
    else:
        codes: object = _Codes()
    max_attempts: int | None = None
    initial: float = 1.0
    maximum: float = 10.0
    multiplier: float = 1.3
    hedge: Hedge | None = None

    if TYPE_CHECKING:
        # What is accepted is wider than what is kept.
        def __init__(
            self,
            codes: Iterable[grpc.StatusCode | str] | grpc.StatusCode = ...,
            max_attempts: int | None = ...,
            initial: float = ...,
            maximum: float = ...,
            multiplier: float = ...,
            hedge: Hedge | None = ...,
        ) -> None: ...

    def __post_init__(self) -> None:
        if self.max_attempts is not None and self.max_attempts < 1:
            raise ValueError(f"Retry.max_attempts: {self.max_attempts} is less than 1")
        for name in ("initial", "maximum"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"Retry.{name}: {getattr(self, name)} is not a number of seconds")
        if not self.multiplier >= 1:
            raise ValueError(f"Retry.multiplier: {self.multiplier} is less than 1")
        hedge: object = self.hedge
        if hedge is not None and not isinstance(hedge, Hedge):
            raise TypeError(f"Retry.hedge: expected gemwire.Hedge or None, got {type(hedge).__name__}")
        if hedge is not None and self.max_attempts == 1:
            raise ValueError("Retry.max_attempts: 1 leaves nothing to hedge with; it counts hedges too")

    @property
    def names(self) -> frozenset[str]:
        """The names of `codes`."""
        names: frozenset[str] = vars(self)["_names"]
        return names


def _name_of(code: object) -> str:
    name = code if isinstance(code, str) else getattr(code, "name", None)
    if name not in StatusCode.__members__:
        raise ValueError(f"Retry.codes: {code!r} is not a status code; use names such as 'UNAVAILABLE'")
    return str(name)
