"""Concurrency with threads. Written by hand for each flavour; most other modules of ``sync`` are derived."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from concurrent.futures import Future
from typing import Any, TypeVar

import grpc

from gemwire.errors import DeadlineExceeded

_T = TypeVar("_T")

#: Base class of the errors of grpc, and of those of calls over HTTP.
RpcError = grpc.RpcError
CancelledError = grpc.FutureCancelledError
sleep = time.sleep
build_metadata: Callable[[Any], Any] = tuple


def wait_for_token(future: Future[_T], seconds: float | None) -> _T:
    """Return the result of a token refresh that runs in another thread.

    Raises:
        DeadlineExceeded: It took longer than ``seconds``.
    """
    done = threading.Event()
    future.add_done_callback(lambda _: done.set())
    if not done.wait(seconds):
        raise DeadlineExceeded(f"the credentials gave no token within {seconds:g} s")
    return future.result()


def spawn(work: Callable[[], None]) -> threading.Thread:
    """Start work in the background."""
    thread = threading.Thread(target=work, name="gemwire-operation", daemon=True)
    thread.start()
    return thread


def is_task_cancelling() -> bool:
    """Return False: threads are not cancelled."""
    return False


def run_in_thread(work: Callable[..., _T], *arguments: Any) -> _T:
    """Run blocking file access: here, in the calling thread."""
    return work(*arguments)


def iterate(iterable: Any) -> Iterator[Any]:
    """Iterate over an iterable."""
    return iter(iterable)


def resolve(value: _T) -> _T:
    """Return a value: nothing is awaitable here."""
    return value


class Race:
    """Concurrent unary calls, of which the first response counts."""

    __slots__ = ("_ended", "_running")

    def __init__(self) -> None:
        self._running: list[Any] = []
        self._ended: queue.SimpleQueue[Any] = queue.SimpleQueue()

    @property
    def running(self) -> bool:
        """Whether there is a call that `next` has not returned yet."""
        return bool(self._running)

    def start(self, call: Any, request: Any, timeout: float | None, metadata: Any) -> None:
        """Start another call."""
        start = getattr(call, "future", None)
        if start is None:
            # The callable that decides between gRPC and HTTP, on the first calls, blocks.
            future: Any = Future()
            try:
                future.set_result(call(request, timeout=timeout, metadata=metadata))
            except Exception as error:
                future.set_exception(error)
        else:
            future = start(request, timeout=timeout, metadata=metadata)
        self._running.append(future)
        future.add_done_callback(lambda _: self._ended.put(future))

    def next(self, seconds: float | None) -> Any:
        """Return a call that has ended; None if none does within ``seconds``."""
        try:
            found = self._ended.get(timeout=seconds)
        except queue.Empty:
            return None
        self._running.remove(found)
        return found

    @staticmethod
    def result(ended: Any) -> Any:
        """Return the response of a call that has ended, or raise its error."""
        try:
            return ended.result()
        except futures.CancelledError:
            raise CancelledError from None

    def end(self) -> None:
        """Cancel all remaining calls."""
        for future in self._running:
            future.cancel()
