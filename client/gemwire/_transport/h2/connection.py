"""The client's side of one HTTP/2 connection (RFC 9113), without I/O.

`Connection.receive` takes bytes as they arrive, in any portions, and calls the receivers of the streams.
`Connection.data_to_send` returns what is to be written. Neither raises: a peer that breaks the protocol
ends the connection, which `Connection.failure` tells.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gemwire._transport.h2 import frames
from gemwire._transport.h2.closed_streams import ClosedStreams, PeerEnd
from gemwire._transport.h2.errors import ErrorCode, ProtocolError, describe
from gemwire._transport.h2.header_assembly import HeaderAssembly, StreamHeaders
from gemwire._transport.h2.send_buffer import SendBuffer
from gemwire._transport.h2.stream import Stream, StreamReceiver

#: Limit of a response's header fields, counted as SETTINGS_MAX_HEADER_LIST_SIZE is. Error details are in
#: them, so it is larger than gRPC's 16 KiB.
MAX_HEADER_LIST_SIZE: Final = 65_536
#: Window of a stream: what arrives while nobody reads it. Longer messages extend it, see `Stream.expect`.
STREAM_WINDOW: Final = 1 << 20
#: Window of the connection. Its bytes are returned as they arrive, so that a stream that is not read holds
#: back no other one.
CONNECTION_WINDOW: Final = 16 << 20

#: Streams that are opened before the peer's SETTINGS arrive (RFC 9113, section 6.5.2, recommends no less).
_STREAMS_AT_FIRST = 100
_MAX_STREAM_ID = (1 << 31) - 1
#: Frames in a row that carry nothing (section 10.5).
_MAX_EMPTY_FRAMES = 1_000
_HTTP1 = b"HTTP/1."


class Connection:
    """One connection.

    Attributes:
        streams: The open streams by their identifiers.
        max_streams: Streams that the peer accepts at a time.
        failure: Description of why the connection ended; None while it is usable for open streams.
        is_draining: Whether the peer accepts no further streams (GOAWAY).
        is_ready: Whether the peer's SETTINGS have arrived.
        pings_unanswered: Number of own pings without a reply.
    """

    def __init__(
        self,
        on_pending: Callable[[], None] = lambda: None,
        *,
        max_header_list_size: int = MAX_HEADER_LIST_SIZE,
    ) -> None:
        """Initialize a connection; `data_to_send` begins with the preface.

        Args:
            on_pending: Called when `data_to_send` has something to return; must not call it.
            max_header_list_size: Limit of a response's header fields, in bytes.
        """
        self.streams: dict[int, Stream] = {}
        self.max_streams = _STREAMS_AT_FIRST
        self.failure: str | None = None
        self.is_draining = False
        self.is_ready = False
        self.pings_unanswered = 0
        self._next_id = 1
        self._last_id = _MAX_STREAM_ID
        self._closed = ClosedStreams()
        self._headers = HeaderAssembly(max_header_list_size)
        self._unreturned = 0
        self._partial = b""
        self._empty_frames = 0
        self._sending = SendBuffer(on_pending)
        settings = {
            frames.HEADER_TABLE_SIZE: 0,
            frames.ENABLE_PUSH: 0,
            frames.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
            frames.MAX_HEADER_LIST_SIZE: max_header_list_size,
        }
        window = CONNECTION_WINDOW - frames.DEFAULT_WINDOW
        for frame in (
            frames.PREFACE,
            frames.encode_settings(settings),
            frames.encode_window_update(0, window),
        ):
            self._sending.add(frame)

    @property
    def has_room(self) -> bool:
        """Whether another stream can be opened now."""
        return (
            self.failure is None
            and not self.is_draining
            and len(self.streams) < self.max_streams
            and self._next_id <= _MAX_STREAM_ID
        )

    @property
    def has_unsent(self) -> bool:
        """Whether `data_to_send` has something to return."""
        return bool(self._sending)

    # What the client does.

    def open_stream(self, receiver: StreamReceiver, block: bytes) -> Stream:
        """Open a stream and send its header block. `has_room` must be true.

        Args:
            receiver: Receives the events of the stream.
            block: Encoded header fields.
        """
        stream_id = self._next_id
        self._next_id = stream_id + 2
        self._empty_frames = 0
        stream = Stream(self, stream_id, receiver, self._sending.initial_window, STREAM_WINDOW)
        self.streams[stream_id] = stream
        self._sending.add_block(stream_id, block)
        return stream

    def send_data(self, stream: Stream, pieces: tuple[bytes, ...], end: bool) -> None:
        """See `Stream.send`."""
        self._sending.add_data(stream, pieces, end)

    def reset_stream(self, stream: Stream, code: ErrorCode) -> None:
        """See `Stream.reset`."""
        self._forget(stream)
        self.send_frame(frames.encode_rst_stream(stream.id, code))

    def send_frame(self, frame: bytes) -> None:
        """Append an encoded frame to what is to be sent."""
        self._sending.add(frame)

    def ping(self) -> None:
        """Send a PING (section 6.7); the reply resets `pings_unanswered`."""
        self.pings_unanswered += 1
        self.send_frame(frames.encode(frames.PING, 0, 0, b"gemwire\0"))

    def close(self) -> None:
        """End all streams, and announce it with GOAWAY (section 6.8)."""
        if self.failure is None:
            self._end(ErrorCode.NO_ERROR, "the client was closed during the call", ErrorCode.CANCEL)

    def data_to_send(self) -> bytes:
        """Return the bytes to write next; call again when they have left, until nothing is returned."""
        return self._sending.take()

    # What the peer does.

    def receive_eof(self) -> None:
        """Take the end of the connection."""
        self.lose("the connection was closed by the server")

    def lose(self, message: str) -> None:
        """Take the loss of the connection; nothing can be sent any more."""
        if self.failure is None:
            self._end(None, message, None)

    def receive(self, data: bytes) -> None:
        """Take bytes that arrived."""
        if self.failure is not None:
            return
        if self._partial:
            data = self._partial + data
        try:
            self._partial = data[self._parse(data) :]
        except ProtocolError as error:
            self._end(error.code, f"the server broke HTTP/2: {error}", error.code)

    def _parse(self, data: bytes) -> int:
        """Handle all whole frames; return the number of bytes that they have."""
        at, end = 0, len(data)
        if not self.is_ready and data.startswith(_HTTP1[:end]):
            if end >= len(_HTTP1):
                raise ProtocolError(ErrorCode.HTTP_1_1_REQUIRED, "it answers in HTTP/1.1")
            return 0
        unpack, streams = frames.HEADER.unpack_from, self.streams
        while end - at >= frames.HEADER_SIZE:
            high, low, kind, flags, stream_id = unpack(data, at)
            size = high << 8 | low
            # Section 4.2; the announced SETTINGS_MAX_FRAME_SIZE is the default.
            if size > frames.MIN_FRAME_SIZE:
                raise ProtocolError(ErrorCode.FRAME_SIZE_ERROR, f"frame of {size} bytes")
            start = at + frames.HEADER_SIZE
            stop = start + size
            if stop > end:
                break
            at = stop
            stream_id &= frames.STREAM_ID_MASK
            if kind == frames.DATA and not self._headers.is_partial and (stream := streams.get(stream_id)):
                self._receive_data(stream, data, start, stop, flags)
            else:
                self._receive_frame(kind, flags, stream_id, data[start:stop])
            if self.failure is not None:
                return end
        return at

    def _receive_data(self, stream: Stream, data: bytes, start: int, stop: int, flags: int) -> None:
        """Take a DATA frame of an open stream (section 6.1)."""
        size = stop - start
        self._return_to_window(size)
        stream.receive_window -= size
        if stream.receive_window < 0:
            self._fail_stream(stream, ErrorCode.FLOW_CONTROL_ERROR, "the server exceeded the window")
            return
        if not stream.has_headers:
            if not self.is_ready:
                raise _no_settings()
            self._fail_stream(stream, ErrorCode.PROTOCOL_ERROR, "DATA before HEADERS")
            return
        is_end = flags & frames.END_STREAM
        if flags & frames.PADDED:
            start, stop = frames.strip_padding(data, start, stop)
            stream.consume(size - (stop - start))
        if start < stop:
            self._empty_frames = 0
            stream.receiver.receive_data(data, start, stop)
        elif not is_end:
            self._count_empty_frame()
        if is_end and not stream.is_closed:
            self._end_stream(stream)
            stream.receiver.receive_end()

    def _return_to_window(self, size: int) -> None:
        """Count bytes of DATA against the window of the connection, and return them to it (section 6.9)."""
        self._unreturned += size
        if self._unreturned * 2 >= CONNECTION_WINDOW:
            self.send_frame(frames.encode_window_update(0, self._unreturned))
            self._unreturned = 0

    def _receive_frame(self, kind: int, flags: int, stream_id: int, payload: bytes) -> None:
        if self._headers.is_partial and kind != frames.CONTINUATION:
            raise ProtocolError(ErrorCode.PROTOCOL_ERROR, "a header block was interrupted")
        if not self.is_ready and (kind != frames.SETTINGS or flags & frames.ACK):
            raise _no_settings()
        if kind in (frames.DATA, frames.HEADERS, frames.PRIORITY, frames.RST_STREAM, frames.CONTINUATION):
            if not stream_id:
                raise ProtocolError(ErrorCode.PROTOCOL_ERROR, f"frame of type {kind} on stream 0")
        elif kind in (frames.SETTINGS, frames.PING, frames.GOAWAY) and stream_id:
            raise ProtocolError(ErrorCode.PROTOCOL_ERROR, f"frame of type {kind} on stream {stream_id}")
        if kind == frames.HEADERS:
            self._receive_block(self._headers.receive_headers(stream_id, flags, payload))
        elif kind == frames.CONTINUATION:
            self._receive_block(self._headers.receive_continuation(stream_id, flags, payload))
        elif kind == frames.DATA:
            self._receive_late_data(stream_id, flags, payload)
        elif kind == frames.WINDOW_UPDATE:
            self._receive_window_update(stream_id, payload)
        elif kind == frames.RST_STREAM:
            self._receive_rst_stream(stream_id, payload)
        elif kind == frames.SETTINGS:
            self._receive_settings(flags, payload)
        elif kind == frames.PING:
            self._receive_ping(flags, payload)
        elif kind == frames.GOAWAY:
            self._receive_goaway(payload)
        elif kind == frames.PRIORITY:
            self._receive_priority(stream_id, payload)
        elif kind == frames.PUSH_PROMISE:
            # Section 8.4: ENABLE_PUSH is 0.
            raise ProtocolError(ErrorCode.PROTOCOL_ERROR, "PUSH_PROMISE, which was disabled")
        else:
            # Section 5.5: unknown frames are ignored.
            self._count_empty_frame()

    def _receive_block(self, headers: StreamHeaders | None) -> None:
        """Take a header block, if it is whole."""
        if headers is None:
            return
        stream_id, block, is_end = headers
        stream = self.streams.get(stream_id)
        if stream is None:
            self._check_late_frame(stream_id, is_end)
            return
        rule = block.malformed
        if not rule and not stream.has_headers and block.status is None:
            rule = "response without :status"
        elif not rule and stream.has_headers and (block.status is not None or not is_end):
            # Section 8.1: trailers have no pseudo-header fields and end the stream.
            rule = "a second response" if block.status is not None else "trailers that do not end the stream"
        is_informational = block.status is not None and block.status < 200
        if not rule and is_informational and is_end:
            rule = "stream ended by an informational response"
        if rule:
            self._fail_stream(stream, ErrorCode.PROTOCOL_ERROR, f"malformed response: {rule}")
            return
        if is_informational:
            self._count_empty_frame()
            return
        self._empty_frames = 0
        stream.has_headers = True
        if is_end:
            self._end_stream(stream)
        stream.receiver.receive_headers(block, is_end)

    def _receive_late_data(self, stream_id: int, flags: int, payload: bytes) -> None:
        """Take DATA of a stream that has ended here; it counts for the window of the connection."""
        self._return_to_window(len(payload))
        self._check_late_frame(stream_id, bool(flags & frames.END_STREAM))
        if not payload:
            self._count_empty_frame()

    def _check_late_frame(self, stream_id: int, is_end: bool) -> None:
        """Ignore a frame that may have been sent before the peer learnt that the stream has ended.

        Raises:
            ProtocolError: The stream was never opened, or the peer had ended it (section 5.1).
        """
        self._check_opened(stream_id)
        end = self._closed.find(stream_id)
        if end is PeerEnd.FINISHED:
            raise ProtocolError(ErrorCode.STREAM_CLOSED, f"frame on stream {stream_id}, which it had ended")
        if end is PeerEnd.RESET:
            self._sending.add_reply(frames.encode_rst_stream(stream_id, ErrorCode.STREAM_CLOSED))
        elif is_end:
            self._closed.add(stream_id, PeerEnd.FINISHED)

    def _check_opened(self, stream_id: int) -> None:
        if stream_id >= self._next_id or not stream_id & 1:
            raise ProtocolError(ErrorCode.PROTOCOL_ERROR, f"frame on stream {stream_id}, which is idle")

    def _receive_priority(self, stream_id: int, payload: bytes) -> None:
        """Ignore a priority (section 6.3), which is deprecated."""
        self._count_empty_frame()
        stream = self.streams.get(stream_id)
        if len(payload) != 5 and stream is not None:
            self._fail_stream(stream, ErrorCode.FRAME_SIZE_ERROR, "PRIORITY of a wrong size")

    def _receive_rst_stream(self, stream_id: int, payload: bytes) -> None:
        """Take the end of a stream (section 6.4)."""
        if len(payload) != 4:
            raise ProtocolError(ErrorCode.FRAME_SIZE_ERROR, "RST_STREAM of a wrong size")
        stream = self.streams.get(stream_id)
        if stream is None:
            self._check_opened(stream_id)
            self._count_empty_frame()
            return
        code = frames.decode_uint32(payload)
        self._forget(stream)
        self._closed.add(stream_id, PeerEnd.RESET)
        message = f"the server reset the stream: {describe(code)}"
        # Section 8.7: a refused stream was not processed.
        stream.receiver.receive_failure(code, message, code == ErrorCode.REFUSED_STREAM)

    def _receive_settings(self, flags: int, payload: bytes) -> None:
        """Apply the settings of the peer (section 6.5)."""
        if flags & frames.ACK:
            if payload:
                raise ProtocolError(ErrorCode.FRAME_SIZE_ERROR, "SETTINGS acknowledgement with a payload")
            self._count_empty_frame()
            return
        if len(payload) % 6:
            raise ProtocolError(ErrorCode.FRAME_SIZE_ERROR, "SETTINGS of a wrong size")
        for setting, value in frames.decode_settings(payload):
            if setting == frames.ENABLE_PUSH and value:
                raise ProtocolError(ErrorCode.PROTOCOL_ERROR, f"ENABLE_PUSH is {value}")
            if setting == frames.MAX_CONCURRENT_STREAMS:
                self.max_streams = value
            elif setting == frames.INITIAL_WINDOW_SIZE:
                self._sending.set_initial_window(value, self.streams.values())
            elif setting == frames.MAX_FRAME_SIZE:
                if not frames.MIN_FRAME_SIZE <= value <= frames.MAX_FRAME_SIZE_LIMIT:
                    raise ProtocolError(ErrorCode.PROTOCOL_ERROR, f"MAX_FRAME_SIZE is {value}")
                self._sending.max_frame_size = value
        if not self.is_ready:
            self.is_ready = True
            if frames.MAX_CONCURRENT_STREAMS not in dict(frames.decode_settings(payload)):
                # Without the setting there is no limit.
                self.max_streams = _MAX_STREAM_ID
        self._sending.add_reply(frames.SETTINGS_ACK)

    def _receive_ping(self, flags: int, payload: bytes) -> None:
        """Answer a PING, or take the answer to one (section 6.7)."""
        if len(payload) != 8:
            raise ProtocolError(ErrorCode.FRAME_SIZE_ERROR, "PING of a wrong size")
        if flags & frames.ACK:
            if not self.pings_unanswered:
                self._count_empty_frame()
            self.pings_unanswered = 0
            return
        self._sending.add_reply(frames.encode(frames.PING, frames.ACK, 0, payload))

    def _receive_goaway(self, payload: bytes) -> None:
        """End the streams that the peer will not process; the others go on (section 6.8).

        A graceful end comes in two frames, of which the first names the highest possible stream.
        """
        if len(payload) < 8:
            raise ProtocolError(ErrorCode.FRAME_SIZE_ERROR, "GOAWAY of a wrong size")
        last_id = frames.decode_uint32(payload) & frames.STREAM_ID_MASK
        code = frames.decode_uint32(payload, 4)
        if last_id > self._last_id:
            raise ProtocolError(ErrorCode.PROTOCOL_ERROR, "GOAWAY with a higher stream than before")
        self._last_id = last_id
        self.is_draining = True
        reason = payload[8:72].decode("latin-1")
        text = f"the server ends the connection: {describe(code)}{reason and f' ({reason})'}"
        for stream in [stream for stream_id, stream in self.streams.items() if stream_id > last_id]:
            self._forget(stream)
            stream.receiver.receive_failure(code, text, True)

    def _receive_window_update(self, stream_id: int, payload: bytes) -> None:
        """Extend a window (section 6.9)."""
        if len(payload) != 4:
            raise ProtocolError(ErrorCode.FRAME_SIZE_ERROR, "WINDOW_UPDATE of a wrong size")
        increment = frames.decode_uint32(payload) & frames.STREAM_ID_MASK
        if not stream_id:
            if not increment:
                raise ProtocolError(ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE by 0")
            self._sending.extend_window(increment)
            return
        stream = self.streams.get(stream_id)
        if stream is None:
            self._check_opened(stream_id)
            self._count_empty_frame()
            return
        if not increment:
            self._fail_stream(stream, ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE by 0")
        elif not self._sending.extend_stream_window(stream, increment):
            self._fail_stream(stream, ErrorCode.FLOW_CONTROL_ERROR, "window too large")

    # How streams and the connection end.

    def _count_empty_frame(self) -> None:
        self._empty_frames += 1
        if self._empty_frames > _MAX_EMPTY_FRAMES:
            raise ProtocolError(ErrorCode.ENHANCE_YOUR_CALM, f"{_MAX_EMPTY_FRAMES} frames without content")

    def _end_stream(self, stream: Stream) -> None:
        """Forget a stream that the peer has ended.

        If the request has not been sent completely, the rest is not wanted (section 8.1).
        """
        self._forget(stream)
        self._closed.add(stream.id, PeerEnd.FINISHED)
        if not stream.is_ended:
            self.send_frame(frames.encode_rst_stream(stream.id, ErrorCode.NO_ERROR))

    def _fail_stream(self, stream: Stream, code: ErrorCode, message: str) -> None:
        """End a stream on which the peer broke a rule (section 5.4.2)."""
        self.reset_stream(stream, code)
        stream.receiver.receive_failure(code, message, False)

    def _forget(self, stream: Stream) -> None:
        stream.is_closed = True
        self.streams.pop(stream.id, None)
        self._sending.forget(stream)

    def _end(self, code: ErrorCode | None, message: str, stream_code: ErrorCode | None) -> None:
        """End the connection; with a code, tell the peer."""
        self.failure = message
        if code is None:
            self._sending.clear()
        else:
            self.send_frame(frames.encode_goaway(0, code))
        self._partial = b""
        self._headers.clear()
        for stream in list(self.streams.values()):
            self._forget(stream)
            stream.receiver.receive_failure(stream_code, message, stream.id > self._last_id)


def _no_settings() -> ProtocolError:
    """Build the error of section 3.4."""
    return ProtocolError(ErrorCode.PROTOCOL_ERROR, "its first frame is not SETTINGS")
