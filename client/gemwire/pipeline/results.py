"""The results of a pipeline, for ``async for`` and for plain ``for``."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Generic, TypeVar, cast

from gemwire.errors import StreamConsumed
from gemwire.pipeline.worker_pool import WorkerPool

_R = TypeVar("_R")


class Results(Generic[_R]):
    """Results of a pipeline, as they complete (or in order). They can be iterated once.

    Use ``async for`` in async programs and plain ``for`` in sync ones; nothing starts before that. However
    the loop is left, all work of the pipeline is ended. ``async with`` (or ``with``) waits for that end if
    the loop is left early.
    """

    def __init__(self, start: Callable[[], WorkerPool[Any, _R]]) -> None:
        self._start = start
        self._started = False
        self._pool: WorkerPool[Any, _R] | None = None
        self._thread: _LoopThread[_R] | None = None

    def _mark_started(self) -> None:
        if self._started:
            raise StreamConsumed("the results of a pipeline can be iterated once; call map() again")
        self._started = True

    def __aiter__(self) -> AsyncGenerator[_R, None]:
        self._mark_started()
        return self._iterate()

    async def _iterate(self) -> AsyncGenerator[_R, None]:
        pool = self._pool = self._start()
        # With on_error="return", _R includes ItemFailed.
        ready, mark_taken = cast("deque[_R]", pool.ready), pool.mark_taken
        try:
            while await pool.wait_ready():
                while ready:
                    value = ready.popleft()
                    mark_taken()
                    yield value
        finally:
            await pool.close()

    async def aclose(self) -> None:
        """End all work and wait for it. Further calls do nothing."""
        self._started = True
        if self._pool is not None:
            await self._pool.close()
            # asyncio closes a dropped iterator in another task, which ends with the pool.
            await asyncio.sleep(0)

    async def __aenter__(self) -> Results[_R]:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __iter__(self) -> Iterator[_R]:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            pass
        else:
            raise RuntimeError(
                "a plain `for` over a pipeline would block the event loop that runs here; use `async for`"
            )
        self._mark_started()
        return self._iterate_in_thread()

    def _iterate_in_thread(self) -> Iterator[_R]:
        thread = self._thread = _LoopThread(self._start)
        try:
            thread.start()
            while batch := thread.next_batch():
                yield from batch
        finally:
            thread.close()

    def close(self) -> None:
        """End all work and wait for it, in sync programs; see `aclose`."""
        self._started = True
        if self._thread is not None:
            self._thread.close()

    def __enter__(self) -> Results[_R]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _LoopThread(Generic[_R]):
    """Thread with an event loop that runs a pipeline and hands over results in batches.

    As long as the consumer keeps up, only the batches pass between the two threads: waking a loop from
    another thread costs more than all the rest.
    """

    def __init__(self, start: Callable[[], WorkerPool[Any, _R]]) -> None:
        self._start_pool = start
        self._batches: SimpleQueue[list[_R] | BaseException] = SimpleQueue()
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop
        self._wanted: asyncio.Event
        # Results that were put in batches, those that the consumer has finished with, and the last batch's.
        self._put = self._done = self._last = 0
        self._full = False
        self._task: asyncio.Task[None] | None = None
        run = contextvars.copy_context().run
        self._thread = threading.Thread(target=run, args=(self._main,), name="gemwire-pipeline", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def _main(self) -> None:
        last: BaseException | list[_R] = []
        try:
            asyncio.run(self._run())
        except asyncio.CancelledError:
            pass
        except BaseException as error:
            last = error
        self._ready.set()
        self._batches.put(last)

    async def _run(self) -> None:
        self._loop, self._wanted = asyncio.get_running_loop(), asyncio.Event()
        self._task = asyncio.current_task()
        self._ready.set()
        pool = self._start_pool()
        ready = cast("deque[_R]", pool.ready)
        try:
            while await pool.wait_ready():
                # One iteration of the loop, for results that are about to be ready.
                await asyncio.sleep(0)
                while self._put > self._done and self._put - self._done + len(ready) > pool.capacity:
                    await self._wait_consumed()
                batch = list(ready)
                ready.clear()
                pool.mark_taken(len(batch))
                self._put += len(batch)
                self._batches.put(batch)
        finally:
            await pool.close()

    async def _wait_consumed(self) -> None:
        """Wait until the consumer has finished with all batches."""
        self._wanted.clear()
        self._full = True
        # Check again: the consumer reads the flag after it has counted.
        if self._put > self._done:
            await self._wanted.wait()
        self._full = False

    def _call_soon(self, callback: Callable[[], object]) -> None:
        # A loop that has ended has put the reason in the last batch.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(callback)

    def next_batch(self) -> list[_R]:
        """Wait for results and return them; an empty list at the end."""
        self._done += self._last
        self._last = 0
        if self._full and self._put == self._done:
            self._call_soon(self._wanted.set)
        batch = self._batches.get()
        if isinstance(batch, BaseException):
            raise batch
        self._last = len(batch)
        return batch

    def close(self) -> None:
        """End the pipeline and wait for it."""
        if self._thread.ident is None:
            return
        self._ready.wait()
        if self._task is not None:
            self._call_soon(self._task.cancel)
        if threading.current_thread() is not self._thread:
            # The garbage collector may run this in the thread itself, which cannot join itself.
            self._thread.join()
