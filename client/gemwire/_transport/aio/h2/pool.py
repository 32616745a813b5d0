"""The HTTP/2 connections of a client: one channel for each event loop."""

from __future__ import annotations

import asyncio
import weakref

from gemwire._transport import fork
from gemwire._transport.aio.h2.channel import H2Channel
from gemwire._transport.h2_target import H2Target


class H2ConnectionPool:
    """One channel for each event loop that uses it, made on the first call there."""

    def __init__(self, target: H2Target) -> None:
        self._target = target
        self._closed = False
        self._latest: H2Channel | None = None
        self._channels: dict[asyncio.AbstractEventLoop, H2Channel] = {}
        self._retired: weakref.WeakSet[H2Channel] = weakref.WeakSet()

    @property
    def closed(self) -> bool:
        return self._closed

    def current(self) -> H2Channel:
        """Return the channel of the running loop.

        Raises:
            RuntimeError: The client is closed, or no loop runs.
        """
        latest = self._latest
        loop = asyncio.get_running_loop()
        if latest is not None and latest.loop is loop and latest.generation == fork.generation():
            return latest
        if self._closed:
            raise RuntimeError("this client is closed; create another")
        found = self._channels.get(loop)
        if found is None or found.generation != fork.generation():
            for owner in [owner for owner in list(self._channels) if owner.is_closed()]:
                self._channels.pop(owner, None)
            found = self._channels[loop] = H2Channel(self._target)
        self._latest = found
        return found

    def replace(self, channel: H2Channel) -> None:
        """Open other connections for new calls; the replaced ones close when their last calls have ended."""
        if self._closed or self._channels.get(channel.loop) is not channel:
            return
        channel.retire()
        self._retired.add(channel)
        self._latest = self._channels[channel.loop] = H2Channel(self._target, channel.health.successor())

    async def close(self) -> None:
        """End the calls and connections of the running loop, and those of other running loops."""
        self._closed = True
        self._latest = None
        running = asyncio.get_running_loop()
        channels = [*self._channels.values(), *self._retired]
        self._channels.clear()
        for channel in channels:
            if channel.generation != fork.generation():
                continue
            if channel.loop is running:
                await channel.close()
            elif channel.loop.is_running():
                asyncio.run_coroutine_threadsafe(channel.close(), channel.loop)
