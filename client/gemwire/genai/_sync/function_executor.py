"""Execution of a program's own functions. Written by hand on both sides."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import TypeVar

from gemwire.genai._convert.tools import find_sessions
from gemwire.genai._types.generate_content import GenerateContentConfig
from gemwire.genai._types.live import LiveConnectConfig
from gemwire.genai.errors import UnsupportedFunctionError

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_Config = TypeVar("_Config", GenerateContentConfig, LiveConnectConfig)


def check_functions(functions: Iterable[Callable[..., object]]) -> None:
    """Check that no function is async.

    Raises:
        UnsupportedFunctionError: One is.
    """
    for function in functions:
        # Of a callable object, only its method shows that it is async; inspect unwraps partials itself.
        if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__):
            raise _unsupported(function)


def expand_sessions(config: _Config) -> _Config:
    """Return the config.

    Raises:
        UnsupportedFunctionError: There is an MCP session in the tools.
    """
    check_functions([session.call_tool for session in find_sessions(config.tools)])
    return config


def run_function(function: Callable[..., object], *args: object, **kwargs: object) -> object:
    """Call a function.

    Raises:
        UnsupportedFunctionError: It returned an awaitable.
    """
    result = function(*args, **kwargs)
    if inspect.isawaitable(result):
        if inspect.iscoroutine(result):
            result.close()
        raise _unsupported(function)
    return result


def map_calls(work: Callable[[_Item], _Result], items: Iterable[_Item]) -> list[_Result]:
    """Apply ``work`` to one item after the other."""
    return [work(item) for item in items]


def _unsupported(function: Callable[..., object]) -> UnsupportedFunctionError:
    name = getattr(function, "__name__", type(function).__name__)
    return UnsupportedFunctionError(
        f"config.tools: {name} is async, which this client cannot call; use client.aio or a sync function"
    )
