"""Frames of HTTP/2: constants and encoding (RFC 9113, sections 4.1 and 6)."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final

from gemwire._transport.h2.errors import ErrorCode, ProtocolError

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

#: Length (as 16 and 8 bits), type, flags, stream identifier with its reserved bit.
HEADER: Final = struct.Struct(">HBBBL")
HEADER_SIZE: Final = 9
STREAM_ID_MASK: Final = 0x7FFFFFFF

DATA: Final = 0x0
HEADERS: Final = 0x1
PRIORITY: Final = 0x2
RST_STREAM: Final = 0x3
SETTINGS: Final = 0x4
PUSH_PROMISE: Final = 0x5
PING: Final = 0x6
GOAWAY: Final = 0x7
WINDOW_UPDATE: Final = 0x8
CONTINUATION: Final = 0x9

END_STREAM: Final = 0x1
ACK: Final = 0x1
END_HEADERS: Final = 0x4
PADDED: Final = 0x8
HAS_PRIORITY: Final = 0x20

#: Settings (section 6.5.2).
HEADER_TABLE_SIZE: Final = 0x1
ENABLE_PUSH: Final = 0x2
MAX_CONCURRENT_STREAMS: Final = 0x3
INITIAL_WINDOW_SIZE: Final = 0x4
MAX_FRAME_SIZE: Final = 0x5
MAX_HEADER_LIST_SIZE: Final = 0x6

DEFAULT_WINDOW: Final = 65_535
MAX_WINDOW: Final = (1 << 31) - 1
MIN_FRAME_SIZE: Final = 16_384
MAX_FRAME_SIZE_LIMIT: Final = (1 << 24) - 1

_SETTING = struct.Struct(">HL")
_UINT32 = struct.Struct(">L")


def encode_header(kind: int, flags: int, stream_id: int, size: int) -> bytes:
    """Encode the header of a frame whose payload has ``size`` bytes."""
    return HEADER.pack(size >> 8, size & 0xFF, kind, flags, stream_id)


def encode(kind: int, flags: int, stream_id: int, payload: bytes) -> bytes:
    """Encode a frame."""
    return encode_header(kind, flags, stream_id, len(payload)) + payload


def encode_settings(settings: Mapping[int, int]) -> bytes:
    """Encode a SETTINGS frame."""
    return encode(SETTINGS, 0, 0, b"".join(_SETTING.pack(*item) for item in settings.items()))


def encode_window_update(stream_id: int, increment: int) -> bytes:
    """Encode a WINDOW_UPDATE frame; stream 0 is the connection."""
    return encode(WINDOW_UPDATE, 0, stream_id, _UINT32.pack(increment))


def encode_rst_stream(stream_id: int, code: int) -> bytes:
    """Encode a RST_STREAM frame."""
    return encode(RST_STREAM, 0, stream_id, _UINT32.pack(code))


def encode_goaway(last_stream_id: int, code: int, debug: bytes = b"") -> bytes:
    """Encode a GOAWAY frame."""
    return encode(GOAWAY, 0, 0, _UINT32.pack(last_stream_id) + _UINT32.pack(code) + debug)


SETTINGS_ACK: Final = encode(SETTINGS, ACK, 0, b"")


def decode_settings(payload: bytes) -> list[tuple[int, int]]:
    """Decode the payload of a SETTINGS frame, whose size is a multiple of 6."""
    return list(_SETTING.iter_unpack(payload))


def decode_uint32(payload: bytes, offset: int = 0) -> int:
    """Decode 4 bytes."""
    number: int = _UINT32.unpack_from(payload, offset)[0]
    return number


def strip_padding(payload: bytes, start: int, stop: int) -> tuple[int, int]:
    """Return where the content of a padded frame begins and ends (sections 6.1 and 6.2).

    Raises:
        ProtocolError: The padding is longer than the frame.
    """
    if start == stop:
        raise ProtocolError(ErrorCode.FRAME_SIZE_ERROR, "padded frame without a length")
    padding = payload[start]
    if padding >= stop - start:
        raise ProtocolError(ErrorCode.PROTOCOL_ERROR, "padding longer than its frame")
    return start + 1, stop - padding
