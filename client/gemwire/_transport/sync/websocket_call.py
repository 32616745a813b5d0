"""Bidirectional calls over WebSockets, by the interface of gRPC's. Written by hand for each flavour."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TypeAlias

from google.protobuf.message import Message

from gemwire._transport.rest.http_errors import HttpError
from gemwire._transport.rest.websocket_call import WebSocketCall
from gemwire._transport.sync.concurrency import CancelledError
from gemwire._transport.sync.http_loop import LoopRunner
from gemwire_runtime.method import AnyMethod
from gemwire_runtime.status_code import StatusCode

_Pairs = Iterable[tuple[str, "str | bytes"]]
_Call: TypeAlias = "HttpBidiCall | Iterator[Message]"


class HttpBidiCall:
    """One call, whose requests a thread of its own takes from an iterator.

    Attributes:
        carries_json: True: requests may hold JSON-only fields.
    """

    carries_json = True

    def __init__(
        self,
        runner: LoopRunner,
        method: AnyMethod,
        requests: Iterator[Message],
        *,
        timeout: float | None,
        metadata: _Pairs,
    ) -> None:
        """Start a call. Raises ValueError if its metadata has no HTTP form."""
        self._runner = runner
        self._call = runner.run(_create(runner, method, timeout, metadata))
        self._requests = requests
        # Started when something is read or written: until then the call may be given up.
        sender = threading.Thread(target=self._send, name="gemwire-websocket", daemon=True)
        sender.start()

    def open(self) -> None:
        """Wait until it is connected. Raises HttpError if it fails."""
        self._runner.run(self._call.open())

    def _send(self) -> None:
        try:
            for request in self._requests:
                self._runner.run(self._call.write(request))
        except Exception:
            # Whatever it is, the call has ended, or ends now; its reader gets the error.
            self.cancel()

    def __iter__(self) -> Iterator[Message]:
        return self

    def __next__(self) -> Message:
        try:
            message = self._runner.run(self._call.read())
        except CancelledError:
            raise HttpError(StatusCode.CANCELLED, "the call was cancelled here") from None
        if message is None:
            raise StopIteration
        return message

    def cancel(self) -> bool:
        """End the call; its reader gets CANCELLED. Returns whether it was still running."""
        running = not self._call.done()
        self._runner.call_soon(self._call.cancel)
        return running

    def is_active(self) -> bool:
        """Return whether the call is running."""
        return not self._call.done()

    def add_callback(self, callback: Callable[[], object]) -> None:
        """Call a function when the call has ended."""
        self._runner.call_soon(partial(self._call.add_done_callback, lambda _: callback()))

    def initial_metadata(self) -> list[tuple[str, str | bytes]]:
        """Return nothing: what the handshake answers is about the connection."""
        return []

    def trailing_metadata(self) -> list[tuple[str, str | bytes]]:
        """Return nothing: a WebSocket has no trailers."""
        return []


async def _create(
    runner: LoopRunner, method: AnyMethod, timeout: float | None, metadata: _Pairs
) -> WebSocketCall[Message, Message]:
    return WebSocketCall(runner.session, method, timeout, metadata)


def start_websocket_call(
    runner: LoopRunner,
    method: AnyMethod,
    requests: Iterator[Message],
    *,
    timeout: float | None,
    metadata: _Pairs,
) -> HttpBidiCall:
    """Start a call. Raises ValueError if its metadata has no HTTP form."""
    return HttpBidiCall(runner, method, requests, timeout=timeout, metadata=metadata)


def FallbackBidiCall(  # noqa: N802 - a class in the other flavour
    choose: Callable[..., _Call], requests: Iterator[Message], *, timeout: float | None, metadata: _Pairs
) -> _Call:
    """Start a call over gRPC if that connects, else over a WebSocket."""

    def start(callable_: Callable[..., _Call], remaining: float | None) -> _Call:
        call = callable_(requests, timeout=remaining, metadata=metadata)
        if isinstance(call, HttpBidiCall):
            call.open()
        return call

    return choose(start, timeout)
