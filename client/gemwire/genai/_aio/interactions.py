"""``client.interactions``: turns with models and agents, whose state the service keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, overload

from gemwire.genai._aio.event_stream import AsyncEventStream
from gemwire.genai._aio.json_resource import AsyncJsonResource
from gemwire.genai._backends.base import Call
from gemwire.genai._convert.error_details import details_as_json
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
        self, *, stream: Literal[False] | None = None, **arguments: Unpack[InteractionArguments]
    ) -> Interaction: ...
    @overload
    async def create(
        self, *, stream: Literal[True], **arguments: Unpack[InteractionArguments]
    ) -> AsyncEventStream: ...
    async def create(
        self, *, stream: bool | None = None, **arguments: Unpack[InteractionArguments]
    ) -> Interaction | AsyncEventStream:
        """Send input to a model or an agent.

        Args:
            stream: Whether to return events as they happen, instead of the interaction at its end.
            **arguments: ``model`` or ``agent``, ``input``, ``tools``, ``previous_interaction_id`` and others;
                see `InteractionArguments`.

        Raises:
            ValueError: An argument is unknown, missing or out of range.
            TypeError: An argument is of a wrong type.
            APIError: The call failed.
        """
        fields, options = split_options(arguments)
        request = message_of(to_create_request(fields, stream=bool(stream)))
        if stream:
            return await self._stream(rpcs.STREAM_CREATE_INTERACTION, request, options)
        return await self._api.call(Call(rpcs.CREATE_INTERACTION, request, Interaction.of), options)

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
