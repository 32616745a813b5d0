"""uvicorn's server as a part of something else: leaves signals alone, says when it is there, ends as told."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

#: Seconds between two looks at the clock, for the header `Date`.
_TICK = 1.0


class Listener(uvicorn.Server):
    """One listener."""

    def __init__(self, config: uvicorn.Config) -> None:
        """``config``: uvicorn's."""
        super().__init__(config)
        self._up = asyncio.Event()
        self._down = asyncio.Event()
        self._hurry = asyncio.Event()
        self._grace: float | None = None

    async def start(self, listener: socket.socket) -> asyncio.Task[None]:
        """Serve on a socket, until `stop`.

        Returns:
            What ends with it.
        """
        task = asyncio.get_running_loop().create_task(self.serve([listener]))
        await self._up.wait()
        return task

    def stop(self, grace: float | None) -> None:
        """Take no more.

        Args:
            grace: Seconds in which requests may finish; None to cancel them. May be said again.
        """
        self._grace = grace
        self.should_exit = True
        self._down.set()
        if not grace:
            self._hurry.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        self._up.set()

    async def main_loop(self) -> None:
        """Until `stop`."""
        while not await self.on_tick(0):
            try:
                await asyncio.wait_for(self._down.wait(), _TICK)
            except asyncio.TimeoutError:
                continue

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let requests finish, then break off."""
        state = self.server_state
        for server in self.servers:
            server.close()
        # What waits for a request is closed now, the others after their answer.
        for connection in list(state.connections):
            connection.shutdown()
        if state.tasks and not self._hurry.is_set():
            finishing = asyncio.ensure_future(asyncio.wait(state.tasks))
            hurrying = asyncio.ensure_future(self._hurry.wait())
            await asyncio.wait(
                (finishing, hurrying), timeout=self._grace, return_when=asyncio.FIRST_COMPLETED
            )
            finishing.cancel()
            hurrying.cancel()
        unfinished = list(state.tasks)
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)
        for connection in list(state.connections):
            connection.transport.abort()
        # Transports tell of their end in the loop's next turn.
        await asyncio.sleep(0)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """They are for whoever runs the emulator."""
        yield
