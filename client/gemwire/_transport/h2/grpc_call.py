"""One gRPC call on a stream (gRPC over HTTP2): messages in and out, metadata, status."""

from __future__ import annotations

import struct
import zlib
from collections import deque
from collections.abc import Callable
from typing import Final

from gemwire._transport.h2.connection import Connection
from gemwire._transport.h2.errors import ErrorCode
from gemwire._transport.h2.grpc_status import (
    CANCELLED,
    INTERNAL,
    OK,
    RESOURCE_EXHAUSTED,
    UNIMPLEMENTED,
    ReceivedMetadata,
    Status,
    encoding_of,
    from_code,
    from_http,
    from_trailers,
    is_grpc,
    metadata_of,
)
from gemwire._transport.h2.header_decoding import HeaderBlock
from gemwire._transport.h2.stream import Stream

#: Length-prefixed message: whether it is compressed, and its size.
_PREFIX: Final = struct.Struct(">BL")
_PREFIX_SIZE: Final = 5
#: What zlib is told for gzip.
_GZIP: Final = 31
#: Bytes of a foreign response that its error shows.
_MAX_BODY: Final = 200


class CompressedMessage(bytes):
    """A message that is still compressed, so that what is not read yet stays small."""

    __slots__ = ()


class GrpcCall:
    """One call. Its reader takes messages until there are none and `status` is set.

    Attributes:
        status: Outcome; None while the call runs.
        initial_metadata: Metadata of the response; None until it arrives.
        messages: Messages that arrived and were not taken.
        unprocessed: Whether the server has certainly not processed the call.
        is_truncated: Whether the server's status is OK, but its last message is cut off.
    """

    __slots__ = (
        "_body",
        "_encoding",
        "_foreign",
        "_max_message_size",
        "_missing",
        "_on_event",
        "_partial",
        "_stream",
        "initial_metadata",
        "is_truncated",
        "messages",
        "status",
        "unprocessed",
    )

    def __init__(self, on_event: Callable[[], None], max_message_size: int | None) -> None:
        """Initialize a call that is not started yet.

        Args:
            on_event: Called after anything has arrived or been sent; must not raise.
            max_message_size: Limit of a response message, in bytes; None for none.
        """
        self._on_event = on_event
        self._max_message_size = max_message_size
        self._stream: Stream | None = None
        self._partial: list[bytes] = []
        self._missing = 0
        self._encoding = "identity"
        self._foreign: HeaderBlock | None = None
        self._body = b""
        self.messages: deque[bytes] = deque()
        self.initial_metadata: ReceivedMetadata | None = None
        self.status: Status | None = None
        self.unprocessed = False
        self.is_truncated = False

    # What the client does.

    def start(self, connection: Connection, header_block: bytes) -> None:
        """Send the header block of the request."""
        self._stream = connection.open_stream(self, header_block)

    def send(self, message: bytes, *, end: bool = False) -> None:
        """Send a message; ``end`` for the last one."""
        if self._stream is not None:
            self._stream.send(_PREFIX.pack(0, len(message)), message, end=end)

    def send_end(self) -> None:
        """Send the end of the request, without a message."""
        if self._stream is not None:
            self._stream.send(end=True)

    @property
    def unsent_size(self) -> int:
        """Bytes that wait for the server to permit them."""
        return sum(map(len, self._stream.unsent)) if self._stream else 0

    def cancel(self, status: Status | None = None) -> bool:
        """End the call here, with a status that tells why; returns whether it was still running."""
        if self.status is not None:
            return False
        self._finish(status or Status(CANCELLED, "the call was cancelled"))
        return True

    def take(self) -> bytes | None:
        """Return the next message; None if there is none now."""
        if not self.messages:
            return None
        message = self.messages.popleft()
        if self._stream is not None:
            self._stream.consume(len(message) + _PREFIX_SIZE)
        return message if type(message) is bytes else self._decompress(message)

    # What the server does: see `StreamReceiver`.

    def receive_headers(self, block: HeaderBlock, is_end: bool) -> None:
        is_first = self.initial_metadata is None
        if self._foreign is not None:
            self._finish_foreign(self._foreign)
        elif is_first and not is_grpc(block):
            self._foreign = block
            if is_end:
                self._finish_foreign(block)
        elif is_end:
            if is_first:
                self.initial_metadata = ()
            self._receive_status(from_trailers(block))
        else:
            self.initial_metadata = metadata_of(block)
            self._encoding = encoding_of(block)
        self._on_event()

    def receive_data(self, data: bytes, start: int, stop: int) -> None:
        if self._foreign is not None:
            self._receive_body(self._foreign, data[start:stop])
            return
        if self._missing:
            self._partial.append(data[start:stop])
            self._missing -= stop - start
            if self._missing > 0:
                return
            data = b"".join(self._partial)
            self._partial.clear()
            self._missing = 0
            start, stop = 0, len(data)
        messages = self.messages
        while stop - start >= _PREFIX_SIZE:
            compressed, size = _PREFIX.unpack_from(data, start)
            end = start + _PREFIX_SIZE + size
            if compressed or (self._max_message_size is not None and size > self._max_message_size):
                fault = self._check_prefix(compressed, size)
                if fault is not None:
                    self._finish(fault)
                    self._on_event()
                    return
            if end > stop:
                break
            message = data[start + _PREFIX_SIZE : end]
            messages.append(CompressedMessage(message) if compressed else message)
            start = end
        if start < stop:
            self._begin_partial(data[start:stop])
        self._on_event()

    def receive_end(self) -> None:
        if self._foreign is not None:
            self._finish_foreign(self._foreign)
        else:
            self._finish(Status(INTERNAL, "the server ended the stream without a status"))
        self._on_event()

    def receive_failure(self, code: int | None, message: str, unprocessed: bool) -> None:
        if self._foreign is not None:
            self._finish_foreign(self._foreign)
        else:
            self.unprocessed = unprocessed
            self._finish(from_code(code, message))
        self._on_event()

    def resume_sending(self) -> None:
        self._on_event()

    def _receive_status(self, status: Status) -> None:
        if status.code == OK and self._missing:
            self.is_truncated = True
            status = Status(INTERNAL, f"the last message lacks {self._missing} bytes", status.trailers)
        self._finish(status)

    def _receive_body(self, block: HeaderBlock, data: bytes) -> None:
        """Collect the beginning of a response that is not gRPC's."""
        self._body += data[: _MAX_BODY - len(self._body)]
        if self._stream is not None:
            self._stream.consume(len(data))
        if len(self._body) >= _MAX_BODY:
            self._finish_foreign(block)
            self._on_event()

    def _finish_foreign(self, block: HeaderBlock) -> None:
        self._finish(from_http(block, self._body))

    def _check_prefix(self, compressed: int, size: int) -> Status | None:
        """Return the status that a message with this prefix ends the call with; None for a valid one."""
        if compressed > 1:
            return Status(INTERNAL, f"a message begins with {compressed:#04x}; it is not one of gRPC")
        if compressed and self._encoding == "identity":
            return Status(INTERNAL, "a compressed message, but no grpc-encoding")
        if compressed and self._encoding != "gzip":
            return Status(UNIMPLEMENTED, f"grpc-encoding {self._encoding[:40]!r} is not supported")
        limit = self._max_message_size
        if limit is not None and size > limit:
            return Status(RESOURCE_EXHAUSTED, f"a message of {size} bytes; the limit is {limit}")
        return None

    def _begin_partial(self, data: bytes) -> None:
        """Keep the beginning of a message, and permit the server to send the rest of it."""
        self._partial.append(data)
        if len(data) < _PREFIX_SIZE:
            self._missing = _PREFIX_SIZE - len(data)
            return
        self._missing = _PREFIX.unpack_from(data)[1] + _PREFIX_SIZE - len(data)
        if self._stream is not None:
            self._stream.expect(self._missing)

    def _decompress(self, message: bytes) -> bytes | None:
        limit = self._max_message_size
        decompressor = zlib.decompressobj(_GZIP)
        try:
            data = decompressor.decompress(message, 0 if limit is None else limit + 1)
        except zlib.error as error:
            self._finish(Status(INTERNAL, f"a message is not gzip: {error}"), again=True)
            return None
        if limit is not None and len(data) > limit:
            text = f"a message of more than {limit} bytes, decompressed"
            self._finish(Status(RESOURCE_EXHAUSTED, text), again=True)
            return None
        if not decompressor.eof:
            self._finish(Status(INTERNAL, "a compressed message is cut off"), again=True)
            return None
        return data

    def _finish(self, status: Status, *, again: bool = False) -> None:
        """Set the status, once; ``again`` for a message that turns out bad after the server's status."""
        if self.status is not None and not again:
            return
        self.status = status
        self._partial.clear()
        if again:
            self.messages.clear()
        if self._stream is not None:
            self._stream.reset(ErrorCode.CANCEL)
