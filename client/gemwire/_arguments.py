"""Checks of arguments that the throughput tools share. Messages begin with the name of the argument."""

from __future__ import annotations

import math
from collections.abc import Collection

#: Far more than a process can have calls in progress; a larger number is a mistake.
MAX_CONCURRENCY = 65_536


def check_integer(
    name: str,
    value: object,
    *,
    minimum: int = 1,
    maximum: int | None = None,
    expected: str = "a whole number",
) -> int:
    """Return a whole number within bounds."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name}: expected {expected}, got {value!r}")
    if value < minimum:
        raise ValueError(f"{name}: {value} is less than {minimum}")
    if maximum is not None and value > maximum:
        raise ValueError(f"{name}: {value} is more than {maximum}")
    return value


def check_concurrency(name: str, value: object, *, minimum: int = 1, expected: str = "a whole number") -> int:
    """Return a number of concurrent calls. Raises as `check_integer`."""
    return check_integer(name, value, minimum=minimum, maximum=MAX_CONCURRENCY, expected=expected)


def check_number(name: str, value: object, *, zero: bool = False, expected: str = "a number") -> float:
    """Return a finite number above zero, or not below it where ``zero`` is allowed."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name}: expected {expected}, got {value!r}")
    if not (value >= 0 if zero else value > 0) or not value < math.inf:
        raise ValueError(f"{name}: {value} is not a {'non-negative' if zero else 'positive'} number")
    return value


def check_choice(name: str, value: object, choices: Collection[str]) -> None:
    """Raise ValueError unless the value is one of the choices."""
    if value not in choices:
        raise ValueError(f"{name}: {value!r} is not one of {', '.join(map(repr, choices))}")
