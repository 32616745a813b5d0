"""The gRPC channels of a client. Written by hand for each flavour: here, one for each event loop."""

from __future__ import annotations

import asyncio
import gc
import os
import warnings
import weakref
from functools import partial
from typing import Any, cast

import grpc
import grpc.aio

from gemwire._transport import fork
from gemwire._transport.aio.loop_end import close_with_loop
from gemwire._transport.channel_handle import ChannelHandle
from gemwire._transport.channel_options import Target, replacement
from gemwire._transport.connection_health import ConnectionHealth
from gemwire._transport.metadata import Pair

#: Open channels. grpc.aio serves them from a thread, which a fork does not copy.
_open_channels: weakref.WeakSet[grpc.aio.Channel] = weakref.WeakSet()
#: Channels that were open when this process was forked: grpc.aio hangs or crashes whatever is done with
#: it here, closing these included, so they are kept alive.
_inherited: list[grpc.aio.Channel] = []


def _warn_about_calls() -> None:
    """Warn when the process forks during calls of grpc.aio.

    The core starts its threads again in the child. They fail the calls of the parent and wake its poller, a
    thread that the child does not have, so that many such children end with SIGSEGV. Nothing that can be done
    from Python prevents this. Idle channels are harmless.
    """
    # grpc.aio keeps no list of its calls.
    tracked = gc.get_objects() if _open_channels else []
    kinds = {kind for kind in set(map(type, tracked)) if issubclass(kind, grpc.aio.Call)}
    if any(type(each) in kinds and not each.done() for each in tracked):
        warnings.warn(
            "this process forks during calls of an asyncio client, and gRPC's core may crash in the child: "
            "end the calls before, or start processes by 'spawn' or 'forkserver'",
            RuntimeWarning,
            stacklevel=2,
        )


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_warn_about_calls, after_in_child=lambda: _inherited.extend(_open_channels))


class LoopChannel(ChannelHandle):
    """A channel of grpc.aio and the event loop that it belongs to, which ends its calls when it ends."""

    __slots__ = ("_lifetime", "loop")

    def __init__(
        self, channel: grpc.aio.Channel, target: Target | None, health: ConnectionHealth | None = None
    ) -> None:
        super().__init__(channel, target, health)
        self.loop = asyncio.get_running_loop()
        self._lifetime = close_with_loop(partial(_close, weakref.ref(self)))
        _open_channels.add(channel)

    async def close(self) -> None:
        """Close the channel, with the calls on it."""
        await self._lifetime.aclose()


async def _close(reference: weakref.ref[LoopChannel]) -> None:
    """Close a channel, unless it was dropped: grpc.aio closes those itself, and their calls have ended."""
    handle = reference()
    if handle is not None and handle.generation == fork.generation():
        await handle.channel.close()
        # The core reports the calls that this ended; were their loop closed by then, grpc.aio would log an
        # error on the next loop.
        await asyncio.sleep(0.002)


class ChannelPool:
    """One channel for each event loop that uses it, opened on the first call there.

    A channel of grpc.aio belongs to the loop on which it was made and does not survive a fork.
    """

    def __init__(self, target: Target | None, given: grpc.aio.Channel | None = None) -> None:
        """Initialize an empty pool; ``given`` is a channel of the user's own to use instead."""
        self._target = target
        self._given = given
        self._closed = False
        self._latest: LoopChannel | None = None
        self._handles: dict[asyncio.AbstractEventLoop, LoopChannel] = {}
        self._retired: weakref.WeakSet[LoopChannel] = weakref.WeakSet()

    @property
    def closed(self) -> bool:
        return self._closed

    def current(self) -> LoopChannel:
        """Return the channel of the running loop.

        Raises:
            RuntimeError: The client is closed, or no loop runs.
        """
        latest = self._latest
        loop = asyncio.get_running_loop()
        if latest is not None and latest.loop is loop and latest.generation == fork.generation():
            return latest
        return self._find_or_open(loop)

    def _find_or_open(self, loop: asyncio.AbstractEventLoop) -> LoopChannel:
        if self._closed:
            raise RuntimeError("this client is closed; create another")
        found = self._handles.get(loop)
        if found is None or found.generation != fork.generation():
            if _inherited:
                raise RuntimeError(
                    "grpc.aio does not work in a process that was forked while an asyncio client was open: "
                    "close it before, start processes by 'spawn' or 'forkserver' or use the sync client there"
                )
            # A handle holds its loop; those of closed loops would never be collected.
            for owner in [owner for owner in list(self._handles) if owner.is_closed()]:
                self._handles.pop(owner, None)
            found = self._handles[loop] = LoopChannel(self._given or self._open(), self._target)
        self._latest = found
        return found

    def replace(self, handle: ChannelHandle) -> None:
        """Open another channel for new calls; the replaced one closes when its last call has ended.

        grpc.aio closes a channel that nothing refers to; running calls do, through the handle.
        """
        loop = asyncio.get_running_loop()
        current = self._handles.get(loop)
        if current is None or current is not handle or self._given is not None or self._closed:
            return
        self._retired.add(current)
        successor = LoopChannel(self._open(replacement()), self._target, handle.health.successor())
        self._latest = self._handles[loop] = successor

    def _open(self, *more: tuple[str, object]) -> grpc.aio.Channel:
        target = self._target
        assert target is not None  # noqa: S101 - there is a target or a given channel
        options = (*target.options(), *more)
        interceptors = cast("list[grpc.aio.ClientInterceptor]", list(target.interceptors)) or None
        if target.plaintext:
            return grpc.aio.insecure_channel(target.address, options=options, interceptors=interceptors)
        return grpc.aio.secure_channel(
            target.address, target.credentials(), options=options, interceptors=interceptors
        )

    async def close(self) -> None:
        """Close the channel of the running loop, with the calls on it, and drop those of other loops."""
        self._closed = True
        self._latest = None
        running = asyncio.get_running_loop()
        handles = [*self._handles.values(), *self._retired]
        self._handles.clear()
        for handle in handles:
            if handle.loop is running:
                await handle.close()
            elif handle.loop.is_running() and handle.generation == fork.generation():
                asyncio.run_coroutine_threadsafe(handle.close(), handle.loop)


def build_metadata(pairs: tuple[Pair, ...]) -> grpc.aio.Metadata:
    """Build the metadata of calls, to be reused: grpc.aio converts tuples on every call."""
    return grpc.aio.Metadata(*pairs)


#: Seconds for which grpc may go on watching a channel after `can_connect` returned.
PROBE_LINGER = 0.0
_FAILED = (grpc.ChannelConnectivity.TRANSIENT_FAILURE, grpc.ChannelConnectivity.SHUTDOWN)


async def can_connect(channel: Any, seconds: float) -> bool:
    """Return whether a channel connects over HTTP/2 within ``seconds``. Sends no call."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while True:
        state = channel.get_state(try_to_connect=True)
        if state is grpc.ChannelConnectivity.READY:
            return True
        if state in _FAILED:
            return False
        try:
            await asyncio.wait_for(channel.wait_for_state_change(state), end - loop.time())
        except asyncio.TimeoutError:
            return False
