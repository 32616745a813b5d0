"""The progress, token usage and cost of a job."""

from __future__ import annotations

from dataclasses import dataclass

from gemwire._arguments import check_number


@dataclass(frozen=True)
class Prices:
    """Prices of tokens, in any currency.

    Attributes:
        tokens_in: Price of a million input tokens.
        tokens_out: Price of a million output tokens.
    """

    tokens_in: float = 0.0
    tokens_out: float = 0.0

    def __post_init__(self) -> None:
        for name in ("tokens_in", "tokens_out"):
            check_number(f"prices.{name}", getattr(self, name), zero=True)


@dataclass(frozen=True)
class Progress:
    """Snapshot of a job, or its final state.

    Attributes:
        total: Lines of the input that are not blank.
        before: Lines that were finished before this run, including failed ones.
        answered: Lines answered in this run.
        failed: Lines that failed in this run.
        failures: Lines in the failures file, including those of earlier runs.
        tokens_in: Input tokens of this run.
        tokens_out: Output tokens of this run, including thoughts.
        elapsed: Seconds since the start of this run.
        cost: Cost of this run; None without prices.
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
        """Number of finished lines."""
        return self.before + self.answered + self.failed

    @property
    def left(self) -> int:
        """Number of lines that are not finished."""
        return self.total - self.done

    @property
    def rate(self) -> float:
        """Lines per second in this run."""
        return (self.answered + self.failed) / self.elapsed if self.elapsed else 0.0

    @property
    def remaining(self) -> float | None:
        """Estimated seconds to the end; None if unknown."""
        return self.left / self.rate if self.rate else None
