"""One run of a pipeline on one event loop: tasks that read, call and hand over."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from gemwire.pipeline.failure import ItemFailed
from gemwire.pipeline.progress import INTERVAL, Progress
from gemwire.pipeline.source import Reader

_PENDING: Any = object()
_SKIPPED: Any = object()


class Run:
    """Workers that take items from a source, and what they have made of them.

    Each worker is a task that goes from item to item: a task for each item would cost more than the rest.
    Workers with nothing to do wait in a queue; the consumer wakes one for each result that it takes, and
    whoever finds that there is work for others wakes them.

    Attributes:
        active: Items that are in the function now.
        room: Items that may have been read and whose results were not taken.
        ready: Results that nobody has taken yet.
        refused: Attempts that a server had no room for; whoever steers the concurrency counts them.
    """

    def __init__(
        self,
        reader: Reader,
        *,
        ordered: bool,
        on_error: str,
        progress: Callable[[Progress], Any] | None = None,
        total: int | None = None,
    ) -> None:
        """Nothing begins before `start`."""
        self.active = 0
        self.refused = 0
        self.ready: deque[Any] = deque()
        self._loop = asyncio.get_running_loop()
        self._reader = reader
        self._on_error = on_error
        # Results in the order of their items, in cells; None where order is of no interest.
        self._cells: deque[list[Any]] | None = deque() if ordered else None
        self._read = self._done = self._failed = 0
        # Items that were read and whose results were not taken.
        self._outstanding = 0
        self._concurrency = self.room = 0
        self._reading = False
        # Nothing is read any more; everything is to end; the workers were told.
        self._exhausted = self._closed = self._cancelled = False
        self._error: BaseException | None = None
        self._workers: set[asyncio.Task[None]] = set()
        self._parked: deque[asyncio.Future[None]] = deque()
        # Workers that were woken and have not looked yet.
        self._waking = 0
        self._waiter: asyncio.Future[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._progress = progress
        self._total = total
        self._began = time.monotonic()
        self._timer: asyncio.TimerHandle | None = None

    def start(
        self,
        function: Callable[[Any], Awaitable[Any]],
        concurrency: int,
        end: Callable[[], Awaitable[Any]] | None = None,
    ) -> None:
        """Begin.

        Args:
            function: What is called for each item.
            concurrency: How many are called at once.
            end: Ends what the function runs in; called last.
        """
        self._function = function
        self._end = end
        self.resize(concurrency)
        if self._progress is not None:
            self._timer = self._loop.call_later(INTERVAL, self._tick)

    # The consumer's side ---------------------------------------------------------------------------

    def taken(self, count: int = 1) -> None:
        """Note that the consumer has taken results: there is room for as many items."""
        self._outstanding -= count
        if self._parked:
            self._wake(count)

    async def more(self) -> bool:
        """Wait until something is ready. Returns False when nothing will come any more.

        Raises:
            ItemFailed: The function failed, and that ends the run.
            BaseException: What the source raised, and what the function raised that is no Exception.
        """
        while not self.ready:
            if self._closed or (self._exhausted and not self.active):
                error, self._error = self._error, None
                if error is None:
                    return False
                await self.close()
                raise error
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return True

    async def close(self) -> None:
        """End everything that runs, and wait for that. Goes on even where the waiting is cancelled."""
        if self._closing is None:
            self._closed = self._exhausted = True
            self._closing = self._loop.create_task(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        try:
            self._cancel()
            if self._workers:
                await asyncio.wait(self._workers)
            self.ready.clear()
            self._announce()
            try:
                await self._reader.close()
            finally:
                if self._end is not None:
                    await self._end()
        finally:
            if self._progress is not None:
                self._progress(self._state(ended=True))

    def _state(self, *, ended: bool = False) -> Progress:
        elapsed = time.monotonic() - self._began
        return Progress(
            self._done, self._failed, self._total, elapsed, self._concurrency, self.refused, ended
        )

    def _tick(self) -> None:
        assert self._progress is not None  # noqa: S101 - else there is no timer
        try:
            self._progress(self._state())
        except BaseException as error:
            self._stop(error)
        else:
            self._timer = self._loop.call_later(INTERVAL, self._tick)

    # The workers' side -----------------------------------------------------------------------------

    def resize(self, concurrency: int) -> None:
        """Have so many items in the function at once from now on; what has begun goes on."""
        self._concurrency = concurrency
        # As many again as are in the function: else each worker would wait for the consumer's turn after each
        # item, which is most of what an item costs.
        self.room = 2 * concurrency
        if self._exhausted:
            return
        for _ in range(concurrency - len(self._workers)):
            worker = self._loop.create_task(self._work())
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)
        self._wake(concurrency)

    def _may_read(self) -> bool:
        return self._outstanding < self.room and self.active < self._concurrency and not self._reading

    def _wake(self, count: int) -> None:
        """Let so many workers look for work, but no more than there is room for."""
        room = min(self.room - self._outstanding, self._concurrency - self.active) - self._waking
        for _ in range(min(count, room, len(self._parked))):
            future = self._parked.popleft()
            if not future.done():
                future.set_result(None)
                self._waking += 1

    def _announce(self) -> None:
        """Let the consumer look."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _stop(self, error: BaseException | None = None) -> None:
        """Read nothing any more. With an error: end what was begun, too."""
        self._exhausted = True
        if error is not None and not self._closed:
            self._error, self._closed = error, True
            self._cancel()
        for future in self._parked:
            if not future.done():
                future.set_result(None)
        self._parked.clear()
        self._announce()

    def _cancel(self) -> None:
        """End all workers but the one that runs. Once: a second time would end what they clean up."""
        if not self._cancelled:
            self._cancelled = True
            current = asyncio.current_task()
            for worker in self._workers:
                if worker is not current:
                    worker.cancel()

    async def _park(self) -> None:
        future = self._loop.create_future()
        self._parked.append(future)
        await future
        self._waking -= 1

    async def _work(self) -> None:
        function, following, cells = self._function, self._reader.next, self._cells
        while True:
            while not self._may_read() and not self._exhausted:
                await self._park()
            if self._exhausted:
                return
            try:
                item = following() if following is not None else await self._read_async()
            except BaseException as error:
                self._source_ended(error)
                return
            index = self._read
            self._read += 1
            self._outstanding += 1
            self.active += 1
            cell = [_PENDING]
            if cells is not None:
                cells.append(cell)
            if self._parked and self._waking < 2:
                # Two by each: soon all are awake for whom there is work.
                self._wake(2)
            try:
                value = await function(item)
            except BaseException as error:
                value = self._failure(item, index, error)
                if self._closed:
                    return
            self.active -= 1
            self._done += 1
            if cells is None:
                self._hand_over(value)
            else:
                cell[0] = value
                while cells and cells[0][0] is not _PENDING:
                    self._hand_over(cells.popleft()[0])
            waiter = self._waiter
            if waiter is not None and not waiter.done() and (self.ready or self._exhausted):
                waiter.set_result(None)

    async def _read_async(self) -> Any:
        assert self._reader.anext is not None  # noqa: S101 - a source is of either kind
        self._reading = True
        try:
            return await self._reader.anext()
        finally:
            self._reading = False

    def _source_ended(self, error: BaseException) -> None:
        if isinstance(error, (StopIteration, StopAsyncIteration)):
            self._stop()
        elif isinstance(error, Exception):
            # What was read before is finished and handed over first.
            self._error = self._error or error
            self._stop()
        else:
            self._stop(error)

    def _hand_over(self, value: Any) -> None:
        if value is _SKIPPED:
            self._outstanding -= 1
        else:
            self.ready.append(value)

    def _failure(self, item: Any, index: int, error: BaseException) -> Any:
        """What becomes of an item whose function raised. Ends the run where that is the answer."""
        if self._closed:
            return None
        if not isinstance(error, Exception) and not _of_the_item(error):
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


def _of_the_item(error: BaseException) -> bool:
    """Whether something that the function waited for was cancelled, rather than the worker (Python 3.11)."""
    task: Any = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and hasattr(task, "cancelling") and not task.cancelling()
