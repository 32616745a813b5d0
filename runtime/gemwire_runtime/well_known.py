"""Conversion of well-known types to Python types: dicts, datetimes, durations such as ``"3.5s"``."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from google.protobuf.message import Message

from gemwire_runtime import large_integers
from gemwire_runtime.containers import Conversion, Entries, Items
from gemwire_runtime.enums import Enum

if TYPE_CHECKING:
    from google.protobuf.duration_pb2 import Duration
    from google.protobuf.field_mask_pb2 import FieldMask
    from google.protobuf.struct_pb2 import Struct, Value
    from google.protobuf.timestamp_pb2 import Timestamp


def _read_struct(message: Struct) -> Entries[object]:
    shown: Entries[object] = Entries(message.fields, _JSON)
    shown.origin = message
    return shown


def read_json(message: Value) -> object:
    """Return the JSON of a Value. Dicts and lists write their changes to it."""
    which = message.WhichOneof("kind")
    if which == "number_value":
        number = message.number_value
        # JSON has one kind of number; programs expect the whole ones to be int.
        if not number.is_integer():
            return number
        if abs(number) < large_integers.LIMIT:
            return int(number)
        exact = large_integers.read(message)
        return number if exact is None else exact
    if which is None or which == "null_value":
        return None
    if which == "struct_value":
        shown: Entries[object] | Items[object] = Entries(message.struct_value.fields, _JSON)
    elif which == "list_value":
        shown = Items(message.list_value.values, _JSON)
    else:
        return getattr(message, which)
    shown.origin = message
    return shown


def _write_struct(value: object) -> Any:
    from gemwire_proto.google.protobuf import struct_pb2

    if isinstance(value, Message):
        return struct_pb2.Struct.FromString(value.SerializeToString())
    if not isinstance(value, Mapping):
        raise TypeError(f"expected a dict, got {type(value).__name__}")
    made = struct_pb2.Struct()
    for key, item in value.items():
        made.fields[key].CopyFrom(write_json(item))
    return made


def write_json(value: object) -> Any:
    """Return the Value of a piece of JSON."""
    from gemwire_proto.google.protobuf import struct_pb2

    if isinstance(value, Message):
        return struct_pb2.Value.FromString(value.SerializeToString())
    if value is None:
        return struct_pb2.Value(null_value=0)
    if isinstance(value, bool):
        return struct_pb2.Value(bool_value=value)
    if isinstance(value, (int, float)):
        made = struct_pb2.Value()
        try:
            made.number_value = value
        except OverflowError:
            raise ValueError("the number is too large") from None
        if isinstance(value, int) and abs(value) >= large_integers.LIMIT:
            large_integers.mark(made, value)
        return made
    if isinstance(value, Enum):
        return struct_pb2.Value(string_value=str(value.value))
    if isinstance(value, str):
        return struct_pb2.Value(string_value=value)
    if isinstance(value, Mapping):
        return struct_pb2.Value(struct_value=_write_struct(value))
    if isinstance(value, (list, tuple)):
        listed = struct_pb2.ListValue(values=[write_json(item) for item in value])
        return struct_pb2.Value(list_value=listed)
    if (dump := getattr(value, "model_dump", None)) is not None and not isinstance(value, type):
        return write_json(dump(mode="json", by_alias=True, exclude_none=True))
    raise TypeError(f"expected JSON, got {type(value).__name__}")


def read_timestamp(message: Timestamp) -> datetime.datetime:
    """Return the time, in UTC."""
    return message.ToDatetime(tzinfo=datetime.timezone.utc)


def _write_timestamp(value: object) -> Message:
    from gemwire_proto.google.protobuf import timestamp_pb2

    if isinstance(value, Message):
        return timestamp_pb2.Timestamp.FromString(value.SerializeToString())
    made = timestamp_pb2.Timestamp()
    if isinstance(value, datetime.datetime):
        made.FromDatetime(value)
    elif isinstance(value, str):
        made.FromJsonString(value)
    else:
        raise TypeError(f"expected a datetime or RFC 3339, got {type(value).__name__}")
    return made


def _read_duration(message: Duration) -> str:
    return message.ToJsonString()


def _write_duration(value: object) -> Message:
    from gemwire_proto.google.protobuf import duration_pb2

    if isinstance(value, Message):
        return duration_pb2.Duration.FromString(value.SerializeToString())
    made = duration_pb2.Duration()
    if isinstance(value, datetime.timedelta):
        made.FromTimedelta(value)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        made.FromNanoseconds(round(value * 1e9))
    elif isinstance(value, str):
        made.FromJsonString(value)
    else:
        raise TypeError(f"expected seconds, a timedelta or text such as '3.5s', got {type(value).__name__}")
    return made


def _read_mask(message: FieldMask) -> list[str]:
    return list(message.paths)


def _write_mask(value: object) -> Message:
    from gemwire_proto.google.protobuf import field_mask_pb2

    if isinstance(value, Message):
        return field_mask_pb2.FieldMask.FromString(value.SerializeToString())
    if not isinstance(value, Iterable):
        raise TypeError(f"expected paths, got {type(value).__name__}")
    paths = value.split(",") if isinstance(value, str) else list(value)
    return field_mask_pb2.FieldMask(paths=paths)


_JSON: Conversion = read_json, write_json
#: Conversions by the full names of the types.
WELL_KNOWN: dict[str, Conversion] = {
    "google.protobuf.Struct": (_read_struct, _write_struct),
    "google.protobuf.Value": _JSON,
    "google.protobuf.Timestamp": (read_timestamp, _write_timestamp),
    "google.protobuf.Duration": (_read_duration, _write_duration),
    "google.protobuf.FieldMask": (_read_mask, _write_mask),
}
#: Types of the values that are shown, by the same names.
ANNOTATIONS: dict[str, object] = {
    "google.protobuf.Struct": dict[str, object],
    "google.protobuf.Timestamp": datetime.datetime,
    "google.protobuf.Duration": str,
    "google.protobuf.FieldMask": list[str],
}
