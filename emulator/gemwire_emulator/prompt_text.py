"""The words of a request, whatever RPC it is for: what quotas of tokens are counted by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.protobuf.message import Message

#: Strings that are input of a model: Part.text, TextPrompt.text, Message.content, MessagePrompt.context…
_WORDS = frozenset({"text", "texts", "content", "context"})


def texts_in(message: Any) -> Iterator[str]:
    """The texts for a model in a message, however deep."""
    for field, value in message.ListFields():
        repeated = not isinstance(value, (str, bytes, Message)) and hasattr(value, "__len__")
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            continue
        for one in value if repeated else (value,):
            if field.message_type is not None:
                yield from texts_in(one)
            elif field.name in _WORDS and isinstance(one, str):
                yield one
