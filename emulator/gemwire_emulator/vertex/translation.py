"""Messages of Vertex AI as those of the Gemini API, on which state and engines work, and back.

Both have the same names of fields and of enum values, with other numbers. What only one of them has stays
behind; the journal has the message as it was sent.
"""

from __future__ import annotations

from typing import TypeAlias, TypeVar

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from gemwire_emulator.json_codec.descriptors import get_descriptor

_Message = TypeVar("_Message", bound=Message)
_Scalar: TypeAlias = "int | float | str | bytes | bool"

#: Fields of other names.
_RENAMED = {"citations": "citation_sources", "citation_sources": "citations"}
#: Values that stand for those that the other side lacks.
_SUBSTITUTES = {"FinishReason": "OTHER", "BlockReason": "OTHER", "BlockedReason": "OTHER"}
_INTEGERS = frozenset({FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_INT64})


def translate(source: Message, kind: type[_Message], **fields: object) -> _Message:
    """Return a message with what it has in common with another, and further fields."""
    target = kind(**fields)
    copy_fields(source, target)
    return target


def copy_fields(source: Message, target: Message) -> None:
    """Set the fields that two messages have in common; those that are set already stay."""
    known = get_descriptor(target).fields_by_name
    already = {field.name for field, _ in target.ListFields()}
    for field, _ in source.ListFields():
        name = field.name if field.name in known else _RENAMED.get(field.name, "")
        if name in known and name not in already:
            _copy(source, field, target, known[name])


def _copy(source: Message, field: FieldDescriptor, target: Message, twin: FieldDescriptor) -> None:
    value, slot = getattr(source, field.name), getattr(target, twin.name)
    kind = field.message_type
    if kind is None:
        if hasattr(slot, "extend"):
            slot.extend(found for one in value if (found := _convert(field, one, twin)) is not None)
        elif (found := _convert(field, value, twin)) is not None:
            setattr(target, twin.name, found)
    elif kind.GetOptions().map_entry:
        for key, one in value.items():
            if isinstance(one, Message):
                _copy_message(one, slot[key])
            else:
                slot[key] = one
    elif isinstance(value, Message):
        _copy_message(value, slot)
    else:
        for one in value:
            _copy_message(one, slot.add())


def _copy_message(source: Message, target: Message) -> None:
    target.SetInParent()
    if source.DESCRIPTOR is target.DESCRIPTOR:
        target.CopyFrom(source)
    else:
        copy_fields(source, target)


def _convert(field: FieldDescriptor, value: _Scalar, twin: FieldDescriptor) -> _Scalar | None:
    """Return a scalar as the other side has it; None for an enum value that it lacks."""
    if field.enum_type is not None and twin.enum_type is not None:
        named = field.enum_type.values_by_number.get(int(value))
        known = twin.enum_type.values_by_name
        if named is None:
            return None
        found = known.get(named.name) or known.get(_SUBSTITUTES.get(field.enum_type.name, ""))
        return None if found is None else found.number
    return int(value) if twin.cpp_type in _INTEGERS else value
