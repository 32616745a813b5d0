"""Concurrency with asyncio. Written by hand for each flavour; most other modules of ``sync`` are derived."""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from google.protobuf.message import Message

from gemwire._transport.metadata import CallMetadata
from gemwire._transport.response_metadata import collect
from gemwire._transport.undecodable import UndecodableResponse

if TYPE_CHECKING:
    import grpc.aio

_I = TypeVar("_I")
_T = TypeVar("_T")

CancelledError = asyncio.CancelledError
sleep = asyncio.sleep

#: Seconds that a cancelled call may take to end.
_CANCELLATION_TIMEOUT = 1.0


async def wait_for_future(future: Future[_T], seconds: float) -> _T | None:
    """Return the result of work in another thread; None if there is none within ``seconds``."""
    try:
        return await asyncio.wait_for(asyncio.wrap_future(future), seconds)
    except asyncio.TimeoutError:
        return None


def spawn(work: Callable[[], Coroutine[Any, Any, None]]) -> asyncio.Task[None]:
    """Start work in the background."""
    return asyncio.get_running_loop().create_task(work())


def start_timer(seconds: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
    """Call ``callback`` after so many seconds, unless the timer is cancelled before."""
    return asyncio.get_running_loop().call_later(seconds, callback)


def is_task_cancelling() -> bool:
    """Return whether a CancelledError is meant for the current task, as Python 3.11 and later can tell."""
    cancelling: Callable[[], int] | None = getattr(asyncio.current_task(), "cancelling", None)
    return cancelling is not None and bool(cancelling())


async def run_in_thread(work: Callable[..., _T], *arguments: object) -> _T:
    """Run blocking file access without blocking the event loop."""
    return await asyncio.to_thread(work, *arguments)


async def run_side_by_side(
    work: Callable[[_I], Coroutine[object, object, _T]], items: Iterable[_I]
) -> list[_T]:
    """Apply ``work`` to all items at the same time, and return the results in their order.

    An error ends what has not ended.
    """
    tasks = [asyncio.create_task(work(item)) for item in items]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


async def iterate(iterable: AsyncIterable[_T] | Iterable[_T]) -> AsyncIterator[_T]:
    """Iterate over an iterable, async or not; one that is not blocks the event loop."""
    if isinstance(iterable, AsyncIterable):
        async for item in iterable:
            yield item
    else:
        for item in iterable:
            yield item


async def resolve(value: _T | Awaitable[_T]) -> _T:
    """Return a value, awaited if it is awaitable."""
    if inspect.isawaitable(value):
        return await cast("Awaitable[_T]", value)
    return value


async def receive(call: grpc.aio.StreamStreamCall[Message, _T]) -> _T | None:
    """Return the next response of a bidirectional call; None after the last."""
    message: object = await call.read()
    return None if message is getattr(sys.modules.get("grpc.aio"), "EOF", None) else cast("_T", message)


async def call_and_collect(
    call: Callable[..., Awaitable[_T]], request: Message, timeout: float | None, metadata: object
) -> _T:
    """Make a unary call and collect the metadata of its response; see `response_metadata`."""
    started = call(request, timeout=timeout, metadata=metadata)
    response = await started
    # Other calls than grpc's collect by themselves.
    if (read := getattr(started, "initial_metadata", None)) is not None:
        collect(await read())
    return response


class Race(Generic[_T]):
    """Concurrent unary calls, of which the first response counts."""

    __slots__ = ("_running",)

    def __init__(self) -> None:
        self._running: list[asyncio.Task[_T]] = []

    @property
    def running(self) -> bool:
        """Whether there is a call that `next` has not returned yet."""
        return bool(self._running)

    def start(
        self,
        call: Callable[..., Awaitable[_T]],
        request: Message,
        timeout: float | None,
        metadata: CallMetadata,
    ) -> None:
        """Start another call."""

        async def attempt() -> _T:
            return await call(request, timeout=timeout, metadata=metadata)

        task = asyncio.get_running_loop().create_task(attempt())
        task.add_done_callback(_has_failed)
        self._running.append(task)

    async def next(self, seconds: float | None) -> asyncio.Task[_T] | None:
        """Return a call that has ended, successes before failures; None if none does within ``seconds``."""
        ended, _ = await asyncio.wait(self._running, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if not ended:
            return None
        found = min(ended, key=_has_failed)
        self._running.remove(found)
        return found

    @staticmethod
    def result(ended: asyncio.Task[_T]) -> _T:
        """Return the response of a call that has ended, or raise its error."""
        return ended.result()

    async def end(self) -> None:
        """Cancel all remaining calls, and wait until the server is notified."""
        if self._running:
            for task in self._running:
                task.cancel()
            await asyncio.wait(self._running, timeout=_CANCELLATION_TIMEOUT)


def _has_failed(task: asyncio.Task[_T]) -> bool:
    """Return whether a task ended without a response; this also keeps asyncio from logging its error."""
    failed = task.cancelled() or task.exception() is not None
    return failed or type(task.result()) is UndecodableResponse
