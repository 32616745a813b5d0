"""The tasks of one pipeline on one event loop: they read items, call the function and queue the results."""

from __future__ import annotations

import asyncio
import enum
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final, Generic, TypeVar

from gemwire.pipeline.item_failed import ItemFailed
from gemwire.pipeline.progress import INTERVAL, Progress
from gemwire.pipeline.source import SourceReader

_T = TypeVar("_T")
_R = TypeVar("_R")


class _Marker(enum.Enum):
    PENDING = enum.auto()
    SKIPPED = enum.auto()


_PENDING: Final = _Marker.PENDING
_SKIPPED: Final = _Marker.SKIPPED


class WorkerPool(Generic[_T, _R]):
    """Worker tasks over one source, and the queue of their results.

    Each worker is a task that processes item after item: a task per item would cost more than all the rest.
    Idle workers wait in a queue; the consumer wakes one for each result that it takes, and a worker that
    finds work wakes others. Where none is idle, another is started: there are never more than items need.

    Attributes:
        active: Items that are in the function now.
        capacity: Limit on items that have been read and whose results have not been taken.
        ready: Results that have not been taken.
        refused: Attempts that a server refused for lack of capacity; counted by `AdaptiveCaller`.
    """

    def __init__(
        self,
        reader: SourceReader[_T],
        *,
        ordered: bool,
        on_error: str,
        progress: Callable[[Progress], object] | None = None,
        total: int | None = None,
    ) -> None:
        """Create an idle pool on the running loop; `start` starts it."""
        self.active = 0
        self.refused = 0
        self.ready: deque[_R | ItemFailed] = deque()
        self._loop = asyncio.get_running_loop()
        self._reader = reader
        self._on_error = on_error
        # Results in the order of their items, one cell each; None if the order is free.
        self._cells: deque[list[Any]] | None = deque() if ordered else None
        self._read = self._done = self._failed = 0
        # Items that have been read and whose results have not been taken.
        self._outstanding = 0
        self._concurrency = self.capacity = 0
        self._reading = False
        # No more reading; everything is to end; the workers have been cancelled.
        self._exhausted = self._closed = self._cancelled = False
        self._error: BaseException | None = None
        self._workers: set[asyncio.Task[None]] = set()
        # Idle workers, and at the end None if another can be started.
        self._idle: deque[asyncio.Future[None] | None] = deque()
        # Workers that were woken and have not run yet.
        self._waking = 0
        self._consumer: asyncio.Future[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._progress = progress
        self._total = total
        self._start_time = time.monotonic()
        self._timer: asyncio.TimerHandle | None = None

    def start(
        self,
        function: Callable[[_T], Awaitable[_R]],
        concurrency: int,
        close: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        """Start calling the function; ``close`` releases its resources and is called last."""
        self._function = function
        self._close_function = close
        self.resize(concurrency)
        if self._progress is not None:
            self._timer = self._loop.call_later(INTERVAL, self._report_progress)

    # Called by the consumer -------------------------------------------------------------------------

    def mark_taken(self, count: int = 1) -> None:
        """Record that the consumer has taken results, which makes room for as many items."""
        self._outstanding -= count
        if self._idle:
            self._wake(count)

    async def wait_ready(self) -> bool:
        """Wait for results. Return False when there will be no more.

        Raises:
            ItemFailed: The function failed, and ``on_error`` is ``"raise"``.
            BaseException: What the source raised, or what the function raised that is not an Exception.
        """
        while not self.ready:
            if self._closed or (self._exhausted and not self.active):
                error, self._error = self._error, None
                if error is None:
                    return False
                await self.close()
                raise error
            self._consumer = self._loop.create_future()
            try:
                await self._consumer
            finally:
                self._consumer = None
        return True

    async def close(self) -> None:
        """End all work and wait for it. The work ends even if the waiting is cancelled."""
        if self._closing is None:
            self._closed = self._exhausted = True
            self._closing = self._loop.create_task(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        try:
            self._cancel_workers()
            if self._workers:
                await asyncio.wait(self._workers)
            self.ready.clear()
            self._wake_consumer()
            try:
                await self._reader.close()
            finally:
                if self._close_function is not None:
                    await self._close_function()
        finally:
            if self._progress is not None:
                self._progress(self._snapshot(ended=True))

    def _snapshot(self, *, ended: bool = False) -> Progress:
        elapsed = time.monotonic() - self._start_time
        return Progress(
            self._done, self._failed, self._total, elapsed, self._concurrency, self.refused, ended
        )

    def _report_progress(self) -> None:
        assert self._progress is not None  # noqa: S101 - otherwise there is no timer
        try:
            self._progress(self._snapshot())
        except BaseException as error:
            self._stop(error)
        else:
            self._timer = self._loop.call_later(INTERVAL, self._report_progress)

    # Called by the workers --------------------------------------------------------------------------

    def resize(self, concurrency: int) -> None:
        """Change the number of concurrent calls. Calls in progress continue."""
        self._concurrency = concurrency
        # Twice the concurrency: otherwise each worker would wait for the consumer after each item, which is
        # most of what an item costs.
        self.capacity = 2 * concurrency
        if self._exhausted:
            return
        if self._idle and self._idle[-1] is None:
            self._idle.pop()
        if len(self._workers) < concurrency:
            self._idle.append(None)
        self._wake(2)

    def _can_read(self) -> bool:
        return self._outstanding < self.capacity and self.active < self._concurrency and not self._reading

    def _wake(self, count: int) -> None:
        """Wake or start up to ``count`` workers, as far as there is room for items."""
        room = min(self.capacity - self._outstanding, self._concurrency - self.active) - self._waking
        for _ in range(min(count, room)):
            if not self._idle:
                return
            future = self._idle.popleft()
            if future is None:
                self._start_worker()
            elif future.done():
                continue
            else:
                future.set_result(None)
            self._waking += 1

    def _start_worker(self) -> None:
        worker = self._loop.create_task(self._work())
        self._workers.add(worker)
        worker.add_done_callback(self._workers.discard)
        if len(self._workers) < self._concurrency:
            self._idle.append(None)

    def _wake_consumer(self) -> None:
        if self._consumer is not None and not self._consumer.done():
            self._consumer.set_result(None)

    def _stop(self, error: BaseException | None = None) -> None:
        """Stop reading. With an error, also cancel the calls in progress."""
        self._exhausted = True
        if error is not None and not self._closed:
            self._error, self._closed = error, True
            self._cancel_workers()
        for future in self._idle:
            if future and not future.done():
                future.set_result(None)
        self._idle.clear()
        self._wake_consumer()

    def _cancel_workers(self) -> None:
        """Cancel all workers but the current one. Only once: a second time would interrupt their cleanup."""
        if not self._cancelled:
            self._cancelled = True
            current = asyncio.current_task()
            for worker in self._workers:
                if worker is not current:
                    worker.cancel()

    async def _wait_idle(self) -> None:
        future = self._loop.create_future()
        self._idle.appendleft(future)
        await future
        self._waking -= 1

    async def _work(self) -> None:
        function, read, cells = self._function, self._reader.next, self._cells
        self._waking -= 1
        while True:
            while not self._can_read() and not self._exhausted:
                await self._wait_idle()
            if self._exhausted:
                return
            try:
                item = read() if read is not None else await self._read_async()
            except BaseException as error:
                self._handle_source_end(error)
                return
            index = self._read
            self._read += 1
            self._outstanding += 1
            self.active += 1
            cell: list[Any] = [_PENDING]
            if cells is not None:
                cells.append(cell)
            if self._idle and self._waking < 2:
                # Each worker wakes two, so that soon all for which there is work are awake.
                self._wake(2)
            value: _R | ItemFailed | _Marker | None
            try:
                value = await function(item)
            except BaseException as error:
                value = self._handle_failure(item, index, error)
                if self._closed:
                    return
            self.active -= 1
            self._done += 1
            if cells is None:
                self._add_ready(value)
            else:
                cell[0] = value
                while cells and cells[0][0] is not _PENDING:
                    self._add_ready(cells.popleft()[0])
            consumer = self._consumer
            if consumer is not None and not consumer.done() and (self.ready or self._exhausted):
                consumer.set_result(None)

    async def _read_async(self) -> _T:
        assert self._reader.anext is not None  # noqa: S101 - a source is either sync or async
        self._reading = True
        try:
            return await self._reader.anext()
        finally:
            self._reading = False

    def _handle_source_end(self, error: BaseException) -> None:
        if isinstance(error, (StopIteration, StopAsyncIteration)):
            self._stop()
        elif isinstance(error, Exception):
            # Items that were read before are processed and returned first.
            self._error = self._error or error
            self._stop()
        else:
            self._stop(error)

    def _add_ready(self, value: Any) -> None:
        if value is _SKIPPED:
            self._outstanding -= 1
        else:
            self.ready.append(value)

    def _handle_failure(self, item: _T, index: int, error: BaseException) -> ItemFailed | _Marker | None:
        """Return the result of an item whose function raised; stop the pool if the error is to be raised."""
        if self._closed:
            return None
        if not isinstance(error, Exception) and not _is_inner_cancellation(error):
            self._stop(error)
            return None
        self._failed += 1
        if self._on_error == "skip":
            return _SKIPPED
        failure = ItemFailed(item, index, error)
        if self._on_error == "raise":
            self._done += 1
            self._stop(failure)
        return failure


def _is_inner_cancellation(error: BaseException) -> bool:
    """Return whether something that the function awaited was cancelled, and not the worker (Python 3.11+)."""
    task = asyncio.current_task()
    cancelling = getattr(task, "cancelling", None)
    return isinstance(error, asyncio.CancelledError) and cancelling is not None and not cancelling()
