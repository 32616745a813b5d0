"""How fast calls may begin."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Rate:
    """Limits of a job, or of one of the processes that share them.

    Attributes:
        requests_per_minute: Calls; None for no limit.
        tokens_per_minute: Tokens of their requests; None for no limit.
    """

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None

    def __post_init__(self) -> None:
        for name in ("requests_per_minute", "tokens_per_minute"):
            value = getattr(self, name)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise TypeError(f"{name}: expected a number, got {value!r}")
            if not 0 < value < math.inf:
                raise ValueError(f"{name}: {value} is not a positive number")

    def share(self, processes: int) -> Rate:
        """What each of several processes may use, so that all together keep to it."""
        return Rate(
            *(v and v / processes for v in (self.requests_per_minute, self.tokens_per_minute)),
        )

    def limits(self) -> Any:
        """What calls wait for, `gemwire.limits.Limits`; None where there is nothing to wait for."""
        from gemwire.limits import Limits

        if self.requests_per_minute is None and self.tokens_per_minute is None:
            return None
        return Limits(self.requests_per_minute, self.tokens_per_minute)
