"""``client.interactions``: turns with models and agents, whose state the service keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, overload

from gemwire.genai._aio.event_stream import AsyncEventStream
from gemwire.genai._aio.interaction_turns import AsyncTurnEvents, TurnDeadline, create, start
from gemwire.genai._aio.json_resource import AsyncJsonResource
from gemwire.genai._backends.base import Call
from gemwire.genai._convert.error_details import details_as_json
from gemwire.genai._convert.interaction_turns import is_continued
from gemwire.genai._convert.interactions import to_create_request
from gemwire.genai._types.call_options import CallOptions, split_options
from gemwire.genai._types.interactions import Interaction
from gemwire_proto.interactions import interaction_service as rpcs
from gemwire_proto.interactions import views
from gemwire_runtime.view_fields import message_of

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from typing_extensions import Unpack

    from gemwire.genai._types.http_options import HttpOptions
    from gemwire.genai._types.interactions import InteractionArguments
    from gemwire_runtime.method import AnyMethod


class AsyncInteractions(AsyncJsonResource):
    """Turns with models and agents. The service keeps them, so that one can continue another."""

    _collection = "interactions"

    @overload
    async def create(
        self,
        *,
        stream: Literal[False] | None = None,
        automatic_continuation: bool | None = None,
        **arguments: Unpack[InteractionArguments],
    ) -> Interaction: ...
    @overload
    async def create(
        self,
        *,
        stream: Literal[True],
        automatic_continuation: bool | None = None,
        **arguments: Unpack[InteractionArguments],
    ) -> AsyncEventStream: ...
    async def create(
        self,
        *,
        stream: bool | None = None,
        automatic_continuation: bool | None = None,
        **arguments: Unpack[InteractionArguments],
    ) -> Interaction | AsyncEventStream:
        """Send input to a model or an agent.

        An interaction that ends at the limit of one request is continued by further ones, and returned as
        one; ``timeout`` is that of all. In the background and for agents, the service does this.

        Args:
            stream: Whether to return events as they happen, instead of the interaction at its end.
            automatic_continuation: Whether to continue. Default: True.
            **arguments: ``model`` or ``agent``, ``input``, ``tools``, ``previous_interaction_id`` and others;
                see `InteractionArguments`.

        Raises:
            ValueError: An argument is unknown, missing or out of range.
            TypeError: An argument is of a wrong type.
            APIError: The call failed.
            ContinuationInterruptedError: A call failed after others of the same interaction had succeeded.
        """
        fields, options = split_options(arguments)
        request = message_of(to_create_request(fields, stream=bool(stream)))
        continues = is_continued(request, automatic_continuation)
        with details_as_json:
            self._api.extend(request, options)
            settings = self._api.settings(options)
            if not stream:
                return await create(self._api, request, settings, continues=continues)
            deadline = TurnDeadline(settings)
            started = await start(self._api, request, deadline.settings())
        if continues:
            started = AsyncTurnEvents(started, self._api, request, deadline)
        return AsyncEventStream(started)

    @overload
    async def get(
        self,
        id: str,
        *,
        stream: Literal[False] | None = None,
        include_input: bool | None = None,
        last_event_id: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Interaction: ...
    @overload
    async def get(
        self,
        id: str,
        *,
        stream: Literal[True],
        include_input: bool | None = None,
        last_event_id: str | None = None,
        **options: Unpack[CallOptions],
    ) -> AsyncEventStream: ...
    async def get(
        self,
        id: str,
        *,
        stream: bool | None = None,
        include_input: bool | None = None,
        last_event_id: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Interaction | AsyncEventStream:
        """Get an interaction as far as it is, or its events.

        Args:
            id: Id of the interaction.
            stream: Whether to return its events: those that were, then those that are to come.
            include_input: Whether the steps begin with the input.
            last_event_id: Id of an event; only those after it are returned. Requires ``stream``.
            **options: See `CallOptions`.

        Raises:
            ValueError: An argument is invalid.
            APIError: The call failed.
        """
        if last_event_id is not None and not stream:
            raise ValueError("last_event_id: requires stream=True")
        request = message_of(
            views.GetInteractionRequest(
                id=self._to_id(id), stream=stream, include_input=include_input, last_event_id=last_event_id
            )
        )
        made = split_options(options)[1]
        if stream:
            return await self._stream(rpcs.STREAM_GET_INTERACTION, request, made)
        return await self._api.call(Call(rpcs.GET_INTERACTION, request, Interaction.of), made)

    async def cancel(self, id: str, **options: Unpack[CallOptions]) -> Interaction:
        """Cancel an interaction that runs in the background.

        Args:
            id: Id of the interaction.
            **options: See `CallOptions`.

        Raises:
            ValueError: The id is invalid.
            APIError: The call failed; FAILED_PRECONDITION if the interaction does not run.
        """
        path = {"id": self._to_id(id)}
        return await self._call(rpcs.CANCEL_INTERACTION, Interaction, options, path)

    async def delete(self, id: str, **options: Unpack[CallOptions]) -> views.Empty:
        """Delete an interaction.

        Args:
            id: Id of the interaction.
            **options: See `CallOptions`.

        Raises:
            ValueError: The id is invalid.
            APIError: The call failed.
        """
        path = {"id": self._to_id(id)}
        return await self._call(rpcs.DELETE_INTERACTION, views.Empty, options, path)

    async def _stream(
        self, method: AnyMethod, request: Message, options: HttpOptions | None
    ) -> AsyncEventStream:
        with details_as_json:
            self._api.extend(request, options)
            stream = await self._api.caller.server_stream(method, request, (), **self._api.settings(options))
        return AsyncEventStream(stream)
