"""How a program's own functions are called. Written by hand on both sides."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

_T = TypeVar("_T")


def check(functions: Iterable[Callable[..., Any]]) -> None:
    """Refuse functions that cannot be called; here all can."""


async def called(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What a function returns. One that is not async runs in a thread, as it may take its time."""
    if _is_async(function):
        return await function(*args, **kwargs)
    result = await asyncio.to_thread(function, *args, **kwargs)
    return await result if inspect.isawaitable(result) else result


async def each(work: Callable[[Any], Awaitable[_T]], items: Iterable[Any]) -> list[_T]:
    """The outcomes of some work for each item, all at once, in the order of the items."""
    return list(await asyncio.gather(*map(work, items)))


def _is_async(function: Any) -> bool:
    # Of an object that can be called, only its method says so; partials are looked through by inspect.
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)
