"""Delivery of events to webhooks, signed as standardwebhooks.com describes it, which the service follows.

The emulator sends nothing to other machines: events for them are logged and dropped.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import http.client
import ipaddress
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlsplit

from gemwire_emulator.state import State
from gemwire_proto import interactions as api

KIND = "webhooks"
_logger = logging.getLogger("gemwire_emulator")
#: Seconds that a receiver may take.
_TIMEOUT = 10.0
#: Seconds of the emulator's clock before each further attempt.
_DELAYS = (1.0, 2.0, 4.0, 8.0)


def is_on_this_machine(uri: str) -> bool:
    """Return whether an address is one of this machine."""
    host = urlsplit(uri).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class WebhookDelivery:
    """Sends events to the webhooks that are subscribed to them."""

    def __init__(self, state: State) -> None:
        """Create a sender."""
        self._state = state

    def publish(
        self, tenant: str, kind: str, data: Mapping[str, object], config: api.WebhookConfig | None = None
    ) -> None:
        """Send an event in the background.

        Args:
            tenant: Whose event it is.
            kind: Kind of the event, such as ``interaction.completed``.
            data: What happened.
            config: Addresses of the call itself, which take the place of the registered ones.
        """
        if config is not None and config.uris:
            metadata = dict(config.user_metadata)
            told = {**data, "user_metadata": metadata} if metadata else data
            for uri in config.uris:
                self._state.spawn(self._deliver(tenant, uri, kind, told))
            return
        for row in list(self._state.store.list(tenant, KIND)):
            webhook = row.message(api.Webhook)
            if webhook.state == "enabled" and kind in webhook.subscribed_events:
                self._state.spawn(self._deliver(tenant, webhook.uri, kind, data, webhook.id))

    async def ping(self, tenant: str, webhook: api.Webhook) -> bool:
        """Send a test event once; return whether it was accepted."""
        body = self._build_body("webhook.ping", {"id": webhook.id})
        return await self._send(
            tenant, webhook.uri, f"msg_{self._state.store.next_number()}", body, webhook.id
        )

    async def _deliver(
        self, tenant: str, uri: str, kind: str, data: Mapping[str, object], webhook: str = ""
    ) -> None:
        if not is_on_this_machine(uri):
            _logger.warning("%s is not sent to %s: the emulator delivers to this machine only", kind, uri)
            return
        body, message = self._build_body(kind, data), f"msg_{self._state.store.next_number()}"
        for delay in (0.0, *_DELAYS):
            if delay:
                await self._state.clock.sleep(delay)
            if await self._send(tenant, uri, message, body, webhook):
                return
        _logger.warning("%s could not be delivered to %s", kind, uri)
        row = self._state.store.get(tenant, f"{KIND}/{webhook}") if webhook else None
        if row is not None:
            failed = row.message(api.Webhook)
            failed.state = "disabled_due_to_failed_deliveries"
            self._state.store.replace(tenant, row.name, failed)

    def _build_body(self, kind: str, data: Mapping[str, object]) -> bytes:
        now = self._state.clock.datetime().strftime("%Y-%m-%dT%H:%M:%SZ")
        event = {"type": kind, "version": "v1", "timestamp": now, "data": dict(data)}
        return json.dumps(event, separators=(",", ":")).encode()

    async def _send(self, tenant: str, uri: str, message: str, body: bytes, webhook: str) -> bool:
        """Make one attempt; return whether the receiver accepted the event."""
        timestamp = str(int(self._state.clock.now()))
        headers = {
            "content-type": "application/json",
            "user-agent": "gemwire-emulator",
            "webhook-id": message,
            "webhook-timestamp": timestamp,
        }
        row = self._state.store.get(tenant, f"{KIND}/{webhook}") if webhook else None
        if row is not None:
            secrets = list_secrets(json.loads(row.extra)["secrets"], self._state.clock.now())
            headers["webhook-signature"] = sign(secrets, message, timestamp, body)
        try:
            status = await asyncio.to_thread(_post, uri, headers, body)
        except (OSError, http.client.HTTPException) as error:
            _logger.info("an event was not delivered to %s: %s", uri, error)
            return False
        return 200 <= status < 300


def list_secrets(stored: Iterable[tuple[str, float | None]], now: float) -> list[str]:
    """Return the secrets of a webhook that have not expired."""
    return [secret for secret, expires in stored if expires is None or expires > now]


def sign(secrets: Sequence[str], message: str, timestamp: str, body: bytes) -> str:
    """Return the signatures of an event, one for each secret."""
    content = f"{message}.{timestamp}.".encode() + body
    digests = (
        hmac.digest(base64.b64decode(secret.removeprefix("whsec_")), content, hashlib.sha256)
        for secret in secrets
    )
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)


def _post(uri: str, headers: dict[str, str], body: bytes) -> int:
    parts = urlsplit(uri)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=_TIMEOUT)
    try:
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        connection.request("POST", target, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()
