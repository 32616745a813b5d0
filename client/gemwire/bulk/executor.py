"""The interface of executors: what runs the task of a job, in this process, in several, or on a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from gemwire.bulk.line_result import LineResult
from gemwire.bulk.lines import Line
from gemwire.errors import GemwireError

if TYPE_CHECKING:
    from gemwire.pipeline import Adaptive


class JobStopped(GemwireError):
    """A job ended early. Finished lines are saved; the same call continues the job."""


class Executor(Protocol):
    """Takes lines and returns their results, in any order."""

    def start(self, lines: Iterator[Line]) -> None:
        """Start on lines, which are read as they are needed."""
        ...

    def poll(self, timeout: float) -> list[LineResult] | None:
        """Wait up to ``timeout`` seconds for results. Return None when there will be no more.

        Raises:
            Exception: The executor failed.
        """
        ...

    def stop(self) -> None:
        """Start no more lines. Those in progress continue."""
        ...

    def close(self, timeout: float) -> None:
        """End all work, and wait up to ``timeout`` seconds for that."""
        ...


def split_concurrency(concurrency: int | Adaptive, processes: int) -> list[int | Adaptive]:
    """Return the concurrency of each of several processes, the smallest last."""
    from gemwire.pipeline import Adaptive

    if isinstance(concurrency, int):
        each, rest = divmod(concurrency, processes)
        return [each + (index < rest) for index in range(processes)]
    minimum = max(1, concurrency.minimum // processes)
    maximum = max(minimum, concurrency.maximum // processes)
    start = min(max(minimum, concurrency.start // processes), maximum)
    return [Adaptive(start, minimum, maximum, concurrency.repeats)] * processes


def max_concurrency(concurrency: int | Adaptive) -> int:
    """Return the upper bound of a concurrency."""
    return concurrency if isinstance(concurrency, int) else concurrency.maximum
