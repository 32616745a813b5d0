"""Streams that the peer ended lately."""

from __future__ import annotations

from collections import deque
from enum import Enum

#: Streams that are remembered. Frames on older ones are ignored, as if they had been sent in time.
_MEMORY = 100


class PeerEnd(Enum):
    """How the peer ended a stream."""

    FINISHED = "END_STREAM"
    RESET = "RST_STREAM"


class ClosedStreams:
    """The streams that the peer ended last: further frames on these are errors (RFC 9113, section 5.1).

    Streams that were reset here are not among them. The peer may have sent any number of frames before it
    learnt of that, so they are ignored, however many streams are left.
    """

    __slots__ = ("_ends", "_order")

    def __init__(self) -> None:
        self._ends: dict[int, PeerEnd] = {}
        self._order: deque[int] = deque()

    def add(self, stream_id: int, end: PeerEnd) -> None:
        """Remember a stream."""
        self._ends[stream_id] = end
        self._order.append(stream_id)
        if len(self._order) > _MEMORY:
            del self._ends[self._order.popleft()]

    def find(self, stream_id: int) -> PeerEnd | None:
        """Return how the peer ended a stream; None if it did not, or long ago."""
        return self._ends.get(stream_id)
