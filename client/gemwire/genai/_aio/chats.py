"""``client.chats``: conversations with a model."""

from __future__ import annotations

import threading
import weakref
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from gemwire.genai._aio.api import AsyncApi
from gemwire.genai._aio.function_calling import generate_content, generate_content_stream
from gemwire.genai._aio.function_executor import expand_sessions
from gemwire.genai._aio.resource import AsyncResource
from gemwire.genai._aio.response_stream import AsyncResponseStream
from gemwire.genai._convert.chat_history import (
    History,
    StreamedTurn,
    copy_answer,
    is_valid,
    to_user_content,
)
from gemwire.genai._convert.contents import copy_contents, to_content
from gemwire.genai._convert.function_calls import find_functions
from gemwire.genai._types.content import Content, ContentUnion
from gemwire.genai._types.generate_content import (
    AutomaticFunctionCallingConfig,
    GenerateContentConfig,
    GenerateContentResponse,
)
from gemwire_proto import v1beta
from gemwire_runtime.view_fields import message_of

if TYPE_CHECKING:
    from gemwire.genai._types.dicts import GenerateContentConfigOrDict
    from gemwire_proto.v1beta.views import ContentDict


class AsyncChats(AsyncResource):
    """Conversations with a model. Their history is kept by the client, not by the service."""

    def create(
        self,
        *,
        model: str,
        config: GenerateContentConfigOrDict | None = None,
        history: Sequence[Content | ContentDict] | None = None,
    ) -> AsyncChat:
        """Create a chat. Nothing is sent.

        Args:
            model: Name of the model, with or without ``models/``.
            config: `GenerateContentConfig`, or a dict of its fields, for all messages without their own.
            history: Contents of the conversation so far, with the roles ``user`` and ``model``.

        Raises:
            ValueError: The name of the model is invalid, or a content has another role or no parts.
            TypeError: An argument is of a wrong type.
        """
        return AsyncChat(
            self._api, model, GenerateContentConfig.of(config), History(self._api.backend.family, history)
        )


class AsyncChat:
    """A conversation with a model: each message is sent with the history before it.

    A chat sends one message at a time, as each depends on the response to the one before.
    """

    def __init__(self, api: AsyncApi, model: str, config: GenerateContentConfig, history: History) -> None:
        """See `AsyncChats.create`."""
        self._api = api
        self._model = api.backend.models.to_name(model)
        self._config = config
        self._history = history
        self._lock = threading.Lock()
        self._sending: weakref.ref[SendLease] | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} with {self._model}, {len(self._history.comprehensive)} contents>"

    async def send_message(
        self,
        message: ContentUnion,
        config: GenerateContentConfigOrDict | None = None,
    ) -> GenerateContentResponse:
        """Send a message and add the turn to the history. An error leaves the history as it was.

        Args:
            message: Text, a part, a file, an image or a list of them.
            config: Config of this message, instead of the chat's.

        Raises:
            ValueError: An argument is invalid.
            TypeError: An argument is of a wrong type.
            RuntimeError: The response to another message is not complete.
            APIError: The call failed.
        """
        said = to_user_content(message, self._history.family)
        told, hide_calls = self._effective_config(config)
        told = await expand_sessions(told)
        functions = find_functions(told)
        lease = self._acquire()
        try:
            draft, before = self._history.draft(self._api.backend.models.to_head(self._model, told), said)
            response = await generate_content(self._api, draft, told, functions)
            called, reply = _called(response), copy_answer(message_of(response))
            valid = bool(reply) and is_valid(reply[0])
            self._history.record(copy_contents(called[before:]) or [said], reply, valid)
        finally:
            lease.released = True
        if hide_calls:
            response.automatic_function_calling_history = []
        return response

    async def send_message_stream(
        self,
        message: ContentUnion,
        config: GenerateContentConfigOrDict | None = None,
    ) -> AsyncChatStream:
        """Send a message and return the stream of its responses.

        The turn is added to the history when the stream has been read to its end; an error, or leaving the
        stream before, leaves the history as it was.

        Args:
            message: See `send_message`.
            config: Config of this message, instead of the chat's.

        Raises:
            ValueError: An argument is invalid.
            TypeError: An argument is of a wrong type.
            RuntimeError: The response to another message is not complete.
            APIError: The call failed; reading the stream raises it as well.
        """
        said = to_user_content(message, self._history.family)
        told, hide_calls = self._effective_config(config)
        told = await expand_sessions(told)
        functions = find_functions(told)
        lease = self._acquire()
        try:
            draft, before = self._history.draft(self._api.backend.models.to_head(self._model, told), said)
            stream = await generate_content_stream(self._api, draft, told, functions)
        except BaseException:
            lease.released = True
            raise
        return AsyncChatStream(
            stream, self._history, StreamedTurn(said, before, self._history.family), lease, hide_calls
        )

    def record_history(
        self,
        user_input: ContentUnion,
        model_output: Sequence[Content | ContentDict],
        is_valid: bool,
    ) -> None:
        """Add a turn that was not sent to the model.

        Args:
            user_input: Content of the user.
            model_output: Contents of the model; an empty list adds an empty content.
            is_valid: Whether the turn is sent with the next messages.

        Raises:
            ValueError: A content is invalid.
            TypeError: A content is of a wrong type.
        """
        family = self._history.family
        asked = History(family, [to_content(user_input, "user_input", family)]).comprehensive
        self._history.record(asked, History(family, model_output).comprehensive, is_valid)

    def get_history(self, curated: bool = False) -> list[Content]:
        """Return the history.

        Args:
            curated: Whether to leave out turns without a valid response, which are not sent again.

        Returns:
            Copies; changing them does not change the chat.
        """
        return self._history.copy(curated)

    def _acquire(self) -> SendLease:
        lease = SendLease()
        with self._lock:
            other = self._sending() if self._sending else None
            if other is not None and not other.released:
                raise RuntimeError(
                    "the response to another message of this chat is not complete; read its stream to the "
                    "end or drop it first, or use one chat for each conversation"
                )
            self._sending = weakref.ref(lease)
        return lease

    def _effective_config(
        self, config: GenerateContentConfigOrDict | None
    ) -> tuple[GenerateContentConfig, bool]:
        """Return the config to send with, and whether to hide function calls from the response.

        They are recorded in any case, as the history would be incomplete without them.
        """
        effective = GenerateContentConfig.of(config) if config else self._config
        if effective.automatic_function_calling is None:
            return effective, False
        calling = AutomaticFunctionCallingConfig.of(
            effective.automatic_function_calling, "config.automatic_function_calling"
        )
        if not calling.ignore_call_history:
            return effective, False
        calling = calling.model_copy(update={"ignore_call_history": False})
        return effective.model_copy(update={"automatic_function_calling": calling}), True


