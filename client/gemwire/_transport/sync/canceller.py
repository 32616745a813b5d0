"""Cancellation of calls. Written by hand for each flavour: grpc's two interfaces differ."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from gemwire._transport import fork


class Canceller:
    """Cancels a call from any thread, and from a finalizer."""

    __slots__ = ("_call", "_generation")

    def __init__(self, call: Any) -> None:
        self._call = call
        self._generation = fork.generation()

    def done(self) -> bool:
        """Return whether the call has ended."""
        # A grpc.Call has no done(), although grpc's own calls do.
        return not self._call.is_active()

    def __call__(self) -> bool:
        """Cancel the call. Returns whether it was still running."""
        if self.done():
            return False
        self._call.cancel()
        return True

    def call_at_end(self, callback: Callable[[], object]) -> None:
        """Call a function when the call has ended."""
        self._call.add_callback(callback)

    def release(self) -> None:
        """Cancel the call, as its only reader, who will read no more.

        grpc frees a stream without a thread of its own (20 KB and its connection) only when all operations
        that it started have been seen to complete, and does not check for that after a cancellation.
        After one it never takes long.
        """
        self()
        interruption = sys.exc_info()[1]
        if interruption is not None and not isinstance(interruption, (Exception, GeneratorExit)):
            # Ctrl-C inside of grpc, which has already torn the call down: consuming would hang forever.
            return
        consume = getattr(self._call, "_consume_next_event", None)
        if consume is not None and self._generation == fork.generation():
            # grpc has no public way to ask which operations are outstanding.
            while self._call._state.due:  # noqa: SLF001
                consume()
