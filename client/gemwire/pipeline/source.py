"""The sources that a pipeline reads."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sized
from typing import Generic, TypeVar

_T = TypeVar("_T")


def check_source(source: object) -> None:
    """Raise unless an argument is a source of items."""
    if isinstance(source, (str, bytes, bytearray, memoryview)):
        raise TypeError(
            f"source: a {type(source).__name__} is one item, not many; give a list, a generator or another "
            "iterable of items"
        )
    if not isinstance(source, (AsyncIterable, Iterable)) and not hasattr(type(source), "__getitem__"):
        raise TypeError(
            f"source: expected an iterable or an async iterable, got {type(source).__name__}"
            + ("; call the function" if callable(source) else "")
        )


def source_length(source: object) -> int | None:
    """Return the number of items; None if the source has no length."""
    try:
        return len(source) if isinstance(source, Sized) else None
    except TypeError:
        return None


class SourceReader(Generic[_T]):
    """Reader of a source.

    Attributes:
        next: Returns the next item of a sync source; None for an async one.
        anext: Returns the next item of an async source; None for a sync one.
    """

    def __init__(self, source: AsyncIterable[_T] | Iterable[_T]) -> None:
        self.next: Callable[[], _T] | None = None
        self.anext: Callable[[], Awaitable[_T]] | None = None
        self._iterator: AsyncIterator[_T] | Iterator[_T]
        if isinstance(source, AsyncIterable):
            self._iterator = source.__aiter__()
            self.anext = self._iterator.__anext__
        else:
            self._iterator = iter(source)
            self.next = self._iterator.__next__

    async def close(self) -> None:
        """Close a generator, so that its ``finally`` blocks run now. Other iterators are left alone."""
        if self.anext is not None:
            close = getattr(self._iterator, "aclose", None)
            if close is not None:
                await close()
        elif inspect.isgenerator(self._iterator):
            self._iterator.close()
