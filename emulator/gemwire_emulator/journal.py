"""The journal: the latest calls, for tests to assert on and for people to look at."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from google.protobuf.message import Message

from gemwire_emulator.call import Call
from gemwire_emulator.journal_entry import JournalEntry
from gemwire_emulator.journal_file import JournalFile


class Journal:
    """The latest calls, oldest first; the oldest are dropped when they are too many or take too much memory.

    Attributes:
        entries: The calls.
    """

    def __init__(self, most: int = 10_000, most_bytes: int = 256 * 2**20) -> None:
        """Create an empty journal.

        Args:
            most: Maximum number of calls.
            most_bytes: Maximum bytes of their messages; one call may take a quarter of them.
        """
        self.entries: deque[JournalEntry] = deque()
        self._most = most
        self._most_bytes = most_bytes
        self._bytes = 0
        self._numbers = itertools.count(1)
        self._watchers: list[asyncio.Queue[JournalEntry]] = []
        self._file: JournalFile | None = None

    def begin(self, call: Call, request: Message | None) -> JournalEntry:
        """Add an entry for a call that begins."""
        entry = JournalEntry(next(self._numbers), call, self._handle_change, self._most_bytes // 4)
        self.entries.append(entry)
        if request is None:
            self._handle_change(entry, 0)
        else:
            entry.record_request(request)
        return entry

    def calls(self, method: str = "") -> list[JournalEntry]:
        """Return the calls of a method, by the end of its name; all calls without one."""
        return [e for e in self.entries if e.method.endswith(method)]

    def clear(self) -> None:
        """Drop all entries."""
        while self.entries:
            self._drop_oldest()

    def open(self, path: str | Path) -> None:
        """Append each call to a file when it ends.

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
    def watch(self, most: int = 1000) -> Iterator[asyncio.Queue[JournalEntry]]:
        """Return a queue of entries that changed; changes are dropped while it is full.

        Args:
            most: Capacity of the queue.
        """
        queue: asyncio.Queue[JournalEntry] = asyncio.Queue(most)
        self._watchers.append(queue)
        try:
            yield queue
        finally:
            self._watchers.remove(queue)

    def _handle_change(self, entry: JournalEntry, more_bytes: int) -> None:
        self._bytes += more_bytes
        while len(self.entries) > 1 and (len(self.entries) > self._most or self._bytes > self._most_bytes):
            self._drop_oldest()
        if self._file and entry.status is not None:
            self._file.write(entry)
        for queue in self._watchers:
            if not queue.full():
                queue.put_nowait(entry)

    def _drop_oldest(self) -> None:
        entry = self.entries.popleft()
        self._bytes -= entry.size
        entry.stop_recording()
