"""What differs between asyncio and threads. Written by hand on both sides; the rest is derived."""

from __future__ import annotations

import asyncio
import inspect
import os
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

import grpc
import grpc.aio

from gemwire._transport import fork
from gemwire._transport.attempts import arity
from gemwire._transport.channel_options import Hearing, Target, replacement
from gemwire.errors import DeadlineExceeded
from gemwire_runtime.method import Method

_T = TypeVar("_T")

#: grpc.aio's own errors are of this kind as well, and those of calls over HTTP.
RpcError = grpc.RpcError
CancelledError = asyncio.CancelledError
sleep = asyncio.sleep
#: Built once and reused: grpc.aio copies tuples into a Metadata on every call.
build_metadata: Callable[[Any], Any] = lambda pairs: grpc.aio.Metadata(*pairs)  # noqa: E731


async def wait(future: Future[_T], seconds: float | None) -> _T:
    """The result of work in another thread.

    Raises:
        DeadlineExceeded: It took longer than ``seconds``.
    """
    try:
        return await asyncio.wait_for(asyncio.wrap_future(future), seconds)
    except asyncio.TimeoutError:
        raise DeadlineExceeded(f"the credentials gave no token within {seconds:g} s") from None


def spawn(work: Callable[[], Coroutine[Any, Any, None]]) -> asyncio.Task[None]:
    """Let something go on beside the caller."""
    return asyncio.get_running_loop().create_task(work())


def cancelled_from_outside() -> bool:
    """Whether a CancelledError is meant for this task (Python 3.11 and later can tell)."""
    task: Any = asyncio.current_task()
    return task is not None and hasattr(task, "cancelling") and bool(task.cancelling())


#: Seconds that a call which is cancelled may take to end before it is left to itself.
_LEAVING = 1.0

#: Seconds for which something may go on looking at a channel that `connects` looked at.
PROBING = 0.0
_SETTLED = (grpc.ChannelConnectivity.TRANSIENT_FAILURE, grpc.ChannelConnectivity.SHUTDOWN)


async def connects(channel: Any, seconds: float) -> bool:
    """Whether a channel gets a connection that speaks HTTP/2, within so many seconds. Sends no call."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while True:
        state = channel.get_state(try_to_connect=True)
        if state is grpc.ChannelConnectivity.READY:
            return True
        if state in _SETTLED:
            return False
        try:
            await asyncio.wait_for(channel.wait_for_state_change(state), end - loop.time())
        except asyncio.TimeoutError:
            return False


#: Channels that are open. grpc.aio serves them from a thread, which a fork does not copy.
_open_channels: weakref.WeakSet[Any] = weakref.WeakSet()
#: Those that were open when this process was forked: grpc.aio hangs or crashes here whatever is done
#: with it, the closing of these included, so they are kept.
_inherited: list[Any] = []

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: _inherited.extend(_open_channels))


async def in_thread(work: Callable[..., _T], *arguments: Any) -> _T:
    """Do something that may take its time at a disk, without holding up the loop."""
    return await asyncio.to_thread(work, *arguments)


async def pieces_of(iterable: Any) -> AsyncIterator[Any]:
    """What an iterable gives, async or not; one that is not runs on the loop, which it holds up."""
    if hasattr(iterable, "__aiter__"):
        async for piece in iterable:
            yield piece
    else:
        for piece in iterable:
            yield piece


async def settled(value: Any) -> Any:
    """A value, waited for where it is an awaitable."""
    return await value if inspect.isawaitable(value) else value


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
    async def close(self) -> None: ...


class Binding:
    """A channel on one event loop, and its callables."""

    __slots__ = ("__weakref__", "_calls", "channel", "generation", "hearing", "loop")

    def __init__(self, channel: Any, loop: asyncio.AbstractEventLoop, hearing: Hearing | None = None) -> None:
        self.channel = channel
        self.hearing = hearing or Hearing()
        self.loop = loop
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


class Channels:
    """One channel for each event loop that uses it, made on the first call there.

    A channel of grpc.aio belongs to the loop on which it was made and does not survive a fork.
    """

    def __init__(self, target: Target | None, given: Any = None) -> None:
        """``given`` is a channel of the user's own, used as it is."""
        self._target = target
        self._given = given
        self._closed = False
        self._latest: Binding | None = None
        self._bindings: dict[asyncio.AbstractEventLoop, Binding] = {}
        self._retired: weakref.WeakSet[Binding] = weakref.WeakSet()

    @property
    def closed(self) -> bool:
        return self._closed

    def binding(self) -> Binding:
        """The binding of the running loop.

        Raises:
            RuntimeError: The client is closed, or no loop runs.
        """
        latest = self._latest
        loop = asyncio.get_running_loop()
        if latest is not None and latest.loop is loop and latest.generation == fork.generation():
            return latest
        return self._bind(loop)

    def _bind(self, loop: asyncio.AbstractEventLoop) -> Binding:
        if self._closed:
            raise RuntimeError("this client is closed; make another")
        found = self._bindings.get(loop)
        if found is None or found.generation != fork.generation():
            if _inherited:
                raise RuntimeError(
                    "grpc.aio does not work in a process that was forked while an asyncio client was open: "
                    "close it before, start processes by 'spawn' or 'forkserver' or use the sync client there"
                )
            # A binding holds its loop; those of loops that are over would never go by themselves.
            for owner in [owner for owner in list(self._bindings) if owner.is_closed()]:
                self._bindings.pop(owner, None)
            found = self._bindings[loop] = Binding(self._given or self._open(), loop)
            _open_channels.add(found.channel)
        self._latest = found
        return found

    def replace(self, binding: Binding) -> None:
        """Give new calls another channel; a replaced one closes when its last call has ended.

        grpc.aio closes a channel that nobody refers to: the calls under way do, by way of the binding.
        """
        if self._given is not None or self._closed or self._bindings.get(binding.loop) is not binding:
            return
        self._retired.add(binding)
        another = Binding(self._open(replacement()), binding.loop, binding.hearing.successor())
        _open_channels.add(another.channel)
        self._latest = self._bindings[binding.loop] = another

    def _open(self, *more: tuple[str, Any]) -> Any:
        target = self._target
        assert target is not None  # noqa: S101 - there is a target or a given channel
        options = (*target.options(), *more)
        interceptors = list(target.interceptors) or None
        if target.plaintext:
            return grpc.aio.insecure_channel(target.address, options=options, interceptors=interceptors)
        return grpc.aio.secure_channel(
            target.address, target.credentials(), options=options, interceptors=interceptors
        )

    async def close(self) -> None:
        """Close the channel of the running loop, with the calls on it, and drop those of other loops."""
        self._closed = True
        self._latest = None
        loop = asyncio.get_running_loop()
        bindings = [*self._bindings.values(), *self._retired]
        self._bindings.clear()
        for binding in bindings:
            if binding.generation != fork.generation():
                continue
            if binding.loop is loop:
                await binding.channel.close()
                # The core tells of the calls that this ended; were their loop closed by then, grpc.aio
                # would complain in the log of the next loop.
                await asyncio.sleep(0.002)
            elif binding.loop.is_running():
                asyncio.run_coroutine_threadsafe(binding.channel.close(), binding.loop)


