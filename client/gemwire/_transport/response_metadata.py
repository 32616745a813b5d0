"""Metadata of responses, for those who ask for it: what a server sends before the message of a unary call.

Streams have methods for theirs. A unary call is over when its response is there, and callers of most calls do
not want more; so metadata is collected only where something to take it is set.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextvars import ContextVar, Token


class ReceivedMetadata:
    """Metadata of one response, as it arrived; values of keys that end with ``-bin`` are bytes.

    It is read when a program asks for it: few do, and grpc's own object is slow to iterate over.

    Attributes:
        pairs: The metadata.
    """

    __slots__ = ("pairs",)

    def __init__(self) -> None:
        """Begin without metadata."""
        self.pairs: Iterable[tuple[str, str | bytes]] = ()

    def __iter__(self) -> Iterator[tuple[str, str | bytes]]:
        return iter(self.pairs)


#: Where unary calls leave the metadata of their responses; None to drop it.
RECEIVED: ContextVar[ReceivedMetadata | None] = ContextVar("RECEIVED", default=None)


def collect(pairs: Iterable[tuple[str, str | bytes]]) -> None:
    """Keep the metadata of a response, if it is asked for. An earlier attempt's is replaced."""
    received = RECEIVED.get()
    if received is not None:
        received.pairs = pairs


def start_collecting() -> tuple[ReceivedMetadata, Token[ReceivedMetadata | None]]:
    """Return what takes the metadata of the next response in this context, and what ends that."""
    received = ReceivedMetadata()
    return received, RECEIVED.set(received)


def stop_collecting(token: Token[ReceivedMetadata | None]) -> None:
    """End what `start_collecting` began."""
    try:
        RECEIVED.reset(token)
    except ValueError:
        # A coroutine that was dropped is closed in the context of another: its own one is gone.
        return
