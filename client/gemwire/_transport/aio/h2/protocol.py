"""The socket side of one connection."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import cast

from gemwire._transport.aio.loop_end import abandon_with_loop
from gemwire._transport.h2.connection import Connection
from gemwire._transport.h2.keepalive import INTERVAL, SILENT, Action, Keepalive


class H2Protocol(asyncio.Protocol):
    """Moves bytes between a socket and the protocol core, and watches the connection.

    Attributes:
        core: The protocol core.
        ready: Set when the server's settings have arrived.
        reserved: Streams that waiting calls are about to open.
    """

    def __init__(self, on_change: Callable[[H2Protocol], None]) -> None:
        """``on_change`` is called when streams may have ended, and when the connection ends."""
        self._loop = asyncio.get_running_loop()
        self._on_change = on_change
        self._transport: asyncio.Transport | None = None
        self._receiving = False
        self._flush_scheduled = False
        self._paused = False
        self._keepalive = Keepalive(self._loop.time())
        self._check: asyncio.TimerHandle | None = None
        self.core = Connection(self._schedule_flush)
        self.ready: asyncio.Future[None] = self._loop.create_future()
        self.reserved = 0

    @property
    def has_room(self) -> bool:
        """Whether the connection has room for another call."""
        core = self.core
        return core.has_room and len(core.streams) + self.reserved < core.max_streams

    @property
    def ended(self) -> bool:
        """Whether the connection accepts no further calls."""
        return self.core.failure is not None or self.core.is_draining

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._check = self._loop.call_later(INTERVAL, self._look)
        if isinstance(self._loop, asyncio.BaseEventLoop):
            # uvloop closes sockets by itself.
            abandon_with_loop(self)
        self._flush()

    def data_received(self, data: bytes) -> None:
        self._keepalive.heard = True
        self._receiving = True
        self.core.receive(data)
        self._receiving = False
        self._flush()
        if self.core.is_ready and not self.ready.done():
            self.ready.set_result(None)
        self._on_change(self)

    def eof_received(self) -> None:
        self.core.receive_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        self.core.lose(f"the connection broke: {exc}" if exc else "the connection was closed by the server")
        if self._check:
            self._check.cancel()
        if not self.ready.done():
            self.ready.set_exception(ConnectionError(self.core.failure))
            self.ready.exception()
        self._on_change(self)

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._flush()

    # What calls need.

    def close(self) -> None:
        """End all streams and the connection."""
        self.core.close()
        self._flush()

    def abandon(self) -> None:
        """End the connection of a closed loop, which closes no sockets."""
        transport = self._transport
        with contextlib.suppress(RuntimeError):
            self.core.lose("the event loop was closed")
        if transport is None:
            return
        with contextlib.suppress(RuntimeError):
            transport.abort()
        # asyncio would close the socket in the next iteration. The inner transport is that of TLS.
        inner = getattr(getattr(transport, "_ssl_protocol", None), "_transport", transport)
        close: Callable[[None], object] | None = getattr(inner, "_call_connection_lost", None)
        if close is not None:
            close(None)

    def _schedule_flush(self) -> None:
        """Write once for all calls of this iteration of the loop."""
        if not self._flush_scheduled and not self._receiving:
            self._flush_scheduled = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_scheduled = False
        transport, core = self._transport, self.core
        if transport is None or transport.is_closing():
            return
        while not self._paused and (data := core.data_to_send()):
            transport.write(data)
        if core.failure is not None or (core.is_draining and not core.streams):
            transport.close()

    def _look(self) -> None:
        """Ping a silent connection, end a dead one, and close an idle one."""
        self._check = self._loop.call_later(INTERVAL, self._look)
        core = self.core
        action = self._keepalive.look(self._loop.time(), bool(core.streams), core.pings_unanswered)
        if action is Action.PING:
            core.ping()
        elif action is Action.CLOSE:
            self.close()
        elif action is Action.ABORT:
            self._abort(SILENT)

    def _abort(self, reason: str) -> None:
        self.core.lose(reason)
        if self._transport:
            self._transport.abort()
        self._on_change(self)
