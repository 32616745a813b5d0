"""Types of what files are uploaded from and downloaded to."""

from __future__ import annotations

import os
from collections.abc import AsyncIterable, Callable, Iterable
from typing import Protocol, TypeAlias, runtime_checkable

#: Called with the number of bytes transferred, and the total if it is known.
Progress: TypeAlias = Callable[[int, "int | None"], object]


@runtime_checkable
class ReadableFile(Protocol):
    """A file object to upload, of threads or asyncio."""

    def read(self, size: int, /) -> object:
        """Return at most ``size`` bytes, or an awaitable of them."""
        ...


@runtime_checkable
class WritableFile(Protocol):
    """A file object to download to, of threads or asyncio."""

    def write(self, data: bytes, /) -> object:
        """Write bytes, or return an awaitable that does."""
        ...


#: The path of a file, its contents, a file object, or an iterable of bytes.
UploadSource: TypeAlias = (
    str
    | os.PathLike[str]
    | bytes
    | bytearray
    | memoryview
    | ReadableFile
    | Iterable[bytes]
    | AsyncIterable[bytes]
)
#: The path of a file, or a file object.
DownloadDestination: TypeAlias = str | os.PathLike[str] | WritableFile
