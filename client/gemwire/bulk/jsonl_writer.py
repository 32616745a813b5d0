"""A file of JSON lines that is appended to, and resumed after a crash."""

from __future__ import annotations

import os
import re
from pathlib import Path

from gemwire.bulk.completion_bitmap import CompletionBitmap
from gemwire.bulk.line_result import LineResult

#: Start and end of each line that a job writes. What is between is not parsed.
_RECORD = re.compile(rb'^\{"line": (\d+), .*\}$', re.MULTILINE)
_CHUNK = 1 << 22


class JsonlWriter:
    """Writer of whole lines. An incomplete last line is truncated, so that the file says what is finished."""

    def __init__(self, path: Path) -> None:
        """Create a writer of a file, which need not exist; `open` opens it."""
        self.path = path
        self._file = -1
        self._end = 0

    def scan(self, finished: CompletionBitmap) -> None:
        """Add the finished lines to a bitmap. Changes nothing on disk.

        Raises:
            ValueError: The file has lines that are not of this job, or cannot be read.
        """
        self._end = 0
        try:
            with self.path.open("rb") as file:
                rest = b""
                while data := file.read(_CHUNK):
                    complete, newline, rest = (rest + data).rpartition(b"\n")
                    if newline:
                        self._scan_lines(complete, finished)
        except FileNotFoundError:
            return
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

    def open(self) -> None:
        """Open the file, create it if needed, and truncate an incomplete last line.

        Raises:
            OSError: The file cannot be written.
        """
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o666)
        os.ftruncate(self._file, self._end)

    def clear(self) -> None:
        """Discard the content when the file is opened."""
        self._end = 0

    def write(self, results: list[LineResult]) -> None:
        """Append lines. Once this returns, they outlive the process.

        Raises:
            OSError: Not all lines can be written; those that can are.
        """
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
        """Flush to the disk, so that what was written outlives a crash of the machine.

        Raises:
            OSError: The disk reports an error.
        """
        os.fsync(self._file)

    def close(self) -> None:
        """Close the file, and delete it if it is empty."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
            if not self._end:
                self.path.unlink(missing_ok=True)
