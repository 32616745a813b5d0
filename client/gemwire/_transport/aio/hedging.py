"""Attempts side by side: another begins where one is slow, and the first answer ends them all."""

from __future__ import annotations

import time
from typing import Any

from gemwire._transport.aio.concurrency import Race, RpcError
from gemwire._transport.attempts import Attempts
from gemwire._transport.hedge_policy import Plan
from gemwire.errors import APIError
from gemwire_runtime.method import Method


class AsyncHedged:
    """A call that may be hedged: what makes a round of attempts, which is one to the loop of retries."""

    def __init__(self, method: Method[Any, Any], plan: Plan) -> None:
        """``plan``: what the call may do."""
        self._method = method
        self._plan = plan

    async def __call__(
        self, call: Any, request: Any, left: float | None, metadata: Any, attempts: Attempts
    ) -> Any:
        """The first answer.

        Args:
            call: Makes the first attempt.
            request: What is asked.
            left: Seconds for everything; None for as long as it takes.
            metadata: Of each attempt.
            attempts: Those of the whole call.

        Raises:
            RpcError: An attempt failed for good, or all failed.
        """
        began = time.monotonic()
        delay = self._plan.delay()
        if delay is None:
            result = await call(request, timeout=left, metadata=metadata)
        else:
            race = Race()
            try:
                race.start(call, request, left, metadata)
                end = None if left is None else began + left
                result = await self._first(race, request, began, delay, end, metadata, attempts)
            finally:
                await race.end()
        self._plan.answered(time.monotonic() - began)
        if attempts.watch:
            attempts.watch.message(result)
            attempts.watch.end(attempts.count)
        return result

    async def _first(
        self,
        race: Race,
        request: Any,
        began: float,
        delay: float,
        end: float | None,
        metadata: Any,
        attempts: Attempts,
    ) -> Any:
        plan, here = self._plan, 1
        # When another attempt is to begin; None for never.
        due: float | None = began + delay
        final: Any = None
        while True:
            ended = await race.next(None if due is None else max(due - time.monotonic(), 0))
            failure: APIError | None = None
            if ended is not None:
                try:
                    return race.result(ended)
                except RpcError as error:
                    failure = attempts.error(error)
                    if not plan.passing(failure):
                        raise
                    if not plan.refused:
                        final = error
                pause = plan.pause(failure)
                due = None if due is None or pause is None else time.monotonic() + pause
            now = time.monotonic()
            if due is not None and now >= due:
                due = None
                if (end is None or now < end) and not attempts.closed and plan.take(here, attempts.count):
                    binding, now = attempts.beside()
                    left = None if end is None else max(end - now, 0)
                    race.start(binding.callable(self._method), request, left, metadata)
                    here, due = here + 1, now + delay
            if not race.running:
                # What the server asks for is then the loop's to wait for.
                raise final
            if failure:
                attempts.outlived(failure)
