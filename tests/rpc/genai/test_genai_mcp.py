"""Tools of MCP sessions in prepared prompts and live sessions; servers list them when they are needed."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from scripted_grpc_server import Loopback

from gemwire import genai, v1beta
from gemwire.genai import types

MODEL = "gemini-2.5-flash"


class Tool:
    """As the package mcp names and shapes it, which is not required."""

    __module__ = "mcp.types"

    def __init__(self, name: str) -> None:
        self.name = name
        self.description = f"Tell the {name}."
        self.inputSchema = {"type": "object", "properties": {"city": {"type": "string"}}}


class ClientSession:
    """The same; it counts how often its tools are listed."""

    __module__ = "mcp.client.session"

    def __init__(self, *names: str) -> None:
        self.names = names
        self.listed = 0

    async def list_tools(self) -> Any:
        self.listed += 1
        return SimpleNamespace(tools=[Tool(name) for name in self.names])

    async def call_tool(self, name: str, arguments: dict[str, object]) -> Any:
        return {name: arguments["city"]}


def candidate(**part: Any) -> dict[str, Any]:
    return {"content": {"role": "model", "parts": [part]}, "finish_reason": "STOP"}


def declared(tools: Any) -> list[str]:
    return [declaration.name for tool in tools for declaration in tool.function_declarations]


def harbour(name: str) -> str:
    """Tell what a harbour is like."""
    return f"{name} is calm"


def test_in_a_prepared_prompt(server: Loopback) -> None:
    call = {"name": "weather", "args": {"city": "Oslo"}}
    answers = [v1beta.GenerateContentResponse(candidates=[candidate(text="Rain.")])]
    server.on(
        "GenerateContent",
        v1beta.GenerateContentResponse(candidates=[candidate(function_call=call)]),
        *answers,
    )
    server.on("StreamGenerateContent", *answers)

    async def main() -> None:
        async with genai.Client(api_key="a-key").aio as client:
            session = ClientSession("weather", "clock")
            prompt = client.prepare(model=MODEL, system_instruction="Be brief.", tools=[harbour, session])
            size = prompt.size
            assert session.listed == 0
            assert (await prompt.generate("Rain?")).text == "Rain."
            assert prompt.size > size
            async for chunk in await prompt.generate_stream("Rain?"):
                assert chunk.text == "Rain."
            await prompt.count_tokens("Rain?")
            assert session.listed == 1
            other = ClientSession("tide")
            await prompt.generate("Tide?", config={"tools": [other]})
            assert other.listed == 1

    asyncio.run(main())
    asked, answered, tide = server.calls("GenerateContent")
    names = ["harbour", "weather", "clock"]
    assert declared(asked.request.tools) == names
    assert asked.request.system_instruction.parts[0].text == "Be brief."
    response = answered.request.contents[-1].parts[0].function_response
    assert types.FunctionResponse.of(response).response == {"result": {"weather": "Oslo"}}
    assert declared(server.calls("StreamGenerateContent")[0].request.tools) == names
    assert declared(server.calls("CountTokens")[0].request.generate_content_request.tools) == names
    assert declared(tide.request.tools) == ["tide"]


def test_a_server_that_cannot_list_its_tools(server: Loopback) -> None:
    class Broken(ClientSession):
        __module__ = "mcp.client.session"

        async def list_tools(self) -> Any:
            if self.listed == 0:
                self.listed += 1
                raise ConnectionError("gone")
            return await super().list_tools()

    async def main() -> None:
        async with genai.Client(api_key="a-key").aio as client:
            prompt = client.prepare(model=MODEL, tools=[Broken("weather")])
            with pytest.raises(ConnectionError, match="gone"):
                await prompt.generate("Rain?")
            await prompt.generate("Rain?")

    asyncio.run(main())
    (call,) = server.calls("GenerateContent")
    assert declared(call.request.tools) == ["weather"]


def test_in_a_live_session(server: Loopback) -> None:
    complete = v1beta.BidiGenerateContentServerMessage(setup_complete={})

    def converse(requests: Any, _: Any) -> Any:
        next(requests)
        yield complete
        yield from ()

    server.on("BidiGenerateContent", converse)

    async def main() -> None:
        async with genai.Client(api_key="a-key").aio as client:
            session = ClientSession("weather")
            context = client.live.connect(
                model=MODEL, config={"tools": [harbour, session], "temperature": 0.5}
            )
            assert session.listed == 0
            async with context:
                assert session.listed == 1

    asyncio.run(main())
    (call,) = server.calls("BidiGenerateContent")
    setup = call.requests[0].setup
    assert declared(setup.tools) == ["harbour", "weather"]
    assert setup.generation_config.temperature == 0.5
