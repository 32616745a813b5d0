"""What does the lines of a job: in this process, in several, on a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from gemwire.bulk.lines import Line
from gemwire.bulk.outcome import Outcome
from gemwire.errors import GemwireError


class JobStopped(GemwireError):
    """A job ended before its end. What is finished is safe; the same call continues."""


class Engine(Protocol):
    """Takes lines, and gives what became of them, in any order."""

    def start(self, lines: Iterator[Line]) -> None:
        """Begin with lines; they are read as they are needed."""
        ...

    def take(self, timeout: float) -> list[Outcome] | None:
        """What became of some lines.

        Args:
            timeout: Seconds to wait for more.

        Returns:
            None when there will be no more.

        Raises:
            Exception: The engine failed.
        """
        ...

    def stop(self) -> None:
        """Begin no more lines; those under way go on."""
        ...

    def close(self, wait: float) -> None:
        """End everything.

        Args:
            wait: Seconds to wait for that at most.
        """
        ...
