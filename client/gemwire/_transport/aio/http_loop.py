"""The event loop that HTTP sessions run on. Written by hand for each flavour: here, the caller's own loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from gemwire._transport.aio.loop_end import abandon_with_loop, close_with_loop
from gemwire._transport.rest.tls_and_proxy import HttpTarget

if TYPE_CHECKING:
    pass

_T = TypeVar("_T")


class LoopRunner:
    """Runs the coroutines of an HTTP session on its event loop, which is the running one."""

    def __init__(self, target: HttpTarget) -> None:
        from gemwire._transport.rest.session import open_session

        self.loop = asyncio.get_running_loop()
        self.session = open_session(target, target.clients.aio)
        self._lifetime = close_with_loop(self.session.close)
        abandon_with_loop(self.session)

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
