"""Reading what a client sends: with a limit on size, a limit on silence, and gzip undone."""

from __future__ import annotations

import zlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any

import grpc

from gemwire_emulator.errors import StatusError
from gemwire_emulator.http.json_errors import HttpFailure
from gemwire_emulator.http.task_interrupt import TaskInterrupt

#: The service's own limit on a JSON request.
MAX_BODY_BYTES = 20 * 2**20
#: Bytes beyond that which are still read, and forgotten, before an error is said.
_SURPLUS = 10 * MAX_BODY_BYTES
#: Seconds without a byte after which a body is given up: who sends one byte a minute holds no memory.
READ_TIMEOUT = 30.0

Receive = Callable[[], Awaitable[Any]]


class ClientDisconnected(Exception):
    """The client has left."""


async def iter_chunks(receive: Receive) -> AsyncGenerator[bytes, None]:
    """A body as it arrives.

    Args:
        receive: ASGI's.

    Raises:
        ClientDisconnected: The client left before it was complete.
        HttpFailure: The client sent nothing for too long.
    """
    more = True
    while more:
        with TaskInterrupt(READ_TIMEOUT, _silent):
            message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        more = message.get("more_body", False)
        if message.get("body"):
            yield message["body"]


async def read_body(receive: Receive, headers: Mapping[str, Any], most: int = MAX_BODY_BYTES) -> bytes:
    """A body, all of it.

    Args:
        receive: ASGI's.
        headers: The request's; keys in lower case.
        most: Bytes that it may have, also when decompressed.

    Raises:
        ClientDisconnected: The client left before it was complete.
        StatusError: It is too large, or not what its headers say.
    """
    length = headers.get("content-length")
    if length in {None, "0"} and "transfer-encoding" not in headers:
        return b""
    encoding = headers.get("content-encoding", "identity").lower()
    if encoding not in {"identity", "gzip"}:
        raise HttpFailure(
            415,
            grpc.StatusCode.INVALID_ARGUMENT,
            f"Content-Encoding {encoding!r} is not understood; gzip is.",
        )
    unzip = zlib.decompressobj(wbits=31) if encoding == "gzip" else None
    body, surplus = bytearray(), 0
    async for chunk in iter_chunks(receive):
        if surplus or len(body) > most:
            # Few clients read before they have sent all: one that is hung up on hears of no error.
            surplus += len(chunk)
            if surplus > _SURPLUS:
                break
            continue
        try:
            body += unzip.decompress(chunk, most + 1 - len(body)) if unzip else chunk
        except zlib.error as error:
            raise StatusError(grpc.StatusCode.INVALID_ARGUMENT, f"The body is no gzip: {error}.") from None
    if len(body) > most:
        raise _too_large(most)
    if unzip and body and not unzip.eof:
        raise StatusError(grpc.StatusCode.INVALID_ARGUMENT, "The body is no complete gzip.")
    return bytes(body)


def _silent() -> HttpFailure:
    return HttpFailure(
        408,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        f"No part of the request's body came for {READ_TIMEOUT:g} s.",
        {"connection": "close"},
    )


def _too_large(most: int) -> HttpFailure:
    return HttpFailure(
        413,
        grpc.StatusCode.INVALID_ARGUMENT,
        f"Request payload size exceeds the limit: {most} bytes.",
        {"connection": "close"},
    )
