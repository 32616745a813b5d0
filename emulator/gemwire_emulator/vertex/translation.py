"""Messages of Vertex AI as those of the Gemini API, on which state and engines work, and back.

Both have the same names of fields and of enum values, with other numbers. What only one of them has stays
behind; the journal has the message as it was sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

_Message = TypeVar("_Message", bound=Message)

#: Fields of other names.
_RENAMED = {"citations": "citation_sources", "citation_sources": "citations"}
#: Values that stand for those that the other side lacks.
_SUBSTITUTES = {"FinishReason": "OTHER", "BlockReason": "OTHER", "BlockedReason": "OTHER"}
_INTEGERS = frozenset({FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_INT64})


def translate(source: Message, kind: type[_Message], **fields: Any) -> _Message:
    """Return a message with what it has in common with another, and further fields."""
    target = kind(**fields)
    copy_fields(source, target)
    return target


def copy_fields(source: Message, target: Message) -> None:
    """Set the fields that two messages have in common; those that are set already stay."""
    known: Mapping[str, FieldDescriptor] = target.DESCRIPTOR.fields_by_name
    already = {field.name for field, _ in target.ListFields()}
    for field, value in source.ListFields():
        name = field.name if field.name in known else _RENAMED.get(field.name, "")
        if name in known and name not in already:
            _copy(field, value, known[name], target)


def _copy(field: FieldDescriptor, value: Any, twin: FieldDescriptor, target: Message) -> None:
    slot = getattr(target, twin.name)
    kind = field.message_type
    if kind is not None and kind.GetOptions().map_entry:
        for key, one in value.items():
            if kind.fields_by_name["value"].message_type is None:
                slot[key] = one
            else:
                copy_fields(one, slot[key])
    elif kind is not None:
        repeated = not isinstance(value, Message)
        for one in value if repeated else (value,):
            made = slot.add() if repeated else slot
            if one.DESCRIPTOR is made.DESCRIPTOR:
                made.CopyFrom(one)
            else:
                made.SetInParent()
                copy_fields(one, made)
    elif hasattr(slot, "extend"):
        slot.extend(_convert(field, value, twin))
    else:
        for one in _convert(field, [value], twin):
            setattr(target, twin.name, one)


def _convert(field: FieldDescriptor, values: Iterable[Any], twin: FieldDescriptor) -> Iterable[Any]:
    if field.enum_type is not None and twin.enum_type is not None:
        numbers = (_convert_enum(field.enum_type, value, twin.enum_type) for value in values)
        return [number for number in numbers if number is not None]
    return [int(value) for value in values] if twin.cpp_type in _INTEGERS else values


def _convert_enum(kind: EnumDescriptor, number: int, twin: EnumDescriptor) -> int | None:
    """Return the number of the value of the same name; None if there is none, and no substitute."""
    value = kind.values_by_number.get(number)
    if value is None:
        return None
    found = twin.values_by_name.get(value.name) or twin.values_by_name.get(_SUBSTITUTES.get(kind.name, ""))
    return None if found is None else found.number
