"""uvicorn's protocols with limits on headers, errors in JSON and connections that can be aborted."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from typing import Any, cast

import grpc
import httptools
from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from gemwire_emulator.http.connection import Connection
from gemwire_emulator.http.json_errors import HttpError, error_to_json
from gemwire_emulator.http.write_coalescing import CoalescingTransport

#: Limit of a request's first line and headers, in bytes.
MAX_HEADER_BYTES = 64 * 2**10
#: Seconds in which the headers have to be complete, so that slow clients do not hold connections.
HEADER_TIMEOUT = 10.0

_H2C_UPGRADE = re.compile(rb"\r\nupgrade:[ \t]*h2c[ \t]*(?=\r\n|\Z)", re.IGNORECASE)
# Errors of clients are answered, not logged.
_logger = logging.getLogger("gemwire_emulator.wire")
_logger.setLevel(logging.CRITICAL)


class HttpProtocol(HttpToolsProtocol):
    """HTTP/1.1 on a connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timeout of the first request's headers."""
        super().connection_made(cast(asyncio.Transport, CoalescingTransport(transport)))
        self.logger = _logger
        self._connection = Connection(self.transport, self._response_started, self._disable_keep_alive)
        self.app_state = {**self.app_state, "connection": self._connection}
        self._in_headers, self._in_body = True, False
        self._header_bytes = 0
        self._header_timer: asyncio.TimerHandle | None = None
        self._running: RequestResponseCycle | None = None
        self._start_header_timer()

    def data_received(self, data: bytes) -> None:
        """Parse bytes of a request."""
        self._unset_keepalive_if_required()
        if not self._in_body and b"h2c" in data:
            # Java's client offers an upgrade to HTTP/2, which the parser would treat as accepted.
            head, end, rest = data.partition(b"\r\n\r\n")
            data = _H2C_UPGRADE.sub(b"", head) + end + rest
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._stop_header_timer()
            if self._should_upgrade():
                self.handle_websocket_upgrade()
        except httptools.HttpParserError:
            self.send_400_response("Malformed HTTP/1.1 request.")
        else:
            if self._in_headers:
                self._header_bytes += len(data)
                self._start_header_timer()
                if self._header_bytes > MAX_HEADER_BYTES:
                    self._refuse(431, f"Request headers exceed the limit: {MAX_HEADER_BYTES} bytes.")

    def on_message_begin(self) -> None:
        """Start a request."""
        super().on_message_begin()
        self._in_headers, self._header_bytes = True, 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header; trailers of a chunked body are ignored."""
        if self._in_headers:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start the application."""
        self._stop_header_timer()
        self._in_body = True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Finish a request."""
        self._in_body = False
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Notify the application that waits for the end of the connection."""
        self._stop_header_timer()
        super().connection_lost(exc)
        if self._connection.on_lost is not None:
            self._connection.on_lost()

    def send_400_response(self, msg: str) -> None:
        """Reject a malformed request."""
        self._refuse(400, msg)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, _deliver_all_bytes(cycle, app))

    def _response_started(self) -> bool:
        return self._running is not None and self._running.response_started

    def _disable_keep_alive(self) -> None:
        if self._running is not None:
            self._running.keep_alive = False

    def _start_header_timer(self) -> None:
        if self._header_timer is None:
            self._header_timer = self.loop.call_later(HEADER_TIMEOUT, self._expire_header_timer)

    def _stop_header_timer(self) -> None:
        self._in_headers = False
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _expire_header_timer(self) -> None:
        self._header_timer = None
        if self._in_headers:
            self._refuse(408, f"Request headers were not complete within {HEADER_TIMEOUT:g} s.")

    def _refuse(self, status: int, message: str) -> None:
        """Send an error without the application and close the connection."""
        self._stop_header_timer()
        if self.transport.is_closing():
            return
        # Of a request whose body is malformed, the application is running and waits for the rest.
        waits = self._in_body and self._running is self.cycle and not self._response_started()
        if self._running is None or self._running.response_complete or waits:
            problem = HttpError(status, grpc.StatusCode.INVALID_ARGUMENT, message)
            body = json.dumps(error_to_json(problem)).encode()
            head = b"HTTP/1.1 %d \r\ncontent-type: application/json; charset=UTF-8\r\n" % status
            self.transport.write(head + b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body) + body)
        # A response that has started cannot be replaced by an error.
        self.transport.close()


def _deliver_all_bytes(cycle: RequestResponseCycle, app: Any) -> Any:
    """Wrap an application so that it receives all bytes that arrived before its client disconnected.

    uvicorn drops them if the disconnect arrives in the same moment, and uploads resume at the last byte.
    """

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def receive_all() -> Message:
            message = await receive()
            if message["type"] == "http.disconnect" and cycle.disconnected and cycle.body:
                message = {"type": "http.request", "body": bytes(cycle.body), "more_body": True}
                cycle.body = bytearray()
            return message

        await app(scope, receive_all, send)

    return wrapped


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """A WebSocket on a connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start a connection."""
        super().connection_made(transport)
        self.logger = _logger
        self.app_state = {**self.app_state, "connection": Connection(self.transport, lambda: True)}

    def data_received(self, data: bytes) -> None:
        """Parse bytes of the handshake or of frames."""
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            # uvicorn does not send the error of a handshake that cannot be parsed.
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Notify the application; without a close frame the code is 1006."""
        if self.handshake_initiated and self.conn.close_rcvd is None:
            self.queue.put_nowait({"type": "websocket.disconnect", "code": 1006})
        super().connection_lost(exc)

    def handle_parser_exception(self) -> None:
        """Close after malformed data."""
        if self.conn.close_sent is None:
            # The handshake itself was malformed.
            self.transport.close()
            return
        super().handle_parser_exception()

    def shutdown(self) -> None:
        """Close a connection whose handshake is incomplete; sessions are closed by the application."""
        if not self.handshake_complete:
            self.transport.close()
