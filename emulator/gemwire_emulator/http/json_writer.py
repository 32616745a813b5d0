"""Messages to JSON, as json_format writes them and several times as fast: this is what a stream costs most.

What a field's values become is found out once for each type. What has a JSON of its own, timestamps and the
like, is left to json_format.
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
from google.protobuf.descriptor import FieldDescriptor

from gemwire_proto import POOL

_Write = Callable[[Any], str]
_PLAIN: dict[int, _Write] = {
    FieldDescriptor.CPPTYPE_BOOL: lambda value: "true" if value else "false",
    FieldDescriptor.CPPTYPE_INT32: str,
    FieldDescriptor.CPPTYPE_UINT32: str,
    FieldDescriptor.CPPTYPE_INT64: '"{}"'.format,
    FieldDescriptor.CPPTYPE_UINT64: '"{}"'.format,
    FieldDescriptor.CPPTYPE_STRING: encode_basestring,
}


class JsonWriter:
    """Writes messages."""

    def __init__(self, *, integer_enums: bool = False) -> None:
        """``integer_enums``: enums become numbers, not names."""
        self._integer_enums = integer_enums
        self._known: dict[type, dict[int, tuple[str, _Write]] | None] = {}

    def write(self, message: Any) -> str:
        """The JSON of a message: camelCase, without what is not set."""
        kind = type(message)
        try:
            fields = self._known[kind]
        except KeyError:
            fields = self._known[kind] = self._fields(message.DESCRIPTOR)
        if fields is None:
            return self._by_json_format(message)
        parts = []
        for field, value in message.ListFields():
            name, write = fields[field.number]
            parts.append(name + write(value))
        return "{" + ",".join(parts) + "}"

    def _by_json_format(self, message: Any) -> str:
        data = json_format.MessageToDict(
            message, use_integers_for_enums=self._integer_enums, descriptor_pool=POOL
        )
        return json.dumps(data, ensure_ascii=False, separators=(",", ":"))

    def _fields(self, descriptor: Any) -> dict[int, tuple[str, _Write]] | None:
        """For each field its name and what writes its value; None where json_format has to."""
        if descriptor.full_name.startswith("google.protobuf."):
            return None
        return {f.number: (f'"{f.json_name}":', self._field(f)) for f in descriptor.fields}

    def _field(self, field: Any) -> _Write:
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            key, value = field.message_type.fields
            return _object(key, self._single(value))
        single = self._single(field)
        return _array(single) if is_repeated(field) else single

    def _single(self, field: Any) -> _Write:
        if field.message_type is not None:
            return self.write
        if field.enum_type is not None:
            if self._integer_enums:
                return str
            names = {number: f'"{value.name}"' for number, value in field.enum_type.values_by_number.items()}
            return lambda number: names.get(number) or str(number)
        if field.type == FieldDescriptor.TYPE_BYTES:
            return lambda value: '"' + base64.b64encode(value).decode() + '"'
        if field.cpp_type == FieldDescriptor.CPPTYPE_FLOAT:
            return _float32
        if field.cpp_type == FieldDescriptor.CPPTYPE_DOUBLE:
            return _float64
        return _PLAIN[field.cpp_type]


def is_repeated(field: Any) -> bool:
    """Whether a field is a list or a map."""
    # protobuf 5 has no is_repeated, protobuf 7 warns of label.
    known = getattr(field, "is_repeated", None)
    return bool(field.label == FieldDescriptor.LABEL_REPEATED if known is None else known)


def _array(write: _Write) -> _Write:
    return lambda values: "[" + ",".join(map(write, values)) + "]"


def _object(key: Any, write: _Write) -> _Write:
    name: _Write = encode_basestring
    if key.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        name = {True: '"true"', False: '"false"'}.__getitem__
    elif key.cpp_type != FieldDescriptor.CPPTYPE_STRING:
        name = '"{}"'.format
    return lambda values: "{" + ",".join(f"{name(k)}:{write(values[k])}" for k in values) + "}"


def _float64(value: float) -> str:
    if math.isfinite(value):
        return repr(value)
    return '"NaN"' if math.isnan(value) else '"Infinity"' if value > 0 else '"-Infinity"'


def _float32(value: float) -> str:
    # Nine digits are always enough for 32 bits, and most values need fewer.
    if not math.isfinite(value):
        return _float64(value)
    for digits in (6, 7, 8):
        text = f"{value:.{digits}g}"
        if ctypes.c_float(float(text)).value == value:
            return repr(float(text))
    return repr(float(f"{value:.9g}"))
