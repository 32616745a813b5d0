"""HTTP sessions. This module and `websocket` import the HTTP client, aiohttp, and no other does.

It was chosen by measurement (benchmarks/http_clients.py): on an event loop a call costs a sixth of what
it costs with httpx. Threads use it too, on a loop in a thread of its own: that costs less than httpx's
sync client, keeps deadlines, and lets any thread cancel a call.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import socket
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping

import aiohttp
from yarl import URL

from gemwire._secret import drop_frames
from gemwire._transport.rest.given_clients import GivenClient
from gemwire._transport.rest.http_errors import (
    BROKEN,
    UNCONNECTED,
    HttpError,
    from_handshake,
    response_too_large,
)
from gemwire._transport.rest.tls_and_proxy import HttpTarget
from gemwire._transport.rest.websocket import WebSocket
from gemwire_runtime.status_code import StatusCode

VERSION = aiohttp.__version__

#: Seconds to connect, TLS included; the same as for gRPC.
_CONNECT_TIMEOUT = 5.0
#: Seconds that an idle connection is kept open; less than servers and middleboxes do.
_KEEP_ALIVE = 15.0
#: Seconds between pings of a WebSocket, which ends half of them after one without an answer.
_HEARTBEAT = 20.0
#: Seconds in which a server answers that a WebSocket is closed.
_CLOSE_TIMEOUT = 1.0
#: Bytes from which a body is given as a file, which aiohttp sends in pieces; it warns of larger ones.
_LARGE = 1 << 20
#: Seconds for TLS connections to shut down.
_TLS_SHUTDOWN = 0.01
_NEVER = 1e9
_SHORTEST = 0.001

#: Open sessions, referenced until they are closed: aiohttp logs an error about sessions that are collected.
_open: set[Session] = set()
#: Sessions that were open when this process was forked. Closing or collecting them would access the
#: event loop of the parent.
_inherited: list[Session] = []


def _disown_sessions() -> None:
    _inherited.extend(_open)
    _open.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_disown_sessions)


class Session:
    """The connections to one target on one event loop; everything here must be used on that loop."""

    def __init__(self, target: HttpTarget, client: aiohttp.ClientSession | None = None) -> None:
        """Initialize a session. Nothing is connected yet.

        ``client``: the program's own, which it closes itself.

        Raises:
            OSError: A file of certificates does not exist.
            ValueError: The environment names an unsupported proxy.
        """
        self.target = target
        self._proxy = target.proxy() if client is None else None
        self._is_owned = client is None
        self._pending: set[asyncio.Task[Exchange]] = set()
        self._exchanges: weakref.WeakSet[Exchange] = weakref.WeakSet()
        self.closed = False
        self._client = client or self._create_client(target)
        self.loop = asyncio.get_running_loop()
        for other in list(_open):
            if other.loop.is_closed():
                _open.discard(other)
        _open.add(self)

    @staticmethod
    def _create_client(target: HttpTarget) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            ssl=target.tls() or True,
            # No limit, as with gRPC: each stream occupies a connection.
            limit=0,
            keepalive_timeout=_KEEP_ALIVE,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            # Otherwise it would read variables on each request, and passwords from ~/.netrc.
            trust_env=False,
        )

    async def send(
        self, verb: str, target: str, headers: Mapping[str, str], body: bytes | None, timeout: float | None
    ) -> Exchange:
        """Send a request, and return when the header of the response has arrived, whatever its status.

        Args:
            verb: ``GET``, ``POST``…
            target: Path and query, or a whole URL.
            headers: The header fields.
            body: The body.
            timeout: Seconds for the whole exchange, including reading the response.

        Raises:
            HttpError: No response arrived.
        """
        if self.closed:
            raise _closed()
        ends_at = None if timeout is None else self.loop.time() + timeout
        with self.translate_errors(is_sending=True):
            # A task of its own, which `close` can cancel whatever it waits for.
            task = self.loop.create_task(self.open_exchange(verb, target, headers, body, timeout, ends_at))
            self._pending.add(task)
            try:
                exchange = await task
            except asyncio.CancelledError as error:
                drop_frames(error)
                if self.closed and not _is_task_cancelling():
                    raise _closed() from None
                raise
            finally:
                self._pending.discard(task)
        if self.closed:
            exchange.close()
            raise _closed()
        self._exchanges.add(exchange)
        return exchange

    async def open_exchange(
        self,
        verb: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout: float | None,
        ends_at: float | None,
    ) -> Exchange:
        """Send a request; see `send`, which makes errors of aiohttp's."""
        content: io.BytesIO | bytes | None = (
            io.BytesIO(body) if body is not None and len(body) >= _LARGE else body
        )
        limits = aiohttp.ClientTimeout(
            # To aiohttp, 0 means no timeout.
            total=None if timeout is None else max(timeout, _SHORTEST),
            sock_connect=_CONNECT_TIMEOUT,
            ceil_threshold=_NEVER,
        )
        response = await self._client.request(
            verb,
            self.to_url(target),
            headers=headers,
            data=content,
            allow_redirects=False,
            proxy=self._proxy.url if self._proxy else None,
            proxy_headers=self._proxy.headers if self._proxy else None,
            timeout=limits,
        )
        return Exchange(self, response, ends_at)

    async def connect(self, target: str, headers: Mapping[str, str]) -> WebSocket:
        """Open a WebSocket.

        Args:
            target: Its path.
            headers: The header fields.

        Raises:
            HttpError: The server refused it, or did not answer.
        """
        if self.closed:
            raise _closed()
        with self.translate_errors(is_sending=True):
            opening = self._client.ws_connect(
                self.to_url(target),
                headers=headers,
                proxy=self._proxy.url if self._proxy else None,
                proxy_headers=self._proxy.headers if self._proxy else None,
                max_msg_size=self.target.max_response_size,
                heartbeat=_HEARTBEAT,
                # Its decorator is built by functools.partial, which pyright does not follow.
                timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_TIMEOUT),  # pyright: ignore[reportCallIssue]
            )
            try:
                found = await asyncio.wait_for(opening, _CONNECT_TIMEOUT)
            except aiohttp.WSServerHandshakeError as error:
                raise from_handshake(error.status, [*(error.headers or {}).items()]) from None
            except asyncio.TimeoutError:
                text = f"{UNCONNECTED}{self.target.origin} opened no WebSocket within {_CONNECT_TIMEOUT:g} s"
                raise HttpError(StatusCode.UNAVAILABLE, text, delivered=False) from None
        return WebSocket(self, found)

    def to_url(self, target: str) -> URL:
        """Return the URL of a path and query, or of a whole address."""
        try:
            # It is encoded already, and must not be normalised.
            return URL(target if "://" in target else self.target.base + target, encoded=True)
        except ValueError as error:
            raise HttpError(StatusCode.INTERNAL, f"bad URL: {error}", delivered=False) from None

    @contextlib.contextmanager
    def translate_errors(self, *, is_sending: bool = False) -> Iterator[None]:
        """Raise the errors of aiohttp as `HttpError`; ``is_sending``: before a response has arrived."""
        try:
            yield
        except (aiohttp.ClientError, OSError, asyncio.TimeoutError) as error:
            drop_frames(error)
            failure = _closed() if self.closed else _to_http_error(error, self.target.origin)
            failure.may_be_refusal = is_sending and self.target.scheme == "https"
            raise failure from error

    async def close(self) -> None:
        """End all exchanges and close all connections."""
        self.closed = True
        for task in self._pending:
            task.cancel()
        for exchange in list(self._exchanges):
            # aiohttp would close the connection, and readers of the response would wait forever.
            exchange.close()
        if self._is_owned:
            await self._client.close()
        # Sockets close after a few iterations of the loop, which may stop next; those with TLS take longer.
        await asyncio.sleep(0 if self.target.scheme == "http" else _TLS_SHUTDOWN)
        _open.discard(self)

    def abandon(self) -> None:
        """End all exchanges once the loop is closed: nothing can be awaited any more."""
        self.closed = True
        for exchange in list(self._exchanges):
            exchange.shut_down()
        if not self._is_owned:
            return
        # On a closed loop aiohttp only forgets its connections, so that it does not log that they are open.
        closing = self._client.close()
        with contextlib.suppress(StopIteration):
            closing.send(None)
        closing.close()


