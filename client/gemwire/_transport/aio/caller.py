"""The caller: one method for each kind of RPC, and the retry loop."""

from __future__ import annotations

import time
from collections.abc import AsyncIterable, Callable, Coroutine, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from google.protobuf.message import Message

from gemwire._transport.aio.backoff import back_off
from gemwire._transport.aio.bidi import AsyncBidiStream
from gemwire._transport.aio.concurrency import CancelledError, call_and_collect, is_task_cancelling
from gemwire._transport.aio.hedging import race_attempts
from gemwire._transport.aio.operation import AsyncOperation
from gemwire._transport.aio.pager import AsyncPager
from gemwire._transport.aio.stream import AsyncStream
from gemwire._transport.aio.token_wait import wait_for_token
from gemwire._transport.attempts import Attempts
from gemwire._transport.call_error import rpc_errors
from gemwire._transport.connection import ConnectionPool
from gemwire._transport.credentials import Authorization
from gemwire._transport.hedge_policy import HedgeState
from gemwire._transport.metadata import CallMetadata, MetadataCache, Pair
from gemwire._transport.observe import ObservedCall, has_observers
from gemwire._transport.request_message import create_request
from gemwire._transport.response_metadata import RECEIVED
from gemwire._transport.retry import (
    RetryBudget,
    check_timeout,
    default_policy,
    resolve_policy,
)
from gemwire._transport.undecodable import check_response
from gemwire.errors import Cancelled
from gemwire_runtime.method import DEFAULT, Kind, Metadata, Method, RetryOption, Timeout

if TYPE_CHECKING:
    from gemwire_proto.google.longrunning import operations_pb2

_Request = TypeVar("_Request", bound=Message)
_Response = TypeVar("_Response", bound=Message)
_Result = TypeVar("_Result")

#: Makes one attempt: given the multicallable, the request, the timeout, the metadata and all attempts.
Attempt = Callable[
    [Callable[..., Any], Any, "float | None", CallMetadata, Attempts], Coroutine[Any, Any, _Result]
]


