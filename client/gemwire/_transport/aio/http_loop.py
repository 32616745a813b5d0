"""Where calls over HTTP run. Written by hand for each flavour: here, on the loop that makes them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from gemwire._transport import fork
from gemwire._transport.aio.http_connection import HttpBinding
from gemwire._transport.rest.tls_and_proxy import HttpTarget

if TYPE_CHECKING:
    from gemwire._transport.rest.session import Session

_T = TypeVar("_T")


class Portal:
    """Runs what belongs to a session: on its loop, which is the one that asks."""

    def __init__(self, target: HttpTarget) -> None:
        from gemwire._transport.rest.session import Session

        self.loop = asyncio.get_running_loop()
        self.session = Session(target)
        self._life = _until_the_loop_ends(self.session)
        with contextlib.suppress(StopIteration):
            # Up to its yield, by hand: nothing is waited for on the way. From then on the loop knows it.
            self._life.asend(None).send(None)

    async def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Do something and wait for it."""
        return await work

    def start(self, work: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
        """Begin something."""
        return self.loop.create_task(work)

    async def result(self, begun: asyncio.Task[_T]) -> _T:
        """Wait for what was begun."""
        return await begun

    def soon(self, work: Callable[[], Any]) -> None:
        """Have something done."""
        work()

    async def close(self) -> None:
        """End all calls and connections, and wait for that."""
        await self._life.aclose()


async def _until_the_loop_ends(session: Session) -> AsyncGenerator[None, None]:
    """Closes a session however its loop ends, or when nobody refers to it any more.

    A loop closes the async generators that were begun on it, before it ends (`asyncio.run` sees to
    that) and when they are collected. There is no other place to hook into.
    """
    try:
        yield
    finally:
        await session.close()


class HttpChannels:
    """A session for each event loop that uses it, made on the first call there."""

    def __init__(self, target: HttpTarget) -> None:
        self._target = target
        self._closed = False
        self._bindings: dict[asyncio.AbstractEventLoop, HttpBinding] = {}

    @property
    def closed(self) -> bool:
        return self._closed

    def current(self) -> HttpBinding:
        """The binding of the running loop.

        Raises:
            RuntimeError: The client is closed, or no loop runs.
        """
        loop = asyncio.get_running_loop()
        found = self._bindings.get(loop)
        if found is not None and found.generation == fork.generation():
            return found
        if self._closed:
            raise RuntimeError("this client is closed; make another")
        for owner in [owner for owner in list(self._bindings) if owner.is_closed()]:
            self._bindings.pop(owner, None)
        found = self._bindings[loop] = HttpBinding(Portal(self._target))
        return found

    def replace(self, binding: HttpBinding) -> None:
        """Nothing to do: connections that idle go by themselves, one that is silent ends with its call."""

    async def close(self) -> None:
        """End the calls and connections of the running loop, and those of other loops that run."""
        self._closed = True
        loop = asyncio.get_running_loop()
        bindings = list(self._bindings.items())
        self._bindings.clear()
        for owner, binding in bindings:
            if binding.generation != fork.generation():
                continue
            if owner is loop:
                await binding.portal.close()
            elif owner.is_running():
                asyncio.run_coroutine_threadsafe(binding.portal.close(), owner)
