"""Messages as JSON for people: pictures and vectors as what they are, not as what they consist of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

#: Bytes of a value, or numbers of a list, that are shown as they are.
_MOST_BYTES = 256
_MOST_NUMBERS = 32

#: Puts a mark where something was left out.
_Mark = Callable[[Any], None]


def to_display_json(message: Any, *, elide: bool) -> Any:
    """A message as JSON.

    Args:
        message: The message.
        elide: Leave long bytes and long vectors out, and say so: ``‹68,120 bytes of image/png›``.
    """
    if not elide:
        return _plain(message)
    copy = type(message)()
    copy.CopyFrom(message)
    marks: list[_Mark] = []
    _shorten(copy, lambda root: root, marks)
    shown = _plain(copy)
    for mark in marks:
        mark(shown)
    return shown


def _plain(message: Any) -> Any:
    try:
        return json_format.MessageToDict(message)
    except TypeError as error:
        # An Any of a type that nobody knows here.
        return {"@error": str(error)}


def _shorten(message: Any, at: Callable[[Any], Any], marks: list[_Mark]) -> None:
    """Take out of a message what is long. ``at`` finds its JSON in that of the whole."""
    for field, value in message.ListFields():
        key = field.json_name
        if isinstance(value, bytes):
            if len(value) > _MOST_BYTES:
                kind = getattr(message, "mime_type", "")
                marks.append(_marking(at, key, f"‹{len(value):,} bytes{' of ' + kind if kind else ''}›"))
                message.ClearField(field.name)
        elif isinstance(value, Message):
            if not field.message_type.full_name.startswith("google.protobuf."):
                _shorten(value, _below(at, key), marks)
        elif isinstance(value, (str, int, float)) or field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
            continue
        elif field.message_type is None:
            if len(value) > _MOST_NUMBERS:
                marks.append(_more(_below(at, key), len(value) - _MOST_NUMBERS))
                del value[_MOST_NUMBERS:]
        elif not field.message_type.GetOptions().map_entry:
            for index, item in enumerate(value):
                _shorten(item, _below(_below(at, key), index), marks)


def _below(at: Callable[[Any], Any], key: str | int) -> Callable[[Any], Any]:
    return lambda root: at(root)[key]


def _marking(at: Callable[[Any], Any], key: str, text: str) -> _Mark:
    return lambda root: at(root).__setitem__(key, text)


def _more(at: Callable[[Any], Any], count: int) -> _Mark:
    return lambda root: at(root).append(f"‹{count:,} more›")
