"""Tools of the Model Context Protocol, recognized by the names of their classes: mcp is not imported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeGuard


class McpTool(Protocol):
    """A tool as an MCP server describes it: ``mcp.types.Tool``."""

    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str | None: ...


class _Listing(Protocol):
    @property
    def tools(self) -> list[McpTool]: ...


class McpSession(Protocol):
    """A session with an MCP server: ``mcp.ClientSession``."""

    async def list_tools(self) -> _Listing: ...
    async def call_tool(self, name: str, arguments: dict[str, object]) -> object: ...


class McpFunction:
    """A tool of a session as an async function.

    Attributes:
        tool: Its description.
    """

    def __init__(self, session: McpSession, tool: McpTool) -> None:
        self._session = session
        self.tool = tool
        self.__name__ = tool.name

    async def __call__(self, **arguments: object) -> object:
        """Call the tool.

        Raises:
            RuntimeError: The tool reports an error.
        """
        result = await self._session.call_tool(self.tool.name, arguments)
        if getattr(result, "isError", False) or getattr(result, "is_error", False):
            contents = getattr(result, "content", ())
            raise RuntimeError(" ".join(str(getattr(item, "text", item)) for item in contents))
        return result


def is_mcp_session(value: object) -> TypeGuard[McpSession]:
    """Return whether a tool is an MCP session."""
    return _is_of_mcp(value, "ClientSession")


def is_mcp_tool(value: object) -> TypeGuard[McpTool]:
    """Return whether a tool is a description by an MCP server."""
    return _is_of_mcp(value, "Tool")


def get_input_schema(tool: McpTool) -> dict[str, object]:
    """Return the JSON Schema of a tool's arguments."""
    schema = getattr(tool, "input_schema", None) or getattr(tool, "inputSchema", None)
    return dict(schema) if isinstance(schema, Mapping) else {}


def _is_of_mcp(value: object, name: str) -> bool:
    return any(
        base.__name__ == name and base.__module__.split(".")[0] in {"mcp", "mcp_types"}
        for base in type(value).__mro__
    )
