"""The connections to one server on one event loop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from gemwire._transport import fork, json_only
from gemwire._transport.aio.h2.calls import H2BidiCallable, H2StreamCallable, H2UnaryCallable
from gemwire._transport.aio.h2.connect import open_connection
from gemwire._transport.aio.h2.deadlines import Deadlines
from gemwire._transport.aio.h2.protocol import H2Protocol
from gemwire._transport.aio.loop_end import close_with_loop
from gemwire._transport.call_error import CallError
from gemwire._transport.connection_health import ConnectionHealth
from gemwire._transport.h2_target import H2Target
from gemwire._transport.reconnect_backoff import CONNECT_TIMEOUT, ReconnectBackoff
from gemwire_runtime.method import AnyMethod, Kind
from gemwire_runtime.status_code import StatusCode

#: Connections to a server whose streams are used up.
_MAX_CONNECTIONS = 32
#: Streams that a server is expected to accept on a connection; Google's front ends accept so many.
_EXPECTED_STREAMS = 100


class H2Channel:
    """Connections, as many as the streams need, and the callables of methods.

    Attributes:
        target: Where calls go.
        health: Health, as calls see it.
        loop: The event loop.
        generation: The process it was made in; see `fork`.
        deadlines: Deadlines of its calls.
    """

    def __init__(self, target: H2Target, health: ConnectionHealth | None = None) -> None:
        """Initialize a channel on the running loop. Nothing is connected before the first call."""
        self.target = target
        self.health = health or ConnectionHealth(target.probe)
        self.loop = asyncio.get_running_loop()
        self.generation = fork.generation()
        self.deadlines = Deadlines(self.loop)
        self._callables: dict[AnyMethod, Callable[..., object]] = {}
        self._protocols: list[H2Protocol] = []
        self._connecting: set[asyncio.Task[None]] = set()
        self._waiting: deque[asyncio.Future[H2Protocol]] = deque()
        self._backoff = ReconnectBackoff(target.address)
        self._closed = False
        self._lifetime = close_with_loop(self._end)

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

    def find_connection(self) -> H2Protocol | None:
        """Return a connection on which a call can be started now; None if there is none."""
        if self._waiting:
            return None
        for protocol in self._protocols:
            if protocol.has_room:
                return protocol
        return None

    async def wait_for_connection(self) -> H2Protocol:
        """Return a connection with a stream reserved on it; calls get theirs in order.

        Raises:
            CallError: No connection can be made, or the channel is closed.
        """
        if self._closed:
            raise CallError(StatusCode.CANCELLED, "the client was closed during the call")
        if not self._protocols:
            self._backoff.check(self.loop.time())
        waiter: asyncio.Future[H2Protocol] = self.loop.create_future()
        self._waiting.append(waiter)
        self._connect_more()
        try:
            return await waiter
        except BaseException:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
            elif waiter.done() and not waiter.cancelled() and not waiter.exception():
                waiter.result().reserved -= 1
                self._assign()
            raise

    def _connect_more(self) -> None:
        """Start as many connections as the waiting calls need, beside those that are being made."""
        usable = [protocol for protocol in self._protocols if not protocol.ended]
        capacity = min((protocol.core.max_streams for protocol in usable), default=_EXPECTED_STREAMS)
        wanted = min(-(-len(self._waiting) // max(capacity, 1)), _MAX_CONNECTIONS - len(usable))
        while len(self._connecting) < wanted:
            task = self.loop.create_task(self._connect())
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    async def _connect(self) -> None:
        try:
            opening = open_connection(self.target, self._update)
            protocol = await asyncio.wait_for(opening, CONNECT_TIMEOUT)
        except Exception as error:
            self._fail(self._backoff.record_failure(error, self.loop.time()))
        else:
            self._backoff.record_success()
            self._protocols.append(protocol)
            self._assign()

    def _fail(self, error: CallError) -> None:
        """Fail the waiting calls, unless there are connections that they can wait for."""
        if any(not protocol.ended for protocol in self._protocols):
            return
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_exception(error)

    def _update(self, protocol: H2Protocol) -> None:
        """Forget a connection that has ended, and give free streams to waiting calls."""
        if protocol.core.failure is not None and protocol in self._protocols:
            self._protocols.remove(protocol)
        if self._waiting:
            self._assign()

    def _assign(self) -> None:
        for protocol in self._protocols:
            while self._waiting and protocol.has_room:
                waiter = self._waiting.popleft()
                if not waiter.done():
                    protocol.reserved += 1
                    waiter.set_result(protocol)
        if self._waiting:
            self._connect_more()

    def retire(self) -> None:
        """Start no further calls; close each connection when its last call has ended."""
        for protocol in self._protocols:
            protocol.core.is_draining = True

    async def close(self) -> None:
        """End all calls and connections."""
        await self._lifetime.aclose()

    async def _end(self) -> None:
        self._closed = True
        for task in self._connecting:
            task.cancel()
        closed = CallError(StatusCode.CANCELLED, "the client was closed during the call")
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_exception(closed)
        self._waiting.clear()
        for protocol in list(self._protocols):
            protocol.close()
        self._protocols.clear()
        # Sockets close in the next iterations of the loop.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
