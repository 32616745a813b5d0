# Derived from genai/_aio/event_stream.py by scripts/unasync. DO NOT EDIT.
"""Streams of events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from gemwire.genai._convert.error_details import details_as_json
from gemwire_proto import interactions
from gemwire_proto.interactions.views import InteractionSSEEvent


class EventMessages(Protocol):
    """The messages of one streaming call, live, recorded or replayed."""

    def __iter__(self) -> Iterator[interactions.InteractionSSEEvent]: ...
    def cancel(self) -> bool: ...


class EventStream:
    """The events of an interaction in the order of their arrival; leaving the loop ends the call.

    It is an iterator as well, and a context manager that ends the call.
    """

    def __init__(self, stream: EventMessages) -> None:
        """Read a stream of messages."""
        self._stream = stream
        self._iterator: Iterator[InteractionSSEEvent] | None = None

    def __iter__(self) -> Iterator[InteractionSSEEvent]:
        # The loop alone holds its iterator, so that leaving it ends the call.
        return self._iterator or self._read()

    def __next__(self) -> InteractionSSEEvent:
        if self._iterator is None:
            self._iterator = self._read()
        return self._iterator.__next__()

    def _read(self) -> Iterator[InteractionSSEEvent]:
        with details_as_json:
            for message in self._stream:
                yield InteractionSSEEvent.of(message)

    def __enter__(self) -> EventStream:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.cancel()

    def close(self) -> None:
        """End the call, as closing a generator does."""
        self.cancel()

    def cancel(self) -> bool:
        """End the call, from any thread.

        Returns:
            Whether there was something left to end.
        """
        return self._stream.cancel()
