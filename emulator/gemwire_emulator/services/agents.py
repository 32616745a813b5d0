"""AgentService: custom agents, which are stored; `services.interactions` says how they answer."""

from __future__ import annotations

from gemwire_emulator.call import Call
from gemwire_emulator.services.json_collection import JsonCollection
from gemwire_emulator.state import State
from gemwire_proto import interactions as api


class AgentService:
    """The handlers of AgentService."""

    def __init__(self, state: State) -> None:
        """Create the handlers."""
        self._agents = JsonCollection(state, "agents", api.Agent)

    def create_agent(self, request: api.CreateAgentRequest, call: Call) -> api.Agent:
        """Store an agent."""
        agent = api.Agent()
        agent.CopyFrom(request.agent)
        agent.id = self._agents.choose_id(agent.id)
        return self._agents.add(agent.id, agent, call)

    def get_agent(self, request: api.GetAgentRequest, call: Call) -> api.Agent:
        """Return an agent."""
        return self._agents.get(request.id, call)

    def list_agents(self, request: api.ListAgentsRequest, call: Call) -> api.ListAgentsResponse:
        """List the agents, oldest first."""
        agents, token = self._agents.list(request, call)
        return api.ListAgentsResponse(agents=agents, next_page_token=token or None)

    def delete_agent(self, request: api.DeleteAgentRequest, call: Call) -> api.Empty:
        """Delete an agent."""
        self._agents.delete(request.id, call)
        return api.Empty()
