"""One stream of a connection, seen from the client."""

from __future__ import annotations

from collections import deque
from typing import Protocol

from gemwire._transport.h2 import frames
from gemwire._transport.h2.errors import ErrorCode
from gemwire._transport.h2.header_decoding import HeaderBlock


class StreamReceiver(Protocol):
    """Receives the events of a stream. Its methods must not raise."""

    def receive_headers(self, block: HeaderBlock, is_end: bool) -> None:
        """Take a header block that is no 1xx response; the second one is the trailers and ends the stream."""

    def receive_data(self, data: bytes, start: int, stop: int) -> None:
        """Take ``data[start:stop]``; `Stream.consume` returns the bytes to the window."""

    def receive_end(self) -> None:
        """Take the end of a stream that has no trailers."""

    def receive_failure(self, code: int | None, message: str, unprocessed: bool) -> None:
        """Take the failure of the stream or its connection; no event follows.

        Args:
            code: Code of RST_STREAM, or of the rule that the peer broke; None if the connection was lost.
            message: Description.
            unprocessed: Whether the peer has certainly not processed the request.
        """

    def resume_sending(self) -> None:
        """Note that everything that was given to `Stream.send` has left."""


class StreamOwner(Protocol):
    """The connection, as far as its streams know it."""

    def send_data(self, stream: Stream, pieces: tuple[bytes, ...], end: bool) -> None:
        """Send the pieces one after the other; ``end`` adds END_STREAM."""

    def reset_stream(self, stream: Stream, code: ErrorCode) -> None:
        """Send RST_STREAM and forget the stream."""

    def send_frame(self, frame: bytes) -> None:
        """Send an encoded frame."""


class Stream:
    """One stream: its windows, and the data that waits for them.

    Attributes:
        id: Identifier.
        receiver: Receives its events.
        is_closed: Whether it has ended, for whatever reason.
        send_window: Bytes of DATA that the peer permits; may be negative (RFC 9113, section 6.9.2).
        receive_window: Bytes of DATA that the peer may still send.
        unsent: Data that waits for a window.
        is_ending: Whether END_STREAM follows the unsent data.
        is_ended: Whether END_STREAM was sent.
        has_headers: Whether the response has begun.
    """

    __slots__ = (
        "_connection",
        "_consumed",
        "_initial_window",
        "has_headers",
        "id",
        "is_closed",
        "is_ended",
        "is_ending",
        "receive_window",
        "receiver",
        "send_window",
        "unsent",
    )

    def __init__(
        self, connection: StreamOwner, stream_id: int, receiver: StreamReceiver, send_window: int, window: int
    ) -> None:
        """Made by `Connection.open_stream`."""
        self._connection = connection
        self.id = stream_id
        self.receiver = receiver
        self.send_window = send_window
        self.receive_window = self._initial_window = window
        self.unsent: deque[memoryview] = deque()
        self.is_ending = False
        self.is_ended = False
        self.is_closed = False
        self.has_headers = False
        self._consumed = 0

    def send(self, *pieces: bytes, end: bool = False) -> None:
        """Send data, now or when the windows permit; ``end`` adds END_STREAM."""
        if not self.is_closed:
            self._connection.send_data(self, pieces, end)

    def reset(self, code: ErrorCode = ErrorCode.CANCEL) -> None:
        """End the stream at once, unless it has ended. The receiver gets no further event."""
        if not self.is_closed:
            self._connection.reset_stream(self, code)

    def consume(self, size: int) -> None:
        """Return received bytes to the window: they were read (RFC 9113, section 6.9.1).

        They are announced in portions, as each costs a frame.
        """
        self._consumed += size
        if self._consumed * 2 >= self._initial_window and not self.is_closed:
            self._extend_window(self._consumed)
            self._consumed = 0

    def expect(self, size: int) -> None:
        """Permit the peer to send ``size`` more bytes, whatever was read: the rest of a long message."""
        missing = size - self.receive_window
        if missing > 0 and not self.is_closed:
            # These bytes are returned once: here, in advance.
            self._consumed -= missing
            self._extend_window(missing)

    def _extend_window(self, size: int) -> None:
        self.receive_window += size
        self._connection.send_frame(frames.encode_window_update(self.id, size))
