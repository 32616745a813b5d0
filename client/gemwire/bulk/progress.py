"""How far a job is, what it used, and what that costs."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Prices:
    """What tokens cost, in any currency.

    Attributes:
        tokens_in: For a million tokens that go in.
        tokens_out: For a million tokens that come out.
    """

    tokens_in: float = 0.0
    tokens_out: float = 0.0

    def __post_init__(self) -> None:
        for name in ("tokens_in", "tokens_out"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise TypeError(f"prices.{name}: expected a number, got {value!r}")
            if not 0 <= value < math.inf:
                raise ValueError(f"prices.{name}: {value} is no price")


@dataclass(frozen=True)
class Progress:
    """A job at a moment, or in the end.

    Attributes:
        total: Lines of the input that are not blank.
        before: Lines that were finished before this run, failures included.
        answered: Lines that this run got answers to.
        failed: Lines that failed in this run.
        failures: Lines in the file of failures, those of earlier runs included.
        tokens_in: Tokens of this run's requests.
        tokens_out: Tokens of this run's answers, thoughts included.
        elapsed: Seconds of this run.
        cost: Of this run; None without prices.
    """

    total: int
    before: int
    answered: int = 0
    failed: int = 0
    failures: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    elapsed: float = 0.0
    cost: float | None = None

    @property
    def done(self) -> int:
        """Lines that are finished."""
        return self.before + self.answered + self.failed

    @property
    def left(self) -> int:
        """Lines that are not."""
        return self.total - self.done

    @property
    def rate(self) -> float:
        """Lines per second in this run."""
        return (self.answered + self.failed) / self.elapsed if self.elapsed else 0.0

    @property
    def remaining(self) -> float | None:
        """Seconds that the rest will take at this rate; None while nobody can tell."""
        return self.left / self.rate if self.rate else None
