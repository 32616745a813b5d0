"""The HTTP connections of a client. Written by hand for each flavour: here, one for each process."""

from __future__ import annotations

import threading

from gemwire._transport import fork
from gemwire._transport.rest.tls_and_proxy import HttpTarget
from gemwire._transport.sync.http_connection import HttpConnection
from gemwire._transport.sync.http_loop import LoopRunner


class HttpConnectionPool:
    """One session for each process that uses it, opened on the first call there."""

    def __init__(self, target: HttpTarget) -> None:
        self.target = target
        self._closed = False
        self._lock = threading.Lock()
        self._generation = fork.generation()
        self._latest: HttpConnection | None = None

    @property
    def closed(self) -> bool:
        return self._closed

    def current(self) -> HttpConnection:
        """Return the connection of this process.

        Raises:
            RuntimeError: The client is closed.
        """
        latest = self._latest
        if latest is not None and latest.generation == fork.generation():
            return latest
        with self._usable_lock():
            if self._closed:
                raise RuntimeError("this client is closed; create another")
            if self._latest is None or self._latest.generation != fork.generation():
                self._latest = HttpConnection(LoopRunner(self.target), self.target.probe)
            return self._latest

    def _usable_lock(self) -> threading.Lock:
        if self._generation != fork.generation():
            # A fork may have copied a lock that is held.
            self._lock, self._generation = threading.Lock(), fork.generation()
        return self._lock

    def replace(self, connection: HttpConnection) -> None:
        """Do nothing: idle connections close by themselves, a silent one ends with its call."""

    def close(self) -> None:
        """End all calls and connections."""
        with self._usable_lock():
            # Under the lock, so that no other thread opens a connection that nothing would close.
            self._closed = True
            latest, self._latest = self._latest, None
        if latest is not None and latest.generation == fork.generation():
            latest.runner.close()
