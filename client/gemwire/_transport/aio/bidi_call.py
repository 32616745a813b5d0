"""Base of the bidirectional streams of both flavours: reading, and the end of the call."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator
from typing import TypeVar

from gemwire._transport.aio.backoff import find_cause
from gemwire._transport.aio.canceller import Canceller
from gemwire._transport.aio.concurrency import CancelledError, is_task_cancelling, receive
from gemwire._transport.aio.stream_call import AsyncStreamCall
from gemwire._transport.aio.watchdog import IdleWatchdog
from gemwire._transport.attempts import Attempts
from gemwire._transport.call_error import RpcError, rpc_errors
from gemwire._transport.undecodable import UndecodableResponse
from gemwire.errors import APIError

_Response = TypeVar("_Response")


class AsyncBidiCall(AsyncStreamCall[_Response]):
    """A bidirectional call whose responses are read."""

    def __init__(self, call: object, attempts: Attempts, idle_timeout: float | None) -> None:
        super().__init__(call, Canceller(call), attempts, idle_timeout)
        self._failure: UndecodableResponse | None = None
        self._watchdog: IdleWatchdog | None = None
        if idle_timeout:
            self._watchdog = IdleWatchdog(idle_timeout, self._cancel)
            # Only reading counts; a program may open a call and read later.
            self._watchdog.pause()
            self._cancel.call_at_end(self._watchdog.stop)

    @property
    @abstractmethod
    def _sender_error(self) -> Exception | None:
        """Error that the iterable of requests raised."""

    async def read(self) -> _Response | None:
        """Return the next message; None when the server has sent its last.

        Raises:
            APIError: The call failed.
        """
        watchdog, observed = self._watchdog, self._attempts.observed
        if watchdog:
            watchdog.resume()
        try:
            message: _Response | None = await receive(self._call)
            if isinstance(message, UndecodableResponse):
                self._failure = message
                self._cancel()
                raise message
        except rpc_errors() as raised:
            cause = None if self._cancelled else await find_cause(self._attempts, raised)
            failure: APIError = cause or self._error(self._failure or raised, watchdog)
        except CancelledError:
            # Raised by the call when it was cancelled here, and by the task when that was.
            closed = self._attempts.client_closed and not is_task_cancelling()
            fired = watchdog and watchdog.fired
            if not (self._cancelled or closed or self._sender_error or self._failure or fired):
                raise
            failure = self._error(self._failure, watchdog)
        else:
            if watchdog:
                watchdog.pause()
            if observed and message is None:
                observed.finish(self._attempts.count)
            elif observed:
                observed.record_message(message)
            return message
        if observed:
            observed.finish(self._attempts.count, failure)
        raise failure from self._sender_error

    async def _messages(self) -> AsyncIterator[_Response]:
        try:
            while (message := await self.read()) is not None:
                yield message
        finally:
            self._close()

    def _error(self, rpc_error: RpcError | None, watchdog: IdleWatchdog | None) -> APIError:
        if self._sender_error and not (watchdog and watchdog.fired):
            return self._attempts.cancelled_error(f"the iterable of requests failed: {self._sender_error!r}")
        return super()._error(rpc_error, watchdog)

    def _close(self) -> None:
        if self._watchdog:
            self._watchdog.stop()
        if self._attempts.observed:
            self._attempts.observed.finish(self._attempts.count, GeneratorExit())
        self.cancel()

    async def __aexit__(self, *exc_info: object) -> None:
        self._close()

    def __del__(self) -> None:
        if hasattr(self, "_cancel"):
            self._cancel()
