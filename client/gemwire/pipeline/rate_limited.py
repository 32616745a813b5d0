"""Rate limits around a function."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar

from gemwire.limits import Limits
from gemwire.limits.token_count import prompt_tokens

_T = TypeVar("_T")
_R = TypeVar("_R")


def rate_limited(function: Callable[[_T], Awaitable[_R]], limits: Limits) -> Callable[[_T], Awaitable[_R]]:
    """Return a function that calls the given one once the limits admit the item."""
    price = limits.price if limits.tokens_per_minute is not None else None

    async def call(item: _T) -> _R:
        tokens: float = 0
        if price is not None:
            priced = price(item)
            tokens = await priced if inspect.isawaitable(priced) else priced
        permit = await limits.acquire(tokens)
        result = await function(item)
        # Results of any other kind, numbers included, say nothing about tokens.
        if price is not None and (used := prompt_tokens(result)) is not None:
            permit.settle(used)
        return result

    return call
