"""What a pipeline reads from."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterable, Callable, Iterable
from typing import Any


def check(source: Any) -> None:
    """Refuse what is no source of items.

    Raises:
        TypeError: It cannot be iterated, or it is one text or one piece of data.
    """
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


def length(source: Any) -> int | None:
    """How many items there are, where the source says so."""
    try:
        return len(source)
    except TypeError:
        return None


class Reader:
    """A source that is being read.

    Attributes:
        next: Gives the next item of a sync source; None for an async one.
        anext: The same for an async source; None for a sync one.
    """

    def __init__(self, source: Any) -> None:
        self.next: Callable[[], Any] | None = None
        self.anext: Callable[[], Any] | None = None
        self._iterator: Any
        if isinstance(source, AsyncIterable):
            self._iterator = source.__aiter__()
            self.anext = self._iterator.__anext__
        else:
            self._iterator = iter(source)
            self.next = self._iterator.__next__

    async def close(self) -> None:
        """End a generator, so that its ``finally`` blocks run now. Nothing else is closed."""
        if self.anext is not None:
            close = getattr(self._iterator, "aclose", None)
            if close is not None:
                await close()
        elif inspect.isgenerator(self._iterator):
            self._iterator.close()
