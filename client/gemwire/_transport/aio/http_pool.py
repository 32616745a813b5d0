"""The HTTP connections of a client. Written by hand for each flavour: here, one for each event loop."""

from __future__ import annotations

import asyncio

from gemwire._transport import fork
from gemwire._transport.aio.http_connection import HttpConnection
from gemwire._transport.aio.http_loop import LoopRunner
from gemwire._transport.rest.tls_and_proxy import HttpTarget


class HttpConnectionPool:
    """One session for each event loop that uses it, opened on the first call there."""

    def __init__(self, target: HttpTarget) -> None:
        self.target = target
        self._closed = False
        self._connections: dict[asyncio.AbstractEventLoop, HttpConnection] = {}

    @property
    def closed(self) -> bool:
        return self._closed

    def current(self) -> HttpConnection:
        """Return the connection of the running loop.

        Raises:
            RuntimeError: The client is closed, or no loop runs.
        """
        loop = asyncio.get_running_loop()
        found = self._connections.get(loop)
        if found is not None and found.generation == fork.generation():
            return found
        if self._closed:
            raise RuntimeError("this client is closed; create another")
        for owner in [owner for owner in list(self._connections) if owner.is_closed()]:
            self._connections.pop(owner, None)
        found = self._connections[loop] = HttpConnection(LoopRunner(self.target), self.target.probe)
        return found

    def replace(self, connection: HttpConnection) -> None:
        """Do nothing: idle connections close by themselves, a silent one ends with its call."""

    async def close(self) -> None:
        """End the calls and connections of the running loop, and those of other running loops."""
        self._closed = True
        running = asyncio.get_running_loop()
        connections = list(self._connections.items())
        self._connections.clear()
        for owner, connection in connections:
            if connection.generation != fork.generation():
                continue
            if owner is running:
                await connection.runner.close()
            elif owner.is_running():
                asyncio.run_coroutine_threadsafe(connection.runner.close(), owner)
