"""Streams of events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from gemwire.genai._convert.error_details import details_as_json
from gemwire_proto import interactions
from gemwire_proto.interactions.views import InteractionSSEEvent


class AsyncEventMessages(Protocol):
    """The messages of one streaming call, live, recorded or replayed."""

    def __aiter__(self) -> AsyncIterator[interactions.InteractionSSEEvent]: ...
    def cancel(self) -> bool: ...


class AsyncEventStream:
    """The events of an interaction in the order of their arrival; leaving the loop ends the call.

    It is an iterator as well, and a context manager that ends the call.
    """

    def __init__(self, stream: AsyncEventMessages) -> None:
        """Read a stream of messages."""
        self._stream = stream
        self._iterator: AsyncIterator[InteractionSSEEvent] | None = None

    def __aiter__(self) -> AsyncIterator[InteractionSSEEvent]:
        # The loop alone holds its iterator, so that leaving it ends the call.
        return self._iterator or self._read()

    async def __anext__(self) -> InteractionSSEEvent:
        if self._iterator is None:
            self._iterator = self._read()
        return await self._iterator.__anext__()

    async def _read(self) -> AsyncIterator[InteractionSSEEvent]:
        with details_as_json:
            async for message in self._stream:
                yield InteractionSSEEvent.of(message)

    async def __aenter__(self) -> AsyncEventStream:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self.cancel()

    async def aclose(self) -> None:
        """End the call, as closing a generator does."""
        self.cancel()

    def cancel(self) -> bool:
        """End the call, from any task or thread.

        Returns:
            Whether there was something left to end.
        """
        return self._stream.cancel()
