"""A probe for whether a channel can connect. Written by hand for each flavour: grpc's APIs differ."""

from __future__ import annotations

import queue
from typing import Any

import grpc

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
