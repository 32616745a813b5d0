"""What is to be written to a connection: frames, and data that waits for a window."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from gemwire._transport.h2 import frames
from gemwire._transport.h2.errors import ErrorCode, ProtocolError
from gemwire._transport.h2.stream import Stream

#: Bytes that are collected for one write; the rest waits until they have left.
_WRITE_SIZE: Final = 256 << 10
#: Replies that a peer may ask for without reading any (RFC 9113, section 10.5).
_MAX_REPLIES: Final = 1_000


class SendBuffer:
    """The frames to write next, and the flow control of what the client sends (RFC 9113, section 5.2).

    Attributes:
        initial_window: Window of a new stream, as the peer has set it.
        max_frame_size: Largest payload that the peer accepts.
    """

    __slots__ = (
        "_frames",
        "_on_pending",
        "_replies",
        "_sendable",
        "_size",
        "_window",
        "initial_window",
        "max_frame_size",
    )

    def __init__(self, on_pending: Callable[[], None]) -> None:
        """``on_pending`` is called when there is something to write."""
        self._on_pending = on_pending
        self.initial_window = frames.DEFAULT_WINDOW
        self.max_frame_size = frames.MIN_FRAME_SIZE
        self._window = frames.DEFAULT_WINDOW
        self._frames: list[bytes | memoryview] = []
        self._size = 0
        self._replies = 0
        #: Streams that can send data now, in turn.
        self._sendable: dict[int, Stream] = {}

    def __bool__(self) -> bool:
        return bool(self._frames) or (self._window > 0 and bool(self._sendable))

    def add(self, frame: bytes) -> None:
        """Append an encoded frame."""
        if not self._frames:
            self._on_pending()
        self._frames.append(frame)
        self._size += len(frame)

    def add_reply(self, frame: bytes) -> None:
        """Append a frame that the peer asked for.

        Raises:
            ProtocolError: The peer asks and asks without reading the replies.
        """
        self._replies += 1
        if self._replies > _MAX_REPLIES:
            raise ProtocolError(ErrorCode.ENHANCE_YOUR_CALM, f"{_MAX_REPLIES} replies that it does not read")
        self.add(frame)

    def add_block(self, stream_id: int, block: bytes) -> None:
        """Append a header block, as HEADERS and as many CONTINUATION as it takes (sections 6.2 and 6.10)."""
        kind, limit = frames.HEADERS, self.max_frame_size
        while len(block) > limit:
            self.add(frames.encode(kind, 0, stream_id, block[:limit]))
            kind, block = frames.CONTINUATION, block[limit:]
        self.add(frames.encode(kind, frames.END_HEADERS, stream_id, block))

    def add_data(self, stream: Stream, pieces: tuple[bytes, ...], end: bool) -> None:
        """Append data of a stream, or keep it until the windows permit."""
        size = sum(map(len, pieces))
        if (
            not stream.unsent
            and size <= stream.send_window
            and size <= self._window
            and size <= self.max_frame_size
            and self._size < _WRITE_SIZE
        ):
            self._add_frame(stream, pieces, size, end)
            return
        stream.unsent.extend(memoryview(piece) for piece in pieces if piece)
        stream.is_ending = end
        self._make_sendable(stream)

    def take(self) -> bytes:
        """Return the bytes to write next."""
        if self._sendable:
            self._add_waiting_data()
        data = b"".join(self._frames)
        self._frames.clear()
        self._size = self._replies = 0
        return data

    def clear(self) -> None:
        """Drop everything."""
        self._frames.clear()
        self._sendable.clear()
        self._size = 0

    def forget(self, stream: Stream) -> None:
        """Drop the data of a stream that waits."""
        stream.unsent.clear()
        self._sendable.pop(stream.id, None)

    def extend_window(self, increment: int) -> None:
        """Extend the window of the connection.

        Raises:
            ProtocolError: It gets too large (section 6.9.1).
        """
        self._window += increment
        if self._window > frames.MAX_WINDOW:
            raise ProtocolError(ErrorCode.FLOW_CONTROL_ERROR, "window of the connection too large")

    def extend_stream_window(self, stream: Stream, increment: int) -> bool:
        """Extend the window of a stream; returns whether it is valid (section 6.9.1)."""
        stream.send_window += increment
        self._make_sendable(stream)
        return stream.send_window <= frames.MAX_WINDOW

    def set_initial_window(self, size: int, streams: Iterable[Stream]) -> None:
        """Change the windows of new and open streams (section 6.9.2).

        Raises:
            ProtocolError: A window gets too large.
        """
        change = size - self.initial_window
        self.initial_window = size
        if size > frames.MAX_WINDOW or not all(
            self.extend_stream_window(stream, change) for stream in streams
        ):
            raise ProtocolError(ErrorCode.FLOW_CONTROL_ERROR, f"INITIAL_WINDOW_SIZE of {size}")

    def _make_sendable(self, stream: Stream) -> None:
        if (stream.unsent and stream.send_window > 0) or (stream.is_ending and not stream.unsent):
            self._sendable[stream.id] = stream
            self._on_pending()

    def _add_waiting_data(self) -> None:
        """Append waiting data of the streams in turn, one frame each."""
        while self._sendable and self._size < _WRITE_SIZE:
            stream = next(iter(self._sendable.values()))
            room = min(stream.send_window, self._window, self.max_frame_size)
            if stream.unsent and room <= 0:
                if self._window <= 0:
                    return
                del self._sendable[stream.id]
                continue
            del self._sendable[stream.id]
            pieces, size = _take_pieces(stream, room)
            self._add_frame(stream, pieces, size, stream.is_ending and not stream.unsent)
            if stream.unsent:
                self._sendable[stream.id] = stream
            else:
                stream.receiver.resume_sending()

    def _add_frame(
        self, stream: Stream, pieces: Iterable[bytes | memoryview], size: int, is_end: bool
    ) -> None:
        """Append a DATA frame (section 6.1)."""
        flags = frames.END_STREAM if is_end else 0
        self.add(frames.encode_header(frames.DATA, flags, stream.id, size))
        self._frames += pieces
        self._size += size
        stream.send_window -= size
        self._window -= size
        if is_end:
            stream.is_ending, stream.is_ended = False, True


def _take_pieces(stream: Stream, room: int) -> tuple[list[memoryview], int]:
    """Take as much of a stream's waiting data as there is room for."""
    pieces: list[memoryview] = []
    size = 0
    while stream.unsent and size < room:
        piece = stream.unsent.popleft()
        rest = room - size
        if len(piece) > rest:
            stream.unsent.appendleft(piece[rest:])
            piece = piece[:rest]
        pieces.append(piece)
        size += len(piece)
    return pieces, size
