"""Cancellation of calls. Written by hand for each flavour: grpc's two interfaces differ."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from gemwire._transport import fork
from gemwire._transport.aio.loop_end import abandon_with_loop


class Canceller:
    """Cancels a call from any thread, and from a finalizer."""

    __slots__ = ("__weakref__", "_call", "_generation", "_loop")

    def __init__(self, call: Any) -> None:
        self._call = call
        self._loop = asyncio.get_running_loop()
        self._generation = fork.generation()
        abandon_with_loop(self)

    def done(self) -> bool:
        """Return whether the call has ended."""
        return bool(self._call.done())

    def __call__(self) -> bool:
        """Cancel the call. Returns whether it was still running; in a forked child it is the parent's."""
        if self._generation != fork.generation() or self._call.done():
            return False
        try:
            here = asyncio.get_running_loop() is self._loop
        except RuntimeError:
            here = False
        if here or not self._loop.is_running():
            if self._loop.is_closed():
                return False
            return bool(self._call.cancel())
        self._loop.call_soon_threadsafe(self._call.cancel)
        return True

    def call_at_end(self, callback: Callable[[], object]) -> None:
        """Call a function when the call has ended."""
        self._call.add_done_callback(lambda _: callback())

    def abandon(self) -> None:
        """Cancel the call of a closed loop: the server is notified, no reader is."""
        if self._generation == fork.generation():
            self._call.cancel()

    def release(self) -> None:
        """Cancel the call, as its only reader, who will read no more."""
        self()
