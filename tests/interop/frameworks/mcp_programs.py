"""Programs that use servers of the Model Context Protocol."""

from __future__ import annotations

from typing import Any

from interop.frameworks.run_programs import MODEL
from mcp import Client
from mcp.server.mcpserver import MCPServer

ASKED = "What is the weather in Oslo?"


def build_server(called: list[str]) -> MCPServer:
    server = MCPServer("weather")

    @server.tool()
    def get_weather(city: str) -> str:
        """Tell the weather of a city."""
        called.append(city)
        return f"Rain in {city}"

    return server


def first_words(text: str | None) -> str:
    """Return what the emulator makes of a result; the rest depends on the form of the request."""
    return (text or "").partition(":")[0]


async def run_session(client: Any) -> Any:
    called: list[str] = []
    async with Client(build_server(called)) as server:
        response = await client.aio.models.generate_content(
            model=MODEL, contents=ASKED, config={"tools": [server.session]}
        )
    return first_words(response.text), len(called), len(response.automatic_function_calling_history)


async def run_session_in_a_stream(client: Any) -> Any:
    called: list[str] = []
    async with Client(build_server(called)) as server:
        stream = await client.aio.models.generate_content_stream(
            model=MODEL, contents=ASKED, config={"tools": [server.session]}
        )
        texts = [chunk.text or "" async for chunk in stream if not chunk.function_calls]
    return first_words("".join(texts)), len(called)


async def run_declaration(client: Any) -> Any:
    called: list[str] = []
    async with Client(build_server(called)) as server:
        tools = (await server.list_tools()).tools
    response = await client.aio.models.generate_content(model=MODEL, contents=ASKED, config={"tools": tools})
    return [call.name for call in response.function_calls], called
