"""A transport that coalesces small writes: headers and body, or the events of one loop iteration."""

from __future__ import annotations

import asyncio

#: Bytes from which a write is not delayed, so that flow control takes effect.
_FLUSH_BYTES = 16 * 2**10


class CoalescingTransport:
    """A transport that writes once per loop iteration, or as soon as enough bytes are waiting."""

    def __init__(self, transport: asyncio.Transport) -> None:
        """Wrap a transport, which does everything but writing and closing."""
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._parts: list[bytes] = []
        self._size = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write in this loop iteration or the next."""
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(data)
        self._size += len(data)
        if self._size >= _FLUSH_BYTES:
            self._flush()

    def close(self) -> None:
        """Flush and close."""
        self._flush()
        self._transport.close()

    def get_write_buffer_size(self) -> int:
        """Return the number of bytes that have not been sent."""
        return self._size + self._transport.get_write_buffer_size()

    def _flush(self) -> None:
        if self._parts and not self._transport.is_closing():
            self._transport.write(b"".join(self._parts))
        self._parts.clear()
        self._size = 0
