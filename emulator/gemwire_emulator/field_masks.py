"""Update masks (AIP-134): which fields of a resource an update changes."""

from __future__ import annotations

from google.protobuf.message import Message

from gemwire_emulator.errors import invalid_argument, quote
from gemwire_proto.google.protobuf.field_mask_pb2 import FieldMask


def apply_update_mask(
    current: Message,
    update: Message,
    mask: FieldMask,
    allowed: frozenset[str],
    field: str = "update_mask",
) -> None:
    """Copy the masked fields of ``update`` into ``current``.

    Args:
        current: The stored resource, which is changed.
        update: The resource of the request.
        mask: The update mask; empty or ``*`` for every allowed field that is set.
        allowed: Paths that may be changed.
        field: Name of the mask in errors.

    Raises:
        StatusError: A path does not exist or must not be changed.
    """
    paths = list(mask.paths)
    if not paths or paths == ["*"]:
        paths = [p for p in sorted(allowed) if "." not in p and _is_set(update, p)]
    for path in paths:
        if path not in allowed:
            raise invalid_argument(
                field, f"{quote(path)} cannot be updated; these can: {', '.join(sorted(allowed))}"
            )
        copy_field(current, update, path.split("."))


def _is_set(message: Message, name: str) -> bool:
    descriptor = message.DESCRIPTOR.fields_by_name[name]
    return message.HasField(name) if descriptor.has_presence else bool(getattr(message, name))


def copy_field(current: Message, update: Message, path: list[str]) -> None:
    """Copy a field of one message to another, or clear it there where it is not set."""
    *parents, name = path
    for step in parents:
        current, update = getattr(current, step), getattr(update, step)
    descriptor = update.DESCRIPTOR.fields_by_name[name]
    if descriptor.has_presence and not update.HasField(name):
        current.ClearField(name)
    elif descriptor.message_type is not None and descriptor.has_presence:
        getattr(current, name).CopyFrom(getattr(update, name))
    elif not descriptor.has_presence and hasattr(getattr(update, name), "extend"):
        current.ClearField(name)
        getattr(current, name).extend(getattr(update, name))
    else:
        setattr(current, name, getattr(update, name))
