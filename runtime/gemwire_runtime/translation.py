"""Messages of one API family as those of another: the names of fields and enum values are the same.

Their numbers differ, so that neither the bytes of a message nor the number of an enum value means the same
in both. What the other family lacks raises an error: nothing is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from gemwire_runtime.enums import find_number
from gemwire_runtime.field_errors import MissingFieldError, locate
from gemwire_runtime.upb import descriptor_of

_M = TypeVar("_M", bound=Message)

#: Fields of other names, in both directions.
RENAMED = {"citation_sources": "citations", "citations": "citation_sources"}
#: The counterparts of message types, by the full names of these.
_COUNTERPARTS: dict[str, Descriptor] = {}
_INTEGERS = frozenset({FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_INT64})


def relate(one: Descriptor, other: Descriptor) -> None:
    """Note that two message types are each other's counterparts."""
    _COUNTERPARTS[one.full_name] = other
    _COUNTERPARTS[other.full_name] = one


def get_counterpart(kind: Descriptor) -> Descriptor | None:
    """Return the message type of another family that has the same fields; None if none is known."""
    return _COUNTERPARTS.get(kind.full_name)


def are_counterparts(one: Descriptor, other: Descriptor) -> bool:
    """Return whether two message types are counterparts in different families."""
    return _COUNTERPARTS.get(one.full_name) is other


def describe_absence(field: str, descriptor: Descriptor) -> str:
    """Return what the error says of a field that a message type lacks and its counterpart has."""
    of, lacking = "Vertex AI", "the Gemini API"
    if descriptor.full_name.startswith("google.cloud."):
        of, lacking = lacking, of
    return f"{field} belongs to {of}; {lacking} does not have it"


def translate(source: Message, kind: type[_M]) -> _M:
    """Return a message of another class with the same fields.

    Raises:
        MissingFieldError: The class lacks a field that is set.
        ValueError: It lacks an enum value.
    """
    made = kind()
    copy_fields(source, made)
    return made


def copy_fields(source: Message, target: Message) -> None:
    """Set the fields of a message to those of its counterpart; see `translate`."""
    descriptor = descriptor_of(target)
    for field, value in source.ListFields():
        known = descriptor.fields_by_name
        twin = known.get(field.name) or known.get(RENAMED.get(field.name, ""))
        if twin is None:
            raise MissingFieldError(describe_absence(field.name, descriptor))
        try:
            _copy(field, value, target, twin)
        except ValueError as error:
            raise locate(field.name, error) from None


def _copy(field: FieldDescriptor, value: object, target: Message, twin: FieldDescriptor) -> None:
    slot = getattr(target, twin.name)
    if isinstance(value, Message):
        _copy_message(value, slot)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(item, Message):
                _copy_message(item, slot[key])
            else:
                slot[key] = item
    elif isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        setattr(target, twin.name, _convert(field, value, twin))
    elif field.message_type is None:
        slot.extend([_convert(field, item, twin) for item in value])
    else:
        for at, item in enumerate(value):
            try:
                _copy_message(item, slot.add())
            except ValueError as error:
                raise locate(f"[{at}]", error) from None


def _copy_message(source: Message, target: Message) -> None:
    target.SetInParent()
    if source.DESCRIPTOR is target.DESCRIPTOR:
        target.CopyFrom(source)
    else:
        copy_fields(source, target)


def _convert(field: FieldDescriptor, value: object, twin: FieldDescriptor) -> object:
    """Return a scalar as the other field has it: enum values by their names."""
    if field.enum_type is not None and isinstance(value, int):
        named = field.enum_type.values_by_number.get(value)
        value = f"UNKNOWN_{value}" if named is None else named.name
    if twin.enum_type is not None and isinstance(value, str):
        return find_number(value, twin.enum_type)
    return int(value) if twin.cpp_type in _INTEGERS and isinstance(value, float) else value
