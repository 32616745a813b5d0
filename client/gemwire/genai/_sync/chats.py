# Derived from genai/_aio/chats.py by scripts/unasync. DO NOT EDIT.
"""``client.chats``: conversations that remember what was said."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator, Sequence
from typing import Any

from gemwire.genai._convert.chat_history import History, Turn, answer, copied, is_valid
from gemwire.genai._convert.function_calls import functions_of
from gemwire.genai._convert.requests import head
from gemwire.genai._convert.resource_names import model_name
from gemwire.genai._sync.api import Api
from gemwire.genai._sync.prepared_generate import answered, streamed
from gemwire.genai._types.call_configs import AutomaticFunctionCallingConfig, GenerateContentConfig
from gemwire.genai._types.content import Content, to_content
from gemwire.genai._types.responses import GenerateContentResponse
from gemwire_proto import v1beta
from gemwire_runtime.views import View


class Chats:
    """Conversations."""

    def __init__(self, api: Api) -> None:
        """``api``: what the resources share."""
        self._api = api

    def create(
        self,
        *,
        model: str,
        config: GenerateContentConfig | Any | None = None,
        history: Sequence[Any] | None = None,
    ) -> Chat:
        """Begin a conversation. Nothing is sent yet.

        Args:
            model: Name of the model.
            config: `GenerateContentConfig`, or a dict of its fields, for all messages that bring none.
            history: What was said before: contents, or dicts of them.

        Raises:
            ValueError: A turn of the history is neither the user's nor the model's.
            TypeError: An argument is of a wrong type.
        """
        return Chat(self._api, model, GenerateContentConfig.of(config), History(history))


class Chat:
    """A conversation: each message goes to the model with all that was said before.

    One message at a time: each builds on the answer to the one before.
    """

    def __init__(self, api: Api, model: str, config: GenerateContentConfig, history: History) -> None:
        """See `Chats.create`."""
        self._api = api
        self._model = model_name(model)
        self._config = config
        self._history = history
        self._lock = threading.Lock()
        self._sending: weakref.ref[Claim] | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} with {self._model}, {len(self._history.comprehensive)} contents>"

    def send_message(
        self, message: Any, config: GenerateContentConfig | Any | None = None
    ) -> GenerateContentResponse:
        """Say something. Where that fails, the conversation stays as it was.

        Args:
            message: A text, a part, a file, a picture, or a list of them.
            config: For this message instead of the chat's.

        Raises:
            ValueError: The message says nothing that can be sent.
            TypeError: An argument is of a wrong type.
            RuntimeError: The answer to another message is still arriving.
            APIError: The call failed.
        """
        said, (told, quiet) = _message(message), self._configured(config)
        functions = functions_of(told)
        claim = self._claim()
        try:
            draft, before = self._history.draft(head(self._model, told), said)
            response = answered(self._api, draft, told, functions)
            called, reply = _messages(response), answer(response._pb)
            valid = bool(reply) and is_valid(reply[0])
            self._history.record(copied(called[before:]) or [said], reply, valid)
        finally:
            claim.over = True
        if quiet:
            response.automatic_function_calling_history = []
        return response

    def send_message_stream(
        self, message: Any, config: GenerateContentConfig | Any | None = None
    ) -> ChatResponses:
        """Say something, and get the answer piece by piece.

        The turn is remembered once the answer has been read to its end; where it breaks off or is left, the
        conversation stays as it was.

        Args:
            message: See `send_message`.
            config: For this message instead of the chat's.

        Raises:
            ValueError: The message says nothing that can be sent.
            TypeError: An argument is of a wrong type.
            RuntimeError: The answer to another message is still arriving.
            APIError: The call failed; also while one reads.
        """
        said, (told, quiet) = _message(message), self._configured(config)
        functions = functions_of(told)
        claim = self._claim()
        try:
            draft, before = self._history.draft(head(self._model, told), said)
            responses = streamed(self._api, draft, told, functions)
        except BaseException:
            claim.over = True
            raise
        return ChatResponses(responses, self._history, Turn(said, before), claim, quiet)

    def record_history(self, user_input: Any, model_output: Sequence[Any], is_valid: bool) -> None:
        """Add a turn that was not had with the model.

        Args:
            user_input: What the user said.
            model_output: Contents of the model's; none become an empty one.
            is_valid: Whether the turn is sent with the next messages.

        Raises:
            ValueError: A content says nothing that can be sent.
            TypeError: A content is of a wrong type.
        """
        asked = History([to_content(user_input, "user_input")]).comprehensive
        self._history.record(asked, History(model_output).comprehensive, is_valid)

    def get_history(self, curated: bool = False) -> list[Content]:
        """What was said so far.

        Args:
            curated: Without the turns that had no valid answer: what is sent with the next message.

        Returns:
            Copies: changing them does not change the conversation.
        """
        return self._history.shown(curated)

    def _claim(self) -> Claim:
        claim = Claim()
        with self._lock:
            other = self._sending() if self._sending else None
            if other is not None and not other.over:
                raise RuntimeError(
                    "the answer to another message of this chat is still arriving; read it to its end or "
                    "drop it first, or use one chat for each conversation"
                )
            self._sending = weakref.ref(claim)
        return claim

    def _configured(self, config: Any) -> tuple[GenerateContentConfig, bool]:
        """The config to send with, and whether the calls of functions are left out of responses.

        They are asked for in any case: the history would have holes without them.
        """
        made = GenerateContentConfig.of(config) if config else self._config
        calling = made.automatic_function_calling
        if calling is None:
            return made, False
        calling = AutomaticFunctionCallingConfig.of(calling, "config.automatic_function_calling")
        if not calling.ignore_call_history:
            return made, False
        told = calling.model_copy(update={"ignore_call_history": False})
        return made.model_copy(update={"automatic_function_calling": told}), True


class Claim:
    """The right to send. It ends with whoever holds it: an answer that nobody reads any more blocks nothing.

    Attributes:
        over: Whether it was given up before that.
    """

    over = False


class ChatResponses:
    """The answers to one message, one after the other; leaving the loop ends the call."""

    def __init__(self, responses: Any, history: History, turn: Turn, claim: Claim, quiet: bool) -> None:
        """A call that has begun.

        Args:
            responses: What arrives.
            history: Where the turn goes when all has arrived.
            turn: It.
            claim: The right to send.
            quiet: Whether the calls of functions are left out of responses.
        """
        self._responses = responses
        self._history = history
        self._turn = turn
        self._claim: Claim | None = claim
        self._quiet = quiet

    def __iter__(self) -> Iterator[GenerateContentResponse]:
        # From here on the iterator holds the claim, so that leaving the loop gives it up.
        claim, self._claim = self._claim or Claim(), None
        return Arriving(self._responses.__iter__(), self._history, self._turn, claim, self._quiet)

    def cancel(self) -> bool:
        """End the call, from any thread; the conversation stays as it was.

        Returns:
            Whether there was something left to end.
        """
        if self._claim:
            self._claim.over = True
        return bool(self._responses.cancel())

    def get_final_response(self) -> GenerateContentResponse:
        """The last answer, of all its pieces: texts that follow each other are merged."""
        last = GenerateContentResponse()
        for response in self:
            last = response
        made = GenerateContentResponse.of(self._turn.message, last._schema)
        made.automatic_function_calling_history = last.automatic_function_calling_history
        return made


class Arriving(Iterator[GenerateContentResponse]):
    """The loop over the answers to one message.

    No generator: asyncio closes one that was left only later, and until then the chat would be taken.
    """

    def __init__(
        self,
        responses: Iterator[GenerateContentResponse],
        history: History,
        turn: Turn,
        claim: Claim,
        quiet: bool,
    ) -> None:
        """See `ChatResponses`."""
        self._responses = responses
        self._history = history
        self._turn = turn
        self._claim = claim
        self._quiet = quiet

    def __next__(self) -> GenerateContentResponse:
        try:
            response = self._responses.__next__()
            self._turn.add(response._pb, _messages(response))
        except StopIteration:
            if not self._claim.over:
                self._turn.record(self._history)
            self._claim.over = True
            raise
        except BaseException:
            self._claim.over = True
            raise
        if self._quiet:
            response.automatic_function_calling_history = []
        return response


def _message(message: Any) -> Any:
    """What the user says, as a message.

    Raises:
        ValueError: It says nothing that can be sent.
        TypeError: It is of a wrong type.
    """
    if message is None or (isinstance(message, list) and not message):
        raise ValueError("message is required: a text, a part, or a list of them")
    content = to_content(message, "message")
    given = message._pb if isinstance(message, View) else message
    if isinstance(given, v1beta.Content) or (isinstance(message, dict) and "parts" in message):
        raise TypeError("message: expected parts, got a content; those of earlier turns belong in history=")
    return content


def _messages(response: GenerateContentResponse) -> list[Any]:
    return [content._pb for content in response.automatic_function_calling_history]
