"""A uvicorn server that is embedded: it leaves signals alone, reports readiness and stops on request."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

#: Seconds between updates of the `Date` header.
_TICK = 1.0


class Listener(uvicorn.Server):
    """A server on one socket."""

    def __init__(self, config: uvicorn.Config) -> None:
        """Prepare a server with uvicorn's configuration; `start` runs it."""
        super().__init__(config)
        self._started = asyncio.Event()
        self._stopping = asyncio.Event()
        self._cancelling = asyncio.Event()
        self._grace: float | None = None

    async def start(self, sock: socket.socket) -> asyncio.Task[None]:
        """Serve on a socket until `stop` is called.

        Returns:
            The task that serves.
        """
        task = asyncio.get_running_loop().create_task(self.serve([sock]))
        await self._started.wait()
        return task

    def stop(self, grace: float | None) -> None:
        """Stop accepting requests.

        Args:
            grace: Seconds in which running requests may finish; None cancels them. A second call may
                shorten it.
        """
        self._grace = grace
        self.should_exit = True
        self._stopping.set()
        if not grace:
            self._cancelling.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen."""
        await super().startup(sockets)
        self._started.set()

    async def main_loop(self) -> None:
        """Wait for `stop`."""
        while not await self.on_tick(0):
            try:
                await asyncio.wait_for(self._stopping.wait(), _TICK)
            except asyncio.TimeoutError:
                continue

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let requests finish within the grace period, then cancel them."""
        state = self.server_state
        for server in self.servers:
            server.close()
        # Idle connections close now, the others after their response.
        for connection in list(state.connections):
            connection.shutdown()
        if state.tasks and not self._cancelling.is_set():
            finishing = asyncio.ensure_future(asyncio.wait(state.tasks))
            cancelling = asyncio.ensure_future(self._cancelling.wait())
            await asyncio.wait(
                (finishing, cancelling), timeout=self._grace, return_when=asyncio.FIRST_COMPLETED
            )
            finishing.cancel()
            cancelling.cancel()
        unfinished = list(state.tasks)
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)
        for connection in list(state.connections):
            connection.transport.abort()
        # Transports call connection_lost in the next loop iteration.
        await asyncio.sleep(0)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signal handlers to the process that embeds the emulator."""
        yield
