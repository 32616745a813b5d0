"""Long-running operations (AIP-151)."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from google.protobuf.message import DecodeError, Message

from gemwire._log import log
from gemwire._transport.aio.concurrency import sleep, spawn
from gemwire._transport.status import error_from_status
from gemwire._transport.undecodable import describe
from gemwire.errors import APIError, DeadlineExceeded, Internal, OperationTimeout, Unavailable
from gemwire_proto.longrunning import operations
from gemwire_runtime.method import DEFAULT, AnyMethod, Timeout
from gemwire_runtime.retry import Retry
from gemwire_runtime.status_code import StatusCode

if TYPE_CHECKING:
    from gemwire_proto.google.longrunning import operations_pb2
    from gemwire_proto.google.protobuf.any_pb2 import Any as PackedMessage
    from gemwire_runtime.aio.caller import AsyncCaller

_Result = TypeVar("_Result", bound=Message)
_Progress = TypeVar("_Progress", bound=Message)

#: Pauses between two polls; of the `Retry`, only the three numbers count.
POLLING = Retry(initial=1.0, maximum=20.0, multiplier=1.5)
#: Minimum timeout of a poll in seconds, even if less is left to wait.
_MIN_POLL_TIMEOUT = 0.5
#: Seconds for which a server may be unavailable before a wait without a timeout fails.
_MAX_UNAVAILABLE = 600.0


class AsyncOperation(Generic[_Result, _Progress]):
    """An operation that runs on the server.

    Waiting for it polls; a server that is unavailable for a while does not end the wait.
    """

    def __init__(
        self,
        method: AnyMethod,
        operation: operations_pb2.Operation,
        caller: AsyncCaller,
    ) -> None:
        """Wrap the response of the method that started the operation, which names the type of its result."""
        self._method = method
        self._operation = operation
        self._caller = caller
        self._callbacks: deque[Callable[[AsyncOperation[_Result, _Progress]], object]] = deque()
        self._waiter: object = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} {'done' if self._operation.done else 'running'}>"

    @property
    def operation(self) -> operations_pb2.Operation:
        """The ``google.longrunning.Operation`` as of the latest poll."""
        return self._operation

    @property
    def name(self) -> str:
        """Resource name of the operation."""
        return self._operation.name

    @property
    def metadata(self) -> _Progress | None:
        """Metadata (progress) as of the latest poll; None without any."""
        if not self._operation.HasField("metadata"):
            return None
        return cast("_Progress", self._unpack(self._operation.metadata, self._method.progress))

    def _unpack(self, packed: PackedMessage, message_type: type[Message] | None) -> Message:
        name = packed.type_url.rsplit("/", 1)[-1]
        if message_type is None or name != message_type.DESCRIPTOR.full_name:
            expected = message_type.DESCRIPTOR.full_name if message_type else "nothing"
            problem = f"contains a {name}, expected {expected}"
        else:
            try:
                return message_type.FromString(packed.value)
            except DecodeError as error:
                problem = f"contains {describe(packed.value, message_type.DESCRIPTOR.name, error)}"
        raise Internal(f"operation {self.name} {problem}", method=self._method.name)

    async def done(self) -> bool:
        """Return whether the operation has ended. Polls unless that is known."""
        return await self._poll(DEFAULT)

    async def _poll(self, timeout: Timeout) -> bool:
        if not self._operation.done:
            self._operation = await self._caller.unary(
                operations.GET_OPERATION, None, (self.name,), DEFAULT, timeout, ()
            )
        return self._operation.done

    async def running(self) -> bool:
        """Return whether the operation has not ended."""
        return not await self.done()

    async def result(self, timeout: float | None = None, polling: Retry = POLLING) -> _Result:
        """Wait for the result.

        Args:
            timeout: Seconds to wait; None for no limit.
            polling: Pauses between two polls.

        Raises:
            APIError: The operation failed; the class tells the status.
            OperationTimeout: It was not done in time; it continues on the server.
        """
        await self._wait(timeout, polling)
        failure = self._failure()
        if failure:
            raise failure
        return cast("_Result", self._unpack(self._operation.response, self._method.result))

    async def exception(self, timeout: float | None = None, polling: Retry = POLLING) -> APIError | None:
        """Wait for the end, as `result` does, and return the error; None if the operation succeeded."""
        await self._wait(timeout, polling)
        return self._failure()

    async def _wait(self, timeout: float | None, polling: Retry) -> None:
        began = responded = time.monotonic()
        pause = polling.initial
        left = timeout
        while True:
            unavailable: APIError | None = None
            try:
                if await self._poll(DEFAULT if left is None else max(left, _MIN_POLL_TIMEOUT)):
                    return
                responded = time.monotonic()
            except (Unavailable, DeadlineExceeded) as error:
                if timeout is None and time.monotonic() - responded > _MAX_UNAVAILABLE:
                    raise
                unavailable = error
            left = None if timeout is None else began + timeout - time.monotonic()
            if left is not None and left <= 0:
                raise OperationTimeout(
                    f"operation {self.name} was not done within {timeout:g} s; it continues on the server"
                ) from unavailable
            await sleep(pause if left is None else min(pause, left))
            pause = min(pause * polling.multiplier, polling.maximum)
            left = None if timeout is None else began + timeout - time.monotonic()

    def _failure(self) -> APIError | None:
        which = self._operation.WhichOneof("result")
        if which == "error":
            return error_from_status(self._operation.error, self.name)
        if which is None:
            return Internal(
                f"operation {self.name} is done, but has neither response nor error", method=self._method.name
            )
        return None

    async def cancel(self) -> bool:
        """Request the cancellation of the operation, which may still succeed.

        Returns:
            False if it is known to be done; True if cancellation was requested.
        """
        if self._operation.done:
            return False
        await self._caller.unary(operations.CANCEL_OPERATION, None, (self.name,), DEFAULT, DEFAULT, ())
        return True

    async def cancelled(self) -> bool:
        """Return whether the operation was cancelled."""
        return await self.done() and self._operation.error.code == StatusCode.CANCELLED

    def add_done_callback(self, callback: Callable[[AsyncOperation[_Result, _Progress]], object]) -> None:
        """Call ``callback`` with this object once the operation is done; polls in the background."""
        self._callbacks.append(callback)
        if self._waiter is None:
            self._waiter = spawn(self._notify)

    async def _notify(self) -> None:
        try:
            await self._wait(None, POLLING)
        except Exception as error:
            self._waiter = None
            log(
                logging.ERROR,
                "polling operation %s failed; its callbacks are not called",
                self.name,
                error=error,
            )
            return
        # A callback added from here on starts its own waiter.
        self._waiter = None
        while self._callbacks:
            callback = self._callbacks.popleft()
            try:
                callback(self)
            except Exception as error:
                log(logging.ERROR, "a callback of operation %s failed", self.name, error=error)
