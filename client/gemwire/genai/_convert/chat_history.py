"""The turns of a chat: the whole history, and the curated one that is sent to the model."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence

from gemwire.genai._convert.contents import copy_contents, to_content
from gemwire.genai._convert.request_bytes import RequestDraft
from gemwire.genai._convert.stream_merging import ResponseMerger
from gemwire.genai._types.content import Content, ContentUnion, is_list
from gemwire.genai._types.family import Family
from gemwire_proto import v1beta
from gemwire_runtime import json_only
from gemwire_runtime.models import Model
from gemwire_runtime.view_fields import message_of
from gemwire_runtime.views import View


class History:
    """The turns of a chat, as messages.

    Attributes:
        comprehensive: All turns.
        curated: Turns without those that the model did not answer validly; they are sent with the next
            message. Their serialised form is kept, so that sending them again costs a copy of bytes.
    """

    def __init__(self, family: Family, given: Iterable[object] | None = None) -> None:
        """Begin with copies of earlier turns, as messages of a family."""
        if given is not None and (
            isinstance(given, (str, bytes, dict, Model)) or not isinstance(given, Iterable)
        ):
            raise TypeError(f"history: expected a list of contents, got {type(given).__name__}")
        self.family = family
        self.comprehensive = [_to_turn(item, index, family) for index, item in enumerate(given or ())]
        self.curated = curate(self.comprehensive)
        self._sent = self._serialize(self.curated)
        self._suspect = json_only.suspect(self._sent)
        self._lock = threading.Lock()

    def record(
        self, request: Sequence[v1beta.Content], response: Sequence[v1beta.Content], is_valid: bool
    ) -> None:
        """Add a turn.

        Args:
            request: Contents of the user, and of automatic function calls.
            response: Contents of the model; an empty content is added if there are none, so that roles
                alternate.
            is_valid: Whether the turn is sent with later messages.
        """
        turns = [*request, *(response or [self.family.content(role="model")])]
        with self._lock:
            self.comprehensive.extend(turns)
            if is_valid:
                self.curated.extend(turns)
                added = self._serialize(turns)
                self._sent += added
                self._suspect = self._suspect or json_only.suspect(added)

    def draft(self, head: v1beta.GenerateContentRequest, message: v1beta.Content) -> tuple[RequestDraft, int]:
        """Build the request of the next turn; return it and the number of earlier contents in it."""
        with self._lock:
            sent, suspect, count = self._sent, self._suspect, len(self.curated)
        last, first = self.family.request(contents=[message]), head.SerializeToString()
        suspect = suspect or json_only.suspect(first)
        return RequestDraft(head.model, (first, sent), last, suspect), count

    def copy(self, curated: bool) -> list[Content]:
        """Return copies of all turns, or of the curated ones."""
        turns = self.curated if curated else self.comprehensive
        return [self.family.view(Content).of(turn) for turn in copy_contents(turns)]

    def _serialize(self, turns: Sequence[v1beta.Content]) -> bytes:
        """Serialise a request with only these contents; such bytes may be concatenated."""
        data: bytes = self.family.request(contents=turns).SerializeToString()
        return data


def curate(turns: Sequence[v1beta.Content]) -> list[v1beta.Content]:
    """Return the turns without invalid answers and the questions before them.

    If one of several consecutive contents of the model is invalid, all of them are.
    """
    kept: list[v1beta.Content] = []
    answers: list[v1beta.Content] = []
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


def is_valid(content: v1beta.Content) -> bool:
    """Return whether a content has parts, none of them empty. An empty text is not an empty part."""
    return bool(content.parts) and all(part.ByteSize() for part in content.parts)


def copy_answer(response: v1beta.GenerateContentResponse) -> list[v1beta.Content]:
    """Return a copy of the content of the first candidate; an empty list if there is none."""
    candidates = response.candidates
    if not candidates or not candidates[0].HasField("content"):
        return []
    contents = copy_contents([candidates[0].content])
    contents[0].role = contents[0].role or "model"
    return contents


class StreamedTurn:
    """A turn whose response is streamed.

    With automatic function calls the chunks belong to several calls. The contents of all calls but the last
    are in the function calling history of the chunks.
    """

    def __init__(self, message: v1beta.Content, count: int, family: Family) -> None:
        """Begin a turn."""
        self._family = family
        self._request = [message]
        self._count = count
        self._history_length = 0
        self._restart()

    def _restart(self) -> None:
        self._merger = ResponseMerger(self._family)
        self._is_valid, self._is_finished = True, False

    def add(self, chunk: v1beta.GenerateContentResponse, history: Sequence[v1beta.Content]) -> None:
        """Add a chunk.

        Args:
            chunk: The chunk.
            history: Contents of the request that the chunk answers, if functions were called before.
        """
        if len(history) > self._history_length:
            self._history_length = len(history)
            self._request = copy_contents(history[self._count :])
            self._restart()
        answer = copy_answer(chunk)
        self._is_valid = self._is_valid and bool(answer) and is_valid(answer[0])
        self._is_finished = self._is_finished or bool(chunk.candidates and chunk.candidates[0].finish_reason)
        self._merger.add(chunk)

    @property
    def message(self) -> v1beta.GenerateContentResponse:
        """The response of the last call, merged so far."""
        return self._merger.message

    def record(self, history: History) -> None:
        """Add the complete turn to a history. Without a finish reason it is not valid."""
        history.record(self._request, copy_answer(self.message), self._is_valid and self._is_finished)


def to_user_content(message: ContentUnion, family: Family) -> v1beta.Content:
    """Convert a message of the user."""
    if message is None or (is_list(message) and not message):
        raise ValueError("message is required: text, a part or a list of them")
    content = to_content(message, "message", family)
    given = message_of(message) if isinstance(message, View) else message
    if isinstance(given, family.content) or (isinstance(message, dict) and "parts" in message):
        raise TypeError("message: expected parts, got a content; pass earlier turns as history=")
    return content


def _to_turn(item: object, index: int, family: Family) -> v1beta.Content:
    content = to_content(item, f"history[{index}]", family)
    if content.role not in {"user", "model"}:
        raise ValueError(f"history[{index}].role: {content.role!r} is neither 'user' nor 'model'")
    return copy_contents([content])[0]
