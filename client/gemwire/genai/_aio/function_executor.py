"""Execution of a program's own functions. Written by hand on both sides."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def check_functions(functions: Iterable[Callable[..., object]]) -> None:
    """Accept all functions; the sync client refuses async ones."""


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
