# Derived from _transport/aio/backoff.py by scripts/unasync. DO NOT EDIT.
"""What happens between two attempts of a call."""

from __future__ import annotations

import time

from gemwire._transport.attempts import Attempts
from gemwire._transport.connection_probe import PATIENCE
from gemwire._transport.overload import is_unconnected
from gemwire._transport.sync.concurrency import RpcError, sleep, wait_for_future
from gemwire._transport.token import Pairs
from gemwire.errors import Unavailable


def back_off(attempts: Attempts, rpc_error: RpcError, pairs: Pairs) -> None:
    """Wait until the next attempt of a call is due.

    Args:
        attempts: The attempts of the call.
        rpc_error: The error of the latest.
        pairs: The credentials it was made with.

    Raises:
        APIError: There is no next attempt.
    """
    if (final := find_cause(attempts, rpc_error)) is not None:
        raise final from None
    sleep(attempts.next_delay(rpc_error, pairs))


def find_cause(attempts: Attempts, rpc_error: RpcError) -> Unavailable | None:
    """Return why no connection can be made, if waiting does not mend that; see `ConnectionProbe`."""
    probe = attempts.connection.health.probe
    if probe is None or not is_unconnected(rpc_error):
        return None
    left = PATIENCE if attempts.deadline is None else attempts.deadline - time.monotonic()
    outcome = wait_for_future(probe.start(), min(max(left, 0), PATIENCE))
    return attempts.unreachable_error(outcome) if outcome and outcome.cause else None
