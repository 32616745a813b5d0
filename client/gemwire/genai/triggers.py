"""Triggers and their types, under the module's name in google-genai."""

from __future__ import annotations

from typing import TypeAlias

from gemwire.genai._aio.triggers import AsyncTriggers as AsyncTriggers
from gemwire.genai._sync.triggers import Triggers as Triggers
from gemwire_proto.interactions import views
from gemwire_proto.interactions.views import ListTriggerExecutionsResponse as ListTriggerExecutionsResponse
from gemwire_proto.interactions.views import ListTriggersResponse as ListTriggersResponse
from gemwire_proto.interactions.views import Trigger as Trigger
from gemwire_proto.interactions.views import TriggerExecution as TriggerExecution

TriggerDeleteResponse: TypeAlias = views.Empty
TriggerListExecutionsResponse: TypeAlias = views.ListTriggerExecutionsResponse
TriggerListResponse: TypeAlias = views.ListTriggersResponse
