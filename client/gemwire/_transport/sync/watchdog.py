"""Idle timeouts of streams. Written by hand for each flavour: here, a timer thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


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
        self._arm(timeout)

    def _arm(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._check)
        self._timer.daemon = True
        self._timer.start()

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
            self._arm(left)
        else:
            self.fired = True
            self._cancel()
