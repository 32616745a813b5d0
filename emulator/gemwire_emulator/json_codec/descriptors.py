"""Questions about protobuf descriptors that reading, writing and documenting JSON have in common."""

from __future__ import annotations

from typing import cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message


def get_descriptor(message: Message | type[Message]) -> Descriptor:
    """Return the descriptor of a message or of its class."""
    # Typed as a union with upb's own class, which has the same interface.
    return cast(Descriptor, message.DESCRIPTOR)


def is_repeated(field: FieldDescriptor) -> bool:
    """Return True for lists and maps."""
    # protobuf 5 has no is_repeated, protobuf 7 deprecates label.
    repeated: bool | None = getattr(field, "is_repeated", None)
    return getattr(field, "label", 0) == FieldDescriptor.LABEL_REPEATED if repeated is None else repeated


def is_map(field: FieldDescriptor) -> bool:
    """Return True for maps."""
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def is_well_known(descriptor: Descriptor) -> bool:
    """Return True for the types of google.protobuf, whose JSON is defined type by type."""
    return descriptor.full_name.startswith("google.protobuf.")


def find_field(descriptor: Descriptor, key: str) -> FieldDescriptor | None:
    """Return the field with a JSON name or a proto name; None if there is none."""
    found = descriptor.fields_by_name.get(key)
    return found if found is not None else descriptor.fields_by_camelcase_name.get(key)
