"""The connection of a request, for applications that stop, abort or outlive it."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable

from starlette.types import Scope


class Connection:
    """The socket that an application responds on, as ``scope["state"]["connection"]``.

    Attributes:
        on_lost: Called when the client disconnects during the request that is served.
        response_started: Returns True once a part of the response was sent.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        response_started: Callable[[], bool],
        disable_keep_alive: Callable[[], None] = lambda: None,
    ) -> None:
        """Wrap a transport.

        Args:
            transport: The transport.
            response_started: See the class.
            disable_keep_alive: Makes the current response the last of the connection.
        """
        self._transport = transport
        self._disable_keep_alive = disable_keep_alive
        self.response_started = response_started
        self.on_lost: Callable[[], None] | None = None

    async def go_away(self) -> None:
        """Ask the client to make its next requests over another connection."""
        self._disable_keep_alive()

    def abort(self) -> None:
        """Break the connection: after the bytes sent so far, or with a reset if there are none."""
        if self.response_started():
            self._transport.close()
            return
        sock = self._transport.get_extra_info("socket")
        if sock is not None:
            # Without lingering the client receives a reset, not an orderly end.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()


def get_connection(scope: Scope) -> Connection | None:
    """Return the connection of a request; None if there is no socket below."""
    connection: Connection | None = scope.get("state", {}).get("connection")
    return connection
