"""google.longrunning.Operations: follow, cancel and forget what was begun."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable
from typing import Any

from gemwire_emulator.call import Call
from gemwire_emulator.errors import invalid_argument, not_found, quote
from gemwire_emulator.names import check
from gemwire_emulator.paging import page
from gemwire_emulator.services import batch_state, longrunning
from gemwire_emulator.services.model_catalog import check_model
from gemwire_emulator.state import State
from gemwire_emulator.store import Row
from gemwire_proto.google.longrunning import operations_pb2
from gemwire_proto.google.protobuf import empty_pb2

_NAMES = "tunedModels/*/operations/*|models/*/operations/*|operations/*|batches/*"
_FILTER = re.compile(r"done\s*[=:]\s*(true|false)", re.IGNORECASE)
#: Seconds before a caller's deadline in which a wait is still answered.
_ANSWER_TIME = 0.1


class Operations:
    """The handlers of Operations."""

    def __init__(self, state: State) -> None:
        """``state``: what the handlers share."""
        self._state = state

    def list_operations(self, request: Any, call: Call) -> Any:
        """Operations of a resource, all of the caller's with the name ``operations``, or ``batches``."""
        store = self._state.store
        wanted = _filter(request.filter)
        kind = batch_state.KIND if request.name == batch_state.KIND else longrunning.KIND
        parent = None
        if request.name not in {longrunning.KIND, batch_state.KIND}:
            parent = check(
                request.name.removesuffix(f"/{longrunning.KIND}"), "tunedModels/*|models/*", "name"
            )
            if parent.startswith("models/"):
                check_model(self._state, parent, "name", call)
            elif store.get(call.tenant, parent) is None:
                raise not_found(parent)
        rows, token = page(
            lambda after: store.list(call.tenant, kind, parent, after),
            request,
            default=50,
            most=1000,
            wanted=wanted,
        )
        operations = [row.message(operations_pb2.Operation) for row in rows]
        return operations_pb2.ListOperationsResponse(operations=operations, next_page_token=token)

    def get_operation(self, request: Any, call: Call) -> Any:
        """One operation as it is now."""
        operation = self._operation(request.name, call)
        if _is_batch(operation):
            return batch_state.with_answers(self._state, call.tenant, operation)
        return operation

    def delete_operation(self, request: Any, call: Call) -> Any:
        """Forget it; its work goes on, but for that of a batch."""
        if _is_batch(self._operation(request.name, call)):
            batch_state.forget(self._state, call.tenant, request.name)
            return empty_pb2.Empty()
        self._state.store.delete(call.tenant, request.name)
        longrunning.stir(self._state, call.tenant, request.name)
        return empty_pb2.Empty()

    def cancel_operation(self, request: Any, call: Call) -> Any:
        """Stop its work. One that is done stays as it is."""
        what = batch_state if _is_batch(self._operation(request.name, call)) else longrunning
        what.cancel(self._state, call.tenant, request.name)
        return empty_pb2.Empty()

    async def wait_operation(self, request: Any, call: Call) -> Any:
        """The operation when it is done, or as it is when the time is up.

        The timeout of the request is the emulator's time, the caller's deadline is real time.
        """
        self._operation(request.name, call)
        until = None
        if request.HasField("timeout"):
            seconds = request.timeout.seconds + request.timeout.nanos / 1e9
            if seconds < 0:
                raise invalid_argument("timeout", "must not be negative")
            until = self._state.clock.now() + seconds
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._done(request.name, call, until), _patience(call))
        return self._operation(request.name, call)

    async def _done(self, name: str, call: Call, until: float | None) -> None:
        while not self._operation(name, call).done:
            left = None if until is None else until - self._state.clock.now()
            if left is not None and left <= 1e-6:  # as `Clock.sleep` counts
                return
            await longrunning.pause(self._state, call.tenant, name, left)

    def _operation(self, name: str, call: Call) -> Any:
        check(name, _NAMES, "name")
        operation = longrunning.load(self._state, call.tenant, name)
        if operation is None:
            raise not_found(name)
        return operation


def _is_batch(operation: Any) -> bool:
    return bool(operation.name.startswith(f"{batch_state.KIND}/"))


def _patience(call: Call) -> float | None:
    remaining = call.remaining()
    return None if remaining is None else max(0.0, remaining - _ANSWER_TIME)


def _filter(text: str) -> Callable[[Row], bool]:
    if not text.strip():
        return lambda _: True
    found = _FILTER.fullmatch(text.strip())
    if not found:
        raise invalid_argument("filter", f"{quote(text)} is none of done=true and done=false")
    done = found[1].lower() == "true"
    return lambda row: row.message(operations_pb2.Operation).done is done
