"""Who is told that a server had no room for an attempt.

The retry layer hides such answers from callers, and whoever decides how much is begun at once wants to
know of them. Nothing is looked up for attempts that succeed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from gemwire.errors import APIError

#: Called with each RESOURCE_EXHAUSTED or UNAVAILABLE that a server answers to calls of this context, and
#: with the moment (``time.monotonic()``) at which the attempt began. From the thread of the call.
listener: ContextVar[Callable[[APIError, float], Any] | None] = ContextVar("gemwire.pressure", default=None)


def refused(error: APIError, began: float) -> None:
    """Tell whoever listens.

    Args:
        error: The answer.
        began: When the attempt began.
    """
    told = listener.get()
    if told is not None:
        told(error, began)
