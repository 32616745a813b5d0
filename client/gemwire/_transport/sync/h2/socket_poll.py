"""Waiting for one socket, also where the system has no poll (Windows)."""

from __future__ import annotations

import select
import socket
from typing import Protocol


class SocketPoll(Protocol):
    """Waits for one socket."""

    def wait(self, seconds: float, *, writable: bool) -> bool:
        """Wait until there are bytes to read, or with ``writable`` room for more; returns whether."""
        ...


class SystemPoll:
    """Waits by poll, which has no limit of file descriptors."""

    __slots__ = ("_poll", "_raw", "_writable")

    def __init__(self, raw: socket.socket) -> None:
        self._raw = raw
        self._poll = select.poll()
        self._poll.register(raw, select.POLLIN)
        self._writable = False

    def wait(self, seconds: float, *, writable: bool) -> bool:
        if writable is not self._writable:
            self._writable = writable
            self._poll.modify(self._raw, select.POLLIN | (select.POLLOUT if writable else 0))
        return bool(self._poll.poll(seconds * 1000))


class SelectPoll:
    """Waits by select, of which Windows limits the number of sockets and not their descriptors."""

    __slots__ = ("_sockets",)

    def __init__(self, raw: socket.socket) -> None:
        self._sockets = [raw]

    def wait(self, seconds: float, *, writable: bool) -> bool:
        readable, ready, _ = select.select(self._sockets, self._sockets if writable else [], [], seconds)
        return bool(readable or ready)


def create_poll(raw: socket.socket) -> SocketPoll:
    """Return what the system has."""
    return SystemPoll(raw) if hasattr(select, "poll") else SelectPoll(raw)
