"""What an item ends with when its function fails."""

from __future__ import annotations

from typing import Any


class ItemFailed(Exception):
    """The function failed for one item.

    Raised by a pipeline with ``on_error="raise"``, where ``__cause__`` is the error; a value among the
    others with ``on_error="return"``.

    Attributes:
        item: What the function was called with.
        index: Where it stood in the source, from 0.
        error: What the function raised.
    """

    def __init__(self, item: Any, index: int, error: BaseException) -> None:
        super().__init__(item, index, error)
        self.item = item
        self.index = index
        self.error = error
        self.__cause__ = error

    def __str__(self) -> str:
        return f"item {self.index} failed: {type(self.error).__name__}: {self.error}"
