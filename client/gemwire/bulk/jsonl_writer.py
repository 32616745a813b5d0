"""A file of JSON lines that is appended to, and resumed after a crash."""

from __future__ import annotations

import os
import re
from pathlib import Path

from gemwire.bulk.completion_bitmap import CompletionBitmap
from gemwire.bulk.line_result import LineResult
from gemwire.bulk.lock import close_locked, open_locked

#: Start and end of each line that a job writes. What is between is not parsed.
_RECORD = re.compile(rb'^\{"line": (\d{1,18}), .*\}$', re.MULTILINE)
_CHUNK = 1 << 22


class JsonlWriter:
    """Writer of whole lines. An incomplete last line is truncated, so that the file says what is finished."""

    def __init__(self, name: str, path: Path) -> None:
        """Open a file and lock it; ``name`` is the argument's, for error messages."""
        self.path = path
        self._file = open_locked(name, path)
        self._end = 0

    def scan(self, finished: CompletionBitmap) -> None:
        """Add the finished lines to a bitmap. Changes nothing on disk."""
        self._end = at = 0
        rest = b""
        try:
            while data := os.pread(self._file, _CHUNK, at):
                at += len(data)
                complete, newline, rest = (rest + data).rpartition(b"\n")
                if newline:
                    self._scan_lines(complete, finished)
        except OSError as error:
            raise ValueError(f"{self.path}: {error.strerror}") from None

    def _scan_lines(self, data: bytes, finished: CompletionBitmap) -> None:
        numbers = _RECORD.findall(data)
        if len(numbers) != data.count(b"\n") + 1:
            raise ValueError(
                f"{self.path} has a line that this job did not write, after byte {self._end}; "
                "choose another output, or delete this file to start again"
            )
        for number in map(int, numbers):
            try:
                finished.add(number)
            except IndexError:
                raise ValueError(f"{self.path} has a result of line {number}, which does not exist") from None
        self._end += len(data) + 1

    def is_empty(self) -> bool:
        """Return whether nothing is in the file."""
        return not os.fstat(self._file).st_size

    def clear(self) -> None:
        """Discard the content at the start of the job."""
        self._end = 0

    def start(self) -> None:
        """Truncate an incomplete last line, and what was discarded."""
        os.ftruncate(self._file, self._end)

    def accept(self, result: LineResult) -> LineResult:
        """Return what to write for a result: the same."""
        return result

    def write(self, results: list[LineResult]) -> None:
        """Append lines. Once this returns, they outlive the process."""
        data = b"".join(result.record + b"\n" for result in results)
        at = 0
        try:
            while at < len(data):
                at += os.pwrite(self._file, memoryview(data)[at:], self._end + at)
        except OSError:
            # Complete lines are kept: they have been paid for.
            at = data.rfind(b"\n", 0, at) + 1
            os.ftruncate(self._file, self._end + at)
            raise
        finally:
            self._end += at

    def sync(self) -> None:
        """Flush to the disk, so that what was written outlives a crash of the machine."""
        os.fsync(self._file)

    def close(self) -> None:
        """Close the file, and delete it if it is empty."""
        close_locked(self._file, self.path)
