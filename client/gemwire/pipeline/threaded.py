"""Sources that block, read in threads of their own."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import threading
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from typing import Any, TypeVar

from gemwire.pipeline.source import check

_T = TypeVar("_T")

#: Seconds to wait for a thread's end; one that a source blocks ends when that goes on.
_PATIENCE = 1.0


def in_thread(source: Iterable[_T], *, ahead: int = 64) -> AsyncIterator[_T]:
    """Read a sync iterable that blocks (a file, a cursor of a database) in a thread of its own.

    The thread makes the iterator, reads it and, where it is a generator, closes it. A thread that waits
    in the source cannot be stopped: it ends when the source goes on.

    Args:
        source: The iterable.
        ahead: Items that are read ahead of the pipeline.

    Returns:
        The same items, as an async iterator: the source of a pipeline.

    Raises:
        TypeError: It is no sync iterable, or it is one text or one piece of data.
        ValueError: ``ahead`` is less than 1.
    """
    check(source)
    if isinstance(source, AsyncIterable):
        raise TypeError("source: an async iterable needs no thread; give it to the pipeline as it is")
    if ahead < 1:
        raise ValueError(f"ahead: {ahead} is less than 1")
    return _read(source, ahead)


async def _read(source: Iterable[_T], ahead: int) -> AsyncIterator[_T]:
    thread = _Thread(source, ahead)
    try:
        while await thread.more():
            while thread.items:
                item = thread.items.popleft()
                thread.room.release()
                yield item
    finally:
        await thread.close()


class _Thread:
    """Reads ahead as far as there is room."""

    def __init__(self, source: Iterable[Any], ahead: int) -> None:
        self.items: deque[Any] = deque()
        self.room = threading.Semaphore(ahead)
        self._source = source
        self._loop = asyncio.get_running_loop()
        self._news, self._ended = asyncio.Event(), asyncio.Event()
        self._over = self._stopping = self._waiting = False
        self._error: BaseException | None = None
        run = contextvars.copy_context().run
        self._thread = threading.Thread(target=run, args=(self._run,), name="gemwire-pipeline-source")
        self._thread.daemon = True
        self._thread.start()

    def _run(self) -> None:
        try:
            iterator = iter(self._source)
            self.room.acquire()
            for item in () if self._stopping else iterator:
                self.items.append(item)
                if self._waiting:
                    self._tell(self._news)
                self.room.acquire()
                if self._stopping:
                    break
            if inspect.isgenerator(iterator):
                iterator.close()
        except BaseException as error:
            self._error = error
        self._over = True
        self._tell(self._news)
        self._tell(self._ended)

    def _tell(self, event: asyncio.Event) -> None:
        # A loop that has ended has nobody who waits.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(event.set)

    async def more(self) -> bool:
        """Wait for items. Returns False when there are none any more; raises what the source raised."""
        while not self.items:
            self._news.clear()
            self._waiting = True
            # Once more: the thread looks at the flag after it has put an item there.
            over = self._over
            if not self.items:
                if over:
                    if self._error is not None:
                        raise self._error
                    return False
                await self._news.wait()
            self._waiting = False
        return True

    async def close(self) -> None:
        self._stopping = True
        self.room.release()
        try:
            await asyncio.wait_for(self._ended.wait(), _PATIENCE)
        except asyncio.TimeoutError:
            return
        self._thread.join()
