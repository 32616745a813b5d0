"""Merging of the chunks of a stream into one response."""

from __future__ import annotations

from google.protobuf.message import Message

from gemwire.genai._types.family import Family
from gemwire_proto import v1beta


class ResponseMerger:
    """Merges the chunks of a stream.

    Attributes:
        message: The response merged so far.
    """

    def __init__(self, family: Family) -> None:
        """Begin with an empty response."""
        self.message = family.response()

    def add(self, chunk: v1beta.GenerateContentResponse) -> None:
        """Add the next chunk: parts are appended, texts are joined, other fields are replaced."""
        for candidate in chunk.candidates:
            target = next((c for c in self.message.candidates if c.index == candidate.index), None)
            if target is None:
                target = self.message.candidates.add()
            _replace(target, candidate, "content")
            if candidate.content.role:
                target.content.role = candidate.content.role
            for part in candidate.content.parts:
                _append(target.content, part)
        _replace(self.message, chunk, "candidates")


def _append(content: v1beta.Content, part: v1beta.Part) -> None:
    """Append a part; a text that continues the previous part is joined to it."""
    last = content.parts[-1] if content.parts else None
    if last is not None and _continues(last, part):
        last.text += part.text
        # The signature of a thought or a text comes with its last chunk.
        if part.thought_signature:
            last.thought_signature = part.thought_signature
    else:
        content.parts.add().CopyFrom(part)


def _continues(last: v1beta.Part, part: v1beta.Part) -> bool:
    are_texts = last.WhichOneof("data") == part.WhichOneof("data") == "text"
    return are_texts and last.thought == part.thought and not last.thought_signature


def _replace(target: Message, source: Message, excluded: str) -> None:
    """Replace the fields of ``target`` that ``source`` has, except one; lists are replaced as well."""
    fields = type(source)()
    fields.CopyFrom(source)
    fields.ClearField(excluded)
    for field, _ in fields.ListFields():
        target.ClearField(field.name)
    target.MergeFrom(fields)
