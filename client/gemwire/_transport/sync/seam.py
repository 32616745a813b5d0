"""What differs between threads and asyncio. Written by hand on both sides; the rest is derived."""

from __future__ import annotations

import queue
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent import futures
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

import grpc
from grpc.experimental import ChannelOptions

from gemwire._transport import fork
from gemwire._transport.attempts import arity
from gemwire._transport.channel_options import Hearing, Target, replacement
from gemwire.errors import DeadlineExceeded
from gemwire_runtime.method import Method

_T = TypeVar("_T")

RpcError = grpc.RpcError
CancelledError = grpc.FutureCancelledError
sleep = time.sleep
build_metadata: Callable[[Any], Any] = tuple

#: Streams without a thread of their own: a third to two fifths less CPU a message.
_THREADLESS = (ChannelOptions.SingleThreadedUnaryStream, 1)


def wait(future: Future[_T], seconds: float | None) -> _T:
    """The result of work in another thread.

    Raises:
        DeadlineExceeded: It took longer than ``seconds``.
    """
    done = threading.Event()
    future.add_done_callback(lambda _: done.set())
    if not done.wait(seconds):
        raise DeadlineExceeded(f"the credentials gave no token within {seconds:g} s")
    return future.result()


def spawn(work: Callable[[], None]) -> threading.Thread:
    """Let something go on beside the caller."""
    thread = threading.Thread(target=work, name="gemwire-operation", daemon=True)
    thread.start()
    return thread


def cancelled_from_outside() -> bool:
    """Threads are not cancelled."""
    return False


#: Seconds for which a thread of grpc's goes on looking at a channel that `connects` looked at; it raises
#: when the channel is closed meanwhile.
PROBING = 0.25


def connects(channel: Any, seconds: float) -> bool:
    """Whether a channel gets a connection that speaks HTTP/2, within so many seconds. Sends no call."""
    connectivity = grpc.ChannelConnectivity
    settled: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def look(state: grpc.ChannelConnectivity) -> None:
        if state in (connectivity.READY, connectivity.TRANSIENT_FAILURE, connectivity.SHUTDOWN):
            settled.put(state)

    channel.subscribe(look, try_to_connect=True)
    try:
        return settled.get(timeout=max(seconds, 0)) is connectivity.READY
    except queue.Empty:
        return False
    finally:
        channel.unsubscribe(look)


def in_thread(work: Callable[..., _T], *arguments: Any) -> _T:
    """Do something that may take its time at a disk: here, where nothing is held up by it."""
    return work(*arguments)


def pieces_of(iterable: Any) -> Iterator[Any]:
    """What an iterable gives."""
    return iter(iterable)


def settled(value: _T) -> _T:
    """A value: nothing is to be waited for."""
    return value


class AnyBinding(Protocol):
    """What calls go over: a channel, or connections of HTTP."""

    @property
    def hearing(self) -> Hearing: ...
    def callable(self, method: Method[Any, Any]) -> Any: ...


class AnyChannels(Protocol):
    """Where bindings come from, by whatever protocol they speak."""

    @property
    def closed(self) -> bool: ...
    def binding(self) -> AnyBinding: ...
    def replace(self, binding: Any) -> None: ...
    def close(self) -> None: ...


class Binding:
    """A channel of this process, and its callables."""

    __slots__ = ("__weakref__", "_calls", "channel", "generation", "hearing")

    def __init__(self, channel: Any, hearing: Hearing | None = None) -> None:
        self.channel = channel
        self.hearing = hearing or Hearing()
        self.generation = fork.generation()
        self._calls: dict[Method[Any, Any], Any] = {}

    def callable(self, method: Method[Any, Any]) -> Any:
        """The multicallable of a method."""
        found = self._calls.get(method)
        if found is None:
            found = self._calls[method] = getattr(self.channel, arity(method.kind))(
                method.path,
                request_serializer=method.request.SerializeToString,
                response_deserializer=method.response.FromString,
            )
        return found


def _close(channel: Any, generation: int) -> None:
    if generation == fork.generation():
        channel.close()


