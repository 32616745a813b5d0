"""The connections. The one module that knows the HTTP client, aiohttp.

Chosen by measurement (benchmarks/http_clients.py): on an event loop a call costs it a sixth of what it
costs httpx. Threads use it too, by way of a loop in a thread, which costs less than httpx's own sync
client does and gives them deadlines that hold and calls that can be ended from any thread.
"""

from __future__ import annotations

import asyncio
import io
import os
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import aiohttp
import grpc
from yarl import URL

from gemwire._transport.rest.http_errors import BROKEN, UNCONNECTED, HttpError
from gemwire._transport.rest.tls_and_proxy import HttpTarget

VERSION = aiohttp.__version__

#: Seconds for a connection, TLS included; as long as gRPC gives one.
_CONNECT = 5.0
#: Seconds that a connection waits for its next request; less than servers and middleboxes bear.
_KEEP_ALIVE = 15.0
#: aiohttp warns of larger bodies unless they come as files, which it sends piece by piece.
_LARGE = 1 << 20
#: Seconds for connections with TLS to say goodbye.
_GOODBYE = 0.01
_NEVER = 1e9
_SHORTEST = 0.001

#: Sessions that are open, held until they are closed: collected together with what closes them, they
#: would complain first.
_open: set[Session] = set()
#: Those that were open when this process was forked. Closing them, or letting them go, would reach into
#: the event loop of the parent.
_inherited: list[Session] = []


def _forked() -> None:
    _inherited.extend(_open)
    _open.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


class Session:
    """The connections to one target, of one event loop, on which everything here is used."""

    def __init__(self, target: HttpTarget) -> None:
        """Nothing is connected yet.

        Raises:
            OSError: A file of certificates is not there.
            ValueError: The environment names a proxy that is none.
        """
        self._target = target
        self._proxy = target.proxy()
        self._sending: set[asyncio.Task[aiohttp.ClientResponse]] = set()
        self._answering: weakref.WeakSet[Exchange] = weakref.WeakSet()
        self.closed = False
        connector = aiohttp.TCPConnector(
            ssl=target.tls() or True,
            # As many as there are calls, as with gRPC: a stream keeps its connection for itself.
            limit=0,
            keepalive_timeout=_KEEP_ALIVE,
        )
        self._client = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            # Variables would be read on each request, and ~/.netrc for a password to send.
            trust_env=False,
        )
        self._loop = asyncio.get_running_loop()
        for other in list(_open):
            if other._loop.is_closed():
                _open.discard(other)
        _open.add(self)

    @property
    def origin(self) -> str:
        """Scheme, host and port of the target."""
        return self._target.origin

    async def send(
        self, verb: str, target: str, headers: Mapping[str, str], body: bytes | None, timeout: float | None
    ) -> Exchange:
        """Send a request; returns when the head of the answer is there, whatever its status.

        Args:
            verb: ``GET``, ``POST``…
            target: Path and query, or a whole URL.
            headers: What to send beside it.
            body: The body.
            timeout: Seconds for everything, the reading of the answer included.

        Raises:
            HttpError: There is no answer.
        """
        if self.closed:
            raise _closed()
        url = target if "://" in target else self._target.origin + target
        content: Any = io.BytesIO(body) if body is not None and len(body) >= _LARGE else body
        limits = aiohttp.ClientTimeout(
            # 0 would be none.
            total=None if timeout is None else max(timeout, _SHORTEST),
            sock_connect=_CONNECT,
            ceil_threshold=_NEVER,
        )

        async def begin() -> aiohttp.ClientResponse:
            return await self._client.request(
                verb,
                # As it is: encoded already, and not to be normalised.
                URL(url, encoded=True),
                headers=headers,
                data=content,
                allow_redirects=False,
                proxy=self._proxy,
                timeout=limits,
            )

        with self._told():
            # A task of its own, so that closing ends it, whatever it waits for.
            task = self._loop.create_task(begin())
            self._sending.add(task)
            try:
                exchange = Exchange(self, await task)
            except asyncio.CancelledError:
                if self.closed and not _asked_to_end():
                    raise _closed() from None
                raise
            finally:
                self._sending.discard(task)
        if self.closed:
            exchange.close()
            raise _closed()
        self._answering.add(exchange)
        return exchange

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Raises what aiohttp does as `HttpError`."""
        try:
            yield
        except (aiohttp.ClientError, OSError, asyncio.TimeoutError) as error:
            raise (_closed() if self.closed else _failure(error, self._target.origin)) from error

    async def close(self) -> None:
        """End everything under way and all connections."""
        self.closed = True
        for task in self._sending:
            task.cancel()
        for exchange in list(self._answering):
            # aiohttp would close the connection and leave who reads from it to wait for ever.
            exchange.close()
        await self._client.close()
        # Transports take a turn or two of the loop to be gone, those with TLS some more: it may stop next.
        await asyncio.sleep(0 if self._target.scheme == "http" else _GOODBYE)
        _open.discard(self)


class Exchange:
    """An answer that is coming in.

    Attributes:
        status: The HTTP status.
        headers: Its header fields, names in lower case.
    """

    def __init__(self, session: Session, response: aiohttp.ClientResponse) -> None:
        self._session = session
        self._response = response
        self._broken: Exception | None = None
        self.status = response.status
        self.headers = [(name.lower(), value) for name, value in response.headers.items()]

    def header(self, name: str, default: str = "") -> str:
        """A header field's value."""
        return self._response.headers.get(name, default)

    async def some(self) -> bytes:
        """What came in next; empty at the end. The connection is free then.

        Raises:
            HttpError: The connection broke; all that had come before was given.
        """
        with self._session._told():
            if self._broken:
                raise self._broken
            try:
                return await self._response.content.readany()
            except (aiohttp.ClientError, OSError) as error:
                held = _held(self._response.content)
                if not held:
                    raise
                self._broken = error
                return held

    async def rest(self, limit: int | None = None) -> bytes:
        """All that is left, or its first ``limit`` bytes, and then the end of it."""
        pieces: list[bytes] = []
        size = 0
        try:
            while piece := await self.some():
                pieces.append(piece)
                size += len(piece)
                if limit is not None and size >= limit:
                    break
        finally:
            self.close()
        body = b"".join(pieces)
        return body if limit is None else body[:limit]

    def close(self) -> None:
        """End it. Where something is left to come, the connection ends at once."""
        self._response.close()


