"""What was asked of the emulator and what it answered, for tests to assert on and for people to look at."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gemwire_emulator.dispatch import Call
    from gemwire_emulator.failure import Failure

#: Headers whose values are not kept.
_SECRET = frozenset({"x-goog-api-key", "authorization", "cookie"})


class Entry:
    """One call.

    Attributes:
        number: Which call it was, from 1.
        method: The RPC, ``google.ai….GenerativeService/GenerateContent``.
        front: Which way it came: ``"grpc"``, ``"http"`` or ``"websocket"``.
        peer: From where.
        metadata: What came with it; the values of secrets are replaced.
        requests: Its request, or those of a bidi call so far.
        responses: Its response, or those of a stream so far.
        times: Seconds from the beginning to each response.
        began: Seconds since the epoch.
        elapsed: Seconds it took; None while it goes on.
        status: Name of the status; None while it goes on.
        failure: How it failed, if it did.
        size: Bytes of its requests and responses.
    """

    def __init__(self, number: int, call: Call, changed: Callable[[Entry, int], None]) -> None:
        """The call begins. ``changed`` is told of all that happens, and of bytes more."""
        self.number = number
        self.method = call.method.path[1:]
        self.front = call.front
        self.peer = call.peer
        self.metadata = {k: "…" if k in _SECRET else v for k, v in call.metadata.items()}
        self.requests: list[Any] = []
        self.responses: list[Any] = []
        self.times: list[float] = []
        self.began = time.time()
        self.elapsed: float | None = None
        self.status: str | None = None
        self.failure: Failure | None = None
        self.size = 0
        self._changed = changed

    @property
    def messages(self) -> int:
        """Messages answered."""
        return len(self.times)

    @property
    def first(self) -> float | None:
        """Seconds to the first message of the answer; None before it."""
        return self.times[0] if self.times else None

    def request(self, request: Any) -> None:
        """A request came."""
        self.requests.append(request)
        self._grow(request)

    def message(self, response: Any) -> None:
        """A message was answered."""
        self.responses.append(response)
        self.times.append(time.time() - self.began)
        self._grow(response)

    def fail(self, failure: Failure) -> None:
        """The call has failed."""
        self.failure = failure
        self.end(failure.code.name)

    def end(self, status: str) -> None:
        """The call has ended."""
        if self.status is None:
            self.status = status
            self.elapsed = time.time() - self.began
            self._changed(self, 0)

    def forget(self) -> None:
        """Nobody is told any more."""
        self._changed = _unheard

    def _grow(self, message: Any) -> None:
        size = message.ByteSize()
        self.size += size
        self._changed(self, size)


def _unheard(entry: Entry, more_bytes: int) -> None:
    """The journal has forgotten this call."""


class Journal:
    """The latest calls, oldest first.

    Of the oldest, those are forgotten that are too many, or too much in memory.
    """

    def __init__(self, most: int = 10_000, most_bytes: int = 256 * 2**20) -> None:
        """How many calls are kept, and how many bytes of their messages."""
        self.entries: deque[Entry] = deque()
        self._most = most
        self._most_bytes = most_bytes
        self._bytes = 0
        self._numbers = itertools.count(1)
        self._watchers: list[asyncio.Queue[Entry]] = []

    def begin(self, call: Call, request: Any) -> Entry:
        """A call begins."""
        entry = Entry(next(self._numbers), call, self._changed)
        self.entries.append(entry)
        if request is None:
            self._changed(entry, 0)
        else:
            entry.request(request)
        return entry

    def calls(self, method: str = "") -> list[Entry]:
        """The calls of a method, by the end of its name; all without one."""
        return [e for e in self.entries if e.method.endswith(method)]

    def clear(self) -> None:
        """Forget them."""
        for entry in self.entries:
            entry.forget()
        self.entries.clear()
        self._bytes = 0

    @contextmanager
    def watch(self, most: int = 1000) -> Iterator[asyncio.Queue[Entry]]:
        """A queue of calls to which something happened; when it is full, the news are dropped.

        Args:
            most: How many wait in the queue.
        """
        queue: asyncio.Queue[Entry] = asyncio.Queue(most)
        self._watchers.append(queue)
        try:
            yield queue
        finally:
            self._watchers.remove(queue)

    def _changed(self, entry: Entry, more_bytes: int) -> None:
        self._bytes += more_bytes
        while len(self.entries) > 1 and (len(self.entries) > self._most or self._bytes > self._most_bytes):
            gone = self.entries.popleft()
            self._bytes -= gone.size
            gone.forget()
        for queue in self._watchers:
            if not queue.full():
                queue.put_nowait(entry)
