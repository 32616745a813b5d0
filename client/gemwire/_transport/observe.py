"""What becomes of a call, for the log and for OpenTelemetry. Costs one test of a flag when nobody looks.

A `Watch` follows one call and hands it to every sink when it has ended. There
is no metadata in it, so no credentials; and content only for those who asked.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Protocol

from google.protobuf.message import Message

from gemwire.errors import APIError
from gemwire_runtime.method import Method

logger = logging.getLogger("gemwire")


class Sink(Protocol):
    """Takes in calls; see `gemwire.otel` for one."""

    def begin(self, watch: Watch) -> Any:
        """A call begins; what is returned comes back in `end`."""

    def end(self, watch: Watch, begun: Any) -> None:
        """The call has ended."""


_sinks: list[Sink] = []


def add_sink(sink: Sink) -> Callable[[], None]:
    """Have every call of this process shown to ``sink``. Returns what ends that."""
    _sinks.append(sink)

    def remove() -> None:
        if sink in _sinks:
            _sinks.remove(sink)

    return remove


def watching() -> bool:
    """Whether anybody looks."""
    return bool(_sinks) or logger.isEnabledFor(logging.DEBUG)


class Watch:
    """One call, from its beginning to its end.

    Attributes:
        method: The RPC.
        host: Where it goes.
        request: Its request; for a bidi call None.
        began: ``time.time_ns()`` of the beginning.
        elapsed: Seconds it took.
        first: Seconds to the first message of a stream; None without one.
        messages: Messages received.
        received: Their bytes.
        latest: The last of them.
        attempts: How often it was tried.
        hedges: How many of these began beside another.
        error: What it ended with; None for success.
        content: Whether content may be shown.
    """

    def __init__(self, method: Method[Any, Any], request: Message | None, host: str, content: bool) -> None:
        """Begin to watch."""
        self.method = method
        self.host = host
        self.request = request
        self.content = content
        self.began = time.time_ns()
        self._clock = time.monotonic()
        self.elapsed = 0.0
        self.first: float | None = None
        self.messages = 0
        self.received = 0
        self.latest: Any = None
        self.attempts = 1
        self.hedges = 0
        self.error: BaseException | None = None
        self._ended = False
        self._begun = [(sink, _safely(sink.begin, self)) for sink in _sinks]

    def message(self, message: Any) -> None:
        """A message has arrived."""
        if self.first is None:
            self.first = time.monotonic() - self._clock
        if type(message) is bytes:  # Of a raw call; what is asked of it is parsed then.
            message = self.method.response(message)
        self.messages += 1
        self.received += message.ByteSize()
        self.latest = message

    def end(self, attempts: int, error: BaseException | None = None) -> None:
        """The call has ended; a second word of it is not heard."""
        if self._ended:
            return
        self._ended = True
        self.elapsed = time.monotonic() - self._clock
        self.attempts = attempts
        self.error = error
        if logger.isEnabledFor(logging.DEBUG):
            _log(self)
        for sink, begun in self._begun:
            _safely(sink.end, self, begun)

    @property
    def status(self) -> str:
        """``OK`` or the name of the error's status."""
        if self.error is None:
            return "OK"
        return self.error.status if isinstance(self.error, APIError) else "CANCELLED"


def _safely(function: Callable[..., Any], *arguments: Any) -> Any:
    """A sink that fails must not fail the call."""
    try:
        return function(*arguments)
    except Exception:
        logger.exception("an observer of calls failed")
        return None


def _log(watch: Watch) -> None:
    sent = watch.request.ByteSize() if watch.request is not None else 0
    first = (
        f", first message after {watch.first:.3f} s" if watch.first is not None and watch.messages > 1 else ""
    )
    logger.debug(
        "%s %s in %.3f s%s, %d attempt(s), %d bytes sent, %d received in %d message(s)",
        watch.method.path[1:],
        watch.status,
        watch.elapsed,
        first,
        watch.attempts,
        sent,
        watch.received,
        watch.messages,
        extra={
            "rpc": watch.method.path[1:],
            "status": watch.status,
            "elapsed": watch.elapsed,
            "attempts": watch.attempts,
            "hedges": watch.hedges,
        },
    )
    if watch.content:
        logger.debug("%s request %s", watch.method.name, watch.request)
        logger.debug("%s last message %s", watch.method.name, watch.latest)
