"""Idle timeouts of streams."""

from __future__ import annotations

import time
from collections.abc import Callable

from gemwire._transport.aio.concurrency import start_timer


class IdleWatchdog:
    """Cancels a stream that received no message for a while: one timer, re-armed when it fires.

    Attributes:
        timeout: Seconds without a message.
        fired: Whether it has cancelled the stream.
    """

    __slots__ = ("_cancel", "_last", "_stopped", "_timer", "_waiting", "fired", "timeout")

    def __init__(self, timeout: float, cancel: Callable[[], object]) -> None:
        self.timeout = timeout
        self._cancel = cancel
        self.fired = False
        self._waiting = True
        self._stopped = False
        self._last = time.monotonic()
        self._timer = start_timer(timeout, self._check)

    def resume(self) -> None:
        """Start counting: a message is awaited."""
        self._last = time.monotonic()
        self._waiting = True

    def pause(self) -> None:
        """Stop counting: the time that the consumer takes is not the server's."""
        self._waiting = False

    def stop(self) -> None:
        """Cancel the timer."""
        self._stopped = True
        self._timer.cancel()

    def _check(self) -> None:
        if self._stopped:
            return
        left = self._last + self.timeout - time.monotonic() if self._waiting else self.timeout
        if left > 0:
            self._timer = start_timer(left, self._check)
        else:
            self.fired = True
            self._cancel()
