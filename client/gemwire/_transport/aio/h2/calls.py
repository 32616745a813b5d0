"""Calls over HTTP/2 on asyncio, by the interface of grpc.aio's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from google.protobuf.message import DecodeError, Message

from gemwire._transport.aio.h2.deadlines import DeadlineQueue, Deadlines
from gemwire._transport.aio.h2.protocol import H2Protocol
from gemwire._transport.call_error import CallError
from gemwire._transport.h2 import grpc_status
from gemwire._transport.h2.grpc_call import GrpcCall
from gemwire._transport.h2.grpc_status import ReceivedMetadata, Status
from gemwire._transport.h2_call import (
    CANCELLED,
    EXPIRED,
    MAX_TRANSPARENT_RETRIES,
    MAX_UNSENT,
    CallEncoder,
    Pairs,
    build_error,
    parse_response,
    serialize,
    to_status,
)
from gemwire._transport.h2_target import H2Target
from gemwire._transport.response_metadata import collect
from gemwire._transport.undecodable import UndecodableResponse
from gemwire_runtime.method import AnyMethod
from gemwire_runtime.status_code import StatusCode


class Channel(Protocol):
    """The connections, as far as calls know them."""

    @property
    def target(self) -> H2Target: ...
    @property
    def loop(self) -> asyncio.AbstractEventLoop: ...
    @property
    def deadlines(self) -> Deadlines: ...
    def find_connection(self) -> H2Protocol | None: ...
    async def wait_for_connection(self) -> H2Protocol: ...


class _UnaryWaiter:
    """Wakes the caller of a unary call when it has ended."""

    __slots__ = ("call", "future")

    call: GrpcCall

    def __init__(self, future: asyncio.Future[None]) -> None:
        self.future = future

    def __call__(self) -> None:
        if self.call.status is not None and not self.future.done():
            self.future.set_result(None)

    def expire(self) -> None:
        """End the call: its time is over."""
        if self.call.cancel(EXPIRED):
            self()


class H2UnaryCallable:
    """The callable of a method with one response."""

    def __init__(self, channel: Channel, method: AnyMethod) -> None:
        self._channel = channel
        self._loop = channel.loop
        self._encoder = CallEncoder(method, channel.target)
        self._parse: Callable[[bytes], Message] = method.response.FromString
        self._max_size = channel.target.max_response_size

    async def __call__(self, request: Message | bytes, *, timeout: float | None, metadata: Pairs) -> Message:
        """Make a call.

        Raises:
            CallError: The call failed.
            ValueError: The metadata cannot be sent.
        """
        data = serialize(request)
        head = self._encoder.encode_head(timeout, metadata)
        loop = self._loop
        expiry = None if timeout is None else loop.time() + timeout
        retries = 0
        while True:
            protocol = self._channel.find_connection() or await _wait_for_connection(self._channel, expiry)
            waiter = _UnaryWaiter(loop.create_future())
            call = waiter.call = GrpcCall(waiter, self._max_size)
            call.start(protocol.core, head)
            call.send(data, end=True)
            queue = None if timeout is None else self._channel.deadlines.add(timeout, waiter)
            try:
                await waiter.future
            except BaseException:
                call.cancel()
                raise
            finally:
                if queue is not None:
                    queue.remove(waiter)
            if not call.unprocessed or retries == MAX_TRANSPARENT_RETRIES:
                collect(call.initial_metadata or ())
                return parse_response(self._encoder.method, self._parse, call)
            retries += 1
            if expiry is not None:
                timeout = max(expiry - loop.time(), 0)

    def future(
        self, request: Message | bytes, *, timeout: float | None, metadata: Pairs
    ) -> asyncio.Task[Message]:
        """Start a call; the task has its response."""
        return self._loop.create_task(self(request, timeout=timeout, metadata=metadata))


class H2StreamCallable:
    """The callable of a method with a stream of responses."""

    def __init__(self, channel: Channel, method: AnyMethod) -> None:
        self._channel = channel
        self._encoder = CallEncoder(method, channel.target)

    def __call__(self, request: Message | bytes, *, timeout: float | None, metadata: Pairs) -> H2StreamCall:
        """Start a call."""
        call = H2StreamCall(self._channel, self._encoder)
        call.start(serialize(request), timeout, metadata)
        return call


class H2BidiCallable:
    """The callable of a method with streams in both directions."""

    def __init__(self, channel: Channel, method: AnyMethod) -> None:
        self._channel = channel
        self._encoder = CallEncoder(method, channel.target)

    def __call__(self, *, timeout: float | None, metadata: Pairs) -> H2StreamCall:
        """Start a call."""
        call = H2StreamCall(self._channel, self._encoder)
        call.start(None, timeout, metadata)
        return call


class H2StreamCall:
    """One streaming call, with the interface of grpc.aio's."""

    def __init__(self, channel: Channel, encoder: CallEncoder) -> None:
        self._channel = channel
        self._loop = channel.loop
        self._encoder = encoder
        self._parse: Callable[[bytes], Message] = encoder.method.response.FromString
        self._head = b""
        self._request: bytes | None = None
        self._queue: DeadlineQueue | None = None
        self._waiters: list[asyncio.Future[None]] = []
        self._callbacks: list[Callable[[H2StreamCall], None]] = []
        self._opening: asyncio.Task[None] | None = None
        self._call = GrpcCall(self._wake, channel.target.max_response_size)
        self._retries = 0
        self._started = False

    def start(self, request: bytes | None, timeout: float | None, metadata: Pairs) -> None:
        """Start the call, with its whole request unless that is a stream.

        Raises:
            ValueError: The metadata cannot be sent.
        """
        self._head = self._encoder.encode_head(timeout, metadata)
        self._request = request
        if timeout is not None:
            self._queue = self._channel.deadlines.add(timeout, self)
        protocol = self._channel.find_connection()
        if protocol is not None:
            self._send(protocol)
        else:
            self._opening = self._loop.create_task(self._open())

    async def _open(self) -> None:
        try:
            protocol = await self._channel.wait_for_connection()
        except CallError as error:
            self._call.cancel(to_status(error))
            self._wake()
            return
        protocol.reserved -= 1
        if self._call.status is None:
            self._send(protocol)
            self._wake()

    def _send(self, protocol: H2Protocol) -> None:
        self._started = True
        self._call.start(protocol.core, self._head)
        if self._request is not None:
            self._call.send(self._request, end=True)

    def expire(self) -> None:
        """End the call: its time is over."""
        if self._call.cancel(EXPIRED):
            self._wake()

    def _wake(self) -> None:
        """Wake all waiting tasks; if the call has ended, release what belongs to it."""
        call = self._call
        if call.status is not None:
            if call.unprocessed and self._request is not None and self._retries < MAX_TRANSPARENT_RETRIES:
                self._retries += 1
                self._call = GrpcCall(self._wake, self._channel.target.max_response_size)
                self._opening = self._loop.create_task(self._open())
                return
            self._end()
        if self._waiters:
            waiters, self._waiters = self._waiters, []
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)

    def _end(self) -> None:
        if self._queue is not None:
            self._queue.remove(self)
        if self._opening and not self._started:
            self._opening.cancel()
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            self._loop.call_soon(callback, self)

    async def _wait(self) -> None:
        waiter: asyncio.Future[None] = self._loop.create_future()
        self._waiters.append(waiter)
        await waiter

    # Reading.

    def __aiter__(self) -> H2StreamCall:
        return self

    async def __anext__(self) -> Message:
        while True:
            call = self._call
            data = call.take()
            if data is not None:
                try:
                    return self._parse(data)
                except DecodeError as error:
                    undecodable = UndecodableResponse(self._encoder.method, data, error)
                    self._stop(Status(grpc_status.INTERNAL, undecodable.details()))
                    raise undecodable from None
            status = call.status
            if status is None:
                await self._wait()
            elif status.code == grpc_status.OK:
                raise StopAsyncIteration
            elif call is self._call:
                raise build_error(self._encoder.method, call)

    async def read(self) -> object:
        """Return the next message, or `UndecodableResponse`; None after the last."""
        try:
            return await self.__anext__()
        except StopAsyncIteration:
            return None
        except UndecodableResponse as error:
            return error

    # Writing.

    async def write(self, request: Message) -> None:
        """Send a message; waits while much of what was written before has not left."""
        data = request.SerializeToString()
        while not self._started and self._call.status is None:
            await self._wait()
        self._check_open()
        self._call.send(data)
        while self._call.unsent_size > MAX_UNSENT and self._call.status is None:
            await self._wait()

    async def done_writing(self) -> None:
        """Tell the server that no more messages follow."""
        while not self._started and self._call.status is None:
            await self._wait()
        self._check_open()
        self._call.send_end()

    def _check_open(self) -> None:
        status = self._call.status
        if status is None:
            return
        if status.code == grpc_status.OK:
            raise asyncio.InvalidStateError("the call has ended")
        raise build_error(self._encoder.method, self._call)

    # State.

    def cancel(self) -> bool:
        """Cancel the call; its reader gets CANCELLED. Returns whether it was still running."""
        return self._stop(CANCELLED)

    def _stop(self, status: Status) -> bool:
        stopped = self._call.cancel(status)
        if stopped:
            self._call.messages.clear()
            self._wake()
        return stopped

    def done(self) -> bool:
        """Return whether the call has ended."""
        return self._call.status is not None

    def add_done_callback(self, callback: Callable[[H2StreamCall], None]) -> None:
        """Call ``callback`` with this call when it has ended."""
        if self._call.status is None:
            self._callbacks.append(callback)
        else:
            self._loop.call_soon(callback, self)

    async def code(self) -> StatusCode:
        """Return the status, once the call has ended."""
        while self._call.status is None:
            await self._wait()
        return StatusCode.of(self._call.status.code)

    async def initial_metadata(self) -> ReceivedMetadata:
        """Return the metadata of the response, once it has begun."""
        while self._call.initial_metadata is None and self._call.status is None:
            await self._wait()
        return self._call.initial_metadata or ()

    async def trailing_metadata(self) -> ReceivedMetadata:
        """Return the metadata of the status, once the call has ended."""
        while self._call.status is None:
            await self._wait()
        return self._call.status.trailers


async def _wait_for_connection(channel: Channel, expiry: float | None) -> H2Protocol:
    """Return a connection on which a stream is to be opened at once."""
    if expiry is None:
        protocol = await channel.wait_for_connection()
    else:
        left = max(expiry - channel.loop.time(), 0)
        try:
            protocol = await asyncio.wait_for(channel.wait_for_connection(), left)
        except asyncio.TimeoutError:
            text = "Deadline Exceeded while waiting for a connection"
            raise CallError(StatusCode.DEADLINE_EXCEEDED, text) from None
    protocol.reserved -= 1
    return protocol
