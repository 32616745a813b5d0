"""JSON to messages, several times as fast as json_format for the JSON of most requests.

The fields of each message type are resolved once. Anything unusual (nulls, bytes, numbers written as strings,
well-known types, unknown names, malformed values) is left to the normalizer and json_format, which parse it
or report what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn, TypeVar

from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from gemwire_emulator.json_codec.descriptors import get_descriptor, is_repeated, is_well_known

_Message = TypeVar("_Message", bound=Message)
#: Converts a JSON value to a field's value.
_Read = Callable[[Any], object]
#: Larger numbers may overflow a 32-bit float; infinity and NaN never compare below it.
_MAX_SAFE_FLOAT = 1e38
_INTEGERS = frozenset(
    {
        FieldDescriptor.CPPTYPE_INT32,
        FieldDescriptor.CPPTYPE_INT64,
        FieldDescriptor.CPPTYPE_UINT32,
        FieldDescriptor.CPPTYPE_UINT64,
    }
)
_FLOATS = frozenset({FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE})
_UNREADABLE = (TypeError, ValueError, OverflowError, AttributeError, RecursionError)


class _Unsupported(ValueError):
    """A value that is left to json_format."""


class _Field(NamedTuple):
    name: str
    oneof: str
    read: _Read


class JsonReader:
    """Reader of messages, with a cache of their types."""

    def __init__(self) -> None:
        """Start with an empty cache."""
        self._fields: dict[type[Message], dict[str, _Field]] = {}

    def read(self, kind: type[_Message], data: dict[str, object]) -> _Message | None:
        """Convert a JSON object to a message.

        Returns:
            The message; None if the object is unusual.
        """
        if _has_own_json(get_descriptor(kind)):
            return None
        try:
            return self._message(kind, data)
        except _UNREADABLE:
            return None

    def _message(self, kind: type[_Message], data: object) -> _Message:
        if type(data) is not dict:
            raise _Unsupported
        known = self._fields.get(kind)
        if known is None:
            known = self._fields[kind] = self._resolve(get_descriptor(kind))
        fields: dict[str, object] = {}
        oneofs: set[str] = set()
        for key, value in data.items():
            field = known.get(key)
            # An unknown name, both spellings of one, or two members of a oneof.
            if field is None or field.name in fields or field.oneof in oneofs:
                raise _Unsupported
            fields[field.name] = field.read(value)
            if field.oneof:
                oneofs.add(field.oneof)
        # One constructor call per message. A single call with nested dicts would hold the GIL for the whole
        # of a large request.
        return kind(**fields)

    def _resolve(self, descriptor: Descriptor) -> dict[str, _Field]:
        fields: dict[str, _Field] = {}
        for field in descriptor.fields:
            oneof = field.containing_oneof.name if field.containing_oneof is not None else ""
            fields[field.name] = _Field(field.name, oneof, self._reader(field))
            fields.setdefault(field.camelcase_name, fields[field.name])
        return fields

    def _reader(self, field: FieldDescriptor) -> _Read:
        single = self._single_reader(field)
        return _list_reader(single) if is_repeated(field) else single

    def _single_reader(self, field: FieldDescriptor) -> _Read:
        nested = field.message_type
        if nested is not None:
            if _has_own_json(nested):
                return _reject
            kind = message_factory.GetMessageClass(nested)
            return lambda value: self._message(kind, value)
        if field.enum_type is not None:
            numbers = {name: value.number for name, value in field.enum_type.values_by_name.items()}
            return lambda value: numbers[value] if value in numbers else _reject(value)
        if field.type == FieldDescriptor.TYPE_STRING:
            return lambda value: value if type(value) is str else _reject(value)
        if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
            return lambda value: value if type(value) is bool else _reject(value)
        if field.cpp_type in _INTEGERS:
            return lambda value: value if type(value) is int else _reject(value)
        return _read_float if field.cpp_type in _FLOATS else _reject


def _has_own_json(descriptor: Descriptor) -> bool:
    return is_well_known(descriptor) or descriptor.GetOptions().map_entry


def _reject(value: object) -> NoReturn:
    raise _Unsupported


def _read_float(value: Any) -> object:
    if type(value) in (int, float) and -_MAX_SAFE_FLOAT < value < _MAX_SAFE_FLOAT:
        return value
    raise _Unsupported


def _list_reader(read: _Read) -> _Read:
    return lambda values: [read(value) for value in values] if type(values) is list else _reject(values)
