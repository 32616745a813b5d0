"""The text of requests and responses of any RPC, for counting tokens."""

from __future__ import annotations

from collections.abc import Iterator

from google.protobuf.message import Message

#: Fields with input or output of a model: Part.text, TextPrompt.text, Message.content, MessagePrompt.context…
_TEXT_FIELDS = frozenset({"text", "texts", "content", "context"})


def iter_texts(message: Message) -> Iterator[str]:
    """Yield the model texts in a message, at any depth."""
    for field, value in message.ListFields():
        repeated = not isinstance(value, (str, bytes, Message)) and hasattr(value, "__len__")
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            continue
        for one in value if repeated else (value,):
            if field.message_type is not None:
                yield from iter_texts(one)
            elif field.name in _TEXT_FIELDS and isinstance(one, str):
                yield one
