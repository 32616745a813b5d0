"""The gRPC channels of a client. Written by hand for each flavour: here, one for each process."""

from __future__ import annotations

import queue
import threading
import weakref
from typing import Any, cast

import grpc
from grpc.experimental import ChannelOptions

from gemwire._transport import fork
from gemwire._transport.channel_handle import ChannelHandle
from gemwire._transport.channel_options import Target, replacement
from gemwire._transport.metadata import Pair

#: Streams without a thread of their own: a third to two fifths less CPU per message.
_SINGLE_THREADED = (ChannelOptions.SingleThreadedUnaryStream, 1)


class ChannelPool:
    """One channel for each process that uses it, opened on the first call there."""

    def __init__(self, target: Target | None, given: grpc.Channel | None = None) -> None:
        """Initialize an empty pool; ``given`` is a channel of the user's own to use instead."""
        self._target = target
        self._given = given
        self._closed = False
        self._lock = threading.Lock()
        self._generation = fork.generation()
        self._latest: ChannelHandle | None = None
        self._retired: weakref.WeakSet[ChannelHandle] = weakref.WeakSet()

    @property
    def closed(self) -> bool:
        return self._closed

    def current(self) -> ChannelHandle:
        """Return the channel of this process.

        Raises:
            RuntimeError: The client is closed.
        """
        latest = self._latest
        if latest is not None and latest.generation == fork.generation():
            return latest
        return self._find_or_open()

    def _find_or_open(self) -> ChannelHandle:
        if self._generation != fork.generation():
            # A fork may have copied a lock that is held.
            self._lock, self._generation = threading.Lock(), fork.generation()
        with self._lock:
            if self._closed:
                raise RuntimeError("this client is closed; create another")
            if self._latest is None or self._latest.generation != fork.generation():
                self._latest = ChannelHandle(self._given or self._open(), self._target)
            return self._latest

    def replace(self, handle: ChannelHandle) -> None:
        """Open another channel for new calls; the replaced one closes when its last call has ended.

        Running calls hold it through the handle.
        """
        with self._lock:
            if self._given is not None or self._closed or self._latest is not handle:
                return
            self._retired.add(handle)
            weakref.finalize(handle, _close, handle.channel, handle.generation).atexit = False
            self._latest = ChannelHandle(self._open(replacement()), self._target, handle.health.successor())

    def _open(self, *more: tuple[str, object]) -> grpc.Channel:
        target = self._target
        assert target is not None  # noqa: S101 - there is a target or a given channel
        options = (*target.options(), _SINGLE_THREADED, *more)
        if target.plaintext:
            channel = grpc.insecure_channel(target.address, options=options)
        else:
            channel = grpc.secure_channel(target.address, target.credentials(), options=options)
        interceptors = cast("list[grpc.UnaryUnaryClientInterceptor]", list(target.interceptors))
        return grpc.intercept_channel(channel, *interceptors) if interceptors else channel

    def close(self) -> None:
        """Close the channel, with the calls on it."""
        self._closed = True
        latest, self._latest = self._latest, None
        for handle in (latest, *self._retired):
            if handle is not None:
                _close(handle.channel, handle.generation)


def _close(channel: grpc.Channel, generation: int) -> None:
    if generation == fork.generation():
        channel.close()


def build_metadata(pairs: tuple[Pair, ...]) -> tuple[Pair, ...]:
    """Return the metadata of calls: pairs, as they are."""
    return pairs


#: Seconds for which a thread of grpc goes on watching a channel after `can_connect` returned; it raises
#: when the channel is closed meanwhile.
PROBE_LINGER = 0.25


def can_connect(channel: Any, seconds: float) -> bool:
    """Return whether a channel connects over HTTP/2 within ``seconds``. Sends no call."""
    connectivity = grpc.ChannelConnectivity
    outcomes: queue.SimpleQueue[grpc.ChannelConnectivity] = queue.SimpleQueue()

    def watch(state: grpc.ChannelConnectivity) -> None:
        if state in (connectivity.READY, connectivity.TRANSIENT_FAILURE, connectivity.SHUTDOWN):
            outcomes.put(state)

    channel.subscribe(watch, try_to_connect=True)
    try:
        return outcomes.get(timeout=max(seconds, 0)) is connectivity.READY
    except queue.Empty:
        return False
    finally:
        channel.unsubscribe(watch)
