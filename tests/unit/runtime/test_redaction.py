"""Secrets in messages, which logs and recordings leave out."""

from __future__ import annotations

from gemwire_proto import interactions, v1beta
from gemwire_runtime.redaction import redact


def test_secrets_are_replaced_in_a_copy() -> None:
    request = interactions.CreateCredentialRequest(config={"id": "a", "token": "hidden", "prefix": "Bearer"})
    shown = redact(request)
    assert (shown.config.id, shown.config.token, shown.config.prefix) == ("a", "REDACTED", "Bearer")
    assert request.config.token == "hidden"
    assert not redact(interactions.CreateCredentialRequest()).config.HasField("token")


def test_in_lists() -> None:
    page = interactions.ListWebhooksResponse(webhooks=[{"id": "a", "new_signing_secret": "hidden"}])
    assert "hidden" not in str(redact(page))


def test_other_messages_are_not_copied() -> None:
    content = v1beta.Content(parts=[{"text": "a"}])
    assert redact(content) is content
