"""The input of a job: lines, which are read as often as needed and never held in memory."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import stat
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

_BOM = b"\xef\xbb\xbf"
#: Bytes that are read at a time, and compared with what they were before.
_BLOCK = 1 << 18


class Line(NamedTuple):
    """A line of the input.

    Attributes:
        number: Line number from 1, counting blank lines, as editors show it.
        data: Content without the line ending.
    """

    number: int
    data: bytes


class InputChanged(Exception):
    """The content of an input is not what it was at first."""


class JobInput:
    """Input of a job: a file, which is decompressed if its name ends in ``.gz``, or a copy of a pipe.

    Attributes:
        size: Bytes, after decompression.
        digest: Hexadecimal SHA-256 of these bytes.
        last: Number of the last line.
        nonblank: Number of lines that are not blank.
    """

    def __init__(self, path: Path) -> None:
        """Open an input and read it once."""
        self._path = path
        # The digest of all bytes up to the end of each block.
        self._digests: list[bytes] = []
        self.size = self.last = self.nonblank = 0
        with self._read_errors():
            self._file = _open(path)
        try:
            self._status = os.fstat(self._file.fileno())
            with self._read_errors():
                for line in _split_lines(self._read_blocks()):
                    self.nonblank += bool(line.data)
                    self.last = line.number
        except BaseException:
            self._file.close()
            raise
        self.digest = self._digests[-1].hex()

    def read_lines(self) -> Iterator[Line]:
        """Iterate over the lines that are not blank.

        No line is returned of a block that differs from what was read at first.
        """
        with self._read_errors():
            yield from filter(lambda line: line.data, _split_lines(self._check_blocks()))

    def has_changed(self) -> bool:
        """Return whether the file with this name has other content by now."""
        if not self._path.is_file():  # A pipe, or removed.
            return False
        before, now = self._status, self._path.stat()
        if (now.st_ino, now.st_size, now.st_mtime_ns) == (before.st_ino, before.st_size, before.st_mtime_ns):
            return False
        try:
            again = JobInput(self._path)
        except ValueError:
            return True
        again.close()
        return again.digest != self.digest

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _read_blocks(self) -> Iterator[bytes]:
        digest = hashlib.sha256()
        while block := self._file.read(_BLOCK):
            digest.update(block)
            self.size += len(block)
            self._digests.append(digest.digest())
            yield block
        self._digests.append(digest.digest())

    def _check_blocks(self) -> Iterator[bytes]:
        digest = hashlib.sha256()
        self._file.seek(0)
        for known in self._digests:
            block = self._file.read(_BLOCK)
            digest.update(block)
            if digest.digest() != known:
                raise InputChanged
            yield block

    @contextmanager
    def _read_errors(self) -> Iterator[None]:
        try:
            yield
        except (OSError, EOFError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or f"not a complete gzip file: {error}"
            raise ValueError(f"input: {self._path}: {reason}") from None


def is_pipe(path: Path) -> bool:
    """Return whether a path is standard input, a pipe or a device: its name does not tell the format."""
    return str(path) == "-" or path.is_fifo() or path.parts[:2] == ("/", "dev")


def _open(path: Path) -> IO[bytes] | gzip.GzipFile:
    name = "/dev/stdin" if str(path) == "-" else path
    file = gzip.open(name, "rb") if path.suffix == ".gz" else Path(name).open("rb")  # noqa: SIM115
    mode = os.fstat(file.fileno()).st_mode
    if stat.S_ISREG(mode):
        return file
    with file:
        if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or file.isatty()):
            raise ValueError(f"input: {path} is a device, not a file or a pipe")
        # A job reads its input twice.
        copy = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            shutil.copyfileobj(file, copy)
            copy.seek(0)
        except OSError as error:
            copy.close()
            if error.errno is None:
                raise
            reason = f"cannot be copied to {tempfile.gettempdir()}: {error.strerror}"
            raise ValueError(f"input: {path}: {reason}") from None
    return copy


def _split_lines(blocks: Iterable[bytes]) -> Iterator[Line]:
    """Split blocks into lines; blank ones are empty."""
    number = 0
    rest: list[bytes] = []
    for block in blocks:
        first, *lines = block.split(b"\n")
        rest.append(first)
        if lines:
            lines.insert(0, b"".join(rest))
            rest = [lines.pop()]
            if not number:
                lines[0] = lines[0].removeprefix(_BOM)
            for line in lines:
                number += 1
                yield Line(number, b"" if line.isspace() else line.rstrip(b"\r"))
    if any(rest):
        line = b"".join(rest) if number else b"".join(rest).removeprefix(_BOM)
        yield Line(number + 1, b"" if line.isspace() else line.rstrip(b"\r"))
