"""The retry loop of uploads and downloads."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from gemwire._transport.aio.backoff import back_off
from gemwire._transport.aio.caller import AsyncCaller
from gemwire._transport.aio.http_connection import HttpConnection
from gemwire._transport.aio.http_pool import HttpConnectionPool
from gemwire._transport.aio.token_wait import wait_for_token
from gemwire._transport.attempts import Attempts
from gemwire._transport.call_error import rpc_errors
from gemwire._transport.retry import resolve_unhedged_policy
from gemwire._transport.token import Pairs
from gemwire.options import Retry
from gemwire_runtime.method import AnyMethod, Metadata

_Result = TypeVar("_Result")


@dataclass(eq=False)
class AsyncTransfer:
    """The attempts of one upload or download.

    Attributes:
        caller: Has the credentials and the retry budget.
        pool: The HTTP connections.
        method: The RPC that it stands for.
        timeout: Seconds for everything; None for no limit.
        retry: When and how often it continues after a failure.
        metadata: The caller's pairs.
        done: Number of bytes transferred so far.
    """

    caller: AsyncCaller
    pool: HttpConnectionPool
    method: AnyMethod
    timeout: float | None
    retry: Retry | None
    metadata: Metadata
    done: int = 0
    _began: float = field(default_factory=time.monotonic)

    def remaining(self) -> float | None:
        """Return the seconds that are left; None for no limit."""
        if self.timeout is None:
            return None
        return max(self._began + self.timeout - time.monotonic(), 0)

    async def run(self, step: Callable[[HttpConnection, Pairs], Awaitable[_Result]]) -> _Result:
        """Run a step until it succeeds or its retries are used up; only failures without progress count.

        Raises:
            APIError: It failed.
            ValueError: ``retry`` has a hedge.
        """
        caller = self.caller
        policy = resolve_unhedged_policy(self.retry, "the transfer of a file")
        attempts = Attempts(caller, self.method, policy, self._began, self.timeout, caller.pool.current())
        while True:
            done_before = self.done
            ready = caller.authorization.pairs(time.monotonic())
            pairs = await wait_for_token(caller.authorization, ready, self.remaining(), self.method.path[1:])
            try:
                return await step(self.pool.current(), pairs)
            except rpc_errors() as error:
                if self.done > done_before:
                    attempts.count = 1
                await back_off(attempts, error, pairs)
                attempts.rebind()
