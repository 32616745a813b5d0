"""Values that a test knows to be there, for type checkers."""

from __future__ import annotations

from typing import TypeVar

_Value = TypeVar("_Value")


def present(value: _Value | None) -> _Value:
    """Return a value that must not be None."""
    assert value is not None
    return value
