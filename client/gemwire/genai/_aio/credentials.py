"""``client.credentials``: secrets that agents use and do not see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gemwire.genai._aio.json_resource import AsyncJsonResource
from gemwire.genai._types.call_options import CallOptions
from gemwire_proto.interactions import credential_service as rpcs
from gemwire_proto.interactions import views

if TYPE_CHECKING:
    from typing_extensions import Unpack

    class _Update(CallOptions, total=False):
        type: str | None
        type_: str | None
        token: str | None
        header_name: str | None
        prefix: str | None
        client_id: str | None
        client_secret: str | None
        token_url: str | None
        refresh_token: str | None
        scopes: Sequence[str] | None
        value: str | None
        injection_location: object
        trusted_domains: Sequence[str] | None

    class _Create(_Update, total=False):
        id: str

    class _List(CallOptions, views.ListCredentialsRequestDict):
        pass


class AsyncCredentials(AsyncJsonResource):
    """Secrets that agents use and do not see; they are never returned. Experimental."""

    _collection = "credentials"

    async def create(self, **arguments: Unpack[_Create]) -> views.Credential:
        """Create a credential.

        Args:
            **arguments: ``id``, ``type`` (``type_`` in google-genai) and the fields of that type; see
                `CredentialConfig`.

        Raises:
            ValueError: An argument is unknown, missing or out of range.
            TypeError: An argument is of a wrong type.
            APIError: The call failed.
        """
        required = ("id", "type")
        return await self._call(
            rpcs.CREATE_CREDENTIAL, views.Credential, arguments, body="config", required=required
        )

    async def get(self, id: str, **options: Unpack[CallOptions]) -> views.Credential:
        """Get a credential, without its secret.

        Args:
            id: Its id.
            **options: See `CallOptions`.

        Raises:
            ValueError: The id is invalid.
            APIError: The call failed.
        """
        path = {"id": self._to_id(id)}
        return await self._call(rpcs.GET_CREDENTIAL, views.Credential, options, path)

    async def list(self, **arguments: Unpack[_List]) -> views.ListCredentialsResponse:
        """Get a page of credentials.

        Args:
            **arguments: ``page_size``, ``page_token`` and others; see `ListCredentialsRequest`.

        Raises:
            ValueError: An argument is unknown.
            APIError: The call failed.
        """
        return await self._call(rpcs.LIST_CREDENTIALS, views.ListCredentialsResponse, arguments)

    async def update(
        self, id: str, *, update_mask: str | None = None, **arguments: Unpack[_Update]
    ) -> views.Credential:
        """Change a credential.

        Args:
            id: Its id.
            update_mask: Names of fields to change, with commas between them. Default: those that are given.
            **arguments: Fields of its type; see `CredentialConfig`.

        Raises:
            ValueError: An argument is unknown.
            TypeError: An argument is of a wrong type.
            APIError: The call failed.
        """
        path = {"id": self._to_id(id), "update_mask": update_mask}
        return await self._call(rpcs.UPDATE_CREDENTIAL, views.Credential, arguments, path, body="config")

    async def delete(self, id: str, **options: Unpack[CallOptions]) -> views.Empty:
        """Delete a credential.

        Args:
            id: Its id.
            **options: See `CallOptions`.

        Raises:
            ValueError: The id is invalid.
            APIError: The call failed.
        """
        path = {"id": self._to_id(id)}
        return await self._call(rpcs.DELETE_CREDENTIAL, views.Empty, options, path)
