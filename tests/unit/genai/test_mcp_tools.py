"""Tools of the Model Context Protocol, by the names that its package gives its classes."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from gemwire import genai
from gemwire.genai import errors
from gemwire.genai._aio.function_executor import expand_sessions
from gemwire.genai._convert.function_calls import Invocation, find_functions
from gemwire.genai._convert.tools import to_tools
from gemwire.genai._types.family import GEMINI
from gemwire.genai.types import GenerateContentConfig
from gemwire_proto import v1beta

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


class Tool:
    __module__ = "mcp.types"

    def __init__(self, name: str, schema: dict[str, Any]) -> None:
        self.name = name
        self.description = "Tell the weather."
        self.inputSchema = schema


class ClientSession:
    __module__ = "mcp.client.session"

    async def list_tools(self) -> Any:
        return SimpleNamespace(tools=[Tool("weather", SCHEMA), Tool("clock", {"type": "object"})])

    async def call_tool(self, name: str, arguments: dict[str, object]) -> Any:
        if name == "clock":
            return SimpleNamespace(isError=True, content=[SimpleNamespace(text="it stopped")])
        return {"heard": arguments}


def test_a_description_is_declared() -> None:
    (tool,) = to_tools([Tool("weather", SCHEMA)])
    (declaration,) = tool.function_declarations
    assert (declaration.name, declaration.description) == ("weather", "Tell the weather.")
    assert declaration.parameters_json_schema.struct_value.fields["required"].list_value.values
    with pytest.warns(UserWarning, match="only declared"):
        assert find_functions(GenerateContentConfig(tools=[Tool("weather", SCHEMA), max])) == {}


def test_the_tools_of_a_session_are_called() -> None:
    config = asyncio.run(expand_sessions(GenerateContentConfig(tools=[ClientSession()])))
    functions = find_functions(config)
    assert [d.name for d in to_tools(config.tools)[0].function_declarations] == ["weather", "clock"]
    call = v1beta.FunctionCall(name="weather", args={"city": "Oslo"})
    function, positional, named = Invocation(call, functions, GEMINI).prepare()
    assert (positional, named) == ((), {"city": "Oslo"})
    assert asyncio.run(function(*positional, **named)) == {"heard": {"city": "Oslo"}}
    with pytest.raises(RuntimeError, match="it stopped"):
        asyncio.run(functions["clock"]())


def test_sessions_are_async() -> None:
    config = GenerateContentConfig(tools=[ClientSession()])
    with genai.Client(api_key="a-key") as client:
        with pytest.raises(errors.UnsupportedFunctionError, match=r"call_tool is async.*use client.aio"):
            client.models.generate_content(model="m", contents="a", config=config)
        with pytest.raises(errors.UnsupportedFunctionError, match=r"call_tool is async"):
            client.chats.create(model="m", config=config).send_message("a")
        with pytest.raises(errors.UnsupportedFunctionError, match=r"call_tool is async.*use client.aio"):
            client.prepare(model="m", config=config)
        with pytest.raises(errors.UnsupportedFunctionError, match=r"call_tool is async"):
            client.live.connect(model="m", config={"tools": [ClientSession()]})
