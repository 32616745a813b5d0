"""Header blocks from HEADERS and CONTINUATION frames (RFC 9113, sections 4.3, 6.2 and 6.10)."""

from __future__ import annotations

from typing import NamedTuple

from gemwire._transport.h2 import frames
from gemwire._transport.h2.errors import ErrorCode, ProtocolError
from gemwire._transport.h2.header_decoding import HeaderBlock, HeaderDecoder


class StreamHeaders(NamedTuple):
    """A whole header block.

    Attributes:
        stream_id: Its stream.
        block: The decoded block.
        is_end: Whether it ends the stream.
    """

    stream_id: int
    block: HeaderBlock
    is_end: bool


class HeaderAssembly:
    """The header block that is arriving. Until it is whole, no other frame may come.

    Attributes:
        is_partial: Whether the next frame has to be a CONTINUATION.
    """

    __slots__ = ("_decoder", "_is_end", "_max_size", "_pieces", "_stream_id", "is_partial")

    def __init__(self, max_size: int) -> None:
        """``max_size``: the announced SETTINGS_MAX_HEADER_LIST_SIZE, in bytes."""
        self._decoder = HeaderDecoder(max_size)
        self._max_size = max_size
        self._stream_id = 0
        self._is_end = False
        self._pieces: list[bytes] = []
        self.is_partial = False

    def receive_headers(self, stream_id: int, flags: int, payload: bytes) -> StreamHeaders | None:
        """Take a HEADERS frame; return the block if it is whole.

        Raises:
            ProtocolError: The frame or the block breaks a rule.
        """
        start, stop = 0, len(payload)
        if flags & frames.PADDED:
            start, stop = frames.strip_padding(payload, start, stop)
        if flags & frames.HAS_PRIORITY:
            start += 5
            if start > stop:
                raise ProtocolError(ErrorCode.FRAME_SIZE_ERROR, "HEADERS too short for its priority")
        block, is_end = payload[start:stop], bool(flags & frames.END_STREAM)
        if flags & frames.END_HEADERS:
            return StreamHeaders(stream_id, self._decoder.decode(block), is_end)
        self._stream_id, self._is_end, self._pieces, self.is_partial = stream_id, is_end, [block], True
        return None

    def receive_continuation(self, stream_id: int, flags: int, payload: bytes) -> StreamHeaders | None:
        """Take a CONTINUATION frame; see `receive_headers`."""
        if not self.is_partial or self._stream_id != stream_id:
            raise ProtocolError(ErrorCode.PROTOCOL_ERROR, "CONTINUATION without HEADERS")
        pieces = self._pieces
        pieces.append(payload)
        if sum(map(len, pieces)) > self._max_size or (not payload and len(pieces) > 2):
            raise ProtocolError(ErrorCode.ENHANCE_YOUR_CALM, "endless header block")
        if not flags & frames.END_HEADERS:
            return None
        block = b"".join(pieces)
        self.clear()
        return StreamHeaders(stream_id, self._decoder.decode(block), self._is_end)

    def clear(self) -> None:
        """Drop a block that is not whole."""
        self._pieces, self.is_partial = [], False
