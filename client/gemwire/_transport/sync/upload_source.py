# Derived from _transport/aio/upload_source.py by scripts/unasync. DO NOT EDIT.
"""The contents of an upload, read chunk by chunk: at most one chunk and one further read are in memory."""

from __future__ import annotations

import io
import mimetypes
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import cast

from gemwire._transport.file_objects import ReadableFile, UploadSource
from gemwire._transport.sync.concurrency import iterate, resolve, run_in_thread

#: Bytes to read at once.
_READ_SIZE = 1 << 20
_Bytes = bytes | bytearray | memoryview


class Source:
    """The bytes of a path, of bytes, of a file object or of an iterable.

    Attributes:
        size: Number of bytes; None if it is not known.
        name: Name of the file; empty if it has none.
    """

    def __init__(self, source: UploadSource, size: int | None) -> None:
        """Open the source. Nothing is read yet.

        Args:
            source: The path of a file; bytes; an object with ``read``; an iterable of bytes.
            size: Number of bytes, if it is known.

        Raises:
            OSError: The file does not exist.
            ValueError: ``size`` is negative.
            TypeError: The source is of another type.
        """
        if size is not None and size < 0:
            raise ValueError(f"size: {size} is negative")
        self._file: ReadableFile | None = None
        self._opened: io.BufferedReader | None = None
        self._iterator: Iterator[object] | None = None
        self._buffer = bytearray()
        self._ended = False
        self.name = ""
        if isinstance(source, (str, os.PathLike)):
            path = Path(source)
            self._file = self._opened = path.open("rb")
            self.name, size = path.name, path.stat().st_size if path.is_file() else size
        elif isinstance(source, _Bytes):
            self._file, size = io.BytesIO(source), memoryview(source).nbytes
        elif isinstance(source, ReadableFile):
            self._file = source
            size = _remaining(source) if size is None else size
            name: object = getattr(source, "name", "")
            self.name = Path(name).name if isinstance(name, str) else ""
        elif isinstance(source, (Iterable, Iterable)):
            self._iterator = iterate(source)
        else:
            raise TypeError(
                "source: expected a path, bytes, a file object or an iterable of bytes, "
                f"got {type(source).__name__}"
            )
        self.size = size

    def mime_type(self) -> str | None:
        """Guess the media type by the name."""
        return mimetypes.guess_type(self.name)[0]

    def read_chunk(self, length: int) -> tuple[bytes, bool]:
        """Return the next ``length`` bytes, fewer at the end, and whether these are the last.

        Raises:
            TypeError: The source gives something other than bytes.
        """
        while len(self._buffer) <= length and not self._ended:
            piece = self._read(length + 1 - len(self._buffer))
            if piece is None:
                self._ended = True
                break
            self._buffer += piece
        chunk = bytes(self._buffer[:length])
        del self._buffer[:length]
        return chunk, self._ended and not self._buffer

    def _read(self, length: int) -> _Bytes | None:
        if self._iterator is not None:
            for piece in self._iterator:
                return _check(piece)
            return None
        if self._file is None:
            return None
        return _check(resolve(run_in_thread(self._file.read, min(length, _READ_SIZE)))) or None

    def close(self) -> None:
        """Close the file, if it was opened here."""
        if self._opened:
            run_in_thread(self._opened.close)


def _check(piece: object) -> _Bytes:
    if not isinstance(piece, _Bytes):
        hint = "; open the file in binary mode" if isinstance(piece, str) else ""
        raise TypeError(f"source: expected bytes, but it gave {type(piece).__name__}{hint}")
    return piece


def _remaining(file: ReadableFile) -> int | None:
    """Return the number of bytes left in a file object; None if it cannot seek."""
    seekable = cast("io.BufferedIOBase", file)
    try:
        if not seekable.seekable():
            return None
        position = seekable.tell()
        end = seekable.seek(0, os.SEEK_END)
        seekable.seek(position)
        return end - position
    except (AttributeError, OSError, TypeError):
        return None
