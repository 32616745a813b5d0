"""Makes the calls: one method for each shape of RPC, one retry loop."""

from __future__ import annotations

import time
from collections.abc import AsyncIterable, Callable, Coroutine, Iterable, Mapping
from typing import Any, TypeVar

from google.protobuf.message import Message

from gemwire._transport.aio.bidi import AsyncBidiStream
from gemwire._transport.aio.canceller import Canceller
from gemwire._transport.aio.concurrency import (
    CancelledError,
    RpcError,
    build_metadata,
    is_task_cancelling,
    sleep,
    wait_for_token,
)
from gemwire._transport.aio.connection import Connection, ConnectionPool
from gemwire._transport.aio.hedging import AsyncHedged
from gemwire._transport.aio.operation import AsyncOperation
from gemwire._transport.aio.pager import AsyncPager
from gemwire._transport.aio.stream import AsyncStream
from gemwire._transport.aio.watchdog import IdleWatchdog
from gemwire._transport.attempts import Attempts, MetadataBook, request_of
from gemwire._transport.credentials import Authorization
from gemwire._transport.hedge_policy import Hedges
from gemwire._transport.observe import Watch, watching
from gemwire._transport.retry import Budget, check_timeout, of_defaults, policy
from gemwire.errors import Cancelled, DeadlineExceeded
from gemwire_proto.longrunning import operations
from gemwire_runtime.method import DEFAULT, Metadata, Method, Timeout

_Request = TypeVar("_Request", bound=Message)
_Response = TypeVar("_Response", bound=Message)