def open_session(target: HttpTarget, given: GivenClient | None) -> Session:
    """Return a session on the running loop, with the program's client if there is one."""
    if given is None:
        return Session(target)
    if isinstance(given.client, aiohttp.ClientSession):
        return Session(target, given.client)
    from gemwire._transport.rest.httpx_session import HttpxSession

    return HttpxSession(target, given)


class Exchange:
    """A request that was sent, and its response.

    Attributes:
        status: The HTTP status.
        headers: The header fields of the response, names in lower case.
        max_size: Bytes that a response or an event may have, decompressed.
    """

    def __init__(self, session: Session, response: aiohttp.ClientResponse, ends_at: float | None) -> None:
        self._session = session
        self._response = response
        self._ends_at = ends_at
        self._broken: Exception | None = None
        self.max_size = session.target.max_response_size
        self.status = response.status
        self.headers = [(name.lower(), value) for name, value in response.headers.items()]

    def header(self, name: str, default: str = "") -> str:
        """Return the value of a header field of the response."""
        return self._response.headers.get(name, default)

    async def read_some(self) -> bytes:
        """Return the next bytes; none at the end, when the connection can be reused.

        Raises:
            HttpError: The connection broke; everything received before was returned. Or time is up.
        """
        with self._session.translate_errors():
            if self._broken:
                raise self._broken
            if self._ends_at is not None and self._session.loop.time() >= self._ends_at:
                # The HTTP client's own timer cannot fire while there always is something to inflate.
                self.close()
                raise asyncio.TimeoutError
            try:
                return await self._response.content.readany()
            except (aiohttp.ClientError, OSError) as error:
                buffered = _take_buffered(self._response.content)
                if not buffered:
                    raise
                self._broken = error
                return buffered

    async def read_all(self) -> bytes:
        """Return the remaining bytes, and close the exchange.

        Raises:
            HttpError: As `read_some`; or there are more than `max_size`.
        """
        body = await self.read_start(self.max_size + 1)
        if len(body) > self.max_size:
            raise response_too_large(self.max_size)
        return body

    async def read_start(self, size: int) -> bytes:
        """Return the first ``size`` of the remaining bytes, and close the exchange. Raises as `read_some`."""
        body = io.BytesIO()
        try:
            while size > 0 and (piece := await self.read_some()):
                size -= body.write(piece[:size])
        finally:
            self.close()
        return body.getvalue()

    def close(self) -> None:
        """End the exchange. If the response is incomplete, its connection is closed at once."""
        self._response.close()

    def shut_down(self) -> None:
        """Tell the server that nobody reads any more, on a loop that is closed."""
        connection = self._response.connection
        if connection is not None and connection.transport is not None:
            with contextlib.suppress(Exception):
                connection.transport.get_extra_info("socket").shutdown(socket.SHUT_RDWR)


