"""Reading request bodies: with limits on size and idle time, and with gzip decompressed."""

from __future__ import annotations

import zlib
from collections.abc import AsyncGenerator, Mapping

import grpc
from starlette.types import Receive

from gemwire_emulator.errors import StatusError
from gemwire_emulator.http.json_errors import HttpError
from gemwire_emulator.http.task_interrupt import TaskInterrupt

#: Limit of the service on a JSON request, in bytes.
MAX_BODY_BYTES = 20 * 2**20
#: Bytes beyond the limit that are read and discarded before the error is sent.
_MAX_DISCARDED_BYTES = 10 * MAX_BODY_BYTES
#: Seconds without a byte after which a request is given up, so that slow clients do not hold memory.
IDLE_TIMEOUT = 30.0


class ClientDisconnected(Exception):
    """The client disconnected."""


async def iter_chunks(receive: Receive) -> AsyncGenerator[bytes, None]:
    """Yield a body as it arrives.

    Args:
        receive: ASGI's.

    Raises:
        ClientDisconnected: The client disconnected before the body was complete.
        HttpError: The client sent nothing within the idle timeout.
    """
    more = True
    while more:
        with TaskInterrupt(IDLE_TIMEOUT, _create_idle_error):
            message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        more = message.get("more_body", False)
        if message.get("body"):
            yield message["body"]


async def read_body(receive: Receive, headers: Mapping[str, str], limit: int = MAX_BODY_BYTES) -> bytes:
    """Read a complete body.

    Args:
        receive: ASGI's.
        headers: Headers of the request, with lower-case names.
        limit: Maximum size in bytes, also after decompression.

    Raises:
        ClientDisconnected: The client disconnected before the body was complete.
        StatusError: The body is too large, or not encoded as its headers say.
    """
    length = headers.get("content-length")
    if length in {None, "0"} and "transfer-encoding" not in headers:
        return b""
    encoding = headers.get("content-encoding", "identity").lower()
    if encoding not in {"identity", "gzip"}:
        raise HttpError(
            415,
            grpc.StatusCode.INVALID_ARGUMENT,
            f"Unsupported Content-Encoding {encoding!r}; supported: gzip.",
        )
    gunzip = _Gunzip() if encoding == "gzip" else None
    body, discarded = bytearray(), 0
    async for chunk in iter_chunks(receive):
        if discarded or len(body) > limit:
            # Most clients read only after they have sent everything; closing now would hide the error.
            discarded += len(chunk)
            if discarded > _MAX_DISCARDED_BYTES:
                break
            continue
        try:
            body += gunzip.decompress(chunk, limit + 1 - len(body)) if gunzip else chunk
        except zlib.error as error:
            message = f"The request body is not valid gzip: {error}."
            raise StatusError(grpc.StatusCode.INVALID_ARGUMENT, message) from None
    if len(body) > limit:
        raise _create_size_error(limit)
    if gunzip and not gunzip.complete:
        raise StatusError(grpc.StatusCode.INVALID_ARGUMENT, "The request body is truncated gzip.")
    return bytes(body)


class _Gunzip:
    """Decompression of gzip, which may have several members.

    Attributes:
        complete: Whether the data so far is nothing, or whole members.
    """

    def __init__(self) -> None:
        self.complete = True
        self._member = zlib.decompressobj(wbits=31)

    def decompress(self, data: bytes, limit: int) -> bytes:
        """Decompress more data, to about ``limit`` bytes."""
        pieces = bytearray()
        while data and len(pieces) < limit:
            if self._member.eof:
                # Members may be padded with zeros.
                data = data.lstrip(b"\0")
                if not data:
                    break
                self._member = zlib.decompressobj(wbits=31)
            pieces += self._member.decompress(data, limit - len(pieces))
            self.complete = self._member.eof
            data = self._member.unused_data
        return bytes(pieces)


def _create_idle_error() -> HttpError:
    return HttpError(
        408,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        f"No part of the request body arrived for {IDLE_TIMEOUT:g} s.",
        {"connection": "close"},
    )


def _create_size_error(limit: int) -> HttpError:
    return HttpError(
        413,
        grpc.StatusCode.INVALID_ARGUMENT,
        f"Request payload size exceeds the limit: {limit} bytes.",
        {"connection": "close"},
    )
