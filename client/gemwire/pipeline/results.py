"""What a pipeline gives: results, for ``async for`` and for plain ``for``."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Generic, TypeVar

from gemwire.errors import StreamConsumed
from gemwire.pipeline.run import Run

_R = TypeVar("_R")


class Results(Generic[_R]):
    """The results of a pipeline, each as soon as it is there (or in order). They can be iterated once.

    ``async for`` in async programs, plain ``for`` in sync ones; nothing begins before that. However the
    loop is left, everything that the pipeline began ends. ``async with`` (or ``with``) waits for that end
    where the loop is left early.
    """

    def __init__(self, begin: Callable[[], Run]) -> None:
        self._begin = begin
        self._begun = False
        self._run: Run | None = None
        self._thread: _LoopThread | None = None

    def _once(self) -> None:
        if self._begun:
            raise StreamConsumed("the results of a pipeline can be iterated once; call map() again")
        self._begun = True

    def __aiter__(self) -> AsyncIterator[_R]:
        self._once()
        return self._iterate()

    async def _iterate(self) -> AsyncIterator[_R]:
        run = self._run = self._begin()
        ready, taken = run.ready, run.taken
        try:
            while await run.more():
                while ready:
                    value = ready.popleft()
                    taken()
                    yield value
        finally:
            await run.close()

    async def aclose(self) -> None:
        """End everything that runs, and wait for that. A second time does nothing."""
        self._begun = True
        if self._run is not None:
            await self._run.close()
            # An iterator that was dropped is closed by a task of its own, which ends with the run.
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
        self._once()
        return self._iterate_in_thread()

    def _iterate_in_thread(self) -> Iterator[_R]:
        thread = self._thread = _LoopThread(self._begin)
        try:
            thread.start()
            while batch := thread.batch():
                yield from batch
        finally:
            thread.close()

    def close(self) -> None:
        """The same as `aclose`, for sync programs."""
        self._begun = True
        if self._thread is not None:
            self._thread.close()

    def __enter__(self) -> Results[_R]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _LoopThread:
    """Runs a pipeline on an event loop in a thread, and hands over all that is ready at a time.

    As long as the consumer keeps up, nothing but the batches goes between the two: waking a loop from
    another thread costs more than the rest.
    """

    def __init__(self, begin: Callable[[], Run]) -> None:
        self._begin = begin
        self._batches: SimpleQueue[list[Any] | BaseException] = SimpleQueue()
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop
        self._wanted: asyncio.Event
        # Results that were put in batches, and those that the consumer is done with.
        self._put = self._done = self._last = 0
        self._full = False
        self._task: asyncio.Task[Any] | None = None
        run = contextvars.copy_context().run
        self._thread = threading.Thread(target=run, args=(self._main,), name="gemwire-pipeline", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def _main(self) -> None:
        last: BaseException | list[Any] = []
        try:
            asyncio.run(self._serve())
        except asyncio.CancelledError:
            pass
        except BaseException as error:
            last = error
        self._ready.set()
        self._batches.put(last)

    async def _serve(self) -> None:
        self._loop, self._wanted = asyncio.get_running_loop(), asyncio.Event()
        self._task = asyncio.current_task()
        self._ready.set()
        run = self._begin()
        try:
            while await run.more():
                # One turn of the loop, for others that are as good as ready.
                await asyncio.sleep(0)
                while self._put > self._done and self._put - self._done + len(run.ready) > run.room:
                    await self._emptied()
                batch = list(run.ready)
                run.ready.clear()
                run.taken(len(batch))
                self._put += len(batch)
                self._batches.put(batch)
        finally:
            await run.close()

    async def _emptied(self) -> None:
        """Wait until the consumer is done with everything that it has."""
        self._wanted.clear()
        self._full = True
        # The consumer looks at the flag after it has counted.
        if self._put > self._done:
            await self._wanted.wait()
        self._full = False

    def _soon(self, callback: Callable[[], Any]) -> None:
        # Where the loop has ended it has said why, in its last batch.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(callback)

    def batch(self) -> list[Any]:
        """What is ready, at least one; nothing at the end."""
        self._done += self._last
        self._last = 0
        if self._full and self._put == self._done:
            self._soon(self._wanted.set)
        got = self._batches.get()
        if isinstance(got, BaseException):
            raise got
        self._last = len(got)
        return got

    def close(self) -> None:
        """End everything that runs there, and wait for that."""
        if self._thread.ident is None:
            return
        self._ready.wait()
        if self._task is not None:
            self._soon(self._task.cancel)
        if threading.current_thread() is not self._thread:
            # Else it was collected there, and cannot wait for itself.
            self._thread.join()