class AsyncCaller:
    """Makes calls on the connections of one client, with its credentials.

    The generated methods call it; `gemwire_runtime.aio.caller.AsyncCaller` is its interface.

    Attributes:
        pool: The connections.
        authorization: The credentials.
        metadata_cache: The metadata of its calls.
        budget: The retry budget of its calls.
    """

    def __init__(
        self,
        pool: ConnectionPool,
        authorization: Authorization,
        api_client: str | None,
        host: str = "",
        log_content: bool = False,
    ) -> None:
        """Initialize the caller. Nothing is connected before the first call.

        ``api_client`` is the value of x-goog-api-client, ``host`` is for observers. Logs may show requests
        and responses with ``log_content``.
        """
        self.pool = pool
        self.authorization = authorization
        self.metadata_cache = MetadataCache(api_client, self.build_metadata)
        self.budget = RetryBudget()
        self._hedges = HedgeState(self.budget)
        self._host = host
        self._log_content = log_content

    @staticmethod
    def build_metadata(pairs: tuple[Pair, ...]) -> CallMetadata:
        """Return the metadata of calls in the form that the connections take best; they are reused."""
        return pairs

    def unary(
        self,
        method: Method[_Request, _Response],
        request: _Request | Mapping[str, object] | None,
        flattened: tuple[object, ...] = (),
        retry: RetryOption = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Metadata = (),
    ) -> Coroutine[Any, Any, _Response]:
        """Make a call with one request, or a dict of its fields, and one response.

        Raises:
            APIError: The call failed.
            ValueError: An argument is out of range.
            TypeError: An argument is of a wrong type.
        """
        return self._run_with_retries(method, request, flattened, retry, timeout, metadata, None)

    async def _run_with_retries(
        self,
        method: Method[_Request, Any],
        request: _Request | Mapping[str, object] | None,
        flattened: tuple[object, ...],
        retry: RetryOption,
        timeout: Timeout,
        metadata: Metadata,
        attempt: Attempt[_Result] | None,
    ) -> _Result:
        """Make attempts until one succeeds, the policy says to give up, or the time is over.

        ``attempt`` makes one attempt; None for a plain unary call. The other arguments are those of `unary`.
        """
        message = create_request(method, request, flattened)
        seconds = method.timeout if timeout is DEFAULT else check_timeout(timeout, method.timeout)
        if retry is DEFAULT:
            policy = default_policy(method.retry)
        else:
            policy = resolve_policy(retry, method.retry)
            if policy and policy.hedge:
                attempt = partial(race_attempts, self._hedges.create_plan(method, message, policy))
        connection = self.pool.current()
        began, left = time.monotonic(), seconds
        attempts: Attempts | None = None
        observed = ObservedCall(method, message, self._host, self._log_content) if has_observers() else None
        ready = self.authorization.pairs(began)
        try:
            while True:
                if isinstance(ready, tuple):
                    pairs = ready
                else:
                    pairs = await wait_for_token(self.authorization, ready, left, method.path[1:])
                    left = None if seconds is None else max(began + seconds - time.monotonic(), 0)
                try:
                    headers = self.metadata_cache.get(method, message, metadata, pairs)
                    call = connection.callable(method)
                    if attempt is None:
                        result: _Result = check_response(
                            await (
                                call(message, timeout=left, metadata=headers)
                                if RECEIVED.get() is None
                                else call_and_collect(call, message, left, headers)
                            ),
                            method,
                        )
                    else:
                        attempts = attempts or Attempts(
                            self, method, policy, began, seconds, connection, observed
                        )
                        result = await attempt(call, message, left, headers, attempts)
                    break
                except rpc_errors() as error:
                    attempts = attempts or Attempts(
                        self, method, policy, began, seconds, connection, observed
                    )
                    await back_off(attempts, error, pairs)
                    connection, now = attempts.rebind()
                    left = None if seconds is None else max(began + seconds - now, 0)
                    ready = self.authorization.pairs(now)
        except BaseException as error:
            if observed:
                observed.finish(attempts.count if attempts else 1, error)
            if isinstance(error, CancelledError) and self.pool.closed and not is_task_cancelling():
                raise Cancelled("the client was closed during the call", method=method.path[1:]) from None
            raise
        if connection.health.silent_since is not None:
            connection.health.mark_alive()
        if not self.budget.is_full:
            self.budget.record_success()
        if observed and method.kind is Kind.UNARY:
            observed.record_message(result)
            observed.finish(attempts.count if attempts else 1)
        return result

    async def server_stream(
        self,
        method: Method[_Request, _Response],
        request: _Request | Mapping[str, object] | None,
        flattened: tuple[object, ...] = (),
        retry: RetryOption = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Metadata = (),
        idle_timeout: float | None = None,
    ) -> AsyncStream[_Response]:
        """Start a call with a stream of responses; returns when the first has arrived. See `unary`."""
        idle = check_timeout(idle_timeout, None, "idle_timeout")
        attempt: Attempt[AsyncStream[_Response]] = partial(AsyncStream.open, idle)
        return await self._run_with_retries(method, request, flattened, retry, timeout, metadata, attempt)

    async def bidi(
        self,
        method: Method[_Request, _Response],
        requests: AsyncIterable[_Request | Mapping[str, object]]
        | Iterable[_Request | Mapping[str, object]]
        | None = None,
        timeout: Timeout = DEFAULT,
        metadata: Metadata = (),
        idle_timeout: float | None = None,
    ) -> AsyncBidiStream[_Request, _Response]:
        """Start a call with streams in both directions. It is never retried. See `unary`."""
        seconds = check_timeout(timeout, method.timeout)
        idle = check_timeout(idle_timeout, None, "idle_timeout")
        connection = self.pool.current()
        call = connection.callable(method)
        began = time.monotonic()
        ready = self.authorization.session_pairs(began)
        pairs = await wait_for_token(self.authorization, ready, seconds, method.path[1:])
        observed = ObservedCall(method, None, self._host, self._log_content) if has_observers() else None
        attempts = Attempts(self, method, None, began, seconds, connection, observed)
        headers = self.metadata_cache.get(method, None, metadata, pairs)
        return AsyncBidiStream(call, method, requests, attempts, idle, seconds, headers)

    async def paged(
        self,
        method: Method[_Request, _Response],
        request: _Request | Mapping[str, object] | None,
        flattened: tuple[object, ...] = (),
        retry: RetryOption = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Metadata = (),
    ) -> AsyncPager[Any, _Response]:
        """Get the first page of a list, and a pager that fetches the others. See `unary`."""
        # A copy: the caller may reuse the message before the last page is fetched.
        message = method.request()
        message.CopyFrom(create_request(method, request, flattened))

        async def fetch(token: str) -> _Response:
            following = method.request()
            following.CopyFrom(message)
            setattr(following, "page_token", token)  # noqa: B010 - of every paged method's request
            return await self.unary(method, following, (), retry, timeout, metadata)

        first = await self.unary(method, message, (), retry, timeout, metadata)
        assert method.items is not None  # noqa: S101 - the generator uses this for paged methods only
        return AsyncPager(fetch, first, method.items)

    async def operation(
        self,
        method: Method[_Request, operations_pb2.Operation],
        request: _Request | Mapping[str, object] | None,
        flattened: tuple[object, ...] = (),
        retry: RetryOption = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Metadata = (),
    ) -> AsyncOperation[Any, Any]:
        """Start a long-running operation. See `unary`."""
        operation = await self.unary(method, request, flattened, retry, timeout, metadata)
        return AsyncOperation(method, operation, self)
