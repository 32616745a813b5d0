"""Observation of calls, for the log and for OpenTelemetry. Costs one flag test when nobody observes.

An `ObservedCall` follows one call; every observer is given it when the call starts and when it ends. It
holds no metadata, so no credentials, and content only for clients that allow it (``log_content``).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar, cast

from google.protobuf.message import Message

from gemwire._log import is_enabled, log
from gemwire.errors import APIError
from gemwire_runtime.method import AnyMethod
from gemwire_runtime.redaction import redact

_T = TypeVar("_T")


class CallObserver(Protocol):
    """Is notified of calls; `gemwire.otel` has one."""

    def on_start(self, call: ObservedCall) -> object:
        """Return any state; `on_end` gets it back."""

    def on_end(self, call: ObservedCall, state: object) -> None:
        """Record a call that has ended."""


_observers: list[CallObserver] = []


def add_observer(observer: CallObserver) -> Callable[[], None]:
    """Notify ``observer`` of every call of this process. Returns a function that removes it."""
    _observers.append(observer)

    def remove() -> None:
        if observer in _observers:
            _observers.remove(observer)

    return remove


def has_observers() -> bool:
    """Return whether calls are observed, by an observer or by the log."""
    return bool(_observers) or is_enabled(logging.DEBUG)


@dataclass(eq=False, repr=False)
class ObservedCall:
    """One call, from its start to its end.

    Attributes:
        method: The RPC.
        host: Host and port it goes to.
        request: Its request; None for a bidi call.
        began: ``time.time_ns()`` of its start.
        elapsed: Seconds it took.
        first: Seconds to the first message; None without one.
        messages: Number of messages received.
        received: Their bytes.
        latest: The last of them.
        attempts: Number of attempts.
        hedges: How many of these were hedges.
        error: The error it ended with; None for success.
        content: Whether content may be logged.
    """

    method: AnyMethod
    request: Message | None
    host: str
    content: bool
    began: int = field(default_factory=time.time_ns)
    elapsed: float = 0.0
    first: float | None = None
    messages: int = 0
    received: int = 0
    latest: Message | None = None
    attempts: int = 1
    hedges: int = 0
    error: BaseException | None = None
    _clock: float = field(default_factory=time.monotonic)
    _ended: bool = False

    def __post_init__(self) -> None:
        self._states = [(observer, _call_safely(observer.on_start, self)) for observer in _observers]

    def record_message(self, message: object) -> None:
        """Note a message that has arrived; an interceptor of the user's may return anything."""
        if self.first is None:
            self.first = time.monotonic() - self._clock
        self.messages += 1
        _call_safely(self._keep, message)

    def _keep(self, message: object) -> None:
        # Bytes come from a raw call; they are parsed when an observer reads a field.
        latest = self.method.response(message) if type(message) is bytes else cast("Message", message)
        self.received += latest.ByteSize()
        self.latest = latest

    def finish(self, attempts: int, error: BaseException | None = None) -> None:
        """Note the end of the call; only the first time counts."""
        if self._ended:
            return
        self._ended = True
        self.elapsed = time.monotonic() - self._clock
        self.attempts = attempts
        self.error = error
        if is_enabled(logging.DEBUG):
            _call_safely(_log, self)
        for observer, state in self._states:
            _call_safely(observer.on_end, self, state)

    @property
    def status(self) -> str:
        """``OK`` or the name of the error's status."""
        if self.error is None:
            return "OK"
        return self.error.status if isinstance(self.error, APIError) else "CANCELLED"


def _call_safely(function: Callable[..., _T], *arguments: object) -> _T | None:
    """Call an observer, or the log, whose failure must not fail the call."""
    try:
        return function(*arguments)
    except Exception as error:
        log(logging.ERROR, "an observer of calls failed", error=error)
        return None


def _log(call: ObservedCall) -> None:
    sent = call.request.ByteSize() if call.request is not None else 0
    streamed = call.first is not None and call.messages > 1
    log(
        logging.DEBUG,
        "%s %s in %.3f s%s, %d attempt(s), %d bytes sent, %d received in %d message(s)",
        call.method.path[1:],
        call.status,
        call.elapsed,
        f", first message after {call.first:.3f} s" if streamed else "",
        call.attempts,
        sent,
        call.received,
        call.messages,
        extra={
            "rpc": call.method.path[1:],
            "status": call.status,
            "elapsed": call.elapsed,
            "attempts": call.attempts,
            "hedges": call.hedges,
        },
    )
    if call.content:
        for label, message in (("request", call.request), ("last message", call.latest)):
            is_parsed = type(message) in (call.method.request, call.method.response)
            shown = redact(cast("Message", message)) if is_parsed else message
            log(logging.DEBUG, "%s %s %s", call.method.name, label, shown)