def _take_buffered(content: aiohttp.StreamReader) -> bytes:
    """Return what arrived before a connection broke; aiohttp discards it with the error."""
    pieces: Iterable[bytes] = getattr(content, "_buffer", ())
    return b"".join(pieces)[getattr(content, "_buffer_offset", 0) :]


def _is_task_cancelling() -> bool:
    """Return whether the current task is being cancelled, as Python 3.11 and later can tell."""
    cancelling: Callable[[], int] | None = getattr(asyncio.current_task(), "cancelling", None)
    return cancelling is not None and bool(cancelling())


def _closed() -> HttpError:
    return HttpError(StatusCode.CANCELLED, "the client was closed during the call")


def _to_http_error(error: Exception, origin: str) -> HttpError:
    unavailable, internal = StatusCode.UNAVAILABLE, StatusCode.INTERNAL
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        text = f"{UNCONNECTED}{origin} did not accept a connection within {_CONNECT_TIMEOUT:g} s"
        return HttpError(unavailable, text, delivered=False)
    if isinstance(error, asyncio.TimeoutError):
        return HttpError(StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")
    if isinstance(error, aiohttp.ClientHttpProxyError):
        text = f"{UNCONNECTED}the proxy answered HTTP {error.status} {error.message}"
        return HttpError(unavailable, text, delivered=False)
    if isinstance(error, aiohttp.ClientConnectorError):
        return HttpError(unavailable, f"{UNCONNECTED}{error}", delivered=False)
    if isinstance(error, aiohttp.ClientResponseError):
        reason = " ".join(error.message.split())[:200]
        return HttpError(internal, f"{origin} does not speak HTTP/1.1 ({reason}); is it a gRPC port?")
    if isinstance(error, aiohttp.InvalidURL):
        return HttpError(internal, "bad URL: it names no host", delivered=False)
    return HttpError(unavailable, f"{BROKEN}{type(error).__name__}: {error}")
