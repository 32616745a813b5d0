"""The turns of a chat: all that was said, and what of it goes to the model again."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import Any

from gemwire.genai._convert.request_bytes import Draft
from gemwire.genai._convert.stream_merging import Merged
from gemwire.genai._types.content import Content, to_content
from gemwire_proto import v1beta

_NOTHING = v1beta.Part()


class History:
    """The turns of a chat, as messages.

    Attributes:
        comprehensive: All turns.
        curated: Without those that the model gave no valid answer to: what is sent with the next one. They
            are kept serialised as well, so that sending them again costs no more than copying bytes; nobody
            else gets hold of them.
    """

    def __init__(self, given: Any = None) -> None:
        """Begin.

        Args:
            given: What was said before: contents, or dicts of them. It is copied.

        Raises:
            ValueError: A turn is neither the user's nor the model's, or says nothing that can be sent.
            TypeError: It is no list of contents.
        """
        if given is not None and (isinstance(given, (str, bytes, dict)) or not isinstance(given, Iterable)):
            raise TypeError(f"history: expected a list of contents, got {type(given).__name__}")
        self.comprehensive: list[Any] = [_turn(item, at) for at, item in enumerate(given or ())]
        self.curated: list[Any] = curated(self.comprehensive)
        self._sent = _serialised(self.curated)
        self._lock = threading.Lock()

    def record(self, asked: Sequence[Any], answered: Sequence[Any], valid: bool) -> None:
        """Add a turn.

        Args:
            asked: What the user said, and the functions that were called on the way.
            answered: What the model said; nothing becomes an empty content, so that turns alternate.
            valid: Whether it is good enough to be sent again.
        """
        turns = [*asked, *(answered or [v1beta.Content(role="model")])]
        with self._lock:
            self.comprehensive.extend(turns)
            if valid:
                self.curated.extend(turns)
                self._sent += _serialised(turns)

    def draft(self, head: Any, said: Any) -> tuple[Draft, int]:
        """The request that goes on with the chat, and how many contents it begins with.

        Args:
            head: It without contents, as a message.
            said: What the user says now, as a message.
        """
        with self._lock:
            before, count = self._sent, len(self.curated)
        added = v1beta.GenerateContentRequest(contents=[said])
        return Draft(head.model, (head.SerializeToString(), before), added), count

    def shown(self, only_curated: bool) -> list[Content]:
        """The turns as programs see them: copies."""
        return [Content.of(turn) for turn in copied(self.curated if only_curated else self.comprehensive)]


def _serialised(turns: Sequence[Any]) -> bytes:
    """A request with nothing but these contents; such bytes may follow each other."""
    data: bytes = v1beta.GenerateContentRequest(contents=turns).SerializeToString()
    return data


def curated(turns: Sequence[Any]) -> list[Any]:
    """The turns to send again: where one of the model's in a row is invalid, neither they nor their question.

    Args:
        turns: Contents, as messages.
    """
    kept: list[Any] = []
    answers: list[Any] = []
    for turn in [*turns, None]:
        if turn is not None and turn.role == "model":
            answers.append(turn)
            continue
        if all(map(is_valid, answers)):
            kept.extend(answers)
        elif kept:
            kept.pop()
        answers = []
        if turn is not None:
            kept.append(turn)
    return kept


def is_valid(content: Any) -> bool:
    """Whether a content says something: it has parts, none of them empty. An empty text counts."""
    return bool(content.parts) and all(part != _NOTHING for part in content.parts)


def answer(response: Any) -> list[Any]:
    """What the model said in a response: the content of the first candidate, copied; nothing without one.

    Args:
        response: The message.
    """
    candidates = response.candidates
    if not candidates or not candidates[0].HasField("content"):
        return []
    made = copied([candidates[0].content])
    made[0].role = made[0].role or "model"
    return made


class Turn:
    """A turn that arrives in pieces.

    Where functions are called on the way, the pieces are of several calls: all but the last call are in the
    history that the pieces come with.
    """

    def __init__(self, asked: Any, before: int) -> None:
        """Begin.

        Args:
            asked: What the user says.
            before: Contents that are sent before it.
        """
        self._asked = [asked]
        self._before = before
        self._called = 0
        self._begin()

    def _begin(self) -> None:
        self._merged = Merged()
        self._valid, self._finished = True, False

    def add(self, piece: Any, called: Sequence[Any]) -> None:
        """Take in a piece.

        Args:
            piece: The message.
            called: All contents of its call, as messages, where functions were called before.
        """
        if len(called) > self._called:
            self._called = len(called)
            self._asked = copied(called[self._before :])
            self._begin()
        said = answer(piece)
        self._valid = self._valid and bool(said) and is_valid(said[0])
        self._finished = self._finished or bool(piece.candidates and piece.candidates[0].finish_reason)
        self._merged.add(piece)

    @property
    def message(self) -> Any:
        """The answer of the last call, as far as it is."""
        return self._merged.message

    def record(self, history: History) -> None:
        """Add the turn, now that all has arrived. One whose pieces do not tell why it ends is not valid."""
        history.record(self._asked, answer(self._merged.message), self._valid and self._finished)


def copied(contents: Sequence[Any]) -> list[Any]:
    """Contents of a request, as messages of their own: one that is kept keeps the whole request in memory."""
    made = []
    for content in contents:
        copy = v1beta.Content()
        copy.CopyFrom(content)
        made.append(copy)
    return made


def _turn(item: Any, at: int) -> Any:
    content = to_content(item, f"history[{at}]")
    if content.role not in {"user", "model"}:
        raise ValueError(f"history[{at}].role: {content.role!r} is neither 'user' nor 'model'")
    return copied([content])[0]
