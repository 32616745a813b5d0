"""What was asked of the emulator and what it answered, for tests to assert on and for people to look at."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gemwire_emulator.journal_file import JournalFile

if TYPE_CHECKING:
    from gemwire_emulator.dispatch import Call
    from gemwire_emulator.errors import Failure

#: Headers whose values are not kept.
_SECRET = frozenset({"x-goog-api-key", "authorization", "proxy-authorization", "cookie"})
#: Bytes that a message takes in memory beside its own: two objects, and their places in lists.
_OVERHEAD = 100


class Entry:
    """One call.

    Attributes:
        number: Which call it was, from 1.
        method: The RPC, ``google.ai….GenerativeService/GenerateContent``.
        front: Which way it came: ``"grpc"``, ``"http"`` or ``"websocket"``.
        peer: From where.
        metadata: What came with it; the values of secrets are replaced.
        times: Seconds from the beginning to each response.
        messages: Messages answered.
        complete: Whether all its messages are here; of a very long call the later ones are not kept.
        began: Seconds since the epoch.
        elapsed: Seconds it took; None while it goes on.
        status: Name of the status, or ``"DISCONNECTED"``; None while it goes on.
        failure: How it failed, if it did.
        size: Bytes that it takes in memory, roughly.
    """

    def __init__(
        self, number: int, call: Call, changed: Callable[[Entry, int], None], most_bytes: int
    ) -> None:
        """The call begins.

        Args:
            number: Which one it is.
            call: What is known of it so far.
            changed: Is told of all that happens, and of bytes more.
            most_bytes: How many bytes of its messages are kept.
        """
        self.number = number
        self.method = call.method.path[1:]
        self.front = call.front
        self.peer = call.peer
        self.metadata = {k: "…" if k in _SECRET else v for k, v in call.metadata.items()}
        # Encoded: a message as an object takes more than ten times as much.
        self._requests: list[bytes] = []
        self._responses: list[bytes] = []
        self._request_type: Any = None
        self._response_type: Any = None
        self.times: list[float] = []
        self.messages = 0
        self.complete = True
        self.began = time.time()
        self.elapsed: float | None = None
        self.status: str | None = None
        self.failure: Failure | None = None
        self.size = 0
        self._changed = changed
        self._most_bytes = most_bytes

    def __repr__(self) -> str:
        return f"<call {self.number} {self.method}: {self.status or 'goes on'}>"

    @property
    def requests(self) -> list[Any]:
        """Its request, or those of a bidi call so far."""
        return [self._request_type.FromString(data) for data in self._requests]

    @property
    def responses(self) -> list[Any]:
        """Its response, or those of a stream so far."""
        return [self._response_type.FromString(data) for data in self._responses]

    @property
    def request(self) -> Any:
        """Its request; the first of a bidi call. None before it."""
        return self._request_type.FromString(self._requests[0]) if self._requests else None

    @property
    def response(self) -> Any:
        """Its response; the last of a stream so far. None where there is none."""
        return self._response_type.FromString(self._responses[-1]) if self._responses else None

    @property
    def first(self) -> float | None:
        """Seconds to the first message of the answer; None before it."""
        return self.times[0] if self.times else None

    def asked(self, request: Any) -> None:
        """A request came."""
        self._request_type = type(request)
        self._keep(request, self._requests)

    def answered(self, response: Any) -> None:
        """A message is about to be answered."""
        self.messages += 1
        self._response_type = type(response)
        if self._keep(response, self._responses):
            self.times.append(time.time() - self.began)

    def fail(self, failure: Failure) -> None:
        """The call has failed."""
        self.failure = failure
        self.end(failure.status)

    def end(self, status: str) -> None:
        """The call has ended."""
        if self.status is None:
            self.status = status
            self.elapsed = time.time() - self.began
            self._changed(self, 0)

    def forget(self) -> None:
        """The journal has forgotten this call: no more of it is kept."""
        self._most_bytes = 0

    def _keep(self, message: Any, kept: list[bytes]) -> bool:
        """Keep a message, if there is room for it and for all before it."""
        size = 0
        if self.complete:
            data = message.SerializeToString()
            size = len(data) + _OVERHEAD
            if self.size + size > self._most_bytes:
                self.complete = False
                size = 0
            else:
                self.size += size
                kept.append(data)
        self._changed(self, size)
        return self.complete


class Journal:
    """The latest calls, oldest first.

    Of the oldest, those are forgotten that are too many, or too much in memory.
    """

    def __init__(self, most: int = 10_000, most_bytes: int = 256 * 2**20) -> None:
        """How many calls are kept, and how many bytes of their messages; a quarter of them of one call."""
        self.entries: deque[Entry] = deque()
        self._most = most
        self._most_bytes = most_bytes
        self._bytes = 0
        self._numbers = itertools.count(1)
        self._watchers: list[asyncio.Queue[Entry]] = []
        self._file: JournalFile | None = None

    def begin(self, call: Call, request: Any) -> Entry:
        """A call begins."""
        entry = Entry(next(self._numbers), call, self._changed, self._most_bytes // 4)
        self.entries.append(entry)
        if request is None:
            self._changed(entry, 0)
        else:
            entry.asked(request)
        return entry

    def calls(self, method: str = "") -> list[Entry]:
        """The calls of a method, by the end of its name; all without one."""
        return [e for e in self.entries if e.method.endswith(method)]

    def clear(self) -> None:
        """Forget them."""
        while self.entries:
            self._forget_oldest()

    def open(self, path: str | Path) -> None:
        """Write calls to a file as well, each when it has ended.

        Raises:
            OSError: The file cannot be written.
        """
        self._file = JournalFile(path)

    def close(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()
            self._file = None

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
            self._forget_oldest()
        if self._file and entry.status is not None:
            self._file.write(entry)
        for queue in self._watchers:
            if not queue.full():
                queue.put_nowait(entry)

    def _forget_oldest(self) -> None:
        gone = self.entries.popleft()
        self._bytes -= gone.size
        gone.forget()
