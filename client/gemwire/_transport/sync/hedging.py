# Derived from _transport/aio/hedging.py by scripts/unasync. DO NOT EDIT.
"""Hedged calls: a further attempt starts while one is slow, and the first response ends them all."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from google.protobuf.message import Message

from gemwire._transport.attempts import Attempts
from gemwire._transport.call_error import RpcError, rpc_errors
from gemwire._transport.hedge_policy import HedgePlan
from gemwire._transport.metadata import CallMetadata
from gemwire._transport.sync.concurrency import Race
from gemwire._transport.undecodable import check_response
from gemwire.errors import APIError

_Response = TypeVar("_Response")


def race_attempts(
    plan: HedgePlan,
    call: Callable[..., _Response],
    request: Message,
    timeout: float | None,
    metadata: CallMetadata,
    attempts: Attempts,
) -> _Response:
    """Return the first response of concurrent attempts, which are one attempt to the retry loop.

    They share the timeout; ``call`` makes the first. An error that is not retryable ends the call, and so
    does the last of all.
    """
    began = time.monotonic()
    method, delay = attempts.method, plan.delay()
    if delay is None:
        result = check_response(call(request, timeout=timeout, metadata=metadata), method)
        plan.record_latency(time.monotonic() - began)
        return result
    deadline = None if timeout is None else began + timeout
    race: Race[_Response] = Race()
    concurrent = 1
    # When the next attempt is to start; None for never.
    due: float | None = began + delay
    final: RpcError | None = None
    try:
        race.start(call, request, timeout, metadata)
        while True:
            ended = race.next(None if due is None else max(due - time.monotonic(), 0))
            failure: APIError | None = None
            if ended is not None:
                try:
                    result = check_response(race.result(ended), method)
                    plan.record_latency(time.monotonic() - began)
                    return result
                except rpc_errors() as error:
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
                    race.start(connection.callable(method), request, left, metadata)
                    concurrent, due = concurrent + 1, now + delay
            if not race.running and final:
                # Left to the retry loop, which also waits for as long as the server asks to.
                raise final
            if failure:
                attempts.record_failure(failure)
    finally:
        race.end()
