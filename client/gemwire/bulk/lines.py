"""The input of a job: a file of lines, which is read as often as needed and never held in memory."""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_BOM = b"\xef\xbb\xbf"


class Line(NamedTuple):
    """A line of the input.

    Attributes:
        number: Line number from 1, counting blank lines, as editors show it.
        data: Content without the line ending.
    """

    number: int
    data: bytes


class InputSummary(NamedTuple):
    """Size, digest and line count of an input.

    Attributes:
        size: Bytes, after decompression.
        digest: Hexadecimal SHA-256 of these bytes.
        last: Number of the last line.
        nonblank: Number of lines that are not blank.
    """

    size: int
    digest: str
    last: int
    nonblank: int


def summarize(path: Path) -> InputSummary:
    """Read an input and return its summary. Names that end in ``.gz`` are decompressed.

    Raises:
        ValueError: The file cannot be read.
    """
    digest = hashlib.sha256()
    size = number = nonblank = 0
    for data in _read(path):
        digest.update(data)
        size += len(data)
        number += 1
        nonblank += not data.isspace()
    return InputSummary(size, digest.hexdigest(), number, nonblank)


def read_lines(path: Path) -> Iterator[Line]:
    """Iterate over the lines of an input that are not blank.

    Raises:
        ValueError: The file cannot be read.
    """
    for number, data in enumerate(_read(path), 1):
        if number == 1:
            data = data.removeprefix(_BOM)  # noqa: PLW2901
        if not data.isspace():
            yield Line(number, data.rstrip(b"\r\n"))


def _read(path: Path) -> Iterator[bytes]:
    if os.fspath(path) == "-":
        raise ValueError("input: standard input cannot be read again to resume a job; save it to a file")
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            yield from file
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or f"not a complete gzip file: {error}"
        raise ValueError(f"input: {path}: {reason}") from None
