"""Ending what a task does from outside, with an exception of choice: the client left, a deadline passed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType


class Interruption:
    """A block of a task that others may end: ``with Interruption() as interrupt: …; interrupt(Gone())``.

    It costs neither a task nor a future, as every request has one.
    """

    def __init__(self) -> None:
        """For the task that is running."""
        self._task = asyncio.current_task()
        self._reason: BaseException | None = None
        self._over = False

    def __call__(self, reason: BaseException) -> None:
        """End the block with an exception; the first one counts."""
        if self._task is not None and not self._over and self._reason is None:
            self._reason = reason
            self._task.cancel()

    def __enter__(self) -> Interruption:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over = True
        if self._reason is not None and isinstance(error, asyncio.CancelledError):
            if self._task is not None and sys.version_info >= (3, 11):
                self._task.uncancel()
            raise self._reason from None


@contextmanager
def at_most(seconds: float | None, late: BaseException) -> Iterator[Interruption]:
    """A block that ends with ``late`` when it takes longer; None for as long as it likes."""
    with Interruption() as interrupt:
        if seconds is None:
            yield interrupt
            return
        timer = asyncio.get_running_loop().call_later(max(0.0, seconds), interrupt, late)
        try:
            yield interrupt
        finally:
            timer.cancel()
