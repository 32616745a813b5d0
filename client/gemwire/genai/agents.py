"""Agents and their types, under the module's name in google-genai."""

from __future__ import annotations

from gemwire.genai._aio.agents import AsyncAgents as AsyncAgents
from gemwire.genai._sync.agents import Agents as Agents
from gemwire_proto.interactions.views import Agent as Agent
from gemwire_proto.interactions.views import AgentConfig as AgentConfig
