"""Messages as JSON for display: long bytes and long vectors are replaced by their size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from gemwire_emulator.json_codec.descriptors import is_map, is_well_known

#: Longest bytes and longest lists of numbers that are shown.
_MAX_BYTES = 256
_MAX_NUMBERS = 32

#: Keys and indexes that lead to a value in JSON.
_Path = tuple[str | int, ...]
#: Adds a placeholder to the JSON of the whole message.
_Placeholder = Callable[[Any], None]


def to_display_json(message: Message, *, elide: bool) -> dict[str, object]:
    """Convert a message to JSON.

    Args:
        message: The message.
        elide: Replace long bytes and vectors by their size: ``‹68,120 bytes of image/png›``.
    """
    if not elide:
        return _to_json(message)
    copy = type(message)()
    copy.CopyFrom(message)
    placeholders: list[_Placeholder] = []
    _shorten(copy, (), placeholders)
    result = _to_json(copy)
    for add in placeholders:
        add(result)
    return result


def _to_json(message: Message) -> dict[str, object]:
    try:
        return json_format.MessageToDict(message)
    except TypeError as error:
        # An Any of an unknown type.
        return {"@error": str(error)}


def _shorten(message: Message, path: _Path, placeholders: list[_Placeholder]) -> None:
    """Remove long values from the message at a path, and collect the placeholders for them."""
    for field, value in message.ListFields():
        key = field.json_name
        if isinstance(value, bytes):
            if len(value) > _MAX_BYTES:
                mime_type = getattr(message, "mime_type", "")
                size = f"‹{len(value):,} bytes{' of ' + mime_type if mime_type else ''}›"
                placeholders.append(_set_at(path, key, size))
                message.ClearField(field.name)
        elif isinstance(value, Message):
            if field.message_type is not None and not is_well_known(field.message_type):
                _shorten(value, (*path, key), placeholders)
        elif isinstance(value, (str, int, float)) or field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
            continue
        elif field.message_type is None:
            if len(value) > _MAX_NUMBERS:
                placeholders.append(_append_at((*path, key), f"‹{len(value) - _MAX_NUMBERS:,} more›"))
                del value[_MAX_NUMBERS:]
        elif not is_map(field):
            for index, item in enumerate(value):
                _shorten(item, (*path, key, index), placeholders)


def _get_at(root: Any, path: Sequence[str | int]) -> Any:
    for key in path:
        root = root[key]
    return root


def _set_at(path: _Path, key: str, text: str) -> _Placeholder:
    return lambda root: _get_at(root, path).__setitem__(key, text)


def _append_at(path: _Path, text: str) -> _Placeholder:
    return lambda root: _get_at(root, path).append(text)
