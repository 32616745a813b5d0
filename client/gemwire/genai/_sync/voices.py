# Derived from genai/_aio/voices.py by scripts/unasync. DO NOT EDIT.
"""``client.voices``: voices that speak."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gemwire.genai._sync.json_resource import JsonResource
from gemwire.genai._types.call_options import CallOptions
from gemwire_proto.interactions import views
from gemwire_proto.interactions import voice_service as rpcs

if TYPE_CHECKING:
    from typing_extensions import Unpack

    class _Create(CallOptions, views.CreateVoiceRequestDict):
        pass

    class _List(CallOptions, views.ListVoicesRequestDict, total=False):
        type_: Sequence[str] | None


class Voices(JsonResource):
    """Voices that speak: prebuilt ones, and one's own."""

    _collection = "voices"

    def create(self, **arguments: Unpack[_Create]) -> views.Voice:
        """Create a voice.

        Args:
            **arguments: ``voice``, and ``store``: whether the service keeps it.

        Raises:
            ValueError: An argument is unknown, missing or out of range.
            TypeError: An argument is of a wrong type.
            APIError: The call failed.
        """
        required = ("voice",)
        return self._call(rpcs.CREATE_VOICE, views.Voice, arguments, required=required)

    def get(self, id: str, **options: Unpack[CallOptions]) -> views.Voice:
        """Get a voice.

        Args:
            id: Its id.
            **options: See `CallOptions`.

        Raises:
            ValueError: The id is invalid.
            APIError: The call failed.
        """
        path = {"id": self._to_id(id)}
        return self._call(rpcs.GET_VOICE, views.Voice, options, path)

    def list(self, **arguments: Unpack[_List]) -> views.ListVoicesResponse:
        """Get a page of voices.

        Args:
            **arguments: ``page_size``, ``page_token`` and others; see `ListVoicesRequest`.

        Raises:
            ValueError: An argument is unknown.
            APIError: The call failed.
        """
        return self._call(rpcs.LIST_VOICES, views.ListVoicesResponse, arguments)

    def delete(self, id: str, **options: Unpack[CallOptions]) -> views.DeleteVoiceResponse:
        """Delete a voice.

        Args:
            id: Its id.
            **options: See `CallOptions`.

        Raises:
            ValueError: The id is invalid.
            APIError: The call failed.
        """
        path = {"id": self._to_id(id)}
        return self._call(rpcs.DELETE_VOICE, views.DeleteVoiceResponse, options, path)
