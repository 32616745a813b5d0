"""The transport that uses gRPC, or REST where a network blocks HTTP/2."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from google.protobuf.message import Message

from gemwire._log import log
from gemwire._transport import endpoint
from gemwire._transport.aio.channel_pool import PROBE_LINGER, ChannelPool, build_metadata, can_connect
from gemwire._transport.aio.concurrency import call_and_collect, sleep
from gemwire._transport.aio.http_pool import HttpConnectionPool
from gemwire._transport.aio.rest_transport import require_http_client
from gemwire._transport.aio.transport import AsyncTransport
from gemwire._transport.aio.websocket_call import AsyncFallbackBidiCall
from gemwire._transport.channel_handle import ChannelHandle
from gemwire._transport.channel_options import Target
from gemwire._transport.connection import Connection
from gemwire._transport.connection_settings import ConnectionSettings, TransportArguments
from gemwire._transport.rest.http_errors import HttpError
from gemwire._transport.rest.tls_and_proxy import HttpTarget
from gemwire._transport.rest.transcode import bindings
from gemwire_runtime.method import AnyMethod, Kind

if TYPE_CHECKING:
    from typing_extensions import Unpack

_Result = TypeVar("_Result")
_Pairs = Iterable[tuple[str, "str | bytes"]]

#: Seconds for the first gRPC connection before REST is tried; a third of the call's timeout if that is less.
_CONNECT_TIMEOUT = 3.0


class AutoAsyncIOTransport(AsyncTransport):
    """gRPC unless it is blocked, else REST: the first connection decides. Needs ``gemwire[http]``.

    If no HTTP/2 connection can be made and a call succeeds over REST, this transport stays with REST and
    logs that once. No call is sent twice: a call goes over REST only if gRPC had no connection that it
    could have been sent on. Methods without an HTTP form always use gRPC; JSON-only fields and RPCs use REST.
    """

    kind = "auto"
    build_metadata = staticmethod(build_metadata)
    find_emulator = staticmethod(endpoint.find_dual_emulator)

    def __init__(self, **arguments: Unpack[TransportArguments]) -> None:
        """Find credentials and run the certificate source, as `GrpcAsyncIOTransport` does.

        Args:
            **arguments: See `TransportArguments`. With ``plaintext``, REST goes to GEMINI_EMULATOR_HTTP_HOST.

        Raises:
            ImportError: ``gemwire[http]`` is not installed.
            TypeError: A channel was given.
        """
        require_http_client()
        if "channel" in arguments:
            raise TypeError("channel: this transport makes its own")
        settings = ConnectionSettings.of_transport(**arguments)
        if settings.plaintext:
            emulator = endpoint.find_dual_emulator()
            settings = replace(settings, http_host=emulator.http_host if emulator else None)
        self.initialize(settings)

    def create_pool(self, settings: ConnectionSettings) -> FallbackPool:
        """Return the gRPC channels, and the HTTP connections to fall back to."""
        require_http_client()
        target = HttpTarget.of(settings) if settings.http_host is not None else None
        http = HttpConnectionPool(target) if target else None

        def route(what: str) -> Connection:
            if http is None:
                raise ValueError(
                    f"{what}: goes over HTTP; set {endpoint.HTTP_EMULATOR} to the emulator's HTTP address"
                )
            return http.current()

        channels = ChannelPool(Target.of(settings, route))
        return FallbackPool(channels, http, endpoint.with_port(settings.host))


class FallbackPool:
    """The gRPC channels of a client, until gRPC turns out to be blocked.

    Attributes:
        http: The HTTP connections; None if there is nothing to fall back to.
        is_blocked: Whether gRPC turned out to be blocked.
    """

    def __init__(self, channels: ChannelPool, http: HttpConnectionPool | None, host: str) -> None:
        """``host``: for the log."""
        self._channels = channels
        self.http = http
        self._host = host
        self._connected = False
        self._probed_at = 0.0
        self.is_blocked = False

    @property
    def closed(self) -> bool:
        return self._channels.closed

    def current(self) -> Connection:
        """Return the channel once gRPC has connected, else a connection that decides for each call."""
        channel = self._channels.current()
        if self.http is None or self._connected:
            return channel
        return FallbackConnection(self, channel, self.http)

    def replace(self, connection: ChannelHandle | FallbackConnection) -> None:
        """Replace the channel of a connection; over HTTP nothing needs to be, see `HttpConnectionPool`."""
        if not self.is_blocked:
            handle = connection.channel if isinstance(connection, FallbackConnection) else connection
            self._channels.replace(handle)

    async def can_use_grpc(self, channel: ChannelHandle, timeout: float | None) -> bool:
        """Return whether gRPC connects. Nothing of a call is sent."""
        seconds = _CONNECT_TIMEOUT if timeout is None else min(_CONNECT_TIMEOUT, timeout / 3)
        if await can_connect(channel.channel, seconds):
            self._connected = True
        self._probed_at = time.monotonic()
        return self._connected

    def mark_blocked(self) -> None:
        """Use REST from now on: it works where gRPC has no connection."""
        if not self.is_blocked:
            self.is_blocked = True
            log(
                logging.WARNING,
                "%s accepts no HTTP/2 connection but answers HTTP/1.1: a proxy or firewall seems to block "
                "gRPC. This client uses REST from now on; to use it from the start, set transport='rest'",
                self._host,
            )

    async def close(self) -> None:
        """End all calls and connections."""
        if (lingering := self._probed_at + PROBE_LINGER - time.monotonic()) > 0:
            await sleep(lingering)
        await self._channels.close()
        if self.http:
            await self.http.close()


class FallbackConnection:
    """The connection of calls until gRPC has connected; of all calls if it turned out to be blocked.

    Attributes:
        channel: The gRPC channel.
        health: Its health.
    """

    def __init__(self, pool: FallbackPool, channel: ChannelHandle, http: HttpConnectionPool) -> None:
        self._pool = pool
        self._http = http
        self.channel = channel
        self.health = channel.health

    def callable(self, method: AnyMethod) -> Callable[..., Any]:
        """Return what makes the calls of a method."""
        over_grpc: Callable[..., Any] = self.channel.callable(method)
        if not (bindings(method) or method.websocket):
            return over_grpc
        if self._pool.is_blocked:
            return self._http.current().callable(method)
        choose = partial(self._choose, method, over_grpc)
        if method.websocket:
            return partial(AsyncFallbackBidiCall, choose)
        if method.kind is not Kind.UNARY:
            return lambda request, **rest: AsyncFallbackStreamCall(choose, request, **rest)

        async def call(request: Message, *, timeout: float | None, metadata: _Pairs) -> Message:
            return await choose(partial(_call, request, metadata), timeout)

        return call

    async def _choose(
        self,
        method: AnyMethod,
        over_grpc: Callable[..., Any],
        attempt: Callable[[Callable[..., Any], float | None], Awaitable[_Result]],
        timeout: float | None,
    ) -> _Result:
        """Make a call over gRPC if it connects, else over REST, else over gRPC for its error.

        ``attempt`` makes the call up to its first response, with a callable and the remaining seconds.
        """
        started_at = time.monotonic()

        def remaining() -> float | None:
            return None if timeout is None else max(started_at + timeout - time.monotonic(), 0)

        pool = self._pool
        if await pool.can_use_grpc(self.channel, timeout):
            return await attempt(over_grpc, remaining())
        try:
            response = await attempt(self._http.current().callable(method), remaining())
        except HttpError as error:
            if error.of_api:
                pool.mark_blocked()
            if error.delivered:
                # The server may have carried it out: it must not be sent again.
                raise
        except ValueError:
            # Its metadata or names have no HTTP form: only gRPC can send it.
            pass
        else:
            pool.mark_blocked()
            return response
        return await attempt(over_grpc, remaining())


async def _call(
    request: Message,
    metadata: _Pairs,
    callable_: Callable[..., Awaitable[Message]],
    timeout: float | None,
) -> Message:
    return await call_and_collect(callable_, request, timeout, metadata)


class AsyncFallbackStreamCall:
    """One streaming call, started when its first message is read."""

    def __init__(
        self,
        choose: Callable[..., Awaitable[Message]],
        request: Message,
        *,
        timeout: float | None,
        metadata: _Pairs,
    ) -> None:
        self._choose = choose
        self._request = request
        self._timeout = timeout
        self._metadata = metadata
        self._call: Any = None
        self._messages: AsyncIterator[Message] | None = None
        self._cancelled = False

    def __getattr__(self, name: str) -> Any:
        # Everything else is the call's own: metadata, and the private parts of grpc's that `Canceller` needs.
        if name.startswith("__") or self.__dict__.get("_call") is None:
            raise AttributeError(name)
        return getattr(self._call, name)

    def __aiter__(self) -> AsyncFallbackStreamCall:
        return self

    async def __anext__(self) -> Message:
        if self._messages is None:
            return await self._choose(self._start, self._timeout)
        return await self._messages.__anext__()

    async def _start(self, callable_: Callable[..., Any], remaining: float | None) -> Message:
        call = self._call = callable_(self._request, timeout=remaining, metadata=self._metadata)
        if self._cancelled:
            call.cancel()
        messages: AsyncIterator[Message] = call.__aiter__()
        first = await messages.__anext__()
        self._messages = messages
        return first

    def cancel(self) -> bool:
        """Cancel the call. Returns whether it was still running."""
        if self._call is None:
            was_cancelled, self._cancelled = self._cancelled, True
            return not was_cancelled
        return bool(self._call.cancel())

    def done(self) -> bool:
        """Return whether the call has ended."""
        return self._cancelled if self._call is None else bool(self._call.done())

    def is_active(self) -> bool:
        """Return whether the call is running."""
        return not self._cancelled if self._call is None else bool(self._call.is_active())
