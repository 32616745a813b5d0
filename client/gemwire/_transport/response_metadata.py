"""Metadata of responses, for those who ask for it: what a server sends before the message of a unary call.

Streams have methods for theirs. A unary call is over when its response is there, and callers of most calls do
not want more; so metadata is collected only where a list for it is set.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar, Token

#: Pairs as they arrived; values of keys that end with ``-bin`` are bytes.
ReceivedMetadata = list[tuple[str, str | bytes]]

#: List that unary calls add the metadata of their responses to; None to leave it.
RECEIVED: ContextVar[ReceivedMetadata | None] = ContextVar("RECEIVED", default=None)


def collect(pairs: Iterable[tuple[str, str | bytes]]) -> None:
    """Add the metadata of a response to the list, if there is one. An earlier attempt's is replaced."""
    received = RECEIVED.get()
    if received is not None:
        received[:] = pairs


def start_collecting() -> tuple[ReceivedMetadata, Token[ReceivedMetadata | None]]:
    """Return a list for the metadata of the next response in this context, and what ends that."""
    received: ReceivedMetadata = []
    return received, RECEIVED.set(received)


def stop_collecting(token: Token[ReceivedMetadata | None]) -> None:
    """End what `start_collecting` began."""
    try:
        RECEIVED.reset(token)
    except ValueError:
        # A coroutine that was dropped is closed in the context of another: its own one is gone.
        return
