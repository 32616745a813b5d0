"""Gathers single requests of one event loop into batches, and lets a bounded number of them go at a time."""

from __future__ import annotations

import asyncio
import copy
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from gemwire.errors import Cancelled

#: Makes the call for some entries, and tells ``deliver(index, outcome)`` what became of each.
Send = Callable[[list[bytes], Callable[[int, Any], None]], Awaitable[None]]


class Batch:
    """Entries that go together.

    Attributes:
        entries: What is sent.
        futures: What waits for the outcome of each.
        size: Bytes of the entries.
        due: What queues it after a delay; None where that is decided.
        queued: Whether it may go as soon as there is room.
        task: What makes its call; None before.
    """

    __slots__ = ("due", "entries", "futures", "queued", "size", "task")

    def __init__(self) -> None:
        self.entries: list[bytes] = []
        self.futures: list[asyncio.Future[Any]] = []
        self.size = 0
        self.due: asyncio.Handle | None = None
        self.queued = False
        self.task: asyncio.Task[None] | None = None

    def deliver(self, index: int, outcome: Any) -> None:
        """Tell whoever waits, if somebody still does."""
        future = self.futures[index]
        if future.done():
            return
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)

    def fail(self, error: Exception) -> None:
        """The same outcome for all that have none."""
        for index, future in enumerate(self.futures):
            if not future.done():
                self.deliver(index, own(error))

    def forget(self) -> None:
        """Leave out what nobody waits for any more."""
        wanted = [n for n, future in enumerate(self.futures) if not future.done()]
        if len(wanted) < len(self.futures):
            self.entries = [self.entries[n] for n in wanted]
            self.futures = [self.futures[n] for n in wanted]


class Gathering:
    """The batches of one event loop.

    One of them is open: it takes entries until it is full or goes. It is queued at the end of the loop's
    tick, or after a delay, and goes on filling up while those before it keep it waiting.
    """

    def __init__(self, send: Send, most: int, most_bytes: int, concurrency: int) -> None:
        """On the running loop.

        Args:
            send: Makes the call of a batch.
            most: Entries of a batch.
            most_bytes: Bytes of a batch's entries; one that is larger goes alone.
            concurrency: Batches under way at a time.
        """
        self.loop = asyncio.get_running_loop()
        self.closed = False
        self._send = send
        self._most = most
        self._most_bytes = most_bytes
        self._room = concurrency
        self._open: Batch | None = None
        self._queue: deque[Batch] = deque()
        self._under_way: set[Batch] = set()

    def add(self, entry: bytes, delay: float) -> tuple[asyncio.Future[Any], Batch]:
        """Have an entry sent.

        Args:
            entry: What is sent.
            delay: Seconds to wait for others at most; 0 for those of this tick only.

        Returns:
            What waits for its outcome, and the batch that it is in.

        Raises:
            RuntimeError: It is closed.
        """
        if self.closed:
            raise closed()
        batch, size = self._open, len(entry)
        if batch is not None and batch.size + size > self._most_bytes:
            self.flush()
            batch = None
        if batch is None:
            batch = self._open = Batch()
            if delay:
                batch.due = self.loop.call_later(delay, self._enqueue, batch)
            else:
                self.loop.call_soon(self._enqueue, batch)
        elif batch.due is not None and not delay:
            batch.due.cancel()
            batch.due = None
            self.loop.call_soon(self._enqueue, batch)
        future = self.loop.create_future()
        batch.entries.append(entry)
        batch.futures.append(future)
        batch.size += size
        if len(batch.entries) >= self._most:
            self.flush()
        return future, batch

    def flush(self) -> None:
        """Let the open batch go as it is."""
        batch, self._open = self._open, None
        if batch is not None:
            self._enqueue(batch)

    def leave(self, batch: Batch, future: asyncio.Future[Any]) -> None:
        """Nobody waits for an outcome any more. A batch that nobody waits for is cancelled."""
        if self.loop.is_closed():
            return
        # If it has an error by now, asyncio will not complain that nobody looked at it.
        future.cancel()
        if batch.task is not None and all(future.done() for future in batch.futures):
            batch.task.cancel()

    def close(self) -> None:
        """Take no more entries; those that are there go."""
        self.closed = True
        self.flush()

    async def finished(self) -> None:
        """Wait until all has ended."""
        while tasks := [batch.task for batch in self._under_way if batch.task is not None]:
            await asyncio.wait(tasks)

    def fail(self, error: Exception) -> None:
        """End everything that has not ended."""
        queued = list(self._queue)
        self._queue.clear()
        for batch in [*queued, *self._under_way]:
            batch.fail(error)
            if batch.task is not None:
                batch.task.cancel()

    def _enqueue(self, batch: Batch) -> None:
        if batch.queued:
            return
        batch.queued = True
        if batch.due is not None:
            batch.due.cancel()
            batch.due = None
        self._queue.append(batch)
        self._go()

    def _go(self) -> None:
        while self._room and self._queue:
            batch = self._queue.popleft()
            if batch is self._open:
                self._open = None
            batch.forget()
            if batch.entries:
                self._room -= 1
                self._under_way.add(batch)
                batch.task = self.loop.create_task(self._run(batch))
                batch.task.add_done_callback(lambda _, ended=batch: self._ended(ended))  # type: ignore[misc]

    def _ended(self, batch: Batch) -> None:
        self._under_way.discard(batch)
        self._room += 1
        self._go()

    async def _run(self, batch: Batch) -> None:
        try:
            await self._send(batch.entries, batch.deliver)
        except Exception as error:
            batch.fail(error)
        finally:
            # Only where the task was cancelled by somebody else than those who wait.
            batch.fail(Cancelled("the call of this batch was cancelled"))


def closed() -> RuntimeError:
    """What is wrong with an embedder that is used too late."""
    return RuntimeError("this embedder is closed; make another")


def own(error: Exception) -> Exception:
    """An error for one of many that wait: what raising it writes into it is not of the others."""
    try:
        copied = copy.copy(error)
    except Exception:
        return error
    copied.__cause__ = error.__cause__
    return copied
