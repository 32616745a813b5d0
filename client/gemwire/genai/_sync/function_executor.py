"""How a program's own functions are called. Written by hand on both sides."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from gemwire.genai.errors import UnsupportedFunctionError

_T = TypeVar("_T")


def check(functions: Iterable[Callable[..., Any]]) -> None:
    """Refuse functions that cannot be called.

    Raises:
        UnsupportedFunctionError: One is async.
    """
    for function in functions:
        # Of an object that can be called, only its method says so; partials are looked through by inspect.
        if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__):
            raise _refusal(function)


def called(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What a function returns.

    Raises:
        UnsupportedFunctionError: It is to be awaited.
    """
    result = function(*args, **kwargs)
    if inspect.isawaitable(result):
        if inspect.iscoroutine(result):
            result.close()
        raise _refusal(function)
    return result


def each(work: Callable[[Any], _T], items: Iterable[Any]) -> list[_T]:
    """The outcomes of some work for each item, one after the other."""
    return [work(item) for item in items]


def _refusal(function: Any) -> UnsupportedFunctionError:
    name = getattr(function, "__name__", type(function).__name__)
    return UnsupportedFunctionError(
        f"config.tools: {name} is async, which client.aio calls; this client calls functions that are not"
    )
