"""WebSockets of an HTTP session: connections on which both sides send messages."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

import aiohttp

from gemwire._transport.rest.http_errors import BROKEN, HttpError
from gemwire_runtime.status_code import StatusCode

if TYPE_CHECKING:
    from gemwire._transport.rest.session import Session

#: Close codes of RFC 6455, 7.4.1. Those of the range for applications, and unknown ones, are UNKNOWN.
_CODES = {
    1001: StatusCode.UNAVAILABLE,
    1002: StatusCode.INTERNAL,
    1003: StatusCode.INVALID_ARGUMENT,
    1006: StatusCode.UNAVAILABLE,
    1007: StatusCode.INVALID_ARGUMENT,
    1008: StatusCode.FAILED_PRECONDITION,
    1009: StatusCode.RESOURCE_EXHAUSTED,
    1011: StatusCode.INTERNAL,
    1012: StatusCode.UNAVAILABLE,
    1013: StatusCode.UNAVAILABLE,
    1014: StatusCode.UNAVAILABLE,
}
_NORMAL, _ABNORMAL = 1000, 1006


class WebSocket:
    """An open WebSocket, on the loop of its session."""

    def __init__(self, session: Session, response: aiohttp.ClientWebSocketResponse[bool]) -> None:
        self._session = session
        self._socket = response

    async def send(self, text: str) -> None:
        """Send a message. Raises HttpError if the connection has ended."""
        with self._session.translate_errors():
            await self._socket.send_str(text)

    async def receive(self) -> bytes | str | None:
        """Return the next message; None at the regular end.

        Raises:
            HttpError: The server ended the connection with an error, or it broke.
        """
        message = await self._socket.receive()
        if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
            received: bytes | str = message.data
            return received
        code = self._socket.close_code
        if code == _NORMAL:
            return None
        if message.type is aiohttp.WSMsgType.ERROR and isinstance(message.data, aiohttp.WebSocketError):
            code = message.data.code
        failure = self._socket.exception()
        reason = message.extra if message.type is aiohttp.WSMsgType.CLOSE else str(failure or "")
        with self._session.translate_errors():
            if failure is not None and code in (None, _ABNORMAL):
                raise failure
        text = f"the server closed the connection with code {code}" + (f": {reason}" if reason else "")
        if code in (None, _ABNORMAL):
            text = f"{BROKEN}the server went away"
        raise HttpError(_CODES.get(code or _ABNORMAL, StatusCode.UNKNOWN), text)

    def shut_down(self) -> None:
        """Tell the server that nobody reads any more, on a loop that is closed."""
        connection = self._socket.get_extra_info("socket")
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    async def close(self) -> None:
        """Close the connection. A pending receive returns its end."""
        await self._socket.close()
