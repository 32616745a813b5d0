# Derived from _transport/aio/hedging.py by scripts/unasync. DO NOT EDIT.
"""Hedged calls: a further attempt starts while one is slow, and the first response ends them all."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar

from google.protobuf.message import Message

from gemwire._transport.attempts import Attempts
from gemwire._transport.hedge_policy import HedgePlan
from gemwire._transport.sync.concurrency import CallMetadata, Race, RpcError
from gemwire._transport.undecodable import check_response
from gemwire.errors import APIError
from gemwire_runtime.method import Method

_Request = TypeVar("_Request", bound=Message)
_Response = TypeVar("_Response", bound=Message)


class HedgedAttempt(Generic[_Request, _Response]):
    """Several concurrent attempts, which are one to the retry loop."""

    def __init__(self, method: Method[_Request, _Response], plan: HedgePlan) -> None:
        self._method = method
        self._plan = plan

    def __call__(
        self,
        call: Callable[..., _Response],
        request: _Request,
        timeout: float | None,
        metadata: CallMetadata,
        attempts: Attempts,
    ) -> _Response:
        """Return the first response of all attempts, which share the timeout. ``call`` makes the first.

        An error that is not retryable ends the call, and so does the last of all.
        """
        began = time.monotonic()
        delay = self._plan.delay()
        if delay is None:
            result = check_response(call(request, timeout=timeout, metadata=metadata), self._method)
        else:
            race: Race[_Response] = Race()
            deadline = None if timeout is None else began + timeout
            try:
                race.start(call, request, timeout, metadata)
                result = self._first_response(race, request, began, delay, deadline, metadata, attempts)
            finally:
                race.end()
        self._plan.record_latency(time.monotonic() - began)
        return result

    def _first_response(
        self,
        race: Race[_Response],
        request: _Request,
        began: float,
        delay: float,
        deadline: float | None,
        metadata: CallMetadata,
        attempts: Attempts,
    ) -> _Response:
        plan, concurrent = self._plan, 1
        # When the next attempt is to start; None for never.
        due: float | None = began + delay
        final: RpcError | None = None
        while True:
            ended = race.next(None if due is None else max(due - time.monotonic(), 0))
            failure: APIError | None = None
            if ended is not None:
                try:
                    return check_response(race.result(ended), self._method)
                except RpcError as error:
                    failure = attempts.error(error)
                    if not plan.is_retryable(failure):
                        raise
                    if not plan.refused:
                        final = error
                pause = plan.next_delay(failure)
                due = None if due is None or pause is None else time.monotonic() + pause
            now = time.monotonic()
            if due is not None and now >= due:
                due = None
                in_time = deadline is None or now < deadline
                if in_time and not attempts.client_closed and plan.try_acquire(concurrent, attempts.count):
                    connection, now = attempts.start_hedge()
                    left = None if deadline is None else max(deadline - now, 0)
                    race.start(connection.callable(self._method), request, left, metadata)
                    concurrent, due = concurrent + 1, now + delay
            if not race.running and final:
                # Left to the retry loop, which also waits for as long as the server asks to.
                raise final
            if failure:
                attempts.record_failure(failure)
