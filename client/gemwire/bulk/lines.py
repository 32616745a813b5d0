"""The input of a job: a file of lines, read as often as needed and never kept."""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

_BOM = b"\xef\xbb\xbf"


class Line(NamedTuple):
    """A line of the input.

    Attributes:
        number: Which, from 1; blank ones count, so that it is the number an editor shows.
        data: What is on it, without its end.
    """

    number: int
    data: bytes


class Measured(NamedTuple):
    """What an input is known by.

    Attributes:
        size: Bytes, of the text if it is compressed.
        digest: SHA-256 of them, in hexadecimal.
        last: Number of the last line.
        filled: Lines that are not blank.
    """

    size: int
    digest: str
    last: int
    filled: int


def measure(path: Path) -> Measured:
    """Read an input once.

    Args:
        path: The file; compressed if its name ends in ``.gz``.

    Raises:
        ValueError: It cannot be read.
    """
    digest = hashlib.sha256()
    size = number = filled = 0
    for data in _raw(path):
        digest.update(data)
        size += len(data)
        number += 1
        filled += not data.isspace()
    return Measured(size, digest.hexdigest(), number, filled)


def lines(path: Path) -> Iterator[Line]:
    """The lines of an input that are not blank.

    Raises:
        ValueError: It cannot be read.
    """
    for number, data in enumerate(_raw(path), 1):
        if number == 1:
            data = data.removeprefix(_BOM)  # noqa: PLW2901
        if not data.isspace():
            yield Line(number, data.rstrip(b"\r\n"))


def _raw(path: Path) -> Iterator[bytes]:
    if os.fspath(path) == "-":
        raise ValueError(
            "input: standard input cannot be read again when a job is resumed; write it to a file first"
        )
    try:
        opened: Any = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rb") as file:
            yield from file
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or f"is no whole gzip file: {error}"
        raise ValueError(f"input: {path}: {reason}") from None
