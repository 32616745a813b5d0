"""The answers of a stream as one answer."""

from __future__ import annotations

from typing import Any

from gemwire_proto import v1beta


class Merged:
    """One message, made of the messages of a stream.

    Attributes:
        message: What there is so far.
    """

    def __init__(self) -> None:
        """Nothing yet."""
        self.message: Any = v1beta.GenerateContentResponse()

    def add(self, piece: Any) -> None:
        """Add the next message: parts are appended, texts joined; of all else the last counts."""
        for candidate in piece.candidates:
            target = next((c for c in self.message.candidates if c.index == candidate.index), None)
            if target is None:
                target = self.message.candidates.add()
            _replace(target, candidate, "content")
            if candidate.content.role:
                target.content.role = candidate.content.role
            for part in candidate.content.parts:
                append(target.content.parts, part)
        _replace(self.message, piece, "candidates")


def append(parts: Any, part: Any) -> None:
    """Append a part; a text that goes on with the one before is joined to it."""
    last = parts[-1] if parts else None
    if last is not None and _goes_on(last, part):
        last.text += part.text
        # What a thought or an answer is signed with comes at its end.
        if part.thought_signature:
            last.thought_signature = part.thought_signature
    else:
        parts.add().CopyFrom(part)


def _goes_on(last: Any, part: Any) -> bool:
    both = last.WhichOneof("data") == part.WhichOneof("data") == "text"
    return both and last.thought == part.thought and not last.thought_signature


def _replace(target: Any, source: Any, left_out: str) -> None:
    """Give ``target`` all fields of ``source`` that are set, but one; lists are not appended to."""
    given = type(source)()
    given.CopyFrom(source)
    given.ClearField(left_out)
    for field, _ in given.ListFields():
        target.ClearField(field.name)
    target.MergeFrom(given)
