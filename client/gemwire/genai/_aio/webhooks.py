"""``client.webhooks``: addresses that the service sends events to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gemwire.genai._aio.json_resource import AsyncJsonResource
from gemwire.genai._types.call_options import CallOptions
from gemwire_proto.interactions import views
from gemwire_proto.interactions import webhook_service as rpcs

if TYPE_CHECKING:
    from typing_extensions import Unpack

    class _Create(CallOptions, views.WebhookDict):
        pass

    class _List(CallOptions, views.ListWebhooksRequestDict):
        pass


class AsyncWebhooks(AsyncJsonResource):
    """Addresses that the service sends events to, signed as standardwebhooks.com describes it."""

    _collection = "webhooks"

    async def create(self, **arguments: Unpack[_Create]) -> views.Webhook:
        """Create a webhook. The whole signing secret is in this response only.

        Args:
            **arguments: ``uri``, ``subscribed_events``, ``name``.

        Raises:
            ValueError: An argument is unknown, missing or out of range.
            TypeError: An argument is of a wrong type.
            APIError: The call failed.
        """
        required = ("uri", "subscribed_events")
        return await self._call(
            rpcs.CREATE_WEBHOOK, views.Webhook, arguments, body="webhook", required=required
        )

    async def get(self, id: str, **options: Unpack[CallOptions]) -> views.Webhook:
        """Get a webhook.

        Args:
            id: Its id.
            **options: See `CallOptions`.

        Raises:
            ValueError: The id is invalid.
            APIError: The call failed.
        """
        path = {"id": self._to_id(id)}
        return await self._call(rpcs.GET_WEBHOOK, views.Webhook, options, path)

    async def list(self, **arguments: Unpack[_List]) -> views.ListWebhooksResponse:
        """Get a page of webhooks.

        Args:
            **arguments: ``page_size``, ``page_token`` and others; see `ListWebhooksRequest`.

        Raises:
            ValueError: An argument is unknown.
            APIError: The call failed.
        """
        return await self._call(rpcs.LIST_WEBHOOKS, views.ListWebhooksResponse, arguments)

    async def update(
        self,
        id: str,
        *,
        name: str | None = None,
        state: str | None = None,
        subscribed_events: Sequence[str] | None = None,
        uri: str | None = None,
        update_mask: str | None = None,
        **options: Unpack[CallOptions],
    ) -> views.Webhook:
        """Change a webhook.

        Args:
            id: Its id.
            name: Its display name.
            state: ``enabled`` or ``disabled``.
            subscribed_events: The events that are sent.
            uri: Where events are sent to.
            update_mask: Names of fields to change, with commas between them. Default: those that are given.
            **options: See `CallOptions`.

        Raises:
            ValueError: The id is invalid.
            TypeError: An argument is of a wrong type.
            APIError: The call failed.
        """
        given = {"name": name, "state": state, "subscribed_events": subscribed_events, "uri": uri, **options}
        path = {"id": self._to_id(id), "update_mask": update_mask}
        return await self._call(rpcs.UPDATE_WEBHOOK, views.Webhook, given, path, body="webhook")

    async def delete(self, id: str, **options: Unpack[CallOptions]) -> views.Empty:
        """Delete a webhook.

        Args:
            id: Its id.
            **options: See `CallOptions`.

        Raises:
            ValueError: The id is invalid.
            APIError: The call failed.
        """
        path = {"id": self._to_id(id)}
        return await self._call(rpcs.DELETE_WEBHOOK, views.Empty, options, path)

    async def ping(self, id: str, **options: Unpack[CallOptions]) -> views.PingWebhookResponse:
        """Send a test event to a webhook.

        Args:
            id: Its id.
            **options: See `CallOptions`.

        Raises:
            ValueError: The id is invalid.
            APIError: The call failed.
        """
        path = {"id": self._to_id(id)}
        return await self._call(rpcs.PING_WEBHOOK, views.PingWebhookResponse, options, path)

    async def rotate_signing_secret(
        self, id: str, *, revocation_behavior: str | None = None, **options: Unpack[CallOptions]
    ) -> views.RotateSigningSecretResponse:
        """Give a webhook a new signing secret.

        Args:
            id: Its id.
            revocation_behavior: What becomes of the secrets before: ``revoke_previous_secrets_after_h24`` or
                ``revoke_previous_secrets_immediately``. Default: the service's.
            **options: See `CallOptions`.

        Returns:
            The response, with the whole secret, which is not shown again.

        Raises:
            ValueError: The id is invalid.
            APIError: The call failed.
        """
        path = {"id": self._to_id(id), "revocation_behavior": revocation_behavior}
        shown = views.RotateSigningSecretResponse
        return await self._call(rpcs.ROTATE_SIGNING_SECRET, shown, options, path)
