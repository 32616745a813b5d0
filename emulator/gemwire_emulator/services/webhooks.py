"""WebhookService: addresses that events are sent to; `services.webhook_delivery` sends them."""

from __future__ import annotations

import base64
import json
import secrets
from urllib.parse import urlsplit

from gemwire_emulator.call import Call
from gemwire_emulator.errors import failed_precondition, invalid_argument, quote
from gemwire_emulator.services.json_collection import JsonCollection, read_mask
from gemwire_emulator.services.webhook_delivery import KIND, WebhookDelivery, is_on_this_machine
from gemwire_emulator.state import State
from gemwire_proto import interactions as api

_EVENTS = frozenset(
    {
        "batch.cancelled",
        "batch.expired",
        "batch.failed",
        "batch.succeeded",
        "interaction.cancelled",
        "interaction.completed",
        "interaction.failed",
        "interaction.requires_action",
        "video.generated",
    }
)
_UPDATABLE = frozenset({"name", "state", "subscribed_events", "uri"})
#: What becomes of earlier secrets: seconds that they are still used for.
_REVOCATIONS = {
    "": 86400,
    "revoke_previous_secrets_after_h24": 86400,
    "revoke_previous_secrets_immediately": 0,
}


class WebhookService:
    """The handlers of WebhookService."""

    def __init__(self, state: State, delivery: WebhookDelivery) -> None:
        """Create the handlers."""
        self._state = state
        self._delivery = delivery
        self._webhooks = JsonCollection(state, KIND, api.Webhook)

    def create_webhook(self, request: api.CreateWebhookRequest, call: Call) -> api.Webhook:
        """Store a webhook; its whole secret is in this response only."""
        _check(request.webhook)
        for name in ("uri", "subscribed_events"):
            if not getattr(request.webhook, name):
                raise invalid_argument(name, "is required")
        webhook = api.Webhook(
            id=self._webhooks.choose_id(),
            uri=request.webhook.uri,
            subscribed_events=request.webhook.subscribed_events,
            state="enabled",
        )
        if request.webhook.name:
            webhook.name = request.webhook.name
        for moment in (webhook.create_time, webhook.update_time):
            moment.FromDatetime(self._state.clock.datetime())
        secret = _create_secret()
        webhook.signing_secrets.add(truncated_secret=_truncate(secret))
        self._webhooks.add(webhook.id, webhook, call, json.dumps({"secrets": [(secret, None)]}))
        webhook.new_signing_secret = secret
        return webhook

    def get_webhook(self, request: api.GetWebhookRequest, call: Call) -> api.Webhook:
        """Return a webhook."""
        return self._webhooks.get(request.id, call)

    def list_webhooks(self, request: api.ListWebhooksRequest, call: Call) -> api.ListWebhooksResponse:
        """List the webhooks, oldest first."""
        webhooks, token = self._webhooks.list(request, call)
        return api.ListWebhooksResponse(webhooks=webhooks, next_page_token=token or None)

    def update_webhook(self, request: api.UpdateWebhookRequest, call: Call) -> api.Webhook:
        """Change a webhook."""
        webhook = self._webhooks.get(request.id, call)
        names = read_mask(request.update_mask, request.webhook, _UPDATABLE)
        changed = api.Webhook()
        for name in names:
            webhook.ClearField(name)  # type: ignore[arg-type]
            value = getattr(request.webhook, name)
            changed.MergeFrom(api.Webhook(**{name: value}))
        if changed.HasField("state") and changed.state not in {"enabled", "disabled"}:
            raise invalid_argument("state", f"{quote(changed.state)} is not one of enabled, disabled")
        webhook.MergeFrom(changed)
        _check(webhook)
        webhook.update_time.FromDatetime(self._state.clock.datetime())
        return self._webhooks.replace(request.id, webhook, call)

    def delete_webhook(self, request: api.DeleteWebhookRequest, call: Call) -> api.Empty:
        """Delete a webhook."""
        self._webhooks.delete(request.id, call)
        return api.Empty()

    async def ping_webhook(self, request: api.PingWebhookRequest, call: Call) -> api.PingWebhookResponse:
        """Send a test event, and wait for the receiver."""
        webhook = self._webhooks.get(request.id, call)
        name = f"{KIND}/{request.id}"
        if not is_on_this_machine(webhook.uri):
            raise failed_precondition(
                name, f"{webhook.uri} is another machine; the emulator delivers to this one only"
            )
        if not await self._delivery.ping(call.tenant, webhook):
            raise failed_precondition(name, f"{webhook.uri} did not accept the event")
        return api.PingWebhookResponse()

    def rotate_signing_secret(
        self, request: api.RotateSigningSecretRequest, call: Call
    ) -> api.RotateSigningSecretResponse:
        """Add a secret; those before are used until they expire."""
        row = self._webhooks.find(request.id, call)
        if request.revocation_behavior not in _REVOCATIONS:
            known = ", ".join(filter(None, _REVOCATIONS))
            raise invalid_argument(
                "revocation_behavior", f"{quote(request.revocation_behavior)} is not one of {known}"
            )
        expires = self._state.clock.now() + _REVOCATIONS[request.revocation_behavior]
        secret, webhook = _create_secret(), row.message(api.Webhook)
        now = self._state.clock.now()
        kept = [
            (old, min(expires, end) if end else expires)
            for old, end in json.loads(row.extra)["secrets"]
            if (min(expires, end) if end else expires) > now
        ]
        del webhook.signing_secrets[:]
        webhook.signing_secrets.add(truncated_secret=_truncate(secret))
        for old, end in kept:
            webhook.signing_secrets.add(truncated_secret=_truncate(old)).expire_time.FromSeconds(int(end))
        webhook.update_time.FromDatetime(self._state.clock.datetime())
        self._webhooks.replace(request.id, webhook, call, json.dumps({"secrets": [(secret, None), *kept]}))
        return api.RotateSigningSecretResponse(secret=secret)


def _check(webhook: api.Webhook) -> None:
    parts = urlsplit(webhook.uri)
    if webhook.uri and (parts.scheme not in {"http", "https"} or not parts.hostname):
        raise invalid_argument("uri", f"{quote(webhook.uri)} is not an address of http or https")
    for at, event in enumerate(webhook.subscribed_events):
        if event not in _EVENTS:
            raise invalid_argument(
                f"subscribed_events[{at}]", f"{quote(event)} is not one of {', '.join(sorted(_EVENTS))}"
            )


def _create_secret() -> str:
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


def _truncate(secret: str) -> str:
    return f"{secret[:10]}..."
