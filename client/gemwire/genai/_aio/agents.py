"""``client.agents``: custom agents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemwire.genai._aio.json_resource import AsyncJsonResource
from gemwire.genai._types.call_options import CallOptions
from gemwire_proto.interactions import agent_service as rpcs
from gemwire_proto.interactions import views

if TYPE_CHECKING:
    from typing_extensions import Unpack

    class _Create(CallOptions, views.AgentDict):
        pass

    class _List(CallOptions, views.ListAgentsRequestDict):
        pass


class AsyncAgents(AsyncJsonResource):
    """Custom agents: a base agent with instructions and tools. Experimental."""

    _collection = "agents"

    async def create(self, **arguments: Unpack[_Create]) -> views.Agent:
        """Create an agent.

        Args:
            **arguments: ``id``, ``base_agent``, ``system_instruction``, ``tools`` and others; see `Agent`.

        Raises:
            ValueError: An argument is unknown, missing or out of range.
            TypeError: An argument is of a wrong type.
            APIError: The call failed.
        """
        return await self._call(rpcs.CREATE_AGENT, views.Agent, arguments, body="agent")

    async def get(self, id: str, **options: Unpack[CallOptions]) -> views.Agent:
        """Get an agent.

        Args:
            id: Its id.
            **options: See `CallOptions`.

        Raises:
            ValueError: The id is invalid.
            APIError: The call failed.
        """
        path = {"id": self._to_id(id)}
        return await self._call(rpcs.GET_AGENT, views.Agent, options, path)

    async def list(self, **arguments: Unpack[_List]) -> views.ListAgentsResponse:
        """Get a page of agents.

        Args:
            **arguments: ``page_size``, ``page_token`` and others; see `ListAgentsRequest`.

        Raises:
            ValueError: An argument is unknown.
            APIError: The call failed.
        """
        return await self._call(rpcs.LIST_AGENTS, views.ListAgentsResponse, arguments)

    async def delete(self, id: str, **options: Unpack[CallOptions]) -> views.Empty:
        """Delete an agent.

        Args:
            id: Its id.
            **options: See `CallOptions`.

        Raises:
            ValueError: The id is invalid.
            APIError: The call failed.
        """
        path = {"id": self._to_id(id)}
        return await self._call(rpcs.DELETE_AGENT, views.Empty, options, path)
