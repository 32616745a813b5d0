"""Statuses of gRPC calls: from trailers, HTTP statuses and error codes of HTTP/2."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from gemwire._transport.h2.errors import ErrorCode
from gemwire._transport.h2.header_decoding import Field, HeaderBlock

ReceivedMetadata = tuple[tuple[str, str | bytes], ...]

OK: Final = 0
CANCELLED: Final = 1
UNKNOWN: Final = 2
DEADLINE_EXCEEDED: Final = 4
PERMISSION_DENIED: Final = 7
RESOURCE_EXHAUSTED: Final = 8
UNIMPLEMENTED: Final = 12
INTERNAL: Final = 13
UNAVAILABLE: Final = 14
UNAUTHENTICATED: Final = 16

_HTTP_OK: Final = 200
_MAX_DIGITS: Final = 9

#: doc/http-grpc-status-mapping.md of gRPC.
_OF_HTTP: Final = {
    400: INTERNAL,
    401: UNAUTHENTICATED,
    403: PERMISSION_DENIED,
    404: UNIMPLEMENTED,
    429: UNAVAILABLE,
    502: UNAVAILABLE,
    503: UNAVAILABLE,
    504: UNAVAILABLE,
}
#: Section "Errors" of gRPC over HTTP2; INTERNAL for all others.
_OF_CODE: Final[dict[int, int]] = {
    ErrorCode.REFUSED_STREAM: UNAVAILABLE,
    ErrorCode.CANCEL: CANCELLED,
    ErrorCode.ENHANCE_YOUR_CALM: RESOURCE_EXHAUSTED,
    ErrorCode.INADEQUATE_SECURITY: PERMISSION_DENIED,
}


@dataclass(frozen=True, slots=True)
class Status:
    """Outcome of a call.

    Attributes:
        code: Number of the status.
        message: Its text.
        trailers: Trailing metadata.
    """

    code: int
    message: str = ""
    trailers: ReceivedMetadata = ()


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What a header block of a response says.

    Attributes:
        is_grpc: Whether it comes from a gRPC server.
        metadata: Its metadata.
        encoding: Compression of compressed messages.
        status: Status that it carries as trailers.
    """

    is_grpc: bool
    metadata: ReceivedMetadata
    encoding: str
    status: Status


def is_grpc(block: HeaderBlock) -> bool:
    """Return whether a response that begins with this block comes from a gRPC server."""
    return _interpret(block).is_grpc


def metadata_of(block: HeaderBlock) -> ReceivedMetadata:
    """Return the metadata of a header block, values in base64 decoded."""
    return _interpret(block).metadata


def encoding_of(block: HeaderBlock) -> str:
    """Return how compressed messages are compressed."""
    return _interpret(block).encoding


def from_trailers(block: HeaderBlock) -> Status:
    """Return the status that trailers carry."""
    return _interpret(block).status


def _interpret(block: HeaderBlock) -> _Meaning:
    """Return the meaning of a block; computed once, as most responses have equal ones."""
    found = block.meaning
    if isinstance(found, _Meaning):
        return found
    metadata = _decode_metadata(block.fields)
    named = dict(reversed(block.fields))
    kind = named.get("content-type", "")
    made = block.meaning = _Meaning(
        block.status == _HTTP_OK
        and (kind == "application/grpc" or kind.startswith(("application/grpc+", "application/grpc;"))),
        metadata,
        named.get("grpc-encoding", "identity"),
        _decode_status(block.fields, metadata),
    )
    return made


def _decode_status(fields: tuple[Field, ...], metadata: ReceivedMetadata) -> Status:
    number = message = ""
    for name, value in fields:
        if name == "grpc-status":
            number = value
        elif name == "grpc-message":
            # Percent-encoded; what is not stays as it is.
            message = unquote(value, errors="replace")
    if number.isascii() and number.isdecimal() and len(number) <= _MAX_DIGITS:
        return Status(int(number), message, metadata)
    text = f"trailers with grpc-status {number[:20]!r}" if number else "trailers without grpc-status"
    return Status(UNKNOWN, f"the server sent {text}", metadata)


def from_http(block: HeaderBlock, body: bytes) -> Status:
    """Return the status of a response that is not gRPC's, such as that of a proxy."""
    kind = dict(block.fields).get("content-type", "no content-type")
    text = f"HTTP {block.status} and {kind} instead of gRPC"
    if start := body.decode("utf-8", "replace").strip():
        text += f": {start}"
    return Status(_OF_HTTP.get(block.status or 0, UNKNOWN), text, metadata_of(block))


def from_code(code: int | None, message: str) -> Status:
    """Return the status of a stream that failed; without a code, the connection was lost."""
    return Status(UNAVAILABLE if code is None else _OF_CODE.get(code, INTERNAL), message)


def _decode_metadata(fields: tuple[Field, ...]) -> ReceivedMetadata:
    pairs: list[tuple[str, str | bytes]] = []
    for name, value in fields:
        if name in ("grpc-status", "grpc-message", "content-type", "grpc-encoding", "grpc-accept-encoding"):
            continue
        if name.endswith("-bin"):
            # Several values may be joined by commas.
            pairs += [(name, decoded) for item in value.split(",") if (decoded := _decode(item)) is not None]
        else:
            pairs.append((name, value))
    return tuple(pairs)


def _decode(value: str) -> bytes | None:
    """Decode base64, padded or not; None for what is none."""
    raw = value.strip().encode("latin-1")
    try:
        return base64.b64decode(raw + b"=" * (-len(raw) % 4))
    except binascii.Error:
        return None
