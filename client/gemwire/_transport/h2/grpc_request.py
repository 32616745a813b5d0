"""Header fields of gRPC requests (gRPC over HTTP2, section "Requests")."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Iterable
from typing import Final

from gemwire._transport.h2.header_encoding import encode_field

Metadata = Iterable[tuple[str, str | bytes]]

_KEY = re.compile(r"[0-9a-z_.-]+")
_ASCII_VALUE = re.compile(r"[\x20-\x7e]*")
#: Fields that gRPC or HTTP/2 set.
_RESERVED: Final = frozenset(
    {"te", "content-type", "connection", "host", "transfer-encoding", "keep-alive", "upgrade"}
)
#: Fields that intermediaries must not keep.
_SECRET: Final = frozenset({"authorization", "x-goog-api-key", "cookie", "proxy-authorization"})

#: Units of grpc-timeout, in which at most 8 digits may stand.
_UNITS: Final = ((1e6, "u"), (1e3, "m"), (1.0, "S"), (1 / 60, "M"), (1 / 3600, "H"))
_MAX_TIMEOUT: Final = 99_999_999


def encode_request(path: str, authority: str, scheme: str, user_agent: str) -> bytes:
    """Encode the fields that all calls of a method have in common."""
    return b"".join(
        encode_field(name, value.encode())
        for name, value in (
            (b":method", "POST"),
            (b":scheme", scheme),
            (b":path", path),
            (b":authority", authority),
            (b"te", "trailers"),
            (b"content-type", "application/grpc"),
            (b"user-agent", user_agent),
            (b"grpc-accept-encoding", "identity,gzip"),
        )
    )


def encode_timeout(seconds: float) -> bytes:
    """Encode a ``grpc-timeout``, rounded up."""
    for factor, unit in _UNITS:
        number = math.ceil(seconds * factor)
        if number <= _MAX_TIMEOUT:
            return encode_field(b"grpc-timeout", f"{max(number, 1)}{unit}".encode())
    return encode_field(b"grpc-timeout", f"{_MAX_TIMEOUT}H".encode())


def encode_metadata(pairs: Metadata) -> bytes:
    """Encode pairs; values of keys that end in ``-bin`` are bytes, those of others ASCII.

    Raises:
        ValueError: A key or a value cannot be sent; the error names the key.
        TypeError: A value is of a wrong type.
    """
    encoded = []
    for key, value in pairs:
        if key in _RESERVED or key.startswith("grpc-"):
            raise ValueError(f"metadata: {key!r} is set by gRPC; leave it out")
        if not _KEY.fullmatch(key):
            raise ValueError(f"metadata: {key!r} is not a key: use lower case letters, digits, '-', '_', '.'")
        if key.endswith("-bin"):
            if not isinstance(value, bytes):
                raise TypeError(f"metadata: {key} needs bytes, got {type(value).__name__}")
            raw = base64.b64encode(value).rstrip(b"=")
        else:
            text = value.decode("latin-1") if isinstance(value, bytes) else value
            if not _ASCII_VALUE.fullmatch(text):
                raise ValueError(f"metadata: the value of {key} is not printable ASCII; use a key in -bin")
            raw = text.encode()
        encoded.append(encode_field(key.encode(), raw, secret=key in _SECRET))
    return b"".join(encoded)
