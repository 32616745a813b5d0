"""``client.voices``: voices that speak."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gemwire.genai._aio.json_resource import AsyncJsonResource
from gemwire.genai._types.call_options import CallOptions
from gemwire_proto.interactions import views
from gemwire_proto.interactions import voice_service as rpcs

if TYPE_CHECKING:
    from typing_extensions import Unpack

    class _Create(CallOptions, views.CreateVoiceRequestDict):
        pass

    class _List(CallOptions, views.ListVoicesRequestDict, total=False):
        type_: Sequence[str] | None


class AsyncVoices(AsyncJsonResource):
    """Voices that speak: prebuilt ones, and one's own."""

    _collection = "voices"

    async def create(self, **arguments: Unpack[_Create]) -> views.Voice:
        """Create a voice.

        Args:
            **arguments: ``voice``, and ``store``: whether the service keeps it.

        Raises:
            ValueError: An argument is unknown, missing or out of range.
            TypeError: An argument is of a wrong type.
            APIError: The call failed.
        """
        required = ("voice",)
        return await self._call(rpcs.CREATE_VOICE, views.Voice, arguments, required=required)

    async def get(self, id: str, **options: Unpack[CallOptions]) -> views.Voice:
        """Get a voice.

        Args:
            id: Its id.
            **options: See `CallOptions`.

        Raises:
            ValueError: The id is invalid.
            APIError: The call failed.
        """
        path = {"id": self._to_id(id)}
        return await self._call(rpcs.GET_VOICE, views.Voice, options, path)

    async def list(self, **arguments: Unpack[_List]) -> views.ListVoicesResponse:
        """Get a page of voices.

        Args:
            **arguments: ``page_size``, ``page_token`` and others; see `ListVoicesRequest`.

        Raises:
            ValueError: An argument is unknown.
            APIError: The call failed.
        """
        return await self._call(rpcs.LIST_VOICES, views.ListVoicesResponse, arguments)

    async def delete(self, id: str, **options: Unpack[CallOptions]) -> views.DeleteVoiceResponse:
        """Delete a voice.

        Args:
            id: Its id.
            **options: See `CallOptions`.

        Raises:
            ValueError: The id is invalid.
            APIError: The call failed.
        """
        path = {"id": self._to_id(id)}
        return await self._call(rpcs.DELETE_VOICE, views.DeleteVoiceResponse, options, path)
