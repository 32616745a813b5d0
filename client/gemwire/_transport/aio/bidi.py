"""Both directions of a streaming call. Written by hand for each flavour: grpc's two interfaces differ."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping
from typing import Any, Generic, TypeVar, cast

import grpc
import grpc.aio
from google.protobuf.message import Message

from gemwire._transport.aio.canceller import Canceller
from gemwire._transport.aio.concurrency import RpcError, is_task_cancelling
from gemwire._transport.aio.watchdog import IdleWatchdog
from gemwire._transport.attempts import Attempts, message_of
from gemwire.errors import Cancelled, DeadlineExceeded, StreamConsumed

#: Seconds in which the status of a call that has ended arrives; it is on its way.
_STATUS_PATIENCE = 1.0

_Request = TypeVar("_Request", bound=Message)
_Response = TypeVar("_Response", bound=Message)


class AsyncBidiStream(Generic[_Request, _Response]):
    """Messages in both directions of one call.

    Write with `write` and `done_writing`, or give the method an iterable of requests; read with
    ``async for`` or `read`. Use it with ``async with``: leaving the block ends the call.
    """

    def __init__(
        self,
        begin: Any,
        kind: type[_Request],
        requests: AsyncIterable[Any] | Iterable[Any] | None,
        attempts: Attempts,
        idle_timeout: float | None,
        timeout: float | None,
        metadata: Any,
    ) -> None:
        """Begins the call; ``requests`` are sent by a task of its own."""
        self._call = begin(timeout=timeout, metadata=metadata)
        self._cancel = Canceller(self._call)
        self._kind = kind
        self._attempts = attempts
        self._idle_timeout = idle_timeout
        self._cancelled = False
        self._writing_ended = False
        self._taken = False
        self._watchdog: IdleWatchdog | None = None
        if idle_timeout:
            watchdog = self._watchdog = IdleWatchdog(idle_timeout, self._cancel)
            # Reading is what waits; one may open a call and read later.
            watchdog.pause()
            self._call.add_done_callback(lambda _: watchdog.stop())
        self._pump = _Pump(self._call, kind, requests) if requests is not None else None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {'done' if self._call.done() else 'open'}>"

    @property
    def attempts(self) -> int:
        """How often the call was tried: once, as what was sent cannot be sent again."""
        return self._attempts.count

    async def write(self, request: _Request | Mapping[str, Any], /) -> None:
        """Send one message.

        Args:
            request: The message, or a dict of its fields.

        Raises:
            APIError: The call has ended.
            ValueError: A field does not exist, or the writing was ended before.
            TypeError: The message is of another type.
        """
        message = message_of(self._kind, request, "request")
        if self._writing_ended:
            raise ValueError("write: the writing side was ended by done_writing()")
        try:
            await self._call.write(message)
        except RpcError as error:
            raise await self._unwritten(error) from None
        except asyncio.InvalidStateError:
            raise await self._ended() from None

    async def done_writing(self) -> None:
        """Tell the server that no more messages follow."""
        self._writing_ended = True
        try:
            await self._call.done_writing()
        except (RpcError, asyncio.InvalidStateError):
            # The call has ended, and its reader hears of it.
            return

    async def read(self) -> _Response | None:
        """The next message; None when the server has sent its last.

        Raises:
            APIError: The call failed.
        """
        if self._watchdog:
            self._watchdog.resume()
        try:
            message: Any = await self._call.read()
        except RpcError as error:
            raise self._seen(self._failure(error)) from self._pump_error
        except asyncio.CancelledError:
            closed = self._attempts.closed and not is_task_cancelling()
            fired = self._watchdog and self._watchdog.fired
            if self._cancelled or closed or self._pump_error or fired:
                raise self._seen(self._failure(None)) from self._pump_error
            raise
        if self._watchdog:
            self._watchdog.pause()
        if message is grpc.aio.EOF:
            self._seen(None)
            return None
        if self._attempts.watch:
            self._attempts.watch.message(message)
        return cast("_Response", message)

    def __aiter__(self) -> AsyncIterator[_Response]:
        if self._taken:
            raise StreamConsumed("this stream was iterated before; call the method again for another")
        self._taken = True
        return self._messages()

    async def _messages(self) -> AsyncIterator[_Response]:
        try:
            while (message := await self.read()) is not None:
                yield message
        finally:
            self._finish()

    def _seen(self, failure: Any) -> Any:
        """Tell those who watch that the call has ended."""
        if self._attempts.watch:
            self._attempts.watch.end(self._attempts.count, failure)
        return failure

    @property
    def _pump_error(self) -> Exception | None:
        return self._pump.error if self._pump else None

    def _failure(self, error: Any) -> Exception:
        count = self._attempts.count
        if self._watchdog and self._watchdog.fired:
            return DeadlineExceeded(
                f"no message for {self._idle_timeout:g} s", attempts=count, hint="Raise `idle_timeout`."
            )
        if self._pump_error:
            return Cancelled(f"the iterable of requests failed: {self._pump_error!r}", attempts=count)
        if self._cancelled:
            return Cancelled("the stream was cancelled by cancel()", attempts=count)
        return self._attempts.error(error) if error else self._attempts.closing()

    async def _unwritten(self, error: Any) -> Exception:
        """Why a message could not be written: a write that meets the call's end gets no status of its own."""
        if error.code() is not grpc.StatusCode.INTERNAL:
            return self._failure(error)
        try:
            await asyncio.wait_for(self._call.code(), _STATUS_PATIENCE)
        except asyncio.TimeoutError:
            return self._failure(error)
        return await self._ended()

    async def _ended(self) -> Exception:
        code = await self._call.code()
        return Cancelled(f"the call has ended with {code.name}; nothing more can be written")

    def _finish(self) -> None:
        if self._watchdog:
            self._watchdog.stop()
        self._seen(GeneratorExit())
        self.cancel()

    def cancel(self) -> bool:
        """End the call, from any task or thread. Returns whether there was something left to end."""
        self._cancelled = self._cancelled or not self._call.done()
        return self._cancel()

    async def initial_metadata(self) -> list[tuple[str, str | bytes]]:
        """What the server sent before its first message."""
        return list(await self._call.initial_metadata() or ())

    async def trailing_metadata(self) -> list[tuple[str, str | bytes]]:
        """What the server sent with the status, once the call has ended."""
        return list(await self._call.trailing_metadata() or ())

    async def __aenter__(self) -> AsyncBidiStream[_Request, _Response]:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._finish()
        if self._pump:
            await asyncio.wait([self._pump.task])

    def __del__(self) -> None:
        if hasattr(self, "_cancel"):
            self._cancel()


class _Pump:
    """Sends what an iterable gives, until the call ends. It does not hold the stream, lest that never go."""

    __slots__ = ("_call", "_kind", "error", "task")

    def __init__(self, call: Any, kind: type[Message], requests: AsyncIterable[Any] | Iterable[Any]) -> None:
        self._call = call
        self._kind = kind
        self.error: Exception | None = None
        task = self.task = asyncio.ensure_future(self._run(requests))
        call.add_done_callback(lambda _: task.cancel())

    async def _run(self, requests: AsyncIterable[Any] | Iterable[Any]) -> None:
        try:
            if isinstance(requests, AsyncIterable):
                async for request in requests:
                    await self._call.write(message_of(self._kind, request, "request"))
            else:
                for request in requests:
                    await self._call.write(message_of(self._kind, request, "request"))
            await self._call.done_writing()
        except (RpcError, asyncio.CancelledError, asyncio.InvalidStateError):
            # The call has ended; whoever reads hears of it.
            return
        except Exception as error:
            self.error = error
            self._call.cancel()
