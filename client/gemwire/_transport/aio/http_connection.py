"""Calls over HTTP, by the interface of gRPC's: `HttpConnection` is the counterpart of `ChannelHandle`."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from google.protobuf.message import Message

from gemwire._transport import fork
from gemwire._transport.aio.concurrency import CancelledError, is_task_cancelling
from gemwire._transport.aio.http_loop import LoopRunner
from gemwire._transport.aio.websocket_call import HttpBidiCall, start_websocket_call
from gemwire._transport.connection_health import ConnectionHealth
from gemwire._transport.connection_probe import ConnectionProbe
from gemwire._transport.response_metadata import collect
from gemwire._transport.rest.exchange import EventSource, HttpCall, parse_message
from gemwire._transport.rest.http_errors import HttpError
from gemwire._transport.rest.transcode import bindings
from gemwire.errors import Unimplemented
from gemwire_runtime.method import AnyMethod, Kind
from gemwire_runtime.status_code import StatusCode

if TYPE_CHECKING:
    from asyncio import Task

#: Metadata, in any of the forms of grpc.
_Pairs = Iterable[tuple[str, "str | bytes"]]
#: What makes the calls of a method.
_Callable: TypeAlias = "HttpUnary | partial[AsyncHttpStreamCall] | partial[HttpBidiCall]"


class HttpConnection:
    """An HTTP session with the callables of methods.

    Attributes:
        runner: Runs the session.
        health: The connection's health.
        generation: The process it was made in; see `fork`.
    """

    __slots__ = ("__weakref__", "_callables", "generation", "health", "runner")

    def __init__(self, runner: LoopRunner, probe: ConnectionProbe | None) -> None:
        self.runner = runner
        self.health = ConnectionHealth(probe)
        self.generation = fork.generation()
        self._callables: dict[AnyMethod, _Callable] = {}

    def callable(self, method: AnyMethod) -> _Callable:
        """Return what makes the calls of a method, called as grpc's multicallables are.

        Raises:
            Unimplemented: The method has no HTTP form.
        """
        found: _Callable | None = self._callables.get(method)
        if found is None:
            if not (bindings(method) or method.websocket):
                raise Unimplemented(
                    f"{method.name} has no HTTP form; nothing was sent",
                    method=method.path[1:],
                    hint="Use a client with the gRPC transport.",
                )
            if method.websocket:
                found = partial(start_websocket_call, self.runner, method)
            elif method.kind is Kind.SERVER_STREAM:
                found = partial(AsyncHttpStreamCall.start, self.runner, method)
            else:
                found = HttpUnary(self.runner, method)
            self._callables[method] = found
        return found


class HttpUnary:
    """The callable of a method with one response."""

    def __init__(self, runner: LoopRunner, method: AnyMethod) -> None:
        self._runner = runner
        self._method = method

    async def __call__(self, request: Message, *, timeout: float | None, metadata: _Pairs) -> Message:
        """Make a call.

        Raises:
            HttpError: The call failed.
            ValueError: The request or its metadata has no HTTP form.
        """
        call: HttpCall[Message] = HttpCall.build(self._method, request, metadata, timeout)
        runner = self._runner
        body, headers = await runner.run(call.fetch(runner.session))
        collect(headers)
        return parse_message(call.response, body)

    def future(
        self, request: Message, *, timeout: float | None, metadata: _Pairs
    ) -> Task[Message] | Future[Message]:
        """Start a call, as grpc's callables of threads do; the future has its response."""
        call = HttpCall.build(self._method, request, metadata, timeout)
        return self._runner.start(call.fetch_message(self._runner.session))


class AsyncHttpStreamCall:
    """One streaming call, with the interface of grpc's.

    Attributes:
        carries_json_only: Whether messages may have JSON-only fields.
    """

    carries_json_only = True

    def __init__(self, runner: LoopRunner, call: HttpCall[Message]) -> None:
        self._runner = runner
        self._response = call.response
        self._events: deque[bytes] = deque()
        self._headers: list[tuple[str, str | bytes]] = []
        self._source: EventSource | None = None
        self._cancelled = False
        self._ended = False
        self._started = runner.start(call.open_events(runner.session))

    @classmethod
    def start(
        cls,
        runner: LoopRunner,
        method: AnyMethod,
        request: Message,
        *,
        timeout: float | None,
        metadata: _Pairs,
    ) -> AsyncHttpStreamCall:
        """Start a call. Raises ValueError if the request or its metadata has no HTTP form."""
        return cls(runner, HttpCall.build(method, request, metadata, timeout))

    def __aiter__(self) -> AsyncHttpStreamCall:
        return self

    async def __anext__(self) -> Message:
        try:
            if not self._events:
                if self._cancelled:
                    raise _cancelled()
                source = self._source or await self._open()
                self._events.extend(await self._runner.run(source.read()))
                if self._cancelled:
                    raise _cancelled()
                if not self._events:
                    self._ended = True
                    raise StopAsyncIteration
            return parse_message(self._response, self._events.popleft())
        except HttpError:
            self._end()
            if self._cancelled:
                # Whatever error the connection made of the cancellation.
                raise _cancelled() from None
            raise
        except CancelledError:
            self._end()
            if self._cancelled and not is_task_cancelling():
                raise _cancelled() from None
            raise

    async def _open(self) -> EventSource:
        source = self._source = await self._runner.result(self._started)
        self._headers = [*source.headers]
        if self._ended:
            # Another thread cancelled the call while it was opened.
            self._runner.call_soon(source.close)
            raise _cancelled()
        return source

    def _end(self) -> None:
        if not self._ended:
            self._ended = True
            self._started.cancel()
            if self._source:
                self._runner.call_soon(self._source.close)

    def cancel(self) -> bool:
        """Cancel the call; its reader gets CANCELLED. Returns whether it was still running."""
        if self._ended:
            return False
        self._cancelled = True
        self._events.clear()
        self._end()
        return True

    def done(self) -> bool:
        """Return whether the call has ended."""
        return self._ended

    def is_active(self) -> bool:
        """Return whether the call is running."""
        return not self._ended

    async def initial_metadata(self) -> list[tuple[str, str | bytes]]:
        """Return the header fields of the response."""
        if not self._source and not self._ended:
            await self._open()
        return self._headers

    async def trailing_metadata(self) -> list[tuple[str, str | bytes]]:
        """Return nothing: trailers of HTTP/1.1 do not reach clients reliably."""
        return []


def _cancelled() -> HttpError:
    return HttpError(StatusCode.CANCELLED, "the call was cancelled here")
