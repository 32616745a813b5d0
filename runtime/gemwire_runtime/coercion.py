"""Values in the place of another type's, as pydantic takes them: ``"0.5"`` for a number, 20.0 for 20."""

from __future__ import annotations

import base64
import datetime
from collections.abc import Callable

_TRUE = frozenset({"1", "true", "t", "yes", "y", "on"})
_FALSE = frozenset({"0", "false", "f", "no", "n", "off"})


def to_text(value: object) -> str:
    """Return a text."""
    if isinstance(value, str):
        return value
    raise TypeError(f"expected a string, got {type(value).__name__}")


def to_integer(value: object) -> int:
    """Return a whole number, also for a whole float and for a text of one."""
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            raise ValueError(f"expected a whole number, got {_shorten(value)}") from None
    if (index := getattr(value, "__index__", None)) is not None:
        return int(index())
    raise TypeError(f"expected a whole number, got {_shorten(value)}")


def to_number(value: object) -> float:
    """Return a number, also for a text of one."""
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            raise ValueError(f"expected a number, got {_shorten(value)}") from None
    if (convert := getattr(value, "__float__", None)) is not None:
        return float(convert())
    raise TypeError(f"expected a number, got {type(value).__name__}")


def to_bool(value: object) -> bool:
    """Return True or False, also for 1, 0 and texts such as ``"yes"``."""
    if isinstance(value, bool):
        return value
    text = value.lower() if isinstance(value, str) else str(value) if value in (0, 1) else ""
    if text.partition(".")[0] in _TRUE:
        return True
    if text.partition(".")[0] in _FALSE:
        return False
    kind = ValueError if isinstance(value, str) else TypeError
    raise kind(f"expected True or False, got {_shorten(value)}")


def to_bytes(value: object) -> bytes:
    """Return bytes, also for base64."""
    if isinstance(value, str):
        padded = value + "=" * (-len(value) % 4)
        return base64.b64decode(padded.replace("-", "+").replace("_", "/"), validate=True)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise TypeError(f"expected bytes or base64, got {type(value).__name__}")


def to_datetime(value: object) -> datetime.datetime:
    """Return a time, also for RFC 3339 and for seconds since 1970."""
    if isinstance(value, datetime.datetime):
        return value
    if isinstance(value, str):
        # Python before 3.11 takes no Z.
        return datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return datetime.datetime.fromtimestamp(value, datetime.timezone.utc)
    raise TypeError(f"expected a datetime or RFC 3339, got {type(value).__name__}")


#: Conversions by type.
CONVERSIONS: dict[object, Callable[[object], object]] = {
    str: to_text,
    int: to_integer,
    float: to_number,
    bool: to_bool,
    bytes: to_bytes,
    datetime.datetime: to_datetime,
}


def _shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
