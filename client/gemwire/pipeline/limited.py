"""A function whose calls keep to limits."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from gemwire.limits import Limits


def limited(function: Callable[[Any], Awaitable[Any]], limits: Limits) -> Callable[[Any], Awaitable[Any]]:
    """The same function, begun when the limits have room for the item."""
    price = limits.price if limits.tokens_per_minute is not None else None

    async def call(item: Any) -> Any:
        tokens: Any = 0
        if price is not None:
            tokens = price(item)
            if inspect.isawaitable(tokens):
                tokens = await tokens
        permit = await limits.acquire(tokens)
        result = await function(item)
        if price is not None:
            permit.settle(result)
        return result

    return call
