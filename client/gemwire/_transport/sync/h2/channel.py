"""The connections to one server for the threads of a process."""

from __future__ import annotations

import time
import weakref
from collections import deque
from collections.abc import Callable

from gemwire._transport import fork, json_only
from gemwire._transport.call_error import CallError
from gemwire._transport.connection_health import ConnectionHealth
from gemwire._transport.h2.keepalive import IDLE_TIMEOUT
from gemwire._transport.h2_target import H2Target
from gemwire._transport.reconnect_backoff import ReconnectBackoff
from gemwire._transport.sync.h2.calls import H2BidiCallable, H2StreamCallable, H2UnaryCallable
from gemwire._transport.sync.h2.connect import open_connection
from gemwire._transport.sync.h2.connection import H2Connection
from gemwire_runtime.method import AnyMethod, Kind
from gemwire_runtime.status_code import StatusCode


class H2Channel:
    """Connections, one for each call at a time, and the callables of methods.

    A thread that waits for its own call needs no other thread to wake it. That is cheaper than many calls on
    a connection, and a call that is not read holds up no other. The connection used last is used next.

    Attributes:
        target: Where calls go.
        health: Health, as calls see it.
        generation: The process it was made in; see `fork`.
    """

    def __init__(self, target: H2Target, health: ConnectionHealth | None = None) -> None:
        """Initialize a channel. Nothing is connected before the first call."""
        self.target = target
        self.health = health or ConnectionHealth(target.probe)
        self.generation = fork.generation()
        self._callables: dict[AnyMethod, Callable[..., object]] = {}
        # Without a lock: finalizers give connections back in any thread, also in one that has the lock.
        self._idle: deque[H2Connection] = deque()
        self._connections: set[H2Connection] = set()
        self._backoff = ReconnectBackoff(target.address)
        self._closed = False
        self._retired = False
        # The sockets of a client that is dropped, before they are.
        weakref.finalize(self, _abandon, self._connections, self.generation).atexit = False

    def callable(self, method: AnyMethod) -> Callable[..., object]:
        """Return what makes the calls of a method, called as grpc's multicallables are.

        Raises:
            ValueError: The RPC is available over HTTP only, and there is no HTTP route.
        """
        found = self._callables.get(method)
        if found is None:
            found = self._callables[method] = self._create(method)
        return found

    def _create(self, method: AnyMethod) -> Callable[..., object]:
        if method.http_only:
            return json_only.route_method(method, self.target.http)
        if method.kind is Kind.BIDI:
            return H2BidiCallable(self, method)
        made = (H2StreamCallable if method.kind is Kind.SERVER_STREAM else H2UnaryCallable)(self, method)
        if method.may_hold_json_only:
            return json_only.route_requests(method, made, self.target.http, as_bytes=True)
        return made

    def acquire(self, expiry: float | None) -> H2Connection:
        """Return a connection for a call, which no other call uses until it is given back.

        Raises:
            CallError: No connection can be made, or not in time, or the channel is closed.
        """
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:
                break
            if connection.can_start_call():
                return connection
            self._drop(connection)
        return self._connect(expiry)

    def _connect(self, expiry: float | None) -> H2Connection:
        self._check_open()
        if not self._connections:
            self._backoff.check(time.monotonic())
        try:
            connection = open_connection(self.target, expiry)
        except CallError:
            raise
        except Exception as error:
            raise self._backoff.record_failure(error, time.monotonic()) from None
        self._backoff.record_success()
        self._connections.add(connection)
        if self._closed:
            self._drop(connection)
            self._check_open()
        return connection

    def _check_open(self) -> None:
        if self._closed:
            raise CallError(StatusCode.CANCELLED, "the client was closed during the call")

    def release(self, connection: H2Connection) -> None:
        """Take back a connection whose call has ended."""
        now = connection.used_at = time.monotonic()
        if self._retired or self._closed or not connection.core.has_room or connection.core.streams:
            self._drop(connection)
        else:
            self._idle.append(connection)
        while self._idle and now - self._idle[0].used_at > IDLE_TIMEOUT:
            try:
                self._drop(self._idle.popleft())
            except IndexError:
                return

    def _drop(self, connection: H2Connection) -> None:
        self._connections.discard(connection)
        connection.close()

    def retire(self) -> None:
        """Keep no connection for further calls."""
        self._retired = True
        while self._idle:
            try:
                self._drop(self._idle.pop())
            except IndexError:
                return

    def close(self) -> None:
        """End all calls and connections."""
        self._closed = True
        for connection in list(self._connections):
            self._drop(connection)


def _abandon(connections: set[H2Connection], generation: int) -> None:
    """Close the connections of a channel that was dropped, or that of a parent process."""
    for connection in list(connections):
        if generation == fork.generation():
            connection.close()
        else:
            connection.abandon()
