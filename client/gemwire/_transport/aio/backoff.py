"""The pause between two attempts of a call."""

from __future__ import annotations

import time

from gemwire._transport.aio.concurrency import sleep, wait_for_future
from gemwire._transport.attempts import Attempts
from gemwire._transport.call_error import RpcError
from gemwire._transport.connection_probe import PATIENCE
from gemwire._transport.overload import is_unconnected
from gemwire._transport.token import Pairs
from gemwire.errors import APIError, Unavailable

#: Seconds that a probe may delay the next attempt: most have a result by then.
_PROMPT = 0.5


async def back_off(attempts: Attempts, rpc_error: RpcError, pairs: Pairs) -> None:
    """Wait until the next attempt of a call is due.

    Args:
        attempts: The attempts of the call.
        rpc_error: The error of the latest.
        pairs: The credentials it was made with.

    Raises:
        APIError: There is no next attempt.
    """
    try:
        delay = attempts.next_delay(rpc_error, pairs)
    except APIError as final:
        raise await find_cause(attempts, rpc_error) or final from None
    began = time.monotonic()
    # A probe runs during the pause: a server that is about to come back is not called later for it.
    if (cause := await find_cause(attempts, rpc_error, max(delay, _PROMPT))) is not None:
        raise cause from None
    await sleep(max(began + delay - time.monotonic(), 0))


async def find_cause(
    attempts: Attempts, rpc_error: RpcError, patience: float = PATIENCE
) -> Unavailable | None:
    """Return why no connection can be made, if waiting does not mend that; see `ConnectionProbe`.

    Args:
        attempts: The attempts of the call.
        rpc_error: The error of the latest.
        patience: Seconds to wait for a probe, at most `PATIENCE`.
    """
    probe = attempts.connection.health.probe
    if probe is None or not is_unconnected(rpc_error):
        return None
    left = PATIENCE if attempts.deadline is None else attempts.deadline - time.monotonic()
    outcome = await wait_for_future(probe.start(), min(max(left, 0), patience, PATIENCE))
    return attempts.unreachable_error(outcome) if outcome and outcome.cause else None
