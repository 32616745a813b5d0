"""Waiting for a socket, by poll and by select."""

from __future__ import annotations

import socket
import time

import pytest

from gemwire._transport.sync.h2.socket_poll import SelectPoll, SystemPoll


@pytest.mark.parametrize("kind", [SystemPoll, SelectPoll])
def test_a_socket_is_waited_for(kind: type[SystemPoll] | type[SelectPoll]) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        poll = kind(ours)
        began = time.monotonic()
        assert not poll.wait(0.05, writable=False)
        assert time.monotonic() - began >= 0.04
        assert poll.wait(5, writable=True)
        assert not poll.wait(0, writable=False)
        theirs.send(b"x")
        assert poll.wait(5, writable=False)
        ours.recv(1)
        theirs.close()
        assert poll.wait(5, writable=False)
