"""Well-known types as what Python has for them: dicts, datetimes, texts such as "3.5s"."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.message import Message

from gemwire_runtime.enums import Enum


def _struct_read(message: Any) -> dict[str, Any]:
    return {key: _value_read(item) for key, item in message.fields.items()}


def _value_read(message: Any) -> Any:
    which = message.WhichOneof("kind")
    if which == "struct_value":
        return _struct_read(message.struct_value)
    if which == "list_value":
        return [_value_read(item) for item in message.list_value.values]
    if which == "number_value":
        number = message.number_value
        # JSON has one kind of number; programs expect the whole ones to be int.
        return int(number) if number.is_integer() and abs(number) < 2**53 else number
    return None if which in (None, "null_value") else getattr(message, which)


def _struct_write(value: Any) -> Any:
    from gemwire_proto.google.protobuf import struct_pb2

    if isinstance(value, Message):
        return struct_pb2.Struct.FromString(value.SerializeToString())
    if not isinstance(value, Mapping):
        raise TypeError(f"expected a dict, got {type(value).__name__}")
    made = struct_pb2.Struct()
    for key, item in value.items():
        made.fields[key].CopyFrom(_value_write(item))
    return made


def _value_write(value: Any) -> Any:
    from gemwire_proto.google.protobuf import struct_pb2

    if isinstance(value, Message):
        return struct_pb2.Value.FromString(value.SerializeToString())
    if value is None:
        return struct_pb2.Value(null_value=0)
    if isinstance(value, bool):
        return struct_pb2.Value(bool_value=value)
    if isinstance(value, (int, float)):
        return struct_pb2.Value(number_value=value)
    if isinstance(value, Enum):
        return struct_pb2.Value(string_value=str(value.value))
    if isinstance(value, str):
        return struct_pb2.Value(string_value=value)
    if isinstance(value, Mapping):
        return struct_pb2.Value(struct_value=_struct_write(value))
    if isinstance(value, (list, tuple)):
        listed = struct_pb2.ListValue(values=[_value_write(item) for item in value])
        return struct_pb2.Value(list_value=listed)
    raise TypeError(f"expected JSON, got {type(value).__name__}")


def _timestamp_read(message: Any) -> datetime.datetime:
    made: datetime.datetime = message.ToDatetime(tzinfo=datetime.timezone.utc)
    return made


def _timestamp_write(value: Any) -> Any:
    from gemwire_proto.google.protobuf import timestamp_pb2

    if isinstance(value, Message):
        return timestamp_pb2.Timestamp.FromString(value.SerializeToString())
    made: Any = timestamp_pb2.Timestamp()
    if isinstance(value, datetime.datetime):
        made.FromDatetime(value)
    elif isinstance(value, str):
        made.FromJsonString(value)
    else:
        raise TypeError(f"expected a datetime or RFC 3339, got {type(value).__name__}")
    return made


def _duration_read(message: Any) -> str:
    made: str = message.ToJsonString()
    return made


def _duration_write(value: Any) -> Any:
    from gemwire_proto.google.protobuf import duration_pb2

    if isinstance(value, Message):
        return duration_pb2.Duration.FromString(value.SerializeToString())
    made: Any = duration_pb2.Duration()
    if isinstance(value, datetime.timedelta):
        made.FromTimedelta(value)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        made.FromNanoseconds(round(value * 1e9))
    elif isinstance(value, str):
        made.FromJsonString(value)
    else:
        raise TypeError(f"expected seconds, a timedelta or text such as '3.5s', got {type(value).__name__}")
    return made


def _mask_read(message: Any) -> list[str]:
    return list(message.paths)


def _mask_write(value: Any) -> Any:
    from gemwire_proto.google.protobuf import field_mask_pb2

    if isinstance(value, Message):
        return field_mask_pb2.FieldMask.FromString(value.SerializeToString())
    paths = value.split(",") if isinstance(value, str) else list(value)
    return field_mask_pb2.FieldMask(paths=paths)


#: How a value of each type is read and written.
WELL_KNOWN: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "google.protobuf.Struct": (_struct_read, _struct_write),
    "google.protobuf.Value": (_value_read, _value_write),
    "google.protobuf.Timestamp": (_timestamp_read, _timestamp_write),
    "google.protobuf.Duration": (_duration_read, _duration_write),
    "google.protobuf.FieldMask": (_mask_read, _mask_write),
}