class Channels:
    """One channel for each process that uses it, made on the first call there."""

    def __init__(self, target: Target | None, given: Any = None) -> None:
        """``given`` is a channel of the user's own, used as it is."""
        self._target = target
        self._given = given
        self._closed = False
        self._lock = threading.Lock()
        self._generation = fork.generation()
        self._latest: Binding | None = None
        self._retired: weakref.WeakSet[Binding] = weakref.WeakSet()

    @property
    def closed(self) -> bool:
        return self._closed

    def binding(self) -> Binding:
        """The binding of this process.

        Raises:
            RuntimeError: The client is closed.
        """
        latest = self._latest
        if latest is not None and latest.generation == fork.generation():
            return latest
        return self._bind()

    def _bind(self) -> Binding:
        if self._generation != fork.generation():
            # A fork may have copied a lock that is held.
            self._lock, self._generation = threading.Lock(), fork.generation()
        with self._lock:
            if self._closed:
                raise RuntimeError("this client is closed; make another")
            if self._latest is None or self._latest.generation != fork.generation():
                self._latest = Binding(self._given or self._open())
            return self._latest

    def replace(self, binding: Binding) -> None:
        """Give new calls another channel; a replaced one closes when its last call has ended.

        The calls under way hold it by way of the binding.
        """
        with self._lock:
            if self._given is not None or self._closed or self._latest is not binding:
                return
            self._retired.add(binding)
            weakref.finalize(binding, _close, binding.channel, binding.generation).atexit = False
            self._latest = Binding(self._open(replacement()), binding.hearing.successor())

    def _open(self, *more: tuple[str, Any]) -> Any:
        target = self._target
        assert target is not None  # noqa: S101 - there is a target or a given channel
        options = (*target.options(), _THREADLESS, *more)
        if target.plaintext:
            channel = grpc.insecure_channel(target.address, options=options)
        else:
            channel = grpc.secure_channel(target.address, target.credentials(), options=options)
        return grpc.intercept_channel(channel, *target.interceptors) if target.interceptors else channel

    def close(self) -> None:
        """Close the channel, with the calls on it."""
        self._closed = True
        latest, self._latest = self._latest, None
        for binding in (latest, *self._retired):
            if binding is not None:
                _close(binding.channel, binding.generation)


class Watchdog:
    """Cancels a stream on which nothing happened for a while: one timer, re-armed when it fires."""

    __slots__ = ("_last", "_stopped", "_strike", "_timer", "_waiting", "fired", "limit")

    def __init__(self, limit: float, strike: Callable[[], Any]) -> None:
        self.limit = limit
        self._strike = strike
        self.fired = False
        self._waiting = True
        self._stopped = False
        self._last = time.monotonic()
        self._arm(limit)

    def _arm(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._check)
        self._timer.daemon = True
        self._timer.start()

    def wait(self) -> None:
        """Something is waited for from now on."""
        self._last = time.monotonic()
        self._waiting = True

    def rest(self) -> None:
        """Nothing is waited for: the time that the consumer takes does not count."""
        self._waiting = False

    def stop(self) -> None:
        self._stopped = True
        self._timer.cancel()

    def _check(self) -> None:
        if self._stopped:
            return
        left = self._last + self.limit - time.monotonic() if self._waiting else self.limit
        if left > 0:
            self._arm(left)
        else:
            self.fired = True
            self._strike()


class Race:
    """Calls with one answer, side by side, each begun by grpc or by the thread of HTTP."""

    __slots__ = ("_ended", "_running")

    def __init__(self) -> None:
        self._running: list[Any] = []
        self._ended: queue.SimpleQueue[Any] = queue.SimpleQueue()

    @property
    def running(self) -> bool:
        """Whether there is one that `next` has not given yet."""
        return bool(self._running)

    def start(self, call: Any, request: Any, timeout: float | None, metadata: Any) -> None:
        """Begin one more."""
        begin = getattr(call, "future", None)
        if begin is None:
            # What decides between gRPC and HTTP, on the first calls, cannot be left once it has begun.
            begun: Any = Future()
            try:
                begun.set_result(call(request, timeout=timeout, metadata=metadata))
            except Exception as error:
                begun.set_exception(error)
        else:
            begun = begin(request, timeout=timeout, metadata=metadata)
        self._running.append(begun)
        begun.add_done_callback(lambda _: self._ended.put(begun))

    def next(self, seconds: float | None) -> Any:
        """One that has ended; None if that takes longer than ``seconds``."""
        try:
            found = self._ended.get(timeout=seconds)
        except queue.Empty:
            return None
        self._running.remove(found)
        return found

    @staticmethod
    def result(ended: Any) -> Any:
        """Its answer, or its error is raised."""
        try:
            return ended.result()
        except futures.CancelledError:
            raise CancelledError from None

    def end(self) -> None:
        """Cancel all that are left."""
        for begun in self._running:
            begun.cancel()


class Canceller:
    """Cancels a call from any thread, and from a finalizer."""

    __slots__ = ("_call", "_generation")

    def __init__(self, call: Any) -> None:
        self._call = call
        self._generation = fork.generation()

    def done(self) -> bool:
        """Whether the call has ended."""
        # A grpc.Call has no done(), although grpc's own calls do.
        return not self._call.is_active()

    def __call__(self) -> bool:
        """Cancel. Returns whether there was something left to cancel."""
        if self.done():
            return False
        self._call.cancel()
        return True

    def release(self) -> None:
        """Cancel, for whoever reads the messages and will not any more.

        A stream without a thread of its own (`_THREADLESS`) is let go of by grpc, with 20 KB and its
        connection, only when all that it began has been seen to end, and grpc itself does not look after a
        cancellation. After one that never takes long. Nobody else may be reading.
        """
        self()
        interruption = sys.exc_info()[1]
        if interruption is not None and not isinstance(interruption, (Exception, GeneratorExit)):
            # Ctrl-C inside of grpc, which has taken the call apart by itself: to consume would hang for good.
            return
        consume = getattr(self._call, "_consume_next_event", None)
        if consume is not None and self._generation == fork.generation():
            while self._call._state.due:
                consume()