class Watchdog:
    """Cancels a stream on which nothing happened for a while: one timer, re-armed when it fires."""

    __slots__ = ("_handle", "_last", "_loop", "_strike", "_waiting", "fired", "limit")

    def __init__(self, limit: float, strike: Callable[[], Any]) -> None:
        self._loop = asyncio.get_running_loop()
        self.limit = limit
        self._strike = strike
        self.fired = False
        self._waiting = True
        self._last = self._loop.time()
        self._handle = self._loop.call_later(limit, self._check)

    def wait(self) -> None:
        """Something is waited for from now on."""
        self._last = self._loop.time()
        self._waiting = True

    def rest(self) -> None:
        """Nothing is waited for: the time that the consumer takes does not count."""
        self._waiting = False

    def stop(self) -> None:
        self._handle.cancel()

    def _check(self) -> None:
        left = self._last + self.limit - self._loop.time() if self._waiting else self.limit
        if left > 0:
            self._handle = self._loop.call_later(left, self._check)
        else:
            self.fired = True
            self._strike()


class Race:
    """Calls with one answer, side by side."""

    __slots__ = ("_running",)

    def __init__(self) -> None:
        self._running: list[asyncio.Task[Any]] = []

    @property
    def running(self) -> bool:
        """Whether there is one that `next` has not given yet."""
        return bool(self._running)

    def start(self, call: Any, request: Any, timeout: float | None, metadata: Any) -> None:
        """Begin one more."""

        async def attempt() -> Any:
            return await call(request, timeout=timeout, metadata=metadata)

        task = asyncio.get_running_loop().create_task(attempt())
        task.add_done_callback(_fruitless)
        self._running.append(task)

    async def next(self, seconds: float | None) -> asyncio.Task[Any] | None:
        """One that has ended, an answer before an error; None if that takes longer than ``seconds``."""
        ended, _ = await asyncio.wait(self._running, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if not ended:
            return None
        found = min(ended, key=_fruitless)
        self._running.remove(found)
        return found

    @staticmethod
    def result(ended: asyncio.Task[Any]) -> Any:
        """Its answer, or its error is raised."""
        return ended.result()

    async def end(self) -> None:
        """Cancel all that are left, and see to it that the server hears of that."""
        if self._running:
            for task in self._running:
                task.cancel()
            await asyncio.wait(self._running, timeout=_LEAVING)


def _fruitless(task: asyncio.Task[Any]) -> bool:
    """Whether a task ended without an answer; looked at, asyncio does not complain of its error."""
    return task.cancelled() or task.exception() is not None


class Canceller:
    """Cancels a call from any thread, and from a finalizer."""

    __slots__ = ("_call", "_loop")

    def __init__(self, call: Any) -> None:
        self._call = call
        self._loop = asyncio.get_running_loop()

    def done(self) -> bool:
        """Whether the call has ended."""
        return bool(self._call.done())

    def __call__(self) -> bool:
        """Cancel. Returns whether there was something left to cancel."""
        if self._call.done():
            return False
        try:
            here = asyncio.get_running_loop() is self._loop
        except RuntimeError:
            here = False
        if here or not self._loop.is_running():
            if self._loop.is_closed():
                return False
            return bool(self._call.cancel())
        self._loop.call_soon_threadsafe(self._call.cancel)
        return True

    def release(self) -> None:
        """Cancel, for whoever reads the messages and will not any more."""
        self()
