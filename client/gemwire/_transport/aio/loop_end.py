"""The end of an event loop, which asyncio has no hook for. Written by hand: threads have no such end."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Protocol

from gemwire._transport import fork

#: Seconds until a timer that never fires.
_NEVER = 1e9


class Abandonable(Protocol):
    """A resource that a loop may leave open when it is closed."""

    def abandon(self) -> None:
        """End what can be ended without the loop."""


_open: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, weakref.WeakSet[Abandonable]] = (
    weakref.WeakKeyDictionary()
)


def abandon_with_loop(thing: Abandonable) -> None:
    """Call ``thing.abandon`` if the running loop is closed before ``thing`` is dropped."""
    loop = asyncio.get_running_loop()
    found = _open.get(loop)
    if found is None:
        found = _open[loop] = weakref.WeakSet()
        loop.call_later(_NEVER, _Guard(found))
    found.add(thing)


class _Guard:
    """The callback of a timer: a loop drops its timers when it is closed."""

    def __init__(self, things: weakref.WeakSet[Abandonable]) -> None:
        self._things = things
        self._generation = fork.generation()

    def __call__(self) -> None:
        """Do nothing."""

    def __del__(self) -> None:
        # In a forked child, they are the parent's.
        for thing in list(self._things) if self._generation == fork.generation() else ():
            with contextlib.suppress(Exception):
                thing.abandon()


def close_with_loop(close: Callable[[], Awaitable[None]]) -> AsyncGenerator[None, None]:
    """Call ``close`` when the running loop ends, or when the generator that is returned is closed or dropped.

    A loop closes the async generators that were started on it before it ends (`asyncio.run` does so) and
    when they are collected.
    """

    async def wait() -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            await close()

    lifetime = wait()
    with contextlib.suppress(StopIteration):
        # Step to the yield by hand: nothing is awaited on the way. From then on the loop knows it.
        lifetime.asend(None).send(None)
    return lifetime
