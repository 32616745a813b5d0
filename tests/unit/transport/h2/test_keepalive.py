"""When a connection is pinged, closed and given up, by a clock of the test's own."""

from __future__ import annotations

from itertools import pairwise

import pytest

from gemwire._transport.h2.keepalive import IDLE_TIMEOUT, INTERVAL, Action, Keepalive


def test_silence_is_answered_by_a_ping_and_then_ended() -> None:
    keepalive, now = Keepalive(0.0), INTERVAL
    assert keepalive.look(now, has_streams=True, pings_unanswered=0) is Action.PING
    assert keepalive.look(now + INTERVAL, has_streams=True, pings_unanswered=1) is Action.WAIT
    assert keepalive.look(now + 2 * INTERVAL, has_streams=True, pings_unanswered=1) is Action.ABORT


def test_a_reply_is_a_sign_of_life() -> None:
    keepalive = Keepalive(0.0)
    assert keepalive.look(INTERVAL, has_streams=True, pings_unanswered=0) is Action.PING
    keepalive.heard = True
    assert keepalive.look(2 * INTERVAL, has_streams=True, pings_unanswered=0) is Action.WAIT


def test_a_silent_server_is_pinged_every_30_seconds_at_most() -> None:
    keepalive, pings = Keepalive(0.0), []
    for number in range(1, 60):
        # It answers each ping and sends nothing else, which does not make another ping welcome sooner.
        now = number * INTERVAL
        if keepalive.look(now, has_streams=True, pings_unanswered=0) is Action.PING:
            pings.append(now)
    assert pings[0] == INTERVAL
    assert min(after - before for before, after in pairwise(pings)) >= 30


@pytest.mark.parametrize("seconds", [IDLE_TIMEOUT - 1, IDLE_TIMEOUT])
def test_a_connection_without_streams_is_closed_in_the_end(seconds: float) -> None:
    keepalive = Keepalive(0.0)
    wanted = Action.CLOSE if seconds >= IDLE_TIMEOUT else Action.WAIT
    assert keepalive.look(seconds, has_streams=False, pings_unanswered=0) is wanted


def test_a_connection_with_streams_is_not_idle() -> None:
    keepalive = Keepalive(0.0)
    keepalive.look(IDLE_TIMEOUT, has_streams=True, pings_unanswered=0)
    keepalive.heard = True
    assert keepalive.look(IDLE_TIMEOUT + 1, has_streams=False, pings_unanswered=0) is Action.WAIT
