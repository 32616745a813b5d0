"""Execution of a program's own functions. Written by hand on both sides."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from gemwire.genai._convert.tools import McpFunction, is_mcp_session
from gemwire.genai._types.generate_content import GenerateContentConfig, ToolUnion
from gemwire.genai._types.live import LiveConnectConfig

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_Config = TypeVar("_Config", GenerateContentConfig, LiveConnectConfig)


def check_functions(functions: Iterable[Callable[..., object]]) -> None:
    """Accept all functions; the sync client refuses async ones."""


async def expand_sessions(config: _Config) -> _Config:
    """Return the config with the tools of MCP sessions in the place of the sessions."""
    if not config.tools or not any(map(is_mcp_session, config.tools)):
        return config
    tools: list[ToolUnion] = []
    for tool in config.tools:
        if is_mcp_session(tool):
            tools += [McpFunction(tool, found) for found in (await tool.list_tools()).tools]
        else:
            tools.append(tool)
    return config.model_copy(update={"tools": tools})


async def run_function(function: Callable[..., object], *args: object, **kwargs: object) -> object:
    """Call a function; one that is not async runs in a thread, so that it does not block the event loop."""
    # Of a callable object, only its method shows that it is async; inspect unwraps partials itself.
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__):
        result = function(*args, **kwargs)
    else:
        result = await asyncio.to_thread(function, *args, **kwargs)
    return await result if inspect.isawaitable(result) else result


async def map_calls(work: Callable[[_Item], Awaitable[_Result]], items: Iterable[_Item]) -> list[_Result]:
    """Apply ``work`` to all items concurrently, and return the results in the order of the items."""
    return await asyncio.gather(*map(work, items))
