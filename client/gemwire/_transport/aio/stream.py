"""The messages of a streaming call as they arrive, and a call that ends when nobody listens any more.

grpc.aio never cancels a call whose iterator was dropped (grpc/grpc#43462). The
rules here:

1. The call belongs to the stream object until iteration begins, then to the
   iterator. Neither holds the other's end open: a loop that is left drops its
   iterator, a stream that is never iterated drops itself.
2. Whoever owns the call cancels it when it goes, whatever the reason.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Generic, TypeVar

from gemwire._transport.aio.canceller import Canceller
from gemwire._transport.aio.concurrency import CancelledError, RpcError, is_task_cancelling
from gemwire._transport.aio.watchdog import IdleWatchdog
from gemwire._transport.attempts import Attempts
from gemwire.errors import Cancelled, DeadlineExceeded, StreamConsumed

_Response = TypeVar("_Response")


class AsyncStream(Generic[_Response]):
    """The messages of one server-streaming call.

    ``async for`` yields them; a second iteration raises `StreamConsumed`. The call ends on the
    server as soon as the loop is left in any way, the ``async with`` block ends, or `cancel` is
    called. Its first message has arrived when one gets the stream, so errors up to there were
    raised (and repeated) before.
    """

    __slots__ = (
        "__weakref__",
        "_arriving",
        "_attempts",
        "_begun",
        "_call",
        "_cancel",
        "_cancelled",
        "_first",
        "_idle_timeout",
        "_taken",
    )

    def __init__(
        self,
        call: Any,
        canceller: Canceller,
        arriving: AsyncIterator[_Response],
        first: _Response | None,
        attempts: Attempts,
        idle_timeout: float | None,
    ) -> None:
        """A call that has begun.

        Args:
            call: grpc's call.
            canceller: Ends it.
            arriving: Its messages after the first.
            first: The first message; None where there was none.
            attempts: The tries it took.
            idle_timeout: Seconds without a message to end it after.
        """
        self._call = call
        self._arriving = arriving
        self._first = first
        self._attempts = attempts
        self._idle_timeout = idle_timeout
        self._cancel = canceller
        self._taken = False
        self._begun = False
        self._cancelled = False

    def __repr__(self) -> str:
        state = "done" if self._cancel.done() else "iterated" if self._taken else "open"
        return f"<{type(self).__name__} {state}>"

    @property
    def attempts(self) -> int:
        """How often the call was tried until it gave its first message."""
        return self._attempts.count

    def __aiter__(self) -> AsyncIterator[_Response]:
        if self._taken:
            raise StreamConsumed("this stream was iterated before; call the method again for another")
        self._taken = True
        return self._messages()

    async def _messages(self) -> AsyncIterator[_Response]:
        self._begun = True
        arriving, first, self._first = self._arriving, self._first, None
        watchdog = IdleWatchdog(self._idle_timeout, self._cancel) if self._idle_timeout else None
        watch = self._attempts.watch
        failure: BaseException | None = None
        try:
            if first is None:
                return
            if watchdog is None and watch is None:
                yield first
                async for message in arriving:
                    yield message
            else:
                if watch:
                    watch.message(first)
                if watchdog:
                    watchdog.pause()
                yield first
                if watchdog:
                    watchdog.resume()
                async for message in arriving:
                    if watch:
                        watch.message(message)
                    if watchdog:
                        watchdog.pause()
                    yield message
                    if watchdog:
                        watchdog.resume()
        except RpcError as error:
            failure = self._failure(error, watchdog)
            raise failure from None
        except CancelledError as error:
            failure = error
            # Raised by the call when it was cancelled here, and by the task when that was.
            closed = self._attempts.closed and not is_task_cancelling()
            if self._cancelled or closed or (watchdog and watchdog.fired):
                failure = self._failure(None, watchdog)
                raise failure from None
            raise
        except GeneratorExit as left:
            failure = left
            raise
        finally:
            if watchdog:
                watchdog.stop()
            self._cancel.release()
            if watch:
                watch.end(self._attempts.count, failure)

    def _failure(self, error: Any, watchdog: IdleWatchdog | None) -> Exception:
        if watchdog and watchdog.fired:
            self._attempts.idle(watchdog.timeout)
            return DeadlineExceeded(
                f"no message for {self._idle_timeout:g} s",
                attempts=self._attempts.count,
                hint="Raise `idle_timeout`.",
            )
        if self._cancelled:
            return Cancelled("the stream was cancelled by cancel()", attempts=self._attempts.count)
        return self._attempts.error(error) if error else self._attempts.closing()

    def cancel(self) -> bool:
        """End the call, from any task or thread.

        Returns:
            Whether there was something left to end. Whoever reads then gets `Cancelled`.
        """
        self._cancelled = self._cancelled or not self._cancel.done()
        return self._cancel()

    async def initial_metadata(self) -> list[tuple[str, str | bytes]]:
        """What the server sent before its first message."""
        return list(await self._call.initial_metadata() or ())

    async def trailing_metadata(self) -> list[tuple[str, str | bytes]]:
        """What the server sent with the status, once the call has ended."""
        return list(await self._call.trailing_metadata() or ())

    async def __aenter__(self) -> AsyncStream[_Response]:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self.cancel()

    def __del__(self) -> None:
        # Once iteration has begun, the iterator's own end cancels the call.
        if not getattr(self, "_begun", True):
            self._cancel.release()
            if self._attempts.watch:
                self._attempts.watch.end(self._attempts.count, GeneratorExit())
