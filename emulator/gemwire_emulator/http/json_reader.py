"""JSON to messages, several times as fast as json_format does it, for the JSON that most requests are.

What a key means is found out once for each type. Whatever is not plain (nulls, bytes, numbers as texts, types
with a JSON of their own, mistakes) is left to json_format, which reads it or says what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor

from gemwire_emulator.http.json_writer import is_repeated

_Read = Callable[[Any], Any]
#: Larger numbers may be none for a float of 32 bits; infinity and NaN are never smaller.
_LARGE = 1e38
_INTEGERS = frozenset(
    {
        FieldDescriptor.CPPTYPE_INT32,
        FieldDescriptor.CPPTYPE_INT64,
        FieldDescriptor.CPPTYPE_UINT32,
        FieldDescriptor.CPPTYPE_UINT64,
    }
)
_FLOATS = frozenset({FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE})
_REFUSALS = (TypeError, ValueError, OverflowError, AttributeError, RecursionError)


class _NotPlain(ValueError):
    """A value that is left to json_format."""


class _Field(NamedTuple):
    name: str
    oneof: str
    read: _Read


class JsonReader:
    """Reads messages."""

    def __init__(self) -> None:
        """No type is known yet."""
        self._known: dict[Any, dict[str, _Field]] = {}

    def read(self, kind: Any, data: dict[str, Any]) -> Any:
        """The message that a JSON object is, without what its type does not know.

        Returns:
            The message; None where json_format has to read it.
        """
        if kind.DESCRIPTOR.file.package == "google.protobuf":
            return None  # It has a JSON of its own.
        try:
            return _not_plain(data) if _has_own_json(kind.DESCRIPTOR) else self._message(kind, data)
        except _REFUSALS:
            return None

    def _message(self, kind: Any, data: Any) -> Any:
        if type(data) is not dict:
            raise _NotPlain
        known = self._known.get(kind)
        if known is None:
            known = self._known[kind] = self._table(kind.DESCRIPTOR)
        fields: dict[str, Any] = {}
        oneofs: set[str] = set()
        for key, value in data.items():
            field = known.get(key)
            if field is None:
                continue
            # Said twice, in both spellings or as two of which there can be one: that is a mistake.
            if field.name in fields or field.oneof in oneofs:
                raise _NotPlain
            fields[field.name] = field.read(value)
            if field.oneof:
                oneofs.add(field.oneof)
        # Message by message, although a constructor would take all as nested dicts: of a large request that
        # is one long call into C, which stops all threads.
        return kind(**fields)

    def _table(self, descriptor: Any) -> dict[str, _Field]:
        table: dict[str, _Field] = {}
        for field in descriptor.fields:
            oneof = field.containing_oneof.name if field.containing_oneof is not None else ""
            table[field.name] = _Field(field.name, oneof, self._reading(field))
            table.setdefault(field.camelcase_name, table[field.name])
        return table

    def _reading(self, field: Any) -> _Read:
        single = self._single(field)
        return _list(single) if is_repeated(field) else single

    def _single(self, field: Any) -> _Read:
        nested = field.message_type
        if nested is not None:
            if _has_own_json(nested):
                return _not_plain
            kind = message_factory.GetMessageClass(nested)
            return lambda value: self._message(kind, value)
        if field.enum_type is not None:
            numbers = {name: value.number for name, value in field.enum_type.values_by_name.items()}
            return lambda value: numbers[value] if value in numbers else _not_plain(value)
        if field.type == FieldDescriptor.TYPE_STRING:
            return lambda value: value if type(value) is str else _not_plain(value)
        if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
            return lambda value: value if type(value) is bool else _not_plain(value)
        if field.cpp_type in _INTEGERS:
            return lambda value: value if type(value) is int else _not_plain(value)
        return _float if field.cpp_type in _FLOATS else _not_plain


def _has_own_json(descriptor: Any) -> bool:
    return bool(descriptor.full_name.startswith("google.protobuf.") or descriptor.GetOptions().map_entry)


def _not_plain(value: Any) -> Any:
    raise _NotPlain


def _float(value: Any) -> Any:
    return value if type(value) in (int, float) and -_LARGE < value < _LARGE else _not_plain(value)


def _list(read: _Read) -> _Read:
    return lambda values: [read(value) for value in values] if type(values) is list else _not_plain(values)
