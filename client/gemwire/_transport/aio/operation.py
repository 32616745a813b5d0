"""A long-running operation of the server (AIP-151)."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

import grpc
from google.protobuf.message import Message

from gemwire._transport.aio.concurrency import sleep, spawn
from gemwire._transport.status import from_status
from gemwire.errors import APIError, DeadlineExceeded, Internal, OperationTimeout, Unavailable
from gemwire.options import Retry
from gemwire_runtime.method import DEFAULT, Method, Timeout

_Result = TypeVar("_Result", bound=Message)
_Progress = TypeVar("_Progress", bound=Message)

#: Pauses between two looks at an operation; `Retry` only for its three numbers.
POLLING = Retry(initial=1.0, maximum=20.0, multiplier=1.5)
#: Seconds that a look may take at least, even where less is left to wait.
_SHORTEST_LOOK = 0.5
#: Seconds that a server may be away before a wait without a timeout fails.
_PATIENCE = 600.0

_logger = logging.getLogger("gemwire")


class AsyncOperation(Generic[_Result, _Progress]):
    """An operation that goes on at the server.

    Waiting for it polls; a server that is unavailable for a while does not end the waiting.
    """

    def __init__(
        self,
        method: Method[Any, Any],
        operation: Any,
        get: Callable[[str, Timeout], Awaitable[Any]],
        cancel: Callable[[str], Awaitable[Any]],
    ) -> None:
        """What the method that began it answered.

        Args:
            method: That method; its table entry names the types of result and progress.
            operation: The ``google.longrunning.Operation``.
            get: Looks at an operation by name, in so many seconds.
            cancel: Asks for its end by name.
        """
        self._method = method
        self._operation = operation
        self._get = get
        self._ask_cancel = cancel
        self._callbacks: deque[Callable[[AsyncOperation[_Result, _Progress]], Any]] = deque()
        self._waiter: Any = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} {'done' if self._operation.done else 'running'}>"

    @property
    def operation(self) -> Any:
        """The ``google.longrunning.Operation`` as it was seen last."""
        return self._operation

    @property
    def name(self) -> str:
        """Its resource name."""
        name: str = self._operation.name
        return name

    @property
    def metadata(self) -> _Progress | None:
        """Its progress as it was seen last; None where the server has told none."""
        if not self._operation.HasField("metadata"):
            return None
        return self._unpacked(self._operation.metadata, self._method.progress)  # type: ignore[return-value]

    def _unpacked(self, packed: Any, kind: type[Message] | None) -> Message:
        name = packed.type_url.rsplit("/", 1)[-1]
        if kind is None or name != kind.DESCRIPTOR.full_name:
            expected = kind.DESCRIPTOR.full_name if kind else "nothing"
            raise Internal(
                f"operation {self.name} holds a {name}, expected {expected}", method=self._method.name
            )
        return kind.FromString(packed.value)

    async def done(self) -> bool:
        """Whether it has ended, in whatever way. Asks the server unless that is known."""
        return await self._look(DEFAULT)

    async def _look(self, timeout: Timeout) -> bool:
        if not self._operation.done:
            self._operation = await self._get(self.name, timeout)
        return bool(self._operation.done)

    async def running(self) -> bool:
        """Whether it goes on."""
        return not await self.done()

    async def result(self, timeout: float | None = None, polling: Retry = POLLING) -> _Result:
        """Wait for its result.

        Args:
            timeout: Seconds to wait; None for as long as it takes.
            polling: Pauses between two looks.

        Raises:
            APIError: It failed; the class tells the status.
            OperationTimeout: It was not done in time. It goes on.
        """
        await self._wait(timeout, polling)
        failure = self._failure()
        if failure:
            raise failure
        return self._unpacked(self._operation.response, self._method.result)  # type: ignore[return-value]

    async def exception(self, timeout: float | None = None, polling: Retry = POLLING) -> APIError | None:
        """Wait for its end and return its error; None if it succeeded.

        Args:
            timeout: Seconds to wait; None for as long as it takes.
            polling: Pauses between two looks.

        Raises:
            OperationTimeout: It was not done in time.
        """
        await self._wait(timeout, polling)
        return self._failure()

    async def _wait(self, timeout: float | None, polling: Retry) -> None:
        began = answered = time.monotonic()
        pause = polling.initial
        left = timeout
        while True:
            away: APIError | None = None
            try:
                if await self._look(DEFAULT if left is None else max(left, _SHORTEST_LOOK)):
                    return
                answered = time.monotonic()
            except (Unavailable, DeadlineExceeded) as error:
                if timeout is None and time.monotonic() - answered > _PATIENCE:
                    raise
                away = error
            left = None if timeout is None else began + timeout - time.monotonic()
            if left is not None and left <= 0:
                raise OperationTimeout(
                    f"operation {self.name} was not done within {timeout:g} s; it goes on at the server"
                ) from away
            await sleep(pause if left is None else min(pause, left))
            pause = min(pause * polling.multiplier, polling.maximum)
            left = None if timeout is None else began + timeout - time.monotonic()

    def _failure(self) -> APIError | None:
        which = self._operation.WhichOneof("result")
        if which == "error":
            return from_status(self._operation.error, self.name)
        if which is None:
            return Internal(
                f"operation {self.name} is done, with neither response nor error", method=self._method.name
            )
        return None

    async def cancel(self) -> bool:
        """Ask the server to end it.

        Returns:
            False if it is known to be done, True if the server was asked; it may still succeed.
        """
        if self._operation.done:
            return False
        await self._ask_cancel(self.name)
        return True

    async def cancelled(self) -> bool:
        """Whether it ended by being cancelled."""
        return await self.done() and self._operation.error.code == grpc.StatusCode.CANCELLED.value[0]

    def add_done_callback(self, callback: Callable[[AsyncOperation[_Result, _Progress]], Any]) -> None:
        """Have ``callback`` called with this object once it is done; polls beside the caller."""
        self._callbacks.append(callback)
        if self._waiter is None:
            self._waiter = spawn(self._notify)

    async def _notify(self) -> None:
        try:
            await self._wait(None, POLLING)
        except Exception:
            self._waiter = None
            _logger.exception("operation %s could not be watched; its callbacks are not called", self.name)
            return
        # From here on a further callback brings its own waiter.
        self._waiter = None
        while self._callbacks:
            callback = self._callbacks.popleft()
            try:
                callback(self)
            except Exception:
                _logger.exception("a callback of operation %s failed", self.name)
