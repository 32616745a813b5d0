"""How long tests wait for what ought to be there at once: for a condition, never for a time."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any

#: Seconds. Far more than a busy machine needs, and far less than what hangs in a test hangs for: 30 or more.
PATIENCE = 15.0


def comes(condition: Callable[[], Any], within: float = PATIENCE) -> bool:
    """Whether something becomes true. In asyncio, ask from a thread, so that the loop goes on."""
    end = time.monotonic() + within
    while not (found := condition()) and time.monotonic() < end:
        time.sleep(0.005)
    return bool(found)


async def comes_in_loop(condition: Callable[[], Any], within: float = PATIENCE) -> bool:
    """The same for what happens on this event loop; the condition may be awaitable."""
    end = time.monotonic() + within
    while True:
        found = condition()
        if inspect.isawaitable(found):
            found = await found
        if found or time.monotonic() > end:
            return bool(found)
        await asyncio.sleep(0.005)
