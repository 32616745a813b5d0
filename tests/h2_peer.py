"""The other side of an HTTP/2 connection, in memory: recorded events, and frames by hand and by hpack."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

import hpack

from gemwire._transport.h2.connection import Connection
from gemwire._transport.h2.header_decoding import HeaderBlock
from gemwire._transport.h2.header_encoding import encode_field
from gemwire._transport.h2.stream import Stream

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = (
    range(10)
)
END_STREAM = ACK = 0x1
END_HEADERS, PADDED, HAS_PRIORITY = 0x4, 0x8, 0x20
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

REQUEST = encode_field(b":method", b"POST") + encode_field(b":path", b"/a.B/C")
RESPONSE = [(":status", "200"), ("content-type", "application/grpc")]


@dataclass(frozen=True)
class Frame:
    """A frame as the peer sees it."""

    kind: int
    flags: int
    stream_id: int
    payload: bytes

    @property
    def number(self) -> int:
        """The last 4 bytes of the payload: an increment or a code."""
        return int.from_bytes(self.payload[-4:], "big")


def frame(kind: int, flags: int, stream_id: int, payload: bytes = b"") -> bytes:
    """Encode a frame."""
    return len(payload).to_bytes(3, "big") + struct.pack(">BBL", kind, flags, stream_id) + payload


def uint32(number: int) -> bytes:
    """Encode 4 bytes."""
    return struct.pack(">L", number)


def settings(**values: int) -> bytes:
    """Encode SETTINGS by the names of RFC 9113, in lower case."""
    names = {"enable_push": 2, "max_concurrent_streams": 3, "initial_window_size": 4, "max_frame_size": 5}
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HL", names[name], n) for name, n in values.items()))


def block(*fields: tuple[str, str]) -> bytes:
    """Encode header fields by hpack, for a table of size 0."""
    encoder = hpack.Encoder()
    encoder.header_table_size = 0
    return bytes(encoder.encode(fields or RESPONSE))


def response(stream_id: int, *fields: tuple[str, str], end: bool = False) -> bytes:
    """Encode a HEADERS frame, by default the beginning of a gRPC response."""
    flags = END_HEADERS | (END_STREAM if end else 0)
    return frame(HEADERS, flags, stream_id, block(*fields))


def trailers(stream_id: int, status: int = 0, *fields: tuple[str, str]) -> bytes:
    """Encode the trailers of a gRPC response."""
    return response(stream_id, ("grpc-status", str(status)), *fields, end=True)


def message(payload: bytes, compressed: int = 0) -> bytes:
    """Encode a length-prefixed message."""
    return struct.pack(">BL", compressed, len(payload)) + payload


def parse(data: bytes) -> list[Frame]:
    """Return the frames that a client sent, without the preface."""
    data = data.removeprefix(PREFACE)
    found = []
    while data:
        size = int.from_bytes(data[:3], "big")
        kind, flags, stream_id = struct.unpack(">BBL", data[3:9])
        assert len(data) >= 9 + size
        found.append(Frame(kind, flags, stream_id, data[9 : 9 + size]))
        data = data[9 + size :]
    return found


@dataclass
class Recorder:
    """A receiver that records events."""

    headers: list[HeaderBlock] = field(default_factory=list)
    data: bytes = b""
    ended: bool = False
    failure: tuple[int | None, str, bool] | None = None
    drained: int = 0

    def receive_headers(self, block: HeaderBlock, is_end: bool) -> None:
        self.headers.append(block)
        self.ended = self.ended or is_end

    def receive_data(self, data: bytes, start: int, stop: int) -> None:
        self.data += data[start:stop]

    def receive_end(self) -> None:
        self.ended = True

    def receive_failure(self, code: int | None, message: str, unprocessed: bool) -> None:
        self.failure = code, message, unprocessed

    def resume_sending(self) -> None:
        self.drained += 1


def connect(**values: int) -> Connection:
    """Return a connection whose peer has sent its settings; what the client sent until then is taken."""
    connection = Connection()
    connection.receive(settings(**values) + frame(SETTINGS, ACK, 0))
    connection.data_to_send()
    return connection


def open_stream(connection: Connection) -> tuple[Stream, Recorder]:
    """Open a stream whose request is complete; what the client sent for it is taken."""
    recorder = Recorder()
    stream = connection.open_stream(recorder, REQUEST)
    stream.send(end=True)
    connection.data_to_send()
    return stream, recorder