class SendLease:
    """The right to send a message. It ends when it is released, or with the object that holds it.

    Attributes:
        released: Whether it was released.
    """

    released = False


class AsyncChatStream:
    """The responses to a message in the order of their arrival; leaving the loop ends the call."""

    def __init__(
        self,
        stream: AsyncResponseStream,
        history: History,
        turn: StreamedTurn,
        lease: SendLease,
        hide_calls: bool,
    ) -> None:
        """Read the stream of a call."""
        self._stream = stream
        self._history = history
        self._turn = turn
        self._lease: SendLease | None = lease
        self._hide_calls = hide_calls
        self._iterator: AsyncIterator[GenerateContentResponse] | None = None

    def __aiter__(self) -> AsyncIterator[GenerateContentResponse]:
        return self._iterator or self._read()

    async def __anext__(self) -> GenerateContentResponse:
        if self._iterator is None:
            self._iterator = self._read()
        return await self._iterator.__anext__()

    def _read(self) -> AsyncIterator[GenerateContentResponse]:
        # The iterator alone holds the lease, so that leaving the loop gives it up.
        lease, self._lease = self._lease or SendLease(), None
        return AsyncChatIterator(self._stream.__aiter__(), self._history, self._turn, lease, self._hide_calls)

    async def aclose(self) -> None:
        """End the call, as closing a generator does."""
        self.cancel()

    def cancel(self) -> bool:
        """End the call, from any task or thread; the history stays as it was.

        Returns:
            Whether there was something left to end.
        """
        if self._lease:
            self._lease.released = True
        return self._stream.cancel()

    async def get_final_response(self) -> GenerateContentResponse:
        """Read to the end and return the response of the last call, with adjacent texts merged."""
        last = GenerateContentResponse()
        async for response in self:
            last = response
        made = self._stream.show(self._turn.message)
        made.automatic_function_calling_history = last.automatic_function_calling_history
        return made


class AsyncChatIterator(AsyncIterator[GenerateContentResponse]):
    """The iterator of an `AsyncChatStream`.

    It is not a generator: asyncio closes an abandoned generator late, and the chat would be blocked until
    then.
    """

    def __init__(
        self,
        responses: AsyncIterator[GenerateContentResponse],
        history: History,
        turn: StreamedTurn,
        lease: SendLease,
        hide_calls: bool,
    ) -> None:
        """See `AsyncChatStream`."""
        self._responses = responses
        self._history = history
        self._turn = turn
        self._lease = lease
        self._hide_calls = hide_calls

    async def __anext__(self) -> GenerateContentResponse:
        try:
            response = await self._responses.__anext__()
            self._turn.add(message_of(response), _called(response))
        except StopAsyncIteration:
            if not self._lease.released:
                self._turn.record(self._history)
            self._lease.released = True
            raise
        except BaseException:
            self._lease.released = True
            raise
        if self._hide_calls:
            response.automatic_function_calling_history = []
        return response


def _called(response: GenerateContentResponse) -> list[v1beta.Content]:
    """Return the contents that led to the response through function calls."""
    return [message_of(content) for content in response.automatic_function_calling_history]
