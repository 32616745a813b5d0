"""The event loop that HTTP sessions run on. Written by hand for each flavour: here, the caller's own loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from gemwire._transport.rest.tls_and_proxy import HttpTarget

if TYPE_CHECKING:
    from gemwire._transport.rest.session import Session

_T = TypeVar("_T")


class LoopRunner:
    """Runs the coroutines of an HTTP session on its event loop, which is the running one."""

    def __init__(self, target: HttpTarget) -> None:
        from gemwire._transport.rest.session import Session

        self.loop = asyncio.get_running_loop()
        self.session = Session(target)
        self._lifetime = _close_with_loop(self.session)
        with contextlib.suppress(StopIteration):
            # Step to the yield by hand: nothing is awaited on the way. From then on the loop knows it.
            self._lifetime.asend(None).send(None)

    async def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run a coroutine and return its result."""
        return await work

    def start(self, work: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
        """Start a coroutine."""
        return self.loop.create_task(work)

    async def result(self, started: asyncio.Task[_T]) -> _T:
        """Wait for a coroutine that was started, and return its result."""
        return await started

    def call_soon(self, callback: Callable[[], object]) -> None:
        """Call a function on the loop."""
        callback()

    async def close(self) -> None:
        """End all calls and connections, and wait until they have ended."""
        await self._lifetime.aclose()


async def _close_with_loop(session: Session) -> AsyncGenerator[None, None]:
    """Close a session when its loop ends, or when nothing refers to it any more.

    A loop closes the async generators that were started on it before it ends (`asyncio.run` does so)
    and when they are collected. There is no other hook.
    """
    try:
        yield
    finally:
        await session.close()
