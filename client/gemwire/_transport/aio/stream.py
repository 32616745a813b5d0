"""Server streams: their messages as they arrive, and the cancellation of streams that are dropped.

grpc.aio never cancels a call whose iterator was dropped (grpc/grpc#43462). The rules here:

1. The call belongs to the stream object until iteration begins, then to the iterator. Neither refers to
   the other: a loop that is left drops its iterator, a stream that is never iterated drops itself.
2. The owner of the call cancels it when it is dropped, for whatever reason.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

from google.protobuf.message import Message

from gemwire._transport.aio.canceller import Canceller
from gemwire._transport.aio.concurrency import CancelledError, is_task_cancelling
from gemwire._transport.aio.stream_call import AsyncStreamCall
from gemwire._transport.aio.watchdog import IdleWatchdog
from gemwire._transport.attempts import Attempts
from gemwire._transport.call_error import RpcError, rpc_errors
from gemwire._transport.metadata import CallMetadata
from gemwire._transport.undecodable import UndecodableResponse, check_response
from gemwire.errors import APIError

_Response = TypeVar("_Response")


class AsyncStream(AsyncStreamCall[_Response]):
    """The messages of one server-streaming call.

    ``async for`` yields them; a second iteration raises `StreamConsumed`. The call ends on the
    server as soon as the loop is left in any way, the ``async with`` block ends, or `cancel` is
    called. Its first message has arrived when the method returns, so errors up to there were
    retried or raised before.
    """

    __slots__ = ("_arriving", "_first", "_iterating")

    def __init__(
        self,
        call: Any,
        canceller: Canceller,
        attempts: Attempts,
        idle_timeout: float | None,
        arriving: AsyncIterator[_Response],
        first: _Response,
    ) -> None:
        """Wrap a call whose first message has arrived."""
        super().__init__(call, canceller, attempts, idle_timeout)
        self._arriving = arriving
        self._first = first
        self._iterating = False

    @classmethod
    async def open(
        cls,
        idle_timeout: float | None,
        start: Callable[..., Any],
        request: Message,
        timeout: float | None,
        metadata: CallMetadata,
        attempts: Attempts,
    ) -> AsyncStream[_Response]:
        """Start a call and wait for its first message: one attempt of the retry loop. Raises RpcError."""
        call = start(request, timeout=timeout, metadata=metadata)
        canceller = Canceller(call)
        watchdog = IdleWatchdog(idle_timeout, canceller) if idle_timeout else None
        arriving = call.__aiter__()
        try:
            first = check_response(await arriving.__anext__(), attempts.method)
        except BaseException as error:
            canceller.release()
            if watchdog and watchdog.fired:
                attempts.record_idle(watchdog.timeout)
                raise attempts.idle_error(watchdog.timeout) from None
            if isinstance(error, StopAsyncIteration):
                raise UndecodableResponse(attempts.method) from None
            raise
        finally:
            if watchdog:
                watchdog.stop()
        return cls(call, canceller, attempts, idle_timeout, arriving, first)

    async def _messages(self) -> AsyncIterator[_Response]:
        self._iterating = True
        arriving, first = self._arriving, self._first
        del self._first
        watchdog = IdleWatchdog(self._idle_timeout, self._cancel) if self._idle_timeout else None
        method, observed = self._attempts.method, self._attempts.observed
        failure: BaseException | None = None
        try:
            if watchdog is None and observed is None:
                yield first
                async for message in arriving:
                    yield check_response(message, method)
            else:
                if observed:
                    observed.record_message(first)
                if watchdog:
                    watchdog.pause()
                yield first
                if watchdog:
                    watchdog.resume()
                async for message in arriving:
                    check_response(message, method)
                    if observed:
                        observed.record_message(message)
                    if watchdog:
                        watchdog.pause()
                    yield message
                    if watchdog:
                        watchdog.resume()
        except rpc_errors() as error:
            failure = self._error(error, watchdog)
            raise failure from None
        except CancelledError as error:
            failure = error
            # Raised by the call when it was cancelled here, and by the task when that was.
            closed = self._attempts.client_closed and not is_task_cancelling()
            if self._cancelled or closed or (watchdog and watchdog.fired):
                failure = self._error(None, watchdog)
                raise failure from None
            raise
        except GeneratorExit as left:
            failure = left
            raise
        finally:
            if watchdog:
                watchdog.stop()
            self._cancel.release()
            if observed:
                observed.finish(self._attempts.count, failure)

    def _error(self, rpc_error: RpcError | None, watchdog: IdleWatchdog | None) -> APIError:
        if watchdog and watchdog.fired:
            self._attempts.record_idle(watchdog.timeout)
        return super()._error(rpc_error, watchdog)

    def __del__(self) -> None:
        # Once iteration has begun, the iterator's own end cancels the call.
        if not getattr(self, "_iterating", True):
            self._cancel.release()
            if self._attempts.observed:
                self._attempts.observed.finish(self._attempts.count, GeneratorExit())
