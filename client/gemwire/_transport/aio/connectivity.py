"""A probe for whether a channel can connect. Written by hand for each flavour: grpc's APIs differ."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc

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
