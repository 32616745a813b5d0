"""What is uploaded, piece by piece: no more of it is held than one chunk and what came with its end."""

from __future__ import annotations

import io
import mimetypes
import os
from pathlib import Path
from typing import Any

from gemwire._transport.aio.concurrency import iterate, resolve, run_in_thread

#: Bytes that are read at once where the source lets one choose.
_PIECE = 1 << 20


class AsyncSource:
    """Gives the bytes of a path, of bytes, of a file object or of an iterable.

    Attributes:
        size: How many there are; None where that is not known.
        name: The file's name; empty where there is none.
    """

    def __init__(self, source: Any, size: int | None) -> None:
        """Nothing is read yet.

        Args:
            source: The path of a file; bytes; an object with ``read``; an iterable of bytes.
            size: How many bytes it gives, where that is known.

        Raises:
            OSError: There is no such file.
            ValueError: ``size`` is negative.
            TypeError: It is none of these.
        """
        if size is not None and size < 0:
            raise ValueError(f"size: {size} is negative")
        self._file: Any = None
        self._mine = False
        self._iterator: Any = None
        self._held = bytearray()
        self._ended = False
        self.name = ""
        if isinstance(source, (str, os.PathLike)):
            path = Path(source)
            self._file, self._mine = path.open("rb"), True
            self.name, size = path.name, path.stat().st_size if path.is_file() else size
        elif isinstance(source, (bytes, bytearray, memoryview)):
            self._file, size = io.BytesIO(source), memoryview(source).nbytes
        elif hasattr(source, "read"):
            self._file = source
            size = _left(source) if size is None else size
            name = getattr(source, "name", "")
            self.name = Path(name).name if isinstance(name, str) else ""
        elif hasattr(source, "__aiter__") or hasattr(source, "__iter__"):
            self._iterator = iterate(source)
        else:
            raise TypeError(
                "source: expected a path, bytes, a file object or an iterable of bytes, "
                f"got {type(source).__name__}"
            )
        self.size = size

    def mime_type(self) -> str | None:
        """What the name says of the content."""
        return mimetypes.guess_type(self.name)[0]

    async def chunk(self, length: int) -> tuple[bytes, bool]:
        """The next bytes, ``length`` of them unless the end comes first, and whether it has come.

        Raises:
            TypeError: The source gives something else than bytes.
        """
        while len(self._held) <= length and not self._ended:
            piece = await self._piece(length + 1 - len(self._held))
            if piece is None:
                self._ended = True
                break
            self._held += piece
        chunk = bytes(self._held[:length])
        del self._held[:length]
        return chunk, self._ended and not self._held

    async def _piece(self, length: int) -> Any:
        if self._file is None:
            async for piece in self._iterator:
                return _checked(piece)
            return None
        piece = await resolve(await run_in_thread(self._file.read, min(length, _PIECE)))
        return _checked(piece) or None

    async def close(self) -> None:
        """Close the file, where it was opened here."""
        if self._mine:
            await run_in_thread(self._file.close)


def _checked(piece: Any) -> Any:
    if not isinstance(piece, (bytes, bytearray, memoryview)):
        hint = "; open the file in binary mode" if isinstance(piece, str) else ""
        raise TypeError(f"source: expected bytes, it gave {type(piece).__name__}{hint}")
    return piece


def _left(file: Any) -> int | None:
    """How many bytes a file object still has; None where it cannot tell."""
    try:
        if not file.seekable():
            return None
        here: int = file.tell()
        end: int = file.seek(0, os.SEEK_END)
        file.seek(here)
    except (AttributeError, OSError, TypeError):
        return None
    return end - here
