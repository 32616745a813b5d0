"""Calls over HTTP/2 for threads, by the interface of grpc's."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import partial
from typing import Protocol

from google.protobuf.message import Message

from gemwire._transport import fork
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
from gemwire._transport.sync.h2.connection import H2Connection
from gemwire._transport.undecodable import build_deserializer
from gemwire_runtime.method import AnyMethod

_FORKED = Status(grpc_status.CANCELLED, "the call belongs to the process that this one was forked from")


class Channel(Protocol):
    """The connections, as far as calls know them."""

    @property
    def target(self) -> H2Target: ...
    @property
    def generation(self) -> int: ...
    def acquire(self, expiry: float | None) -> H2Connection: ...
    def release(self, connection: H2Connection) -> None: ...


def _ignore() -> None:
    """Do nothing: the thread that received an event looks for itself."""


class H2Call:
    """One call, on a connection that it has to itself.

    Attributes:
        state: What has arrived.
    """

    __slots__ = (
        "_callbacks",
        "_cancellation",
        "_channel",
        "_connection",
        "_encoder",
        "_expiry",
        "_head",
        "_held",
        "_request",
        "_retries",
        "state",
    )

    def __init__(self, channel: Channel, encoder: CallEncoder) -> None:
        self._channel = channel
        self._encoder = encoder
        self._connection: H2Connection | None = None
        #: The connection until it is given back.
        self._held: list[H2Connection] = []
        self._expiry: float | None = None
        self._head = b""
        self._request: bytes | None = None
        self._cancellation: Status | None = None
        self._callbacks: list[Callable[[], object]] = []
        self._retries = 0
        self.state = GrpcCall(_ignore, channel.target.max_response_size)

    def start(self, request: bytes | None, timeout: float | None, metadata: Pairs) -> None:
        """Start the call, with its whole request unless that is a stream. A failure is its status.

        Raises:
            ValueError: The metadata cannot be sent.
        """
        self._head = self._encoder.encode_head(timeout, metadata)
        self._request = request
        if timeout is not None:
            self._expiry = time.monotonic() + timeout
        self._send_head()

    def _send_head(self) -> None:
        state = self.state
        while True:
            try:
                connection = self._channel.acquire(self._expiry)
            except CallError as error:
                state.cancel(to_status(error))
                self._report_end()
                return
            self._connection = connection
            self._held.append(connection)
            connection.enter()
            try:
                if self._cancellation is not None:
                    state.cancel(self._cancellation)
                elif connection.core.has_room:
                    state.start(connection.core, self._head)
                    if self._request is not None:
                        state.send(self._request, end=True)
                    return
            finally:
                connection.leave()
            self._give_back()
            if state.status is not None:
                self._report_end()
                return

    def wait(self, is_over: Callable[[], bool]) -> None:
        """Wait until a condition holds that does at the end of the call, which the deadline is."""
        connection = self._connection
        if connection is None or self.state.status is not None or self._is_foreign(_FORKED):
            return
        connection.enter()
        try:
            if not connection.wait(is_over, self._expiry):
                self.state.cancel(EXPIRED)
        finally:
            connection.leave()
        if self.state.status is not None:
            self._end()

    def has_ended(self) -> bool:
        """Return whether the call has its status."""
        return self.state.status is not None

    def has_news(self) -> bool:
        """Return whether there is a message or a status."""
        return bool(self.state.messages) or self.state.status is not None

    def wait_for_end(self) -> GrpcCall:
        """Wait for the status, and return what arrived."""
        self.wait(self.has_ended)
        while self.retry():
            self.wait(self.has_ended)
        return self.state

    def retry(self) -> bool:
        """Start a call that has ended anew, if no server has processed it; returns whether it was."""
        if not self.state.unprocessed or self._request is None or self._retries >= MAX_TRANSPARENT_RETRIES:
            return False
        self._retries += 1
        self.state = GrpcCall(_ignore, self._channel.target.max_response_size)
        self._send_head()
        return True

    def cancel(self, status: Status = CANCELLED) -> bool:
        """Cancel the call, from any thread or finalizer. Returns whether it was still running."""
        if self.state.status is not None:
            return False
        self._cancellation = status
        connection = self._connection
        if connection is not None and not self._is_foreign(status):
            connection.run_soon(partial(self._cancel_on, connection, status))
        return True

    def _cancel_on(self, connection: H2Connection, status: Status) -> None:
        if self.state.cancel(status):
            self.state.messages.clear()
            connection.flush()
            if not connection.interrupt():
                self._end()

    def _is_foreign(self, status: Status) -> bool:
        """Return whether the call is that of the parent process, and end it here if so.

        The socket is the parent's, too: what is sent, read or shut down would be missing there.
        """
        if self._channel.generation == fork.generation():
            return False
        self._held.clear()
        self.state.cancel(status)
        return True

    def _end(self) -> None:
        self._give_back()
        self._report_end()

    def _give_back(self) -> None:
        """Return the connection, once."""
        if self._held:
            try:
                connection = self._held.pop()
            except IndexError:
                return
            self._channel.release(connection)

    def _report_end(self) -> None:
        if self._callbacks:
            # As with grpc: the thread that ends the call may be in a finalizer, with any lock.
            callbacks, self._callbacks = self._callbacks, []
            threading.Thread(target=_call_all, args=(callbacks,), name="gemwire-end", daemon=True).start()

    def add_callback(self, callback: Callable[[], object]) -> None:
        """Call a function in another thread when the call has ended."""
        self._callbacks.append(callback)
        if self.state.status is not None:
            self._report_end()

    def is_active(self) -> bool:
        """Return whether the call is running, as far as the bytes say that have arrived."""
        connection = self._connection
        if self.state.status is None and connection is not None and not self._is_foreign(_FORKED):
            connection.run_soon(connection.take_arrived)
            if self.state.status is not None:
                self._end()
        return self.state.status is None


def _call_all(callbacks: list[Callable[[], object]]) -> None:
    for callback in callbacks:
        callback()


class H2StreamCall(H2Call):
    """One streaming call, with the interface of grpc's."""

    __slots__ = ("_parse",)

    def __init__(self, channel: Channel, encoder: CallEncoder, parse: Callable[[bytes], object]) -> None:
        super().__init__(channel, encoder)
        self._parse = parse

    def __iter__(self) -> H2StreamCall:
        return self

    def __next__(self) -> object:
        """Return the next message, or `UndecodableResponse`."""
        state, connection = self.state, self._connection
        if state.status is not None or connection is None or self._is_foreign(_FORKED):
            data = state.take()
        else:
            connection.enter()
            try:
                if not state.messages and not connection.wait(self.has_news, self._expiry):
                    state.cancel(EXPIRED)
                data = state.take()
            finally:
                connection.leave()
            if state.status is not None:
                self._end()
        if data is not None:
            return self._parse(data)
        if self.retry():
            return next(self)
        if state.status is not None and state.status.code == grpc_status.OK:
            raise StopIteration
        raise build_error(self._encoder.method, state)

    def initial_metadata(self) -> ReceivedMetadata:
        """Return the metadata of the response, once it has begun."""
        self.wait(lambda: self.state.initial_metadata is not None or self.state.status is not None)
        return self.state.initial_metadata or ()

    def trailing_metadata(self) -> ReceivedMetadata:
        """Return the metadata of the status, once the call has ended."""
        status = self.wait_for_end().status
        return status.trailers if status else ()

    def send_all(self, requests: Iterator[Message]) -> None:
        """Send the messages of an iterator, as long as the call runs."""
        connection = self._connection
        try:
            for request in requests:
                if connection is None or not self._send(connection, request.SerializeToString()):
                    return
            if connection is not None:
                self._send(connection, None)
        except Exception:
            self.cancel()
            raise

    def _send(self, connection: H2Connection, data: bytes | None) -> bool:
        """Send a message, or the end; wait while much has not left. Returns whether the call goes on."""
        state = self.state
        if self._is_foreign(_FORKED):
            return False
        connection.enter()
        try:
            if state.status is None and data is None:
                state.send_end()
            elif state.status is None and data is not None:
                state.send(data)
                connection.wait(
                    lambda: state.unsent_size <= MAX_UNSENT or state.status is not None, self._expiry
                )
        finally:
            connection.leave()
        if state.status is not None:
            self._end()
        return state.status is None


