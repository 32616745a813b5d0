"""Concurrency with threads. Written by hand for each flavour; most other modules of ``sync`` are derived."""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent import futures
from concurrent.futures import Future
from contextvars import copy_context
from typing import Any, Generic, Protocol, TypeVar

from google.protobuf.message import Message

from gemwire._transport.metadata import CallMetadata
from gemwire._transport.response_metadata import collect

_I = TypeVar("_I")
_T = TypeVar("_T")
_TCo = TypeVar("_TCo", covariant=True)

sleep = time.sleep

#: Most calls that `run_side_by_side` makes at the same time.
_MAX_THREADS = 32


class CancelledError(Exception):
    """A call that ran in the background was cancelled."""


def wait_for_future(future: Future[_T], seconds: float) -> _T | None:
    """Return the result of work in another thread; None if there is none within ``seconds``."""
    try:
        return future.result(seconds)
    except futures.TimeoutError:
        return None


def spawn(work: Callable[[], None]) -> threading.Thread:
    """Start work in the background."""
    thread = threading.Thread(target=work, name="gemwire-operation", daemon=True)
    thread.start()
    return thread


def start_timer(seconds: float, callback: Callable[[], None]) -> threading.Timer:
    """Call ``callback`` after so many seconds, unless the timer is cancelled before."""
    timer = threading.Timer(seconds, callback)
    timer.daemon = True
    timer.start()
    return timer


def is_task_cancelling() -> bool:
    """Return False: threads are not cancelled."""
    return False


def run_in_thread(work: Callable[..., _T], *arguments: object) -> _T:
    """Run blocking file access: here, in the calling thread."""
    return work(*arguments)


def run_side_by_side(work: Callable[[_I], _T], items: Sequence[_I]) -> list[_T]:
    """Apply ``work`` to all items at the same time, in threads, and return the results in their order.

    After an error nothing more is started.
    """
    with futures.ThreadPoolExecutor(min(len(items), _MAX_THREADS), "gemwire-call") as pool:
        try:
            # Spans and the like are the caller's.
            started = [pool.submit(copy_context().run, work, item) for item in items]
            return [each.result() for each in started]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def iterate(iterable: Iterable[_T]) -> Iterator[_T]:
    """Iterate over an iterable."""
    return iter(iterable)


def resolve(value: _T) -> _T:
    """Return a value: nothing is awaitable here."""
    return value


def receive(call: Iterator[_T]) -> _T | None:
    """Return the next response of a bidirectional call of grpc; None after the last."""
    return next(call, None)


class _EndedCall(Protocol):
    """A call of grpc that has ended."""

    def initial_metadata(self) -> Iterable[tuple[str, str | bytes]]: ...


def call_and_collect(
    call: Callable[..., _T], request: Message, timeout: float | None, metadata: object
) -> _T:
    """Make a unary call and collect the metadata of its response; see `response_metadata`."""
    sent: object = request
    if (route := getattr(call, "route", None)) is not None:
        call, sent = route(request)
    # Other calls than grpc's collect by themselves.
    with_call: Callable[..., tuple[_T, _EndedCall]] | None = getattr(call, "with_call", None)
    if with_call is None:
        return call(sent, timeout=timeout, metadata=metadata)
    response, ended = with_call(sent, timeout=timeout, metadata=metadata)
    collect(ended.initial_metadata())
    return response


class _Future(Protocol[_TCo]):
    """What the futures of grpc and of `concurrent.futures` have in common."""

    def result(self) -> _TCo: ...
    def cancel(self) -> bool: ...
    def add_done_callback(self, fn: Callable[[Any], object], /) -> None: ...


class Race(Generic[_T]):
    """Concurrent unary calls, of which the first response counts."""

    __slots__ = ("_ended", "_running")

    def __init__(self) -> None:
        self._running: list[_Future[_T]] = []
        self._ended: queue.SimpleQueue[_Future[_T]] = queue.SimpleQueue()

    @property
    def running(self) -> bool:
        """Whether there is a call that `next` has not returned yet."""
        return bool(self._running)

    def start(
        self, call: Callable[..., _T], request: Message, timeout: float | None, metadata: CallMetadata
    ) -> None:
        """Start another call."""
        start: Callable[..., _Future[_T]] | None = getattr(call, "future", None)
        if start is None:
            # The callable that decides between gRPC and HTTP, on the first calls, blocks.
            done: Future[_T] = Future()
            try:
                done.set_result(call(request, timeout=timeout, metadata=metadata))
            except Exception as error:
                done.set_exception(error)
            future: _Future[_T] = done
        else:
            future = start(request, timeout=timeout, metadata=metadata)
        self._running.append(future)
        future.add_done_callback(lambda _: self._ended.put(future))

    def next(self, seconds: float | None) -> _Future[_T] | None:
        """Return a call that has ended; None if none does within ``seconds``."""
        try:
            found = self._ended.get(timeout=seconds)
        except queue.Empty:
            return None
        self._running.remove(found)
        return found

    @staticmethod
    def result(ended: _Future[_T]) -> _T:
        """Return the response of a call that has ended, or raise its error."""
        try:
            return ended.result()
        except (futures.CancelledError, _grpc_cancellation()):
            raise CancelledError from None

    def end(self) -> None:
        """Cancel all remaining calls."""
        for future in self._running:
            future.cancel()


def _grpc_cancellation() -> type[Exception]:
    """Return what grpc's futures raise, if it is loaded."""
    return getattr(sys.modules.get("grpc"), "FutureCancelledError", CancelledError)
