"""When a connection is pinged, given up, or closed because nobody uses it."""

from __future__ import annotations

from enum import Enum

#: Seconds between two looks at a connection that has streams.
INTERVAL = 2.5
#: Seconds after which a ping must be answered, and between pings while the server sends nothing. Google's
#: front ends are said to tolerate one ping in 30 seconds; data from the server makes another one welcome.
_PING_TIMEOUT = 5.0
_PING_INTERVAL = 30.0
#: Seconds after which a connection without streams is closed.
IDLE_TIMEOUT = 300.0

#: Why a connection is given up.
SILENT = f"the server is silent: no reply to a ping for {_PING_TIMEOUT:g} s"


class Action(Enum):
    """Action that a connection needs."""

    WAIT = "nothing"
    PING = "send a ping"
    CLOSE = "close the idle connection"
    ABORT = "give up the silent connection"


class Keepalive:
    """The silence of one connection.

    Attributes:
        heard: Set by the driver when bytes have arrived.
    """

    __slots__ = ("_idle_since", "_pinged_at", "_pings_welcome", "heard")

    def __init__(self, now: float) -> None:
        self._idle_since = self._pinged_at = now
        self._pings_welcome = True
        self.heard = False

    def look(self, now: float, has_streams: bool, pings_unanswered: int) -> Action:
        """Return what is to be done, some `INTERVAL` after the last look."""
        heard, self.heard = self.heard, False
        if has_streams:
            self._idle_since = now
        elif now - self._idle_since >= IDLE_TIMEOUT:
            return Action.CLOSE
        if heard:
            self._pings_welcome = True
        elif pings_unanswered:
            if now - self._pinged_at >= _PING_TIMEOUT:
                return Action.ABORT
        elif has_streams and (self._pings_welcome or now - self._pinged_at >= _PING_INTERVAL):
            self._pings_welcome = False
            self._pinged_at = now
            return Action.PING
        return Action.WAIT
