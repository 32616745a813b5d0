"""Webhooks and their types, under the module's name in google-genai."""

from __future__ import annotations

from typing import TypeAlias

from gemwire.genai._aio.webhooks import AsyncWebhooks as AsyncWebhooks
from gemwire.genai._sync.webhooks import Webhooks as Webhooks
from gemwire_proto.interactions import views
from gemwire_proto.interactions.views import SigningSecret as SigningSecret
from gemwire_proto.interactions.views import Webhook as Webhook

WebhookDeleteResponse: TypeAlias = views.Empty
WebhookListResponse: TypeAlias = views.ListWebhooksResponse
WebhookPingResponse: TypeAlias = views.PingWebhookResponse
WebhookRotateSigningSecretResponse: TypeAlias = views.RotateSigningSecretResponse
