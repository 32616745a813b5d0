"""Update masks (AIP-134): which fields of a resource an update may and does change."""

from __future__ import annotations

from typing import Any

from gemwire_emulator.errors import invalid_argument, quote


def apply(current: Any, update: Any, mask: Any, allowed: frozenset[str], field: str = "update_mask") -> None:
    """Copy the masked fields of ``update`` into ``current``.

    Args:
        current: The resource as it is; changed.
        update: The resource of the request.
        mask: A FieldMask; empty or ``*`` for every allowed field that is set.
        allowed: Paths that may be changed.
        field: What to call the mask in an error.

    Raises:
        StatusError: A path does not exist or may not be changed.
    """
    paths = list(mask.paths)
    if not paths or paths == ["*"]:
        paths = [p for p in sorted(allowed) if "." not in p and _is_set(update, p)]
    for path in paths:
        if path not in allowed:
            raise invalid_argument(
                field, f"{quote(path)} cannot be updated; these can: {', '.join(sorted(allowed))}"
            )
        _copy(current, update, path.split("."))


def _is_set(message: Any, name: str) -> bool:
    value = getattr(message, name)
    descriptor = message.DESCRIPTOR.fields_by_name[name]
    return message.HasField(name) if descriptor.has_presence else bool(value)


def _copy(current: Any, update: Any, path: list[str]) -> None:
    *outer, name = path
    for step in outer:
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
