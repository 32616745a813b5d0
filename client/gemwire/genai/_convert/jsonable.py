"""Python values as JSON has them."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import enum
import math
from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf.message import Message

from gemwire_runtime.views import View, view


def plain(value: Any) -> Any:
    """A value made of dicts, lists, texts, numbers, bools and None.

    Args:
        value: Also dataclasses, pydantic models, enums, dates, bytes (as base64), sets, messages and what
            has a text of its own.

    Raises:
        TypeError: It has no such form.
    """
    if isinstance(value, enum.Enum):
        return plain(value.value)
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        # JSON has no such numbers, and the service refuses them.
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Message):
        value = view(value)
    if isinstance(value, View):
        return value.to_json_dict()
    if hasattr(value, "tolist"):
        return plain(value.tolist())  # numpy's
    if hasattr(value, "model_dump"):
        return plain(value.model_dump(mode="json"))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(value).decode()
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, Iterable):
        return [plain(item) for item in value]
    kind: Any = type(value)
    if kind.__str__ is object.__str__ and kind.__repr__ is object.__repr__:
        raise TypeError(f"{type(value).__name__} has no form in JSON")
    return str(value)
