"""Bidirectional streams. Written by hand for each flavour: grpc's two interfaces differ."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

from gemwire._transport.attempts import Attempts
from gemwire._transport.json_only import to_bidi_request, to_grpc_request
from gemwire._transport.metadata import CallMetadata
from gemwire._transport.sync.bidi_call import BidiCall
from gemwire._transport.sync.canceller import Canceller
from gemwire_runtime.method import AnyMethod, Method

_Request = TypeVar("_Request", bound=Message)
_Response = TypeVar("_Response", bound=Message)

#: What is written, and None for the end.
_Outgoing = queue.Queue["Message | None"]


class BidiStream(BidiCall[_Response], Generic[_Request, _Response]):
    """Messages in both directions of one call.

    Write with `write` and `done_writing`, or give the method an iterable of requests; read with
    ``for`` or `read`. Use it with ``with``: leaving the block ends the call.
    """

    def __init__(
        self,
        start: Callable[..., Any],
        method: Method[_Request, _Response],
        requests: Iterable[object] | None,
        attempts: Attempts,
        idle_timeout: float | None,
        timeout: float | None,
        metadata: CallMetadata,
    ) -> None:
        """Start the call; grpc reads the requests in a thread of its own."""
        self._method = method
        self._writing_ended = threading.Event()
        # Bounded: a writer that is faster than the connection waits.
        self._outgoing: _Outgoing = queue.Queue(maxsize=16)
        self._sender = None if requests is None else _Sender(method, requests)
        source = iter(self._sender) if self._sender else _drain(self._outgoing)
        call = start(source, timeout=timeout, metadata=metadata)
        super().__init__(call, attempts, idle_timeout)
        if self._sender:
            self._sender.set_canceller(self._cancel)
        # grpc's request thread waits for the next request; the end of the call must wake it.
        call.add_callback(_create_waker(self._outgoing, self._writing_ended))

    def write(self, request: _Request | Mapping[str, object], /) -> None:
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
        while True:
            if self._cancel.done():
                raise self._attempts.cancelled_error("the call has ended; nothing more can be written")
            if self._writing_ended.is_set():
                raise ValueError("write: the stream was closed for writing by done_writing()")
            try:
                self._outgoing.put(message, timeout=0.1)
            except queue.Full:
                continue
            return

    def done_writing(self) -> None:
        """Tell the server that no more messages follow."""
        if not self._writing_ended.is_set():
            self._writing_ended.set()
            self._outgoing.put(None)

    @property
    def _sender_error(self) -> Exception | None:
        return self._sender.error if self._sender else None


def _drain(outgoing: _Outgoing) -> Iterator[Message]:
    """Yield what was written, until the end. It must not keep the stream alive."""
    while (message := outgoing.get()) is not None:
        yield message


def _create_waker(outgoing: _Outgoing, ended: threading.Event) -> Callable[[], None]:
    """Build a callback that ends the writing and discards what is left of it."""

    def wake() -> None:
        ended.set()
        try:
            while True:
                outgoing.get_nowait()
        except queue.Empty:
            outgoing.put(None)

    return wake


class _Sender:
    """Yields the requests of an iterable to grpc. It must not keep the stream alive."""

    def __init__(self, method: AnyMethod, requests: Iterable[object]) -> None:
        self._method = method
        self._requests = requests
        self._cancel: Future[Canceller] = Future()
        self.error: Exception | None = None

    def set_canceller(self, canceller: Canceller) -> None:
        self._cancel.set_result(canceller)

    def __iter__(self) -> Iterator[Message]:
        try:
            for request in self._requests:
                yield to_grpc_request(self._method, request)
        except Exception as error:
            self.error = error
            # grpc's thread may be ahead of the one that starts the call.
            self._cancel.result()()
