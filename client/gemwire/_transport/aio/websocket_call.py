"""Bidirectional calls over WebSockets, by the interface of gRPC's. Written by hand for each flavour."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, TypeAlias

from google.protobuf.message import Message

from gemwire._transport.aio.http_loop import LoopRunner
from gemwire._transport.rest.http_errors import HttpError
from gemwire._transport.rest.websocket_call import WebSocketCall
from gemwire_runtime.method import AnyMethod
from gemwire_runtime.status_code import StatusCode

if TYPE_CHECKING:
    import grpc.aio

_Pairs = Iterable[tuple[str, "str | bytes"]]
HttpBidiCall: TypeAlias = WebSocketCall[Message, Message]
_Call: TypeAlias = "HttpBidiCall | grpc.aio.StreamStreamCall[Message, Message]"


def start_websocket_call(
    runner: LoopRunner, method: AnyMethod, *, timeout: float | None, metadata: _Pairs
) -> HttpBidiCall:
    """Start a call. Raises ValueError if its metadata has no HTTP form."""
    return WebSocketCall(runner.session, method, timeout, metadata)


class AsyncFallbackBidiCall:
    """One call over gRPC if that connects, else over a WebSocket; it is decided when the call starts."""

    def __init__(
        self, choose: Callable[..., Awaitable[_Call]], *, timeout: float | None, metadata: _Pairs
    ) -> None:
        """``choose`` makes a call with the callable that it has chosen."""
        self._metadata = metadata
        self._call: _Call | None = None
        self._cancelled = False
        self._callbacks: list[Callable[[object], None]] = []
        self._starting = asyncio.ensure_future(choose(self._start, timeout))
        # Whoever reads or writes gets the error.
        self._starting.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def _start(self, callable_: Callable[..., _Call], remaining: float | None) -> _Call:
        call = callable_(timeout=remaining, metadata=self._metadata)
        if isinstance(call, WebSocketCall):
            await call.open()
        self._call = call
        for callback in self._callbacks:
            call.add_done_callback(callback)
        return call

    async def _started(self) -> _Call:
        try:
            return await asyncio.shield(self._starting)
        except asyncio.CancelledError:
            if self._cancelled:
                raise HttpError(StatusCode.CANCELLED, "the call was cancelled here") from None
            raise

    @property
    def carries_json(self) -> bool:
        """Whether requests may hold JSON-only fields."""
        return isinstance(self._call, WebSocketCall)

    async def write(self, request: Message) -> None:
        """Send a message; raises as the call does."""
        await (await self._started()).write(request)

    async def done_writing(self) -> None:
        """Tell the server that no more messages follow, if it can be told."""
        await (await self._started()).done_writing()

    async def read(self) -> object:
        """Return the next message; raises as the call does."""
        return await (await self._started()).read()

    async def code(self) -> object:
        """Return the status of a call that has ended."""
        return StatusCode.CANCELLED if self._call is None else await self._call.code()

    def cancel(self) -> bool:
        """End the call; its reader gets CANCELLED. Returns whether it was still running."""
        if self._call is not None:
            return bool(self._call.cancel())
        was_cancelled, self._cancelled = self._cancelled, True
        self._starting.cancel()
        return not was_cancelled

    def done(self) -> bool:
        """Return whether the call has ended."""
        return self._starting.done() if self._call is None else bool(self._call.done())

    def add_done_callback(self, callback: Callable[[object], None]) -> None:
        """Call a function when the call has ended."""
        if self._call is not None:
            self._call.add_done_callback(callback)
        else:
            self._callbacks.append(callback)

    async def initial_metadata(self) -> object:
        """Return the metadata that the server sent before its first message."""
        return await (await self._started()).initial_metadata()

    async def trailing_metadata(self) -> object:
        """Return the metadata that the server sent with the status."""
        return await (await self._started()).trailing_metadata()