class H2UnaryCallable:
    """The callable of a method with one response."""

    def __init__(self, channel: Channel, method: AnyMethod) -> None:
        self._channel = channel
        self._encoder = CallEncoder(method, channel.target)
        self._parse: Callable[[bytes], Message] = method.response.FromString

    def __call__(self, request: Message | bytes, *, timeout: float | None, metadata: Pairs) -> Message:
        """Make a call.

        Raises:
            CallError: The call failed.
            ValueError: The metadata cannot be sent.
        """
        return self._run(H2Call(self._channel, self._encoder), request, timeout, metadata)

    def _run(self, call: H2Call, request: Message | bytes, timeout: float | None, metadata: Pairs) -> Message:
        try:
            call.start(serialize(request), timeout, metadata)
            state = call.wait_for_end()
        except BaseException:
            call.cancel()
            raise
        return parse_response(self._encoder.method, self._parse, state)

    def future(self, request: Message | bytes, *, timeout: float | None, metadata: Pairs) -> Future[Message]:
        """Start a call in a thread of its own; the future has its response."""
        call = H2Call(self._channel, self._encoder)
        future = _CallFuture(call)

        def run() -> None:
            try:
                future.set_result(self._run(call, request, timeout, metadata))
            except BaseException as error:
                future.set_exception(error)

        threading.Thread(target=run, name="gemwire-call", daemon=True).start()
        return future


class _CallFuture(Future[Message]):
    """The response of a call in another thread."""

    def __init__(self, call: H2Call) -> None:
        super().__init__()
        self._call = call

    def cancel(self) -> bool:
        """Cancel the call, whose error the future then has."""
        return self._call.cancel()


class H2StreamCallable:
    """The callable of a method with a stream of responses."""

    def __init__(self, channel: Channel, method: AnyMethod) -> None:
        self._channel = channel
        self._encoder = CallEncoder(method, channel.target)
        self._parse = build_deserializer(method)

    def __call__(self, request: Message | bytes, *, timeout: float | None, metadata: Pairs) -> H2StreamCall:
        """Start a call."""
        call = H2StreamCall(self._channel, self._encoder, self._parse)
        call.start(serialize(request), timeout, metadata)
        return call


class H2BidiCallable:
    """The callable of a method with streams in both directions."""

    def __init__(self, channel: Channel, method: AnyMethod) -> None:
        self._channel = channel
        self._encoder = CallEncoder(method, channel.target)
        self._parse = build_deserializer(method)

    def __call__(
        self, requests: Iterator[Message], *, timeout: float | None, metadata: Pairs
    ) -> H2StreamCall:
        """Start a call; a thread of its own sends the requests."""
        call = H2StreamCall(self._channel, self._encoder, self._parse)
        call.start(None, timeout, metadata)
        threading.Thread(target=call.send_all, args=(requests,), name="gemwire-bidi", daemon=True).start()
        return call