def _held(content: aiohttp.StreamReader) -> bytes:
    """What came before a connection broke. aiohttp would throw it away with the error."""
    pieces: Any = getattr(content, "_buffer", ())
    return b"".join(pieces)[getattr(content, "_buffer_offset", 0) :]


def _asked_to_end() -> bool:
    """Whether the running task itself is being cancelled (Python 3.11 and later can tell)."""
    task: Any = asyncio.current_task()
    return task is not None and hasattr(task, "cancelling") and bool(task.cancelling())


def _closed() -> HttpError:
    return HttpError(grpc.StatusCode.CANCELLED, "the client was closed during the call")


def _failure(error: Exception, origin: str) -> HttpError:
    unavailable = grpc.StatusCode.UNAVAILABLE
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        text = f"{UNCONNECTED}{origin} did not take a connection within {_CONNECT:g} s"
        return HttpError(unavailable, text, delivered=False)
    if isinstance(error, asyncio.TimeoutError):
        return HttpError(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")
    if isinstance(error, aiohttp.ClientHttpProxyError):
        text = f"{UNCONNECTED}the proxy answered HTTP {error.status} {error.message}"
        return HttpError(unavailable, text, delivered=False)
    if isinstance(error, aiohttp.ClientConnectorError):
        return HttpError(unavailable, f"{UNCONNECTED}{error}", delivered=False)
    if isinstance(error, aiohttp.ClientResponseError):
        said = " ".join(error.message.split())[:200]
        text = f"{origin} answers in something else than HTTP/1.1 ({said}); is it a gRPC port?"
        return HttpError(grpc.StatusCode.INTERNAL, text)
    return HttpError(unavailable, f"{BROKEN}{type(error).__name__}: {error}")
