"""What server streams and bidirectional streams have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from typing import Any, Generic, TypeVar

from gemwire._transport.aio.canceller import Canceller
from gemwire._transport.aio.watchdog import IdleWatchdog
from gemwire._transport.attempts import Attempts
from gemwire._transport.call_error import RpcError
from gemwire.errors import APIError, StreamConsumed

_Response = TypeVar("_Response")
_Self = TypeVar("_Self", bound="AsyncStreamCall[Any]")


class AsyncStreamCall(ABC, Generic[_Response]):
    """A running streaming call: iterated once, cancelled, asked for its metadata."""

    __slots__ = ("__weakref__", "_attempts", "_call", "_cancel", "_cancelled", "_idle_timeout", "_iterated")

    def __init__(
        self, call: Any, canceller: Canceller, attempts: Attempts, idle_timeout: float | None
    ) -> None:
        """Wrap a call of grpc or over HTTP that was started. It is cancelled when it is idle for too long."""
        self._call = call
        self._cancel = canceller
        self._attempts = attempts
        self._idle_timeout = idle_timeout
        self._iterated = False
        self._cancelled = False

    def __repr__(self) -> str:
        if not hasattr(self, "_cancel"):
            state = "not started"
        else:
            state = "done" if self._cancel.done() else "iterated" if self._iterated else "open"
        return f"<{type(self).__name__} {state}>"

    @property
    def attempts(self) -> int:
        """Number of attempts until the first message; always 1 for a bidirectional call."""
        return self._attempts.count

    @property
    def carries_json_only(self) -> bool:
        """Whether messages may have JSON-only fields, which gRPC cannot carry."""
        return bool(getattr(self._call, "carries_json_only", False))

    def __aiter__(self) -> AsyncIterator[_Response]:
        if self._iterated:
            raise StreamConsumed("this stream was already iterated; call the method again for another")
        self._iterated = True
        return self._messages()

    @abstractmethod
    def _messages(self) -> AsyncIterator[_Response]: ...

    def _error(self, rpc_error: RpcError | None, watchdog: IdleWatchdog | None) -> APIError:
        """Convert the error that ended the call; None for a cancellation on this side."""
        if watchdog and watchdog.fired:
            return self._attempts.idle_error(watchdog.timeout)
        if self._cancelled:
            return self._attempts.cancelled_error("the stream was cancelled by cancel()")
        return self._attempts.error(rpc_error) if rpc_error else self._attempts.closed_error()

    def cancel(self) -> bool:
        """Cancel the call, from any task or thread; its reader gets `Cancelled`.

        Returns:
            Whether the call was still running.
        """
        self._cancelled = self._cancelled or not self._cancel.done()
        return self._cancel()

    async def initial_metadata(self) -> list[tuple[str, str | bytes]]:
        """Return the metadata that the server sent before its first message."""
        return list(await self._call.initial_metadata() or ())

    async def trailing_metadata(self) -> list[tuple[str, str | bytes]]:
        """Return the metadata that the server sent with the status, once the call has ended."""
        return list(await self._call.trailing_metadata() or ())

    async def __aenter__(self: _Self) -> _Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self.cancel()
