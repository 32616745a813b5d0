"""Ending what a task does from outside, with an exception of choice: the client left, a deadline passed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from types import TracebackType


class TaskInterrupt:
    """A block of a task that others may end: ``with TaskInterrupt() as interrupt: …; interrupt(error)``.

    It costs neither a task, a future nor a generator, as every request has two.
    """

    __slots__ = ("_late", "_over", "_reason", "_seconds", "_task", "_timer")

    def __init__(
        self, seconds: float | None = None, late: Callable[[], BaseException] = TimeoutError
    ) -> None:
        """For the task that is running.

        Args:
            seconds: Time after which the block is ended anyway; None for as long as it likes.
            late: Makes the exception that it ends with then.
        """
        self._seconds = seconds
        self._late = late
        self._task = asyncio.current_task()
        self._timer: asyncio.TimerHandle | None = None
        self._reason: BaseException | None = None
        self._over = False

    def __call__(self, reason: BaseException) -> None:
        """End the block with an exception; the first one counts."""
        if self._task is not None and not self._over and self._reason is None:
            self._reason = reason
            self._task.cancel()

    def __enter__(self) -> TaskInterrupt:
        if self._seconds is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(0.0, self._seconds), self._expire)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
        if self._reason is not None and isinstance(error, asyncio.CancelledError):
            if self._task is not None and sys.version_info >= (3, 11):
                self._task.uncancel()
            raise self._reason from None

    def _expire(self) -> None:
        self(self._late())
