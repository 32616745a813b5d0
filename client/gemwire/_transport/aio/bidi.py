"""Bidirectional streams. Written by hand for each flavour: grpc's two interfaces differ."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from google.protobuf.message import Message

from gemwire._transport.aio.bidi_call import AsyncBidiCall
from gemwire._transport.aio.concurrency import iterate
from gemwire._transport.attempts import Attempts
from gemwire._transport.call_error import RpcError, has_code, rpc_errors
from gemwire._transport.json_only import to_bidi_request
from gemwire._transport.metadata import CallMetadata
from gemwire.errors import APIError, Cancelled
from gemwire_runtime.method import Method
from gemwire_runtime.status_code import StatusCode

if TYPE_CHECKING:
    import grpc.aio

#: Seconds in which the status of a call that has ended arrives; it is on its way.
_STATUS_TIMEOUT = 1.0

_Request = TypeVar("_Request", bound=Message)
_Response = TypeVar("_Response", bound=Message)


def _ended_errors() -> tuple[type[Exception], ...]:
    """Return what a write to a call that has ended raises: grpc.aio has another for an end meanwhile."""
    grpc_aio = sys.modules.get("grpc.aio")
    return asyncio.InvalidStateError, getattr(grpc_aio, "InternalError", asyncio.InvalidStateError)


class AsyncBidiStream(AsyncBidiCall[_Response], Generic[_Request, _Response]):
    """Messages in both directions of one call.

    Write with `write` and `done_writing`, or give the method an iterable of requests; read with
    ``async for`` or `read`. Use it with ``async with``: leaving the block ends the call.
    """

    def __init__(
        self,
        start: Callable[..., Any],
        method: Method[_Request, _Response],
        requests: AsyncIterable[object] | Iterable[object] | None,
        attempts: Attempts,
        idle_timeout: float | None,
        timeout: float | None,
        metadata: CallMetadata,
    ) -> None:
        """Start the call; a task of its own sends ``requests``."""
        call: grpc.aio.StreamStreamCall[_Request, _Response] = start(timeout=timeout, metadata=metadata)
        super().__init__(call, attempts, idle_timeout)
        self._method = method
        self._writing_ended = False
        self._sender = _Sender(call, method, requests) if requests is not None else None

    async def write(self, request: _Request | Mapping[str, object], /) -> None:
        """Send one message.

        Args:
            request: The message, or a dict of its fields.

        Raises:
            APIError: The call has ended.
            ValueError: A field does not exist or is not available over gRPC, or `done_writing` was called
                before.
            TypeError: The message is of another type.
        """
        message = to_bidi_request(self._call, self._method, request)
        if self._writing_ended:
            raise ValueError("write: the stream was closed for writing by done_writing()")
        try:
            await self._call.write(message)
        except rpc_errors() as error:
            raise await self._write_error(error) from None
        except _ended_errors():
            raise await self._ended_error() from None

    async def done_writing(self) -> None:
        """Tell the server that no more messages follow."""
        self._writing_ended = True
        try:
            await self._call.done_writing()
        except (*rpc_errors(), *_ended_errors()):
            # The call has ended; its reader gets the error.
            return

    @property
    def _sender_error(self) -> Exception | None:
        return self._sender.error if self._sender else None

    async def _write_error(self, error: RpcError) -> APIError:
        """Build the error of a failed write; one that meets the end of the call gets no status of its own."""
        if not has_code(error, StatusCode.INTERNAL):
            return self._error(error, self._watchdog)
        try:
            await asyncio.wait_for(self._call.code(), _STATUS_TIMEOUT)
        except asyncio.TimeoutError:
            return self._error(error, self._watchdog)
        return await self._ended_error()

    async def _ended_error(self) -> Cancelled:
        code = await self._call.code()
        return self._attempts.cancelled_error(
            f"the call has ended with {code.name}; nothing more can be written"
        )

    async def __aexit__(self, *exc_info: object) -> None:
        await super().__aexit__()
        if self._sender:
            await asyncio.wait([self._sender.task])


class _Sender:
    """Sends the requests of an iterable until the call ends. It must not keep the stream alive."""

    __slots__ = ("_call", "_method", "error", "task")

    def __init__(
        self,
        call: grpc.aio.StreamStreamCall[_Request, Any],
        method: Method[_Request, _Response],
        requests: AsyncIterable[object] | Iterable[object],
    ) -> None:
        self._call = call
        self._method = method
        self.error: Exception | None = None
        self.task = asyncio.ensure_future(self._run(iterate(requests)))
        call.add_done_callback(self._stop)

    def _stop(self, _: object) -> None:
        self.task.cancel()

    async def _run(self, requests: AsyncIterator[object]) -> None:
        try:
            async for request in requests:
                await self._call.write(to_bidi_request(self._call, self._method, request))
            await self._call.done_writing()
        except (*rpc_errors(), asyncio.CancelledError, *_ended_errors()):
            # The call has ended; its reader gets the error.
            return
        except Exception as error:
            self.error = error
            self._call.cancel()
