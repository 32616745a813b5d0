"""Agents and their types, under the module's name in google-genai."""

from __future__ import annotations

from typing import TypeAlias

from gemwire.genai._aio.agents import AsyncAgents as AsyncAgents
from gemwire.genai._sync.agents import Agents as Agents
from gemwire_proto.interactions import views
from gemwire_proto.interactions.views import Agent as Agent
from gemwire_proto.interactions.views import AgentConfig as AgentConfig

AgentDeleteResponse: TypeAlias = views.Empty
AgentListResponse: TypeAlias = views.ListAgentsResponse
AgentTool: TypeAlias = views.Tool
