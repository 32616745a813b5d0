"""Interrupting a task with a chosen exception: the client disconnected, or a deadline expired."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from types import TracebackType


class TaskInterrupt:
    """A block that can be interrupted: ``with TaskInterrupt() as interrupt: …; interrupt(error)``.

    It needs no task, future or generator: every request enters two of these blocks.
    """

    __slots__ = ("_done", "_error", "_make_timeout_error", "_seconds", "_task", "_timer")

    def __init__(
        self, seconds: float | None = None, make_timeout_error: Callable[[], BaseException] = TimeoutError
    ) -> None:
        """Prepare a block of the running task.

        Args:
            seconds: Timeout of the block; None for none.
            make_timeout_error: Creates the exception that the timeout raises.
        """
        self._seconds = seconds
        self._make_timeout_error = make_timeout_error
        self._task = asyncio.current_task()
        self._timer: asyncio.TimerHandle | None = None
        self._error: BaseException | None = None
        self._done = False

    def __call__(self, error: BaseException) -> None:
        """Interrupt the block; of several errors the first is raised."""
        if self._task is not None and not self._done and self._error is None:
            self._error = error
            self._task.cancel()

    def __enter__(self) -> TaskInterrupt:
        if self._seconds is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(0.0, self._seconds), self._expire)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done = True
        if self._timer is not None:
            self._timer.cancel()
        if self._error is not None and isinstance(error, asyncio.CancelledError):
            if self._task is not None and sys.version_info >= (3, 11):
                self._task.uncancel()
            raise self._error from None

    def _expire(self) -> None:
        self(self._make_timeout_error())
