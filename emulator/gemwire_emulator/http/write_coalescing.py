"""Small writes made one: headers and body, or the events of one turn of the loop, go out together."""

from __future__ import annotations

import asyncio
from typing import Any

#: Bytes that are not held back any longer: flow control has to hear of them.
_ENOUGH = 16 * 2**10


class CoalescingTransport:
    """A transport that writes when the event loop comes round, or when there is enough."""

    def __init__(self, transport: asyncio.Transport) -> None:
        """Everything else is up to the transport."""
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._parts: list[bytes] = []
        self._size = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write soon."""
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(data)
        self._size += len(data)
        if self._size >= _ENOUGH:
            self._flush()

    def close(self) -> None:
        """Write what there is, and close."""
        self._flush()
        self._transport.close()

    def get_write_buffer_size(self) -> int:
        """Bytes that have not been sent."""
        return self._size + self._transport.get_write_buffer_size()

    def _flush(self) -> None:
        if self._parts and not self._transport.is_closing():
            self._transport.write(b"".join(self._parts))
        self._parts.clear()
        self._size = 0
