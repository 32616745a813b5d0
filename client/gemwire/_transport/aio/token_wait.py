"""Waiting for a token that a background thread refreshes."""

from __future__ import annotations

import math
import time
from concurrent.futures import Future

from gemwire._transport.aio.concurrency import sleep, wait_for_future
from gemwire._transport.credentials import Authorization
from gemwire._transport.token import STUCK_AFTER, Pairs, RefreshFailed
from gemwire.errors import DeadlineExceeded


async def wait_for_token(
    authorization: Authorization,
    ready: Pairs | Future[Pairs | RefreshFailed],
    seconds: float | None,
    method: str,
) -> Pairs:
    """Return the metadata to send. While its token endpoint cannot be reached, it is tried again.

    Raises:
        Unauthenticated: The credentials give no token.
        Unavailable: Their token endpoint could not be reached in time.
        DeadlineExceeded: They did nothing in time.
    """
    now = time.monotonic()
    deadline = math.inf if seconds is None else now + seconds
    failed: RefreshFailed | None = None
    while not isinstance(ready, tuple):
        # Not for longer: a stuck refresh is found when the credentials are asked again.
        outcome = await wait_for_future(ready, min(max(deadline - now, 0), STUCK_AFTER))
        now = time.monotonic()
        if isinstance(outcome, tuple):
            return outcome
        if outcome is not None:
            failed = outcome
            if failed.retry_at is None or failed.retry_at >= deadline:
                raise failed.to_error(method)
            await sleep(max(failed.retry_at - now, 0))
            now = time.monotonic()
        elif now >= deadline:
            if failed:
                raise failed.to_error(method)
            raise DeadlineExceeded(f"the credentials gave no token within {seconds:g} s", method=method)
        ready = authorization.pairs(now)
    return ready
