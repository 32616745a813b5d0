"""Calls over HTTP, with the manners of grpc's: what `Binding` and its callables are for channels."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import grpc

from gemwire._transport import fork
from gemwire._transport.aio.concurrency import CancelledError, is_task_cancelling
from gemwire._transport.connection_health import ConnectionHealth
from gemwire._transport.rest import exchange
from gemwire._transport.rest.http_errors import HttpError
from gemwire._transport.rest.transcode import bindings, to_http
from gemwire.errors import Unimplemented
from gemwire_runtime.method import Kind, Method

if TYPE_CHECKING:
    from gemwire._transport.aio.http_loop import Portal


class HttpBinding:
    """A session, and its callables."""

    __slots__ = ("__weakref__", "_calls", "generation", "health", "portal")

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self.health = ConnectionHealth()
        self.generation = fork.generation()
        self._calls: dict[Method[Any, Any], Any] = {}

    def callable(self, method: Method[Any, Any]) -> Any:
        """What makes the calls of a method, called as grpc's multicallables are.

        Raises:
            Unimplemented: The method has no HTTP form.
        """
        found = self._calls.get(method)
        if found is None:
            if not bindings(method):
                raise Unimplemented(
                    f"{method.name} has no HTTP form, nothing was sent",
                    method=method.path[1:],
                    hint="Use a client with the gRPC transport for it.",
                )
            kind = HttpStream if method.kind is Kind.SERVER_STREAM else HttpUnary
            found = self._calls[method] = kind(self, method)
        return found


class HttpUnary:
    """Makes calls with one answer."""

    def __init__(self, binding: HttpBinding, method: Method[Any, Any]) -> None:
        self._binding = binding
        self._method = method

    async def __call__(self, request: Any, *, timeout: float | None, metadata: Any) -> Any:
        """Make one.

        Raises:
            HttpError: It failed.
            ValueError: Request or metadata have no HTTP form.
        """
        form = to_http(self._method, request)
        headers = exchange.headers_of(metadata, timeout)
        portal = self._binding.portal
        body = await portal.run(exchange.whole(portal.session, form, headers, timeout))
        return exchange.message(self._method.response, body)

    def future(self, request: Any, *, timeout: float | None, metadata: Any) -> Any:
        """Begin one, as grpc's callables of threads do: what it gives has the answer later."""
        form = to_http(self._method, request)
        headers = exchange.headers_of(metadata, timeout)
        portal = self._binding.portal
        return portal.start(exchange.unary(portal.session, form, headers, timeout, self._method.response))


class HttpStream:
    """Makes calls with a stream of answers."""

    def __init__(self, binding: HttpBinding, method: Method[Any, Any]) -> None:
        self._binding = binding
        self._method = method

    def __call__(self, request: Any, *, timeout: float | None, metadata: Any) -> AsyncHttpStreamCall:
        """Begin one. Raises ValueError where request or metadata have no HTTP form."""
        form = to_http(self._method, request)
        headers = exchange.headers_of(metadata, timeout)
        return AsyncHttpStreamCall(self._binding, self._method, form, headers, timeout)


class AsyncHttpStreamCall:
    """One streaming call, as grpc's is: iterated, cancelled, asked for metadata."""

    def __init__(
        self, binding: HttpBinding, method: Method[Any, Any], form: Any, headers: Any, timeout: float | None
    ) -> None:
        self._portal = binding.portal
        self._kind = method.response
        self._arrived: deque[bytes] = deque()
        self._headers: list[tuple[str, str | bytes]] = []
        self._source: exchange.EventSource | None = None
        self._cancelled = False
        self._ended = False
        self._begun = self._portal.start(exchange.events(self._portal.session, form, headers, timeout))

    def __aiter__(self) -> AsyncHttpStreamCall:
        return self

    async def __anext__(self) -> Any:
        try:
            if not self._arrived:
                if self._cancelled:
                    raise _cancelled()
                source = self._source or await self._opened()
                self._arrived.extend(await self._portal.run(source.more()))
                if self._cancelled:
                    raise _cancelled()
                if not self._arrived:
                    self._ended = True
                    raise StopAsyncIteration
            return exchange.message(self._kind, self._arrived.popleft())
        except HttpError:
            self._end()
            if self._cancelled:
                # Its end was asked for, whatever the connection made of that.
                raise _cancelled() from None
            raise
        except CancelledError:
            self._end()
            if self._cancelled and not is_task_cancelling():
                raise _cancelled() from None
            raise

    async def _opened(self) -> exchange.EventSource:
        source = self._source = await self._portal.result(self._begun)
        self._headers = [*source.headers]
        if self._ended:
            # Cancelled by another thread, when it had just begun.
            self._portal.soon(source.close)
            raise _cancelled()
        return source

    def _end(self) -> None:
        if not self._ended:
            self._ended = True
            self._begun.cancel()
            if self._source:
                self._portal.soon(self._source.close)

    def cancel(self) -> bool:
        """End it. Whoever reads gets CANCELLED. Returns whether there was something left to end."""
        if self._ended:
            return False
        self._cancelled = True
        self._arrived.clear()
        self._end()
        return True

    def done(self) -> bool:
        """Whether it has ended."""
        return self._ended

    def is_active(self) -> bool:
        """Whether it goes on."""
        return not self._ended

    async def initial_metadata(self) -> list[tuple[str, str | bytes]]:
        """The header fields of the answer."""
        if not self._source and not self._ended:
            await self._opened()
        return self._headers

    async def trailing_metadata(self) -> list[tuple[str, str | bytes]]:
        """Nothing: HTTP/1.1 has no trailers that arrive anywhere."""
        return []


def _cancelled() -> HttpError:
    return HttpError(grpc.StatusCode.CANCELLED, "the call was cancelled here")
