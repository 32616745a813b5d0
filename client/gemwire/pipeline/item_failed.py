"""The error of one item of a pipeline."""

from __future__ import annotations

from typing import Any


class ItemFailed(Exception):
    """Failure of the function for one item.

    Raised by a pipeline with ``on_error="raise"``, where ``__cause__`` is the error; one of the results with
    ``on_error="return"``.

    Attributes:
        item: Argument of the function.
        index: Position of the item in the source, from 0.
        error: Exception that the function raised.
    """

    def __init__(self, item: Any, index: int, error: BaseException) -> None:
        super().__init__(item, index, error)
        self.item = item
        self.index = index
        self.error = error
        self.__cause__ = error

    def __str__(self) -> str:
        return f"item {self.index} failed: {type(self.error).__name__}: {self.error}"
