"""``multipart/related`` with two parts, JSON and bytes, read as it arrives: the bytes are never held."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from email.message import Message

from gemwire_emulator.errors import invalid_argument
from gemwire_emulator.http.request_body import MAX_BODY_BYTES

_END_OF_HEADERS = b"\r\n\r\n"
_FIELD = "Content-Type"


def parameter(content_type: str, name: str) -> str:
    """A parameter of a Content-Type, such as its boundary; empty without it."""
    message = Message()
    message[_FIELD] = content_type
    found = message.get_param(name)
    return found if isinstance(found, str) else ""


class MultipartReader:
    """A body of two parts.

    Attributes:
        content_type: Of the second part; known once `json` has been read.
    """

    def __init__(self, content_type: str, chunks: AsyncGenerator[bytes, None]) -> None:
        """Nothing is read yet.

        Args:
            content_type: The request's.
            chunks: Its body as it arrives.

        Raises:
            StatusError: The type is not ``multipart/related`` with a boundary.
        """
        boundary = parameter(content_type, "boundary")
        if not content_type.lower().lstrip().startswith("multipart/") or not boundary:
            raise invalid_argument(_FIELD, "must be multipart/related; boundary=… for a multipart upload")
        self._delimiter = b"\r\n--" + boundary.encode("latin-1", "replace")
        # The first boundary may stand at the very beginning.
        self._buffer = bytearray(b"\r\n")
        self._chunks = chunks
        self.content_type = ""

    async def json(self) -> bytes:
        """The first part; what is before it means nothing.

        Raises:
            StatusError: It is too large, or there is none.
        """
        await self._upto(self._delimiter)
        await self._upto(_END_OF_HEADERS)
        first = await self._upto(self._delimiter)
        headers = await self._upto(_END_OF_HEADERS)
        found = re.search(rb"(?im)^content-type:[ \t]*([^\r\n]*)", headers)
        self.content_type = found[1].decode("latin-1").strip() if found else ""
        return first

    async def data(self) -> AsyncGenerator[bytes, None]:
        """The second part as it arrives; what comes behind it means nothing.

        Raises:
            StatusError: It has no end.
        """
        # A boundary may be cut by the pieces in which the body arrives.
        held = len(self._delimiter) - 1
        while True:
            at = self._buffer.find(self._delimiter)
            if at >= 0:
                yield bytes(self._buffer[:at])
                break
            if len(self._buffer) > held:
                yield bytes(self._buffer[:-held])
                del self._buffer[:-held]
            await self._more()
        async for _ in self._chunks:
            pass

    async def _upto(self, mark: bytes) -> bytes:
        """What is before a mark; both are taken out of the buffer."""
        seen = 0
        while (at := self._buffer.find(mark, seen)) < 0:
            if len(self._buffer) > MAX_BODY_BYTES:
                raise invalid_argument(
                    "body", f"the JSON part of a multipart upload has at most {MAX_BODY_BYTES} bytes"
                )
            seen = max(0, len(self._buffer) - len(mark))
            await self._more()
        before = bytes(self._buffer[:at])
        del self._buffer[: at + len(mark)]
        return before

    async def _more(self) -> None:
        chunk = await anext(self._chunks, None)
        if chunk is None:
            raise invalid_argument(
                "body", "ends inside a part; two parts and --boundary-- at the end are needed"
            )
        self._buffer += chunk
