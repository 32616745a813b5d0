"""google.longrunning.Operations: list, get, cancel, delete and wait for operations."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable

from gemwire_emulator.call import Call
from gemwire_emulator.errors import invalid_argument, not_found, quote
from gemwire_emulator.names import check_name
from gemwire_emulator.paging import paginate
from gemwire_emulator.services import batch_state, longrunning
from gemwire_emulator.services.model_catalog import check_model
from gemwire_emulator.state import State
from gemwire_emulator.store import Row
from gemwire_proto.google.longrunning import operations_pb2
from gemwire_proto.google.protobuf import empty_pb2

_NAMES = (
    "tunedModels/*/operations/*|models/*/operations/*|operations/*|batches/*"
    "|fileSearchStores/*/operations/*|fileSearchStores/*/upload/operations/*|projects/*/locations/*/operations/*"
)
_FILTER = re.compile(r"done\s*[=:]\s*(true|false)", re.IGNORECASE)
#: Seconds before the deadline of a call at which a wait returns.
_RESPONSE_TIME = 0.1


class OperationsService:
    """The handlers of Operations."""

    def __init__(self, state: State) -> None:
        """Create the handlers."""
        self._state = state

    def list_operations(
        self, request: operations_pb2.ListOperationsRequest, call: Call
    ) -> operations_pb2.ListOperationsResponse:
        """List the operations of a resource; all operations for the name ``operations``, or ``batches``."""
        store = self._state.store
        accept = _parse_filter(request.filter)
        kind = batch_state.KIND if request.name == batch_state.KIND else longrunning.KIND
        parent = None
        if request.name.startswith("projects/"):
            check_name(request.name, "projects/*/locations/*", "name")
            parent = request.name
        elif request.name not in {longrunning.KIND, batch_state.KIND}:
            parent = check_name(
                request.name.removesuffix(f"/{longrunning.KIND}"), "tunedModels/*|models/*", "name"
            )
            if parent.startswith("models/"):
                check_model(self._state, parent, "name", call)
            elif store.get(call.tenant, parent) is None:
                raise not_found(parent)
        rows, token = paginate(
            lambda after: store.list(call.tenant, kind, parent, after),
            request,
            default=50,
            most=1000,
            accept=accept,
        )
        operations = [row.message(operations_pb2.Operation) for row in rows]
        return operations_pb2.ListOperationsResponse(operations=operations, next_page_token=token)

    def get_operation(
        self, request: operations_pb2.GetOperationRequest, call: Call
    ) -> operations_pb2.Operation:
        """Return an operation."""
        operation = self._get(request.name, call)
        if _is_batch(operation):
            return batch_state.with_responses(self._state, call.tenant, operation)
        return operation

    def delete_operation(self, request: operations_pb2.DeleteOperationRequest, call: Call) -> empty_pb2.Empty:
        """Delete an operation. Its work goes on, except for that of a batch."""
        if _is_batch(self._get(request.name, call)):
            batch_state.delete(self._state, call.tenant, request.name)
            return empty_pb2.Empty()
        self._state.store.delete(call.tenant, request.name)
        longrunning.notify(self._state, call.tenant, request.name)
        return empty_pb2.Empty()

    def cancel_operation(self, request: operations_pb2.CancelOperationRequest, call: Call) -> empty_pb2.Empty:
        """Cancel an operation, unless it is done."""
        handler = batch_state if _is_batch(self._get(request.name, call)) else longrunning
        handler.cancel(self._state, call.tenant, request.name)
        return empty_pb2.Empty()

    async def wait_operation(
        self, request: operations_pb2.WaitOperationRequest, call: Call
    ) -> operations_pb2.Operation:
        """Return an operation once it is done, or when the timeout or the deadline is reached.

        The timeout counts the emulator's time, the deadline of the call real time.
        """
        self._get(request.name, call)
        until = None
        if request.HasField("timeout"):
            seconds = request.timeout.seconds + request.timeout.nanos / 1e9
            if seconds < 0:
                raise invalid_argument("timeout", "must not be negative")
            until = self._state.clock.now() + seconds
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._wait_until_done(request.name, call, until), _max_wait(call))
        return self._get(request.name, call)

    async def _wait_until_done(self, name: str, call: Call, until: float | None) -> None:
        while not self._get(name, call).done:
            left = None if until is None else until - self._state.clock.now()
            if left is not None and left <= 1e-6:  # as `Clock.sleep` counts
                return
            await longrunning.wait_for_change(self._state, call.tenant, name, left)

    def _get(self, name: str, call: Call) -> operations_pb2.Operation:
        check_name(name, _NAMES, "name")
        operation = longrunning.get(self._state, call.tenant, name)
        if operation is None:
            raise not_found(name)
        return operation


def _is_batch(operation: operations_pb2.Operation) -> bool:
    return operation.name.startswith(f"{batch_state.KIND}/")


def _max_wait(call: Call) -> float | None:
    remaining = call.remaining()
    return None if remaining is None else max(0.0, remaining - _RESPONSE_TIME)


def _parse_filter(text: str) -> Callable[[Row], bool]:
    if not text.strip():
        return lambda _: True
    found = _FILTER.fullmatch(text.strip())
    if not found:
        raise invalid_argument("filter", f"{quote(text)} is not done=true or done=false")
    done = found[1].lower() == "true"
    return lambda row: row.message(operations_pb2.Operation).done is done
