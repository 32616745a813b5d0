"""Error codes and connection errors of HTTP/2."""

from __future__ import annotations

from enum import IntEnum


class ErrorCode(IntEnum):
    """Reason of RST_STREAM and GOAWAY (RFC 9113, section 7)."""

    NO_ERROR = 0x0
    PROTOCOL_ERROR = 0x1
    INTERNAL_ERROR = 0x2
    FLOW_CONTROL_ERROR = 0x3
    SETTINGS_TIMEOUT = 0x4
    STREAM_CLOSED = 0x5
    FRAME_SIZE_ERROR = 0x6
    REFUSED_STREAM = 0x7
    CANCEL = 0x8
    COMPRESSION_ERROR = 0x9
    CONNECT_ERROR = 0xA
    ENHANCE_YOUR_CALM = 0xB
    INADEQUATE_SECURITY = 0xC
    HTTP_1_1_REQUIRED = 0xD


class ProtocolError(Exception):
    """The peer broke the protocol; the connection ends (RFC 9113, section 5.4.1).

    Attributes:
        code: Code that GOAWAY carries.
    """

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code


def describe(code: int) -> str:
    """Return the name of an error code, or its number if RFC 9113 does not name it."""
    try:
        return ErrorCode(code).name
    except ValueError:
        return f"code {code:#x}"
