"""Blocking sources, each read in its own thread."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import threading
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from typing import Generic, TypeVar

from gemwire._arguments import check_integer
from gemwire.pipeline.source import check_source

_T = TypeVar("_T")

#: Seconds to wait for the thread to end. A thread that blocks in the source ends when the source returns.
_JOIN_TIMEOUT = 1.0


def in_thread(source: Iterable[_T], *, ahead: int = 64) -> AsyncGenerator[_T, None]:
    """Read a blocking iterable, such as a file or a database cursor, in a thread.

    The thread creates the iterator, reads it and, if it is a generator, closes it. A thread that blocks in
    the source cannot be stopped: it ends when the source returns.

    Args:
        source: The iterable.
        ahead: Number of items to read ahead of the pipeline.

    Returns:
        An async iterator over the same items, for use as the source of a pipeline.

    Raises:
        TypeError: The source is not a sync iterable, or a string or binary data; or ``ahead`` is no number.
        ValueError: ``ahead`` is less than 1.
    """
    check_source(source)
    if isinstance(source, AsyncIterable):
        raise TypeError("source: an async iterable needs no thread; pass it to the pipeline directly")
    check_integer("ahead", ahead)
    return _iterate(source, ahead)


async def _iterate(source: Iterable[_T], ahead: int) -> AsyncGenerator[_T, None]:
    reader = _ThreadReader(source, ahead)
    try:
        while await reader.wait_items():
            while reader.items:
                item = reader.items.popleft()
                reader.capacity.release()
                yield item
    finally:
        await reader.close()


class _ThreadReader(Generic[_T]):
    """Thread that reads ahead as far as there is capacity."""

    def __init__(self, source: Iterable[_T], ahead: int) -> None:
        self.items: deque[_T] = deque()
        self.capacity = threading.Semaphore(ahead)
        self._source = source
        self._loop = asyncio.get_running_loop()
        self._available, self._ended = asyncio.Event(), asyncio.Event()
        self._exhausted = self._stopping = self._waiting = False
        self._error: BaseException | None = None
        run = contextvars.copy_context().run
        self._thread = threading.Thread(target=run, args=(self._run,), name="gemwire-pipeline-source")
        self._thread.daemon = True
        self._thread.start()

    def _run(self) -> None:
        try:
            iterator = iter(self._source)
            self.capacity.acquire()
            for item in () if self._stopping else iterator:
                self.items.append(item)
                if self._waiting:
                    self._set(self._available)
                self.capacity.acquire()
                if self._stopping:
                    break
            if inspect.isgenerator(iterator):
                iterator.close()
        except BaseException as error:
            self._error = error
        self._exhausted = True
        self._set(self._available)
        self._set(self._ended)

    def _set(self, event: asyncio.Event) -> None:
        # After the loop has been closed nothing waits for the event.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(event.set)

    async def wait_items(self) -> bool:
        """Wait for items. Return False at the end of the source; raise what the source raised."""
        while not self.items:
            self._available.clear()
            self._waiting = True
            # Check again: the thread reads the flag after it has appended an item.
            exhausted = self._exhausted
            if not self.items:
                if exhausted:
                    if self._error is not None:
                        raise self._error
                    return False
                await self._available.wait()
            self._waiting = False
        return True

    async def close(self) -> None:
        self._stopping = True
        self.capacity.release()
        try:
            await asyncio.wait_for(self._ended.wait(), _JOIN_TIMEOUT)
        except asyncio.TimeoutError:
            return
        self._thread.join()
