"""The rate limit of a job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gemwire._arguments import check_number


@dataclass(frozen=True)
class RateLimit:
    """Rate limit of a job, or of one of several processes that share it.

    Attributes:
        requests_per_minute: Calls; None for no limit.
        tokens_per_minute: Input tokens of the calls; None for no limit.
    """

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None

    def __post_init__(self) -> None:
        for name in ("requests_per_minute", "tokens_per_minute"):
            value = getattr(self, name)
            if value is not None:
                check_number(name, value)

    def divide(self, processes: int) -> RateLimit:
        """Return the share of each of several processes."""
        limits = (self.requests_per_minute, self.tokens_per_minute)
        return RateLimit(*(limit and limit / processes for limit in limits))


class RateGate:
    """Admits the calls of one process at the rate limit."""

    def __init__(self, rate: RateLimit) -> None:
        from gemwire.limits import Limits

        requests, tokens = rate.requests_per_minute, rate.tokens_per_minute
        self._limits = None if requests is None and tokens is None else Limits(requests, tokens)

    async def enter(self, request: object) -> Callable[[object], None]:
        """Wait until a request may start.

        Args:
            request: Request, or anything that `gemwire.limits.estimate` accepts.

        Returns:
            A function that takes the response, and charges the tokens that it reports.
        """
        if self._limits is None:
            return _ignore
        from gemwire.limits import estimate

        tokens: float = 0
        if (maximum := self._limits.tokens_per_minute) is not None:
            # A request that is larger than this process's share must still be sent: it waits for all of it.
            tokens = min(estimate(request), maximum)
        permit = await self._limits.acquire(tokens)
        return permit.settle


def _ignore(response: object) -> None:
    pass
