"""An array file of numpy (``.npy``) that is filled row by row, and resumed after a crash."""

from __future__ import annotations

import array
import os
import re
import sys
from pathlib import Path

from gemwire.bulk.completion_bitmap import CompletionBitmap
from gemwire.bulk.line_result import LineResult, invalid_result
from gemwire.bulk.lock import close_locked, open_locked

_MAGIC = b"\x93NUMPY\x01\x00"
_HEADER = 128
_SHAPE = re.compile(rb"'descr': '<f4', 'fortran_order': False, 'shape': \((\d{1,18}), (\d{1,18})\)")


class NpyWriter:
    """Writer of a two-dimensional array of 32-bit floats, with a row for each line of the input.

    Rows are written in place; a second file has a bit for each finished row. A bit is set once its row is on
    the disk, so a crash never leaves a bit without its row.
    """

    def __init__(self, path: Path, bitmap: Path) -> None:
        """Open a file and lock it; ``bitmap`` is the second file."""
        self.path = path
        self._bitmap_path = bitmap
        self._file = open_locked("output", path)
        self._bitmap_file = -1
        self._columns = 0
        self._done = CompletionBitmap(0)

    def scan(self, finished: CompletionBitmap) -> None:
        """Add the finished lines to a bitmap. Changes nothing on disk."""
        try:
            header = os.pread(self._file, _HEADER, 0)
            bits = self._bitmap_path.read_bytes() if self._bitmap_path.exists() else b""
        except OSError as error:
            raise ValueError(f"{self.path}: {error.strerror}") from None
        self._done = CompletionBitmap(finished.last, bits if header else b"")
        if not self._done.count:
            return
        shape = _SHAPE.search(header)
        if not shape or not header.startswith(_MAGIC) or int(shape[1]) != finished.last:
            raise ValueError(f"{self.path} is not the array that this job wrote; choose another output")
        self._columns = int(shape[2])
        for number in range(1, finished.last + 1):
            if number in self._done:
                finished.add(number)

    def is_empty(self) -> bool:
        """Return whether no row is finished."""
        return not self._done.count if self._bitmap_file >= 0 else not os.fstat(self._file).st_size

    def start(self) -> None:
        """Open the second file, and discard rows that do not count."""
        self._bitmap_file = os.open(self._bitmap_path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        if not self._columns:
            os.ftruncate(self._file, 0)
            os.ftruncate(self._bitmap_file, 0)

    def accept(self, result: LineResult) -> LineResult:
        """Return what to write for a result: an error for a row whose length is not that of the first one."""
        columns = len(result.record) // 4
        if result.failed or columns == self._columns > 0:
            return result
        if columns and not self._columns:
            self._allocate(columns)
            return result
        message = f"the vector has {columns} numbers, and those before have {self._columns}"
        return invalid_result(result.number, None, message, crashed=True)

    def write(self, results: list[LineResult]) -> None:
        """Write rows. Once this returns, they outlive the process."""
        for result in results:
            offset = _HEADER + (result.number - 1) * len(result.record)
            _write_at(self._file, _to_little_endian(result.record), offset)
        for result in results:
            self._done.add(result.number)
        # The system writes back in any order, and a bit without its row would lose a line.
        os.fsync(self._file)
        _write_at(self._bitmap_file, bytes(self._done), 0)

    def _allocate(self, columns: int) -> None:
        """Write the header and allocate all rows, so that a disk that is too small is noticed at once."""
        shape = (
            f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({self._done.last}, {columns}), }}".encode()
        )
        length = _HEADER - len(_MAGIC) - 2
        header = _MAGIC + length.to_bytes(2, "little") + shape.ljust(length - 1) + b"\n"
        size = _HEADER + self._done.last * columns * 4
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(self._file, 0, size)
        else:
            os.ftruncate(self._file, size)
        _write_at(self._file, header, 0)
        self._columns = columns

    def sync(self) -> None:
        """Flush to the disk, so that what was written outlives a crash of the machine."""
        os.fsync(self._bitmap_file)

    def close(self) -> None:
        """Close the files, and delete them if they are empty."""
        if self._bitmap_file >= 0:
            os.close(self._bitmap_file)
            if not self._done.count:
                os.ftruncate(self._file, 0)
                self._bitmap_path.unlink(missing_ok=True)
        close_locked(self._file, self.path)


def _write_at(file: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(file, view, offset)
        offset += written
        view = view[written:]


def _to_little_endian(row: bytes) -> bytes:
    if sys.byteorder == "little":
        return row
    floats = array.array("f", row)
    floats.byteswap()
    return floats.tobytes()
