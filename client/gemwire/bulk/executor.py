"""The interface of executors: what runs the task of a job, in this process, in several, or on a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from gemwire.bulk.line_result import LineResult
from gemwire.bulk.lines import Line
from gemwire.errors import GemwireError


class JobStopped(GemwireError):
    """A job ended early. Finished lines are saved; the same call continues the job."""


class Executor(Protocol):
    """Takes lines and returns their results, in any order."""

    def start(self, lines: Iterator[Line]) -> None:
        """Start on lines, which are read as they are needed."""
        ...

    def poll(self, timeout: float) -> list[LineResult] | None:
        """Wait up to ``timeout`` seconds for results. Return None when there will be no more."""
        ...

    def stop(self) -> None:
        """Start no more lines. Those in progress continue."""
        ...

    def close(self, timeout: float) -> None:
        """End all work, and wait up to ``timeout`` seconds for that."""
        ...
