"""Both directions of a streaming call. Written by hand for each flavour: grpc's two interfaces differ."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

from gemwire._transport.attempts import Attempts, message_of
from gemwire._transport.sync.canceller import Canceller
from gemwire._transport.sync.concurrency import CancelledError, RpcError
from gemwire._transport.sync.watchdog import IdleWatchdog
from gemwire.errors import Cancelled, DeadlineExceeded, StreamConsumed

_Request = TypeVar("_Request", bound=Message)
_Response = TypeVar("_Response", bound=Message)

_END = object()


class BidiStream(Generic[_Request, _Response]):
    """Messages in both directions of one call.

    Write with `write` and `done_writing`, or give the method an iterable of requests; read with
    ``for`` or `read`. Use it with ``with``: leaving the block ends the call.
    """

    def __init__(
        self,
        begin: Any,
        kind: type[_Request],
        requests: Iterable[Any] | None,
        attempts: Attempts,
        idle_timeout: float | None,
        timeout: float | None,
        metadata: Any,
    ) -> None:
        """Begins the call; grpc takes the requests from a thread of its own."""
        self._kind = kind
        self._attempts = attempts
        self._idle_timeout = idle_timeout
        self._cancelled = False
        self._taken = False
        self._writing_ended = threading.Event()
        # Not a SimpleQueue of unlimited size: a writer that runs ahead of the connection waits.
        self._outgoing: queue.Queue[Any] = queue.Queue(maxsize=16)
        self._pump = None if requests is None else _Pump(kind, requests)
        source = iter(self._pump) if self._pump else _outgoing(self._outgoing)
        self._call = begin(source, timeout=timeout, metadata=metadata)
        self._cancel = Canceller(self._call)
        if self._pump:
            self._pump.begun(self._cancel)
        # grpc's request thread waits for the next request; the end of the call must wake it.
        self._call.add_callback(_waker(self._outgoing, self._writing_ended))
        self._watchdog: IdleWatchdog | None = None
        if idle_timeout:
            self._watchdog = IdleWatchdog(idle_timeout, self._cancel)
            # Reading is what waits; one may open a call and read later.
            self._watchdog.pause()
            self._call.add_callback(self._watchdog.stop)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {'done' if self._cancel.done() else 'open'}>"

    @property
    def attempts(self) -> int:
        """How often the call was tried: once, as what was sent cannot be sent again."""
        return self._attempts.count

    def write(self, request: _Request | Mapping[str, Any], /) -> None:
        """Send one message.

        Args:
            request: The message, or a dict of its fields.

        Raises:
            APIError: The call has ended.
            ValueError: A field does not exist, or the writing was ended before.
            TypeError: The message is of another type.
        """
        message = message_of(self._kind, request, "request")
        while True:
            if self._cancel.done():
                raise Cancelled("the call has ended; nothing more can be written")
            if self._writing_ended.is_set():
                raise ValueError("write: the writing side was ended by done_writing()")
            try:
                self._outgoing.put(message, timeout=0.1)
            except queue.Full:
                continue
            return

    def done_writing(self) -> None:
        """Tell the server that no more messages follow."""
        if not self._writing_ended.is_set():
            self._writing_ended.set()
            self._outgoing.put(_END)

    def read(self) -> _Response | None:
        """The next message; None when the server has sent its last.

        Raises:
            APIError: The call failed.
        """
        if self._watchdog:
            self._watchdog.resume()
        try:
            message: _Response = next(self._call)
        except StopIteration:
            self._seen(None)
            return None
        except (RpcError, CancelledError) as error:
            raise self._seen(self._failure(error)) from self._pump_error
        if self._watchdog:
            self._watchdog.pause()
        if self._attempts.watch:
            self._attempts.watch.message(message)
        return message

    def __iter__(self) -> Iterator[_Response]:
        if self._taken:
            raise StreamConsumed("this stream was iterated before; call the method again for another")
        self._taken = True
        return self._messages()

    def _messages(self) -> Iterator[_Response]:
        try:
            while (message := self.read()) is not None:
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
        return self._attempts.error(error)

    def _finish(self) -> None:
        if self._watchdog:
            self._watchdog.stop()
        self._seen(GeneratorExit())
        self._cancel()

    def cancel(self) -> bool:
        """End the call, from any thread. Returns whether there was something left to end."""
        self._cancelled = self._cancelled or not self._cancel.done()
        return self._cancel()

    def initial_metadata(self) -> list[tuple[str, str | bytes]]:
        """What the server sent before its first message."""
        return list(self._call.initial_metadata() or ())

    def trailing_metadata(self) -> list[tuple[str, str | bytes]]:
        """What the server sent with the status, once the call has ended."""
        return list(self._call.trailing_metadata() or ())

    def __enter__(self) -> BidiStream[_Request, _Response]:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._finish()

    def __del__(self) -> None:
        if hasattr(self, "_cancel"):
            self._cancel()


def _outgoing(source: queue.Queue[Any]) -> Iterator[Any]:
    """What was written, until the end. It does not hold the stream, which can so be dropped."""
    while (message := source.get()) is not _END:
        yield message


def _waker(source: queue.Queue[Any], ended: threading.Event) -> Callable[[], None]:
    """Ends the writing, whatever is left of it."""

    def wake() -> None:
        ended.set()
        try:
            while True:
                source.get_nowait()
        except queue.Empty:
            source.put(_END)

    return wake


class _Pump:
    """Gives grpc what an iterable gives. It does not hold the stream, which can so be dropped."""

    def __init__(self, kind: type[Message], requests: Iterable[Any]) -> None:
        self._kind = kind
        self._requests = requests
        self._cancel: Future[Canceller] = Future()
        self.error: Exception | None = None

    def begun(self, cancel: Canceller) -> None:
        self._cancel.set_result(cancel)

    def __iter__(self) -> Iterator[Message]:
        try:
            for request in self._requests:
                yield message_of(self._kind, request, "request")
        except Exception as error:
            self.error = error
            # grpc's thread may be ahead of the one that begins the call.
            self._cancel.result()()