class AsyncCaller:
    """Calls over one set of channels with one set of credentials.

    It is what the generated methods call; `gemwire_runtime.method.AsyncCaller` is its interface.
    """

    def __init__(
        self,
        pool: ConnectionPool,
        authorization: Authorization,
        api_client: str | None,
        host: str = "",
        log_content: bool = False,
    ) -> None:
        """Nothing is connected before the first call.

        Args:
            pool: The connections that calls are made on.
            authorization: Whose they are.
            api_client: Value of x-goog-api-client; None for none.
            host: Where they go, for those who watch.
            log_content: Whether those may see requests and responses.
        """
        self.pool = pool
        self._authorization = authorization
        self._book = MetadataBook(api_client, build_metadata)
        self._budget = Budget()
        self._hedges = Hedges(self._budget)
        self._host = host
        self._log_content = log_content

    async def unary(
        self,
        method: Method[_Request, _Response],
        request: _Request | Mapping[str, Any] | None,
        flattened: tuple[Any, ...] = (),
        retry: Any = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Metadata = (),
        opening: Callable[..., Coroutine[Any, Any, Any]] | None = None,
    ) -> Any:
        """Make a call with one request, again where it failed and the policy says so.

        Args:
            method: The RPC.
            request: Its request, or a dict of its fields.
            flattened: Values of ``method.flattened``, None where not given.
            retry: When to repeat it; see `gemwire.Retry`.
            timeout: Seconds for everything.
            metadata: The caller's pairs.
            opening: How an attempt begins, for streams, and tells those who watch. Default: the call
                itself, whose one response is the result.

        Raises:
            APIError: It failed for good.
            ValueError: An argument is out of range.
            TypeError: An argument is of a wrong type.
        """
        message = request_of(method, request, flattened)
        seconds = method.timeout if timeout is DEFAULT else check_timeout(timeout, method.timeout)
        if retry is DEFAULT:
            rules = of_defaults(method.retry)
        else:
            rules = policy(retry, method.retry)
            if rules and rules.hedge:
                opening = AsyncHedged(method, self._hedges.plan(method, message, rules, rules.hedge))
        binding = self.pool.current()
        began = time.monotonic()
        left = seconds
        attempts: Attempts | None = None
        watch = Watch(method, message, self._host, self._log_content) if watching() else None
        ready = self._authorization.pairs(began)
        try:
            while True:
                if isinstance(ready, tuple):
                    pairs = ready
                else:
                    pairs = await wait_for_token(ready, left)
                    left = None if seconds is None else max(began + seconds - time.monotonic(), 0)
                try:
                    page = self._book.page(method, message, metadata, pairs)
                    call = binding.callable(method)
                    if opening is None:
                        result = await call(message, timeout=left, metadata=page)
                    else:
                        attempts = attempts or self._attempts(method, rules, began, seconds, binding, watch)
                        result = await opening(call, message, left, page, attempts)
                    break
                except RpcError as error:
                    attempts = attempts or self._attempts(method, rules, began, seconds, binding, watch)
                    await sleep(attempts.after(error, pairs))
                    binding, now = attempts.again()
                    left = None if seconds is None else max(began + seconds - now, 0)
                    ready = self._authorization.pairs(now)
        except BaseException as error:
            if watch:
                watch.end(attempts.count if attempts else 1, error)
            if isinstance(error, CancelledError) and self.pool.closed and not is_task_cancelling():
                raise Cancelled("the client was closed during the call", method=method.path[1:]) from None
            raise
        if binding.health.silent_since is not None:
            binding.health.mark_alive()
        if not self._budget.full:
            self._budget.succeeded()
        if watch and opening is None:
            watch.message(result)
            watch.end(attempts.count if attempts else 1)
        return result

    def _attempts(
        self,
        method: Method[Any, Any],
        rules: Any,
        began: float,
        seconds: float | None,
        binding: Connection,
        watch: Watch | None = None,
    ) -> Attempts:
        deadline = None if seconds is None else began + seconds
        return Attempts(
            method, rules, self._budget, self._authorization, began, deadline, watch, self.pool, binding
        )

    async def server_stream(
        self,
        method: Method[_Request, _Response],
        request: _Request | Mapping[str, Any] | None,
        flattened: tuple[Any, ...] = (),
        retry: Any = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Metadata = (),
        idle_timeout: float | None = None,
    ) -> AsyncStream[_Response]:
        """Begin a call with many answers; returns when the first is there. See `unary`."""
        idle = check_timeout(idle_timeout, None, "idle_timeout")

        async def open_(
            begin: Any, request: Any, left: float | None, metadata: Any, attempts: Attempts
        ) -> AsyncStream[_Response]:
            call = begin(request, timeout=left, metadata=metadata)
            canceller = Canceller(call)
            watchdog = IdleWatchdog(idle, canceller) if idle else None
            arriving = call.__aiter__()
            try:
                first = await arriving.__anext__()
            except StopAsyncIteration:
                first = None
            except BaseException:
                canceller.release()
                if watchdog and watchdog.fired:
                    attempts.idle(watchdog.timeout)
                    raise DeadlineExceeded(
                        f"no message for {idle:g} s", attempts=attempts.count, hint="Raise `idle_timeout`."
                    ) from None
                raise
            finally:
                if watchdog:
                    watchdog.stop()
            return AsyncStream(call, canceller, arriving, first, attempts, idle)

        stream: AsyncStream[_Response] = await self.unary(
            method, request, flattened, retry, timeout, metadata, open_
        )
        return stream

    async def bidi(
        self,
        method: Method[_Request, _Response],
        requests: AsyncIterable[_Request | Mapping[str, Any]]
        | Iterable[_Request | Mapping[str, Any]]
        | None = None,
        timeout: Timeout = DEFAULT,
        metadata: Metadata = (),
        idle_timeout: float | None = None,
    ) -> AsyncBidiStream[_Request, _Response]:
        """Begin a call with both directions streaming. It is never repeated. See `unary`."""
        seconds = check_timeout(timeout, method.timeout)
        idle = check_timeout(idle_timeout, None, "idle_timeout")
        binding = self.pool.current()
        call = binding.callable(method)
        began = time.monotonic()
        ready = self._authorization.pairs(began)
        pairs = ready if isinstance(ready, tuple) else await wait_for_token(ready, seconds)
        watch = Watch(method, None, self._host, self._log_content) if watching() else None
        attempts = self._attempts(method, None, began, seconds, binding, watch)
        page = self._book.page(method, None, metadata, pairs)
        return AsyncBidiStream(call, method.request, requests, attempts, idle, seconds, page)

    async def paged(
        self,
        method: Method[_Request, _Response],
        request: _Request | Mapping[str, Any] | None,
        flattened: tuple[Any, ...] = (),
        retry: Any = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Metadata = (),
    ) -> AsyncPager[Any, _Response]:
        """Get the first page of a list, and the way to the others. See `unary`."""
        # A copy: the caller may use the message for something else before the last page.
        message = method.request()
        message.CopyFrom(request_of(method, request, flattened))

        async def fetch(token: str) -> _Response:
            following: Any = method.request()
            following.CopyFrom(message)
            following.page_token = token
            page: _Response = await self.unary(method, following, (), retry, timeout, metadata)
            return page

        first: _Response = await self.unary(method, message, (), retry, timeout, metadata)
        assert method.items is not None  # noqa: S101 - the generator calls this for such methods only
        return AsyncPager(fetch, first, method.items)

    async def operation(
        self,
        method: Method[_Request, Any],
        request: _Request | Mapping[str, Any] | None,
        flattened: tuple[Any, ...] = (),
        retry: Any = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Metadata = (),
    ) -> AsyncOperation[Any, Any]:
        """Begin a long-running operation. See `unary`."""
        begun = await self.unary(method, request, flattened, retry, timeout, metadata)

        async def get(name: str, timeout: Timeout) -> Any:
            return await self.unary(operations.GET_OPERATION, None, (name,), timeout=timeout)

        async def cancel(name: str) -> Any:
            return await self.unary(operations.CANCEL_OPERATION, None, (name,))

        return AsyncOperation(method, begun, get, cancel)
