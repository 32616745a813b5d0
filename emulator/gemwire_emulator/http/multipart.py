"""A streaming reader of ``multipart/related`` with two parts: JSON, and bytes that are never buffered."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from email.message import Message

from gemwire_emulator.errors import invalid_argument
from gemwire_emulator.http.request_body import MAX_BODY_BYTES

_END_OF_HEADERS = b"\r\n\r\n"
_FIELD = "Content-Type"


def parse_parameter(content_type: str, name: str) -> str:
    """Return a parameter of a Content-Type, such as its boundary; empty if it is missing."""
    message = Message()
    message[_FIELD] = content_type
    found = message.get_param(name)
    return found if isinstance(found, str) else ""


class MultipartReader:
    """A reader of a body of two parts: `read_json`, then `iter_data`.

    Attributes:
        content_type: Type of the second part; known once the first was read.
    """

    def __init__(self, content_type: str, chunks: AsyncGenerator[bytes, None]) -> None:
        """Prepare to read.

        Args:
            content_type: Content-Type of the request.
            chunks: The body as it arrives.

        Raises:
            StatusError: The type is not ``multipart/related`` with a boundary.
        """
        boundary = parse_parameter(content_type, "boundary")
        if not content_type.lower().lstrip().startswith("multipart/") or not boundary:
            raise invalid_argument(_FIELD, "must be multipart/related; boundary=… for a multipart upload")
        self._delimiter = b"\r\n--" + boundary.encode("latin-1", "replace")
        # The first delimiter may lack the line break before it.
        self._buffer = bytearray(b"\r\n")
        self._chunks = chunks
        self.content_type = ""

    async def read_json(self) -> bytes:
        """Read the first part; a preamble before it is ignored.

        Raises:
            StatusError: The part is missing or too large.
        """
        await self._read_until(self._delimiter)
        await self._read_until(_END_OF_HEADERS)
        first = await self._read_until(self._delimiter)
        headers = await self._read_until(_END_OF_HEADERS)
        found = re.search(rb"(?im)^content-type:[ \t]*([^\r\n]*)", headers)
        self.content_type = found[1].decode("latin-1").strip() if found else ""
        return first

    async def iter_data(self) -> AsyncGenerator[bytes, None]:
        """Yield the second part as it arrives; an epilogue after it is ignored.

        Raises:
            StatusError: The part is truncated.
        """
        # A delimiter may be split between chunks.
        held = len(self._delimiter) - 1
        while True:
            at = self._buffer.find(self._delimiter)
            if at >= 0:
                yield bytes(self._buffer[:at])
                break
            if len(self._buffer) > held:
                yield bytes(self._buffer[:-held])
                del self._buffer[:-held]
            await self._receive()
        async for _ in self._chunks:
            pass

    async def _read_until(self, mark: bytes) -> bytes:
        """Remove and return what precedes a mark; the mark is removed as well."""
        searched = 0
        while (at := self._buffer.find(mark, searched)) < 0:
            if len(self._buffer) > MAX_BODY_BYTES:
                raise invalid_argument("body", f"the JSON part exceeds the limit: {MAX_BODY_BYTES} bytes")
            searched = max(0, len(self._buffer) - len(mark))
            await self._receive()
        before = bytes(self._buffer[:at])
        del self._buffer[: at + len(mark)]
        return before

    async def _receive(self) -> None:
        chunk = await anext(self._chunks, None)
        if chunk is None:
            raise invalid_argument("body", "is truncated: two parts and --boundary-- at the end are required")
        self._buffer += chunk
