"""Python values as JSON values."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import enum
import math
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from google.protobuf.message import Message

from gemwire_runtime.views import View, view

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"


def to_jsonable(value: object) -> JsonValue:
    """Convert a value to dicts, lists, texts, numbers, bools and None.

    Args:
        value: Any of these, or a dataclass, pydantic model, enum member, date, set, message, bytes (converted
            to base64) or anything else with a text form.
    """
    if isinstance(value, enum.Enum):
        return to_jsonable(value.value)
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        # JSON has no infinities and no NaN; the service refuses them.
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Message):
        value = view(value)
    if isinstance(value, View):
        return to_jsonable(value.to_json_dict())
    if (to_list := getattr(value, "tolist", None)) is not None:
        return to_jsonable(to_list())  # NumPy
    if (dump := getattr(value, "model_dump", None)) is not None:
        return to_jsonable(dump(mode="json"))  # pydantic
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_jsonable(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(to_jsonable(key)): to_jsonable(item) for key, item in value.items()}
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(value).decode()
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, Iterable):
        return [to_jsonable(item) for item in value]
    kind = type(value)
    if kind.__str__ is object.__str__ and kind.__repr__ is object.__repr__:
        raise TypeError(f"{kind.__name__} has no JSON form")
    return str(value)
