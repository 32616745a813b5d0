"""Batches of concurrent requests on one event loop, with a bounded number of batches in flight."""

from __future__ import annotations

import asyncio
import copy
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from gemwire.errors import Cancelled

_R = TypeVar("_R")
_E = TypeVar("_E", bound=Exception)


class Batch(Generic[_R]):
    """Entries that are sent together.

    Attributes:
        entries: Serialized entries.
        futures: Result of each entry.
        size: Bytes of the entries.
        timer: Queues the batch after a delay; None once its turn is decided.
        queued: Whether it is sent as soon as there is capacity.
        task: Task of its call; None before it is sent.
    """

    __slots__ = ("entries", "futures", "queued", "size", "task", "timer")

    def __init__(self) -> None:
        self.entries: list[bytes] = []
        self.futures: list[asyncio.Future[_R]] = []
        self.size = 0
        self.timer: asyncio.Handle | None = None
        self.queued = False
        self.task: asyncio.Task[None] | None = None

    def set_result(self, index: int, result: _R | Exception) -> None:
        """Set the result of an entry, unless its caller has given up."""
        future = self.futures[index]
        if future.done():
            return
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)

    def fail(self, error: Exception) -> None:
        """Set an error as the result of all entries that have none."""
        for index, future in enumerate(self.futures):
            if not future.done():
                self.set_result(index, copy_error(error))

    def cancel_timer(self) -> None:
        """Cancel the delay."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def drop_abandoned(self) -> None:
        """Remove the entries whose callers have given up."""
        wanted = [n for n, future in enumerate(self.futures) if not future.done()]
        if len(wanted) < len(self.futures):
            self.entries = [self.entries[n] for n in wanted]
            self.futures = [self.futures[n] for n in wanted]


class Batcher(Generic[_R]):
    """The batches of one event loop.

    One batch is open: it accepts entries until it is full or sent. It is queued at the end of the loop's
    iteration, or after a delay, and keeps filling up while it waits for capacity.
    """

    def __init__(
        self,
        send: Callable[[list[bytes], Callable[[int, _R | Exception], None]], Awaitable[None]],
        max_entries: int,
        max_bytes: int,
        concurrency: int,
    ) -> None:
        """Create a batcher on the running loop.

        ``send`` makes the call for some entries, and calls its second argument with the index and result of
        each. An entry that is larger than ``max_bytes`` is sent alone.
        """
        self.loop = asyncio.get_running_loop()
        self.closed = False
        self._send = send
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._capacity = concurrency
        self._open: Batch[_R] | None = None
        self._queue: deque[Batch[_R]] = deque()
        self._in_flight: set[Batch[_R]] = set()

    def add(self, entry: bytes, delay: float) -> tuple[asyncio.Future[_R], Batch[_R]]:
        """Add an entry to the open batch, and return the future of its result and the batch.

        With ``delay`` 0 it waits only for those of this iteration of the loop, otherwise for so many seconds.
        """
        if self.closed:
            raise closed_error()
        batch, size = self._open, len(entry)
        if batch is not None and batch.size + size > self._max_bytes:
            self.flush()
            batch = None
        if batch is None:
            batch = self._open = Batch()
            if delay:
                batch.timer = self.loop.call_later(delay, self._enqueue, batch)
            else:
                self.loop.call_soon(self._enqueue, batch)
        elif batch.timer is not None and not delay:
            batch.cancel_timer()
            self.loop.call_soon(self._enqueue, batch)
        future: asyncio.Future[_R] = self.loop.create_future()
        batch.entries.append(entry)
        batch.futures.append(future)
        batch.size += size
        if len(batch.entries) >= self._max_entries:
            self.flush()
        return future, batch

    def flush(self) -> None:
        """Queue the open batch as it is."""
        batch, self._open = self._open, None
        if batch is not None:
            self._enqueue(batch)

    def abandon(self, batch: Batch[_R], future: asyncio.Future[_R]) -> None:
        """Give up a result. A batch all of whose results are given up is cancelled."""
        if self.loop.is_closed():
            return
        # Also marks an error as retrieved, about which asyncio would complain otherwise.
        future.cancel()
        if batch.task is not None and all(future.done() for future in batch.futures):
            batch.task.cancel()

    def close(self) -> None:
        """Accept no more entries. Those that were added are sent."""
        self.closed = True
        self.flush()

    async def wait_idle(self) -> None:
        """Wait until no batch is in flight."""
        while tasks := [batch.task for batch in self._in_flight if batch.task is not None]:
            await asyncio.wait(tasks)

    def fail(self, error: Exception) -> None:
        """Fail all batches that are queued or in flight."""
        queued = list(self._queue)
        self._queue.clear()
        for batch in [*queued, *self._in_flight]:
            batch.fail(error)
            if batch.task is not None:
                batch.task.cancel()

    def _enqueue(self, batch: Batch[_R]) -> None:
        if batch.queued:
            return
        batch.queued = True
        batch.cancel_timer()
        self._queue.append(batch)
        self._dispatch()

    def _dispatch(self) -> None:
        while self._capacity and self._queue:
            batch = self._queue.popleft()
            if batch is self._open:
                self._open = None
            batch.drop_abandoned()
            if batch.entries:
                self._capacity -= 1
                self._in_flight.add(batch)
                batch.task = self.loop.create_task(self._run(batch))
                batch.task.add_done_callback(lambda _, ended=batch: self._on_done(ended))  # type: ignore[misc]

    def _on_done(self, batch: Batch[_R]) -> None:
        self._in_flight.discard(batch)
        self._capacity += 1
        self._dispatch()

    async def _run(self, batch: Batch[_R]) -> None:
        try:
            await self._send(batch.entries, batch.set_result)
        except Exception as error:
            batch.fail(error)
        finally:
            # Has an effect only if the task was cancelled by something other than the waiting callers.
            batch.fail(Cancelled("the call of this batch was cancelled"))


def closed_error() -> RuntimeError:
    """Return the error of a closed embedder."""
    return RuntimeError("this embedder is closed; create another")


def copy_error(error: _E) -> _E:
    """Return a copy of an error for one of several callers, so that their tracebacks do not mix."""
    try:
        copied = copy.copy(error)
    except Exception:
        return error
    copied.__cause__ = error.__cause__
    return copied
