"""Messages to JSON, as json_format writes them and several times as fast: the main cost of a stream.

The fields of each message type are resolved once. Well-known types, such as timestamps, are left to
json_format.
"""

from __future__ import annotations

import base64
import ctypes
import json
import math
from collections.abc import Callable
from json.encoder import encode_basestring
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from gemwire_emulator.json_codec.descriptors import get_descriptor, is_map, is_repeated, is_well_known
from gemwire_proto import POOL
from gemwire_proto.google.protobuf import struct_pb2

#: Converts a field's value to JSON.
_Write = Callable[[Any], str]
#: Whole numbers below it are exact.
_MAX_WHOLE = 2**53
_SCALARS: dict[int, _Write] = {
    FieldDescriptor.CPPTYPE_BOOL: lambda value: "true" if value else "false",
    FieldDescriptor.CPPTYPE_INT32: str,
    FieldDescriptor.CPPTYPE_UINT32: str,
    FieldDescriptor.CPPTYPE_INT64: '"{}"'.format,
    FieldDescriptor.CPPTYPE_UINT64: '"{}"'.format,
    FieldDescriptor.CPPTYPE_STRING: encode_basestring,
}


class JsonWriter:
    """Writer of messages, with a cache of their types."""

    def __init__(self, *, integer_enums: bool = False) -> None:
        """Start with an empty cache.

        Args:
            integer_enums: Write enums as numbers instead of names.
        """
        self._integer_enums = integer_enums
        self._fields: dict[type[Message], dict[int, tuple[str, _Write]] | None] = {}

    def write(self, message: Message) -> str:
        """Convert a message to JSON: camelCase names, without fields that are not set."""
        kind = type(message)
        try:
            fields = self._fields[kind]
        except KeyError:
            fields = self._fields[kind] = self._resolve(get_descriptor(message))
        if fields is None:
            return self._write_by_json_format(message)
        parts = []
        for field, value in message.ListFields():
            name, write = fields[field.number]
            parts.append(name + write(value))
        return "{" + ",".join(parts) + "}"

    def _write_by_json_format(self, message: Message) -> str:
        data = json_format.MessageToDict(
            message, use_integers_for_enums=self._integer_enums, descriptor_pool=POOL
        )
        return json.dumps(data, ensure_ascii=False, separators=(",", ":"))

    def _resolve(self, descriptor: Descriptor) -> dict[int, tuple[str, _Write]] | None:
        """Map field numbers to names and writers; None for types that are left to json_format."""
        if is_well_known(descriptor):
            return None
        return {field.number: (f'"{field.json_name}":', self._writer(field)) for field in descriptor.fields}

    def _writer(self, field: FieldDescriptor) -> _Write:
        if field.message_type is not None and is_map(field):
            key, value = field.message_type.fields
            return _map_writer(key, self._single_writer(value))
        single = self._single_writer(field)
        return _list_writer(single) if is_repeated(field) else single

    def _single_writer(self, field: FieldDescriptor) -> _Write:
        if field.message_type is not None:
            return _JSON_WRITERS.get(field.message_type.full_name, self.write)
        if field.enum_type is not None:
            if self._integer_enums:
                return str
            names = {number: f'"{value.name}"' for number, value in field.enum_type.values_by_number.items()}
            return lambda number: names.get(number) or str(number)
        if field.type == FieldDescriptor.TYPE_BYTES:
            return lambda value: '"' + base64.b64encode(value).decode() + '"'
        if field.cpp_type == FieldDescriptor.CPPTYPE_FLOAT:
            return _write_float32
        if field.cpp_type == FieldDescriptor.CPPTYPE_DOUBLE:
            return _write_float64
        return _SCALARS[field.cpp_type]


def _write_struct(struct: struct_pb2.Struct) -> str:
    items = (f"{encode_basestring(key)}:{_write_value(value)}" for key, value in struct.fields.items())
    return "{" + ",".join(items) + "}"


def _write_list(values: struct_pb2.ListValue) -> str:
    return "[" + ",".join(map(_write_value, values.values)) + "]"


def _write_value(value: struct_pb2.Value) -> str:
    kind = value.WhichOneof("kind")
    if kind == "number_value":
        return _write_number(value.number_value)
    if kind == "string_value":
        return encode_basestring(value.string_value)
    if kind == "bool_value":
        return "true" if value.bool_value else "false"
    if kind == "struct_value":
        return _write_struct(value.struct_value)
    return _write_list(value.list_value) if kind == "list_value" else "null"


def _write_number(value: float) -> str:
    """Return a number, a whole one without a fraction, as the service writes it."""
    whole = math.isfinite(value) and value == int(value) and abs(value) < _MAX_WHOLE
    return repr(value)[:-2] if whole else _write_float64(value)


#: JSON values, whose numbers json_format would write as floats.
_JSON_WRITERS: dict[str, _Write] = {
    "google.protobuf.Struct": _write_struct,
    "google.protobuf.ListValue": _write_list,
    "google.protobuf.Value": _write_value,
}


def _list_writer(write: _Write) -> _Write:
    return lambda values: "[" + ",".join(map(write, values)) + "]"


def _map_writer(key: FieldDescriptor, write: _Write) -> _Write:
    name: _Write = encode_basestring
    if key.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        name = {True: '"true"', False: '"false"'}.__getitem__
    elif key.cpp_type != FieldDescriptor.CPPTYPE_STRING:
        name = '"{}"'.format
    return lambda values: "{" + ",".join(f"{name(k)}:{write(values[k])}" for k in values) + "}"


def _write_float64(value: float) -> str:
    if math.isfinite(value):
        return repr(value)
    return '"NaN"' if math.isnan(value) else '"Infinity"' if value > 0 else '"-Infinity"'


def _write_float32(value: float) -> str:
    # Nine digits are always enough for 32 bits, and most values need fewer.
    if not math.isfinite(value):
        return _write_float64(value)
    for digits in (6, 7, 8):
        text = f"{value:.{digits}g}"
        if ctypes.c_float(float(text)).value == value:
            return repr(float(text))
    return repr(float(f"{value:.9g}"))
