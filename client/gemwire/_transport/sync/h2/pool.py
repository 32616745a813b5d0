"""The HTTP/2 connections of a client: one channel for each process."""

from __future__ import annotations

import threading
import weakref

from gemwire._transport import fork
from gemwire._transport.h2_target import H2Target
from gemwire._transport.sync.h2.channel import H2Channel


class H2ConnectionPool:
    """One channel for each process that uses it, made on the first call there."""

    def __init__(self, target: H2Target) -> None:
        self._target = target
        self._closed = False
        self._lock = threading.Lock()
        self._generation = fork.generation()
        self._latest: H2Channel | None = None
        self._retired: weakref.WeakSet[H2Channel] = weakref.WeakSet()

    @property
    def closed(self) -> bool:
        return self._closed

    def current(self) -> H2Channel:
        """Return the channel of this process.

        Raises:
            RuntimeError: The client is closed.
        """
        latest = self._latest
        if latest is not None and latest.generation == fork.generation():
            return latest
        if self._generation != fork.generation():
            # A fork may have copied a lock that is held.
            self._lock, self._generation = threading.Lock(), fork.generation()
        with self._lock:
            if self._closed:
                raise RuntimeError("this client is closed; create another")
            if self._latest is None or self._latest.generation != fork.generation():
                self._latest = H2Channel(self._target)
            return self._latest

    def replace(self, channel: H2Channel) -> None:
        """Open other connections for new calls; the replaced ones close when their last calls have ended."""
        with self._lock:
            if self._closed or self._latest is not channel:
                return
            self._latest = H2Channel(self._target, channel.health.successor())
            self._retired.add(channel)
        channel.retire()

    def close(self) -> None:
        """End all calls and connections."""
        self._closed = True
        latest, self._latest = self._latest, None
        for channel in (latest, *self._retired):
            if channel is not None and channel.generation == fork.generation():
                channel.close()
