"""Secrets in messages: fields with the option ``debug_redact``, which no log and no recording has."""

from __future__ import annotations

import functools
from typing import TypeVar

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from gemwire_runtime.upb import descriptor_of

_Message = TypeVar("_Message", bound=Message)
_REDACTED = "REDACTED"


def redact(message: _Message) -> _Message:
    """Return a message without its secrets: a copy, or the message itself if its type can hold none."""
    if not _may_hold_secrets(descriptor_of(message)):
        return message
    made = type(message)()
    made.CopyFrom(message)
    _redact(made)
    return made


def _redact(message: Message) -> None:
    for field, value in message.ListFields():
        if field.GetOptions().debug_redact:
            setattr(message, field.name, _REDACTED)
        elif field.message_type is not None and _may_hold_secrets(field.message_type):
            for one in (value,) if isinstance(value, Message) else value:
                _redact(one)


@functools.cache
def _may_hold_secrets(descriptor: Descriptor) -> bool:
    """Return whether a message, or what it can hold, has such a field. Maps are taken to hold none."""
    todo, seen = [descriptor], {descriptor.full_name}
    while todo:
        for field in todo.pop().fields:
            if field.GetOptions().debug_redact:
                return True
            nested = field.message_type
            if nested is not None and nested.full_name not in seen and not nested.GetOptions().map_entry:
                seen.add(nested.full_name)
                todo.append(nested)
    return False
