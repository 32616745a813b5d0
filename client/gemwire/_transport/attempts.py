"""The attempts of one call: whether, when and on which connection the next is made."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import Protocol

from gemwire._log import log
from gemwire._transport import overload
from gemwire._transport.call_error import RpcError
from gemwire._transport.connection import Connection, ConnectionPool
from gemwire._transport.connection_probe import Outcome
from gemwire._transport.credentials import Authorization
from gemwire._transport.observe import ObservedCall
from gemwire._transport.retry import RetryBudget, RetryPolicy
from gemwire._transport.status import error_from_rpc
from gemwire._transport.token import Pairs
from gemwire.errors import APIError, Cancelled, DeadlineExceeded, Unauthenticated, Unavailable
from gemwire_runtime.method import AnyMethod


class Caller(Protocol):
    """The caller, as far as its attempts know it."""

    pool: ConnectionPool
    authorization: Authorization
    budget: RetryBudget


@dataclass(eq=False, slots=True)
class Attempts:
    """The attempts of one call; created when the first fails or, for streams and hedges, before it.

    Attributes:
        caller: Makes them.
        method: The RPC.
        policy: When to retry; None for never.
        began: When the call began (``time.monotonic()``).
        seconds: Seconds for all of them; None for no deadline.
        connection: What the latest attempt was made on. A stream holds it, so that its channel stays open.
        observed: The call as its observers see it; None without observers.
        count: Number of attempts so far, hedges included.
    """

    caller: Caller
    method: AnyMethod
    policy: RetryPolicy | None
    began: float
    seconds: float | None
    connection: Connection
    observed: ObservedCall | None = None
    count: int = 1
    _attempt_began: float = field(init=False)
    _reauthenticated: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self._attempt_began = self.began

    @property
    def deadline(self) -> float | None:
        """When the call is to end (``time.monotonic()``); None for no deadline."""
        return None if self.seconds is None else self.began + self.seconds

    @property
    def client_closed(self) -> bool:
        """Whether the client was closed meanwhile."""
        return self.caller.pool.closed

    def next_delay(self, rpc_error: RpcError, pairs: Pairs) -> float:
        """Return the seconds to wait before the next attempt, or raise the error if there is none.

        ``pairs``: the credentials of the attempt that failed.
        """
        now = time.monotonic()
        error = self.error(rpc_error, now)
        self._check_connection(rpc_error, self._attempt_began)
        if (
            isinstance(error, Unauthenticated)
            and not self._reauthenticated
            and self.caller.authorization.invalidate(pairs)
        ):
            # Once: a token may have been revoked before it expired.
            self._reauthenticated = True
            self.count += 1
            return 0.0
        remaining = None if self.deadline is None else self.deadline - now
        policy = self.policy
        delay = policy.next_delay(error, self.count, now - self.began, remaining) if policy else None
        allowed = self.record_failure(error)
        if policy is None or delay is None:
            raise error from None
        if not allowed:
            error.hint = "Not retried: too many recent calls failed (retry budget)."
            raise error from None
        if policy.on_error:
            policy.on_error(error)
        log(
            logging.INFO,
            "%s failed with %s (%s), attempt %d; retrying in %.1f s",
            *(self.method.path[1:], error.status, error.message, self.count, delay),
        )
        self.count += 1
        return delay

    def rebind(self) -> tuple[Connection, float]:
        """Return connection and beginning of the next attempt; raise `Cancelled` if the client is closed."""
        if self.client_closed:
            raise self.closed_error() from None
        self.connection, self._attempt_began = self.caller.pool.current(), time.monotonic()
        return self.connection, self._attempt_began

    def start_hedge(self) -> tuple[Connection, float]:
        """Count a hedge and return its connection and beginning. Raises like `rebind`."""
        self.count += 1
        if self.observed:
            self.observed.hedges += 1
        return self.rebind()

    def record_failure(self, error: APIError) -> bool:
        """Count a failed attempt, report an overload, and return whether the budget allows a retry."""
        if not overload.is_overload(error):
            return True
        overload.report(error, self._attempt_began)
        return self.caller.budget.record_failure()

    def record_idle(self, seconds: float) -> None:
        """Note that a stream was ended after so many seconds without a message."""
        self._check_connection(None, time.monotonic() - seconds)

    def _check_connection(self, rpc_error: RpcError | None, began: float) -> None:
        """Replace a connection that has gone silent."""
        if self.connection.health.mark_unanswered(rpc_error, began):
            self.caller.pool.replace(self.connection)

    def error(self, rpc_error: RpcError, now: float | None = None) -> APIError:
        """Convert the error of a failed attempt."""
        return error_from_rpc(rpc_error, self._name, self.count, (now or time.monotonic()) - self.began)

    def idle_error(self, seconds: float) -> DeadlineExceeded:
        """Build the error of a stream that received no message for so many seconds."""
        return DeadlineExceeded(
            f"no message for {seconds:g} s",
            method=self._name,
            attempts=self.count,
            elapsed=time.monotonic() - self.began,
            hint="Raise `idle_timeout`.",
        )

    def unreachable_error(self, outcome: Outcome) -> Unavailable:
        """Build the error of a server that no connection can be made to; ``outcome`` is that of a probe."""
        return Unavailable(
            f"failed to connect to {outcome.target}: {outcome.cause}",
            method=self._name,
            attempts=self.count,
            elapsed=time.monotonic() - self.began,
            hint=outcome.hint,
        )

    def cancelled_error(self, message: str) -> Cancelled:
        """Build the error of a call that was cancelled on this side."""
        return Cancelled(message, method=self._name, attempts=self.count)

    def closed_error(self) -> Cancelled:
        """Build the error of a call whose client was closed."""
        return self.cancelled_error("the client was closed during the call")

    @property
    def _name(self) -> str:
        return self.method.path[1:]
