"""Files of JSON lines that grow: what is in them after a crash, and how they are written."""

from __future__ import annotations

import os
import re
from pathlib import Path

from gemwire.bulk.completion_bitmap import Finished
from gemwire.bulk.outcome import Outcome

#: How every line that a job writes begins and ends; what is between was never read again.
_OURS = re.compile(rb'^\{"line": (\d+), .*\}$', re.MULTILINE)
_CHUNK = 1 << 22


class JsonLines:
    """A file to which whole lines are added.

    What a crash leaves of it is cut to whole lines, so that the file itself says which lines are finished.
    """

    def __init__(self, path: Path) -> None:
        """Nothing is opened.

        Args:
            path: The file; it need not exist.
        """
        self.path = path
        self._file = -1
        self._end = 0

    def scan(self, finished: Finished) -> None:
        """Find what is finished, and how far the file is whole. Nothing is changed.

        Args:
            finished: Gets the numbers of the lines.

        Raises:
            ValueError: Something in it is not of this job; or it cannot be read.
        """
        self._end = 0
        try:
            with self.path.open("rb") as file:
                rest = b""
                while data := file.read(_CHUNK):
                    whole, newline, rest = (rest + data).rpartition(b"\n")
                    if newline:
                        self._take(whole, finished)
        except FileNotFoundError:
            return
        except OSError as error:
            raise ValueError(f"{self.path}: {error.strerror}") from None

    def _take(self, whole: bytes, finished: Finished) -> None:
        numbers = _OURS.findall(whole)
        if len(numbers) != whole.count(b"\n") + 1:
            raise ValueError(
                f"{self.path} has a line that this job did not write, after byte {self._end}; "
                "choose another output, or delete this one to begin again"
            )
        for number in map(int, numbers):
            try:
                finished.add(number)
            except IndexError:
                raise ValueError(f"{self.path} has an answer to line {number}, which is not there") from None
        self._end += len(whole) + 1

    def open(self) -> None:
        """Make the file if need be, cut off what is not whole, and be ready to add.

        Raises:
            OSError: It cannot be written.
        """
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o666)
        os.ftruncate(self._file, self._end)

    def clear(self) -> None:
        """Forget what is in it, when it is opened."""
        self._end = 0

    def add(self, outcomes: list[Outcome]) -> None:
        """Add lines. They are in the hands of the system then, and outlive this process.

        Args:
            outcomes: Each with its line.

        Raises:
            OSError: They cannot all be written; those that can are.
        """
        data = b"".join(outcome.record + b"\n" for outcome in outcomes)
        at = 0
        try:
            while at < len(data):
                at += os.pwrite(self._file, memoryview(data)[at:], self._end + at)
        except OSError:
            # What fits stays: it was paid for.
            at = data.rfind(b"\n", 0, at) + 1
            os.ftruncate(self._file, self._end + at)
            raise
        finally:
            self._end += at

    def sync(self) -> None:
        """Wait until what was added outlives a crash of the machine.

        Raises:
            OSError: The disk says no.
        """
        os.fsync(self._file)

    def close(self) -> None:
        """Let go of the file; one with nothing in it is deleted."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
            if not self._end:
                self.path.unlink(missing_ok=True)
