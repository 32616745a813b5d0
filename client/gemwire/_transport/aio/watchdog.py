"""Idle timeouts of streams. Written by hand for each flavour: here, a timer of the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class IdleWatchdog:
    """Cancels a stream that received no message for a while: one timer, re-armed when it fires.

    Attributes:
        timeout: Seconds without a message.
        fired: Whether it has cancelled the stream.
    """

    __slots__ = ("_cancel", "_handle", "_last", "_loop", "_waiting", "fired", "timeout")

    def __init__(self, timeout: float, cancel: Callable[[], object]) -> None:
        self._loop = asyncio.get_running_loop()
        self.timeout = timeout
        self._cancel = cancel
        self.fired = False
        self._waiting = True
        self._last = self._loop.time()
        self._handle = self._loop.call_later(timeout, self._check)

    def resume(self) -> None:
        """Start counting: a message is awaited."""
        self._last = self._loop.time()
        self._waiting = True

    def pause(self) -> None:
        """Stop counting: the time that the consumer takes is not the server's."""
        self._waiting = False

    def stop(self) -> None:
        """Cancel the timer."""
        self._handle.cancel()

    def _check(self) -> None:
        left = self._last + self.timeout - self._loop.time() if self._waiting else self.timeout
        if left > 0:
            self._handle = self._loop.call_later(left, self._check)
        else:
            self.fired = True
            self._cancel()
