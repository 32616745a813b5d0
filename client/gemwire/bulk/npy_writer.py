"""A file of numpy's format that is filled row by row: what is in it after a crash, and how it is written."""

from __future__ import annotations

import array
import os
import re
import sys
from pathlib import Path

from gemwire.bulk.completion_bitmap import Finished
from gemwire.bulk.outcome import Outcome

_MAGIC = b"\x93NUMPY\x01\x00"
_HEADER = 128
_SHAPE = re.compile(rb"'descr': '<f4', 'fortran_order': False, 'shape': \((\d+), (\d+)\)")


class Matrix:
    """A matrix of 32-bit floats, a row for each line of the input.

    Rows are written in place, and a second file has a bit for each that is there. A bit is set when its row
    is on the disk, and so nothing that a crash leaves is taken for more than it is.
    """

    def __init__(self, path: Path, rows: int) -> None:
        """Nothing is opened.

        Args:
            path: The file; it need not exist.
            rows: Lines of the input.
        """
        self.path = path
        self.bits = path.with_name(f"{path.name}.done")
        self._rows = rows
        self._columns = 0
        self._file = -1
        self._bits_file = -1
        self._done = Finished(rows)

    def scan(self, finished: Finished) -> None:
        """Find what is finished. Nothing is changed.

        Args:
            finished: Gets the numbers of the lines.

        Raises:
            ValueError: The file is no such matrix; or it cannot be read.
        """
        try:
            with self.path.open("rb") as file:
                header = file.read(_HEADER)
            bits = self.bits.read_bytes() if self.bits.exists() else b""
        except FileNotFoundError:
            return
        except OSError as error:
            raise ValueError(f"{self.path}: {error.strerror}") from None
        self._done = Finished(self._rows, bits)
        if not self._done.count:
            return
        found = _SHAPE.search(header)
        if not found or not header.startswith(_MAGIC) or int(found[1]) != self._rows:
            raise ValueError(f"{self.path} is not the matrix that this job wrote; choose another output")
        self._columns = int(found[2])
        for number in range(1, self._rows + 1):
            if number in self._done:
                finished.add(number)

    def open(self) -> None:
        """Make the files if need be, and be ready to add.

        Raises:
            OSError: They cannot be written.
        """
        flags = os.O_RDWR | os.O_CREAT
        self._file = os.open(self.path, flags, 0o666)
        self._bits_file = os.open(self.bits, flags, 0o666)
        if not self._columns:
            os.ftruncate(self._file, 0)
            os.ftruncate(self._bits_file, 0)

    def add(self, outcomes: list[Outcome]) -> None:
        """Write rows. They are in the hands of the system then, and outlive this process.

        Args:
            outcomes: Each with its row.

        Raises:
            OSError: They cannot be written: none of them counts then.
        """
        for outcome in outcomes:
            columns = len(outcome.record) // 4
            if not self._columns:
                self._begin(columns)
            if columns != self._columns:
                raise ValueError(
                    f"{self.path}: line {outcome.number} has a vector of {columns} numbers, and those before "
                    f"have {self._columns}"
                )
            offset = _HEADER + (outcome.number - 1) * columns * 4
            _write(self._file, _little(outcome.record), offset)
        for outcome in outcomes:
            self._done.add(outcome.number)
        # The system writes back in any order, and a bit without its row would be a line lost.
        os.fsync(self._file)
        _write(self._bits_file, bytes(self._done), 0)

    def _begin(self, columns: int) -> None:
        """Take all the room that the matrix needs, so that a full disk is seen at once."""
        head = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({self._rows}, {columns}), }}".encode()
        room = _HEADER - len(_MAGIC) - 2
        header = _MAGIC + room.to_bytes(2, "little") + head.ljust(room - 1) + b"\n"
        size = _HEADER + self._rows * columns * 4
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(self._file, 0, size)
        else:
            os.ftruncate(self._file, size)
        _write(self._file, header, 0)
        self._columns = columns

    def sync(self) -> None:
        """Wait until what was added outlives a crash of the machine.

        Raises:
            OSError: The disk says no.
        """
        os.fsync(self._bits_file)

    def close(self) -> None:
        """Let go of the files; with nothing in them, they are deleted."""
        for file in (self._file, self._bits_file):
            if file >= 0:
                os.close(file)
        if self._file >= 0 and not self._done.count:
            self.path.unlink(missing_ok=True)
            self.bits.unlink(missing_ok=True)
        self._file = self._bits_file = -1


def _write(file: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(file, view, offset)
        offset += written
        view = view[written:]


def _little(row: bytes) -> bytes:
    """Floats of this machine in the order of the file."""
    if sys.byteorder == "little":
        return row
    floats = array.array("f", row)
    floats.byteswap()
    return floats.tobytes()
