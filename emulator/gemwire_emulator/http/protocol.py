"""uvicorn's protocols, made harder: limits on headers, errors in JSON, connections that can be broken."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import socket
import struct
from collections.abc import Callable
from typing import Any, cast

import grpc
import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from gemwire_emulator.http.json_errors import HttpFailure, error_to_json
from gemwire_emulator.http.write_coalescing import CoalescingTransport

#: Bytes that the line and the headers of a request may have.
MOST_HEADER_BYTES = 64 * 2**10
#: Seconds in which they have to be complete: who sends a byte a second holds no connection.
HEADER_SECONDS = 10.0

_OFFER = re.compile(rb"\r\nupgrade:[ \t]*h2c[ \t]*(?=\r\n|\Z)", re.IGNORECASE)
# What clients do wrong they are told; whoever runs the emulator need not read of it.
_QUIET = logging.getLogger("gemwire_emulator.wire")
_QUIET.setLevel(logging.CRITICAL)


class Connection:
    """What applications may know of the socket that they answer on, as ``scope["state"]["connection"]``.

    Attributes:
        lost: Called when the client has left; of the request that is being answered.
        answering: Says whether a part of an answer was sent.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        answering: Callable[[], bool],
        leave: Callable[[], None] = lambda: None,
    ) -> None:
        """``leave`` makes this answer the last."""
        self._transport = transport
        self._leave = leave
        self.answering = answering
        self.lost: Callable[[], None] | None = None

    async def go_away(self) -> None:
        """Ask the client to use another connection from now on."""
        self._leave()

    def sever(self) -> None:
        """Break it: in the middle of an answer, all of which arrives that was sent; or with a reset."""
        if self.answering():
            self._transport.close()
            return
        raw = self._transport.get_extra_info("socket")
        if raw is not None:
            # No lingering: the other side gets a reset, and no orderly end.
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()


class HttpProtocol(HttpToolsProtocol):
    """HTTP/1.1 on one connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is there; it has so long for the headers of its first request."""
        super().connection_made(cast(asyncio.Transport, CoalescingTransport(transport)))
        self.logger = _QUIET
        self._connection = Connection(self.transport, self._answering, self._leave)
        self.app_state = {**self.app_state, "connection": self._connection}
        self._in_headers, self._in_body = True, False
        self._header_bytes = 0
        self._header_timer: asyncio.TimerHandle | None = None
        self._running: RequestResponseCycle | None = None
        self._await_headers()

    def data_received(self, data: bytes) -> None:
        """Some bytes came."""
        self._unset_keepalive_if_required()
        if not self._in_body and b"h2c" in data:
            # An offer of HTTP/2, as Java's client makes it, that the parser would take for accepted.
            head, end, rest = data.partition(b"\r\n\r\n")
            data = _OFFER.sub(b"", head) + end + rest
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._headers_are_there()
            if self._should_upgrade():
                self.handle_websocket_upgrade()
        except httptools.HttpParserError:
            self.send_400_response("The request is no HTTP/1.1.")
        else:
            if self._in_headers:
                self._header_bytes += len(data)
                self._await_headers()
                if self._header_bytes > MOST_HEADER_BYTES:
                    self._refuse(431, f"The headers have more than {MOST_HEADER_BYTES} bytes.")

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_headers, self._header_bytes = True, 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header is complete. What comes after a body in chunks is left out."""
        if self._in_headers:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The application can begin."""
        self._headers_are_there()
        self._in_body = True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is complete."""
        self._in_body = False
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has left, or was left."""
        self._headers_are_there()
        super().connection_lost(exc)
        if self._connection.lost is not None:
            self._connection.lost()

    def send_400_response(self, msg: str) -> None:
        """Tell that this is no HTTP."""
        self._refuse(400, msg)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, _to_the_last_byte(cycle, app))

    def _answering(self) -> bool:
        return self._running is not None and self._running.response_started

    def _leave(self) -> None:
        if self._running is not None:
            self._running.keep_alive = False

    def _await_headers(self) -> None:
        if self._header_timer is None:
            self._header_timer = self.loop.call_later(HEADER_SECONDS, self._headers_are_late)

    def _headers_are_there(self) -> None:
        self._in_headers = False
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _headers_are_late(self) -> None:
        self._header_timer = None
        if self._in_headers:
            self._refuse(408, f"The headers were not complete within {HEADER_SECONDS:g} s.")

    def _refuse(self, status: int, why: str) -> None:
        """Answer without the application, and hang up."""
        self._headers_are_there()
        if self.transport.is_closing():
            return
        if self._running is None or self._running.response_complete:
            problem = HttpFailure(status, grpc.StatusCode.INVALID_ARGUMENT, why)
            body = json.dumps(error_to_json(problem)).encode()
            head = b"HTTP/1.1 %d \r\ncontent-type: application/json; charset=UTF-8\r\n" % status
            self.transport.write(head + b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body) + body)
        # In the middle of an answer there is no place for another.
        self.transport.close()


def _to_the_last_byte(cycle: RequestResponseCycle, app: Any) -> Any:
    """An application that reads all that came before its client left.

    uvicorn forgets it where the end comes in the same moment, and of an upload every byte counts.
    """

    async def reading(scope: Any, receive: Any, send: Any) -> None:
        async def everything() -> Any:
            message = await receive()
            if message["type"] == "http.disconnect" and cycle.disconnected and cycle.body:
                message = {"type": "http.request", "body": bytes(cycle.body), "more_body": True}
                cycle.body = bytearray()
            return message

        await app(scope, everything, send)

    return reading


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """A WebSocket on one connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A request for a WebSocket was made."""
        super().connection_made(transport)
        self.logger = _QUIET
        self.app_state = {**self.app_state, "connection": Connection(self.transport, lambda: True)}

    def data_received(self, data: bytes) -> None:
        """Some bytes came."""
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            # uvicorn forgets to send what there is to say of a request that cannot be read.
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has left; where it did not say so, the application hears of 1006."""
        if self.handshake_initiated and self.conn.close_rcvd is None:
            self.queue.put_nowait({"type": "websocket.disconnect", "code": 1006})
        super().connection_lost(exc)

    def handle_parser_exception(self) -> None:
        """What came is no WebSocket."""
        if self.conn.close_sent is None:
            # It was not even a request for one.
            self.transport.close()
            return
        super().handle_parser_exception()

    def shutdown(self) -> None:
        """The server stops: the application says so itself, and ends."""
        if not self.handshake_complete:
            self.transport.close()
