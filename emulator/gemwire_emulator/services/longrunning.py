"""Long-running operations as they are kept: begun, advanced, and ended exactly once.

What works beside a call (a tuning, a video) tells of itself through these
functions; `services.operations` shows it to callers. An operation lies in what
it works on: ``tunedModels/x/operations/y``. All of it is in the store, so that
a worker can go on after a restart: `unfinished` finds what was under way.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from typing import Any

import grpc
from google.protobuf.message import Message

from gemwire_emulator.call import Call
from gemwire_emulator.errors import StatusError
from gemwire_emulator.names import derived
from gemwire_emulator.state import State
from gemwire_proto.google.longrunning import operations_pb2

KIND = "operations"
_CANCELLED: int = grpc.StatusCode.CANCELLED.value[0]


def begin(
    state: State, call: Call, parent: str, metadata: Message, keep: Mapping[str, Any] | None = None
) -> Any:
    """Store a new operation that is not done.

    Args:
        state: Where.
        call: Who asked for it.
        parent: Name of what it works on, ``tunedModels/x`` or ``models/m``.
        metadata: Its progress so far; packed with its full type name.
        keep: JSON that the worker needs in order to go on after a restart; callers never see it.

    Returns:
        The ``google.longrunning.Operation``, ready to be answered.
    """
    with state.store.transaction():
        # The label is for whoever reads a log: the work behind it was not done by a model.
        name = f"{parent}/operations/emulated-{derived('', state.store.next_number())}"
        operation = operations_pb2.Operation(name=name)
        _pack(operation.metadata, metadata)
        extra = json.dumps(dict(keep or {}))
        state.store.put(call.tenant, name, operation, parent=parent, owner=call.caller, extra=extra)
    return operation


def load(state: State, tenant: str, name: str) -> Any | None:
    """The operation as it is now; None if there is none, or none any more."""
    row = state.store.get(tenant, name)
    return row.message(operations_pb2.Operation) if row else None


def progress(state: State, tenant: str, name: str, metadata: Message) -> None:
    """Store new metadata. Does nothing where the operation is done or deleted."""
    operation = load(state, tenant, name)
    if operation is not None and not operation.done:
        _pack(operation.metadata, metadata)
        _keep(state, tenant, operation)


def finish(state: State, tenant: str, name: str, response: Message) -> None:
    """End it with a result. Does nothing where it has ended already (a cancel stands) or was deleted."""
    operation = load(state, tenant, name)
    if operation is not None and not operation.done:
        operation.done = True
        _pack(operation.response, response)
        _keep(state, tenant, operation)


def fail(state: State, tenant: str, name: str, failure: StatusError) -> None:
    """End it with an error. Does nothing where it has ended already or was deleted."""
    operation = load(state, tenant, name)
    if operation is not None and not operation.done:
        operation.done = True
        operation.error.code = failure.code.value[0]
        operation.error.message = failure.message
        for detail in failure.details:
            _pack(operation.error.details.add(), detail)
        _keep(state, tenant, operation)


def cancel(state: State, tenant: str, name: str) -> None:
    """End it with CANCELLED; its worker sees that by `cancelled`. Does nothing where it has ended already."""
    fail(state, tenant, name, StatusError(grpc.StatusCode.CANCELLED, f"{name} was cancelled."))


def cancelled(state: State, tenant: str, name: str) -> bool:
    """Whether its worker should stop. A deleted operation is not cancelled: its work goes on unseen."""
    operation = load(state, tenant, name)
    return operation is not None and operation.done and operation.error.code == _CANCELLED


def unfinished(state: State, collection: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """What was under way when the emulator stopped.

    Args:
        state: Where.
        collection: First segment of the names, ``models`` or ``tunedModels``.

    Yields:
        Tenant and name of an operation that is not done, and what `begin` was given to keep.
    """
    for tenant, row in state.store.list_all_tenants(KIND):
        if row.name.startswith(f"{collection}/") and not row.message(operations_pb2.Operation).done:
            yield tenant, row.name, json.loads(row.extra)


async def pause(state: State, tenant: str, name: str, seconds: float | None) -> None:
    """Wait until that much of the emulator's time has passed, or the operation has changed.

    A worker pauses so between two looks at `cancelled`; None waits for a change alone.
    """
    changed = state.operation_events.setdefault((tenant, name), asyncio.Event())
    waits: list[asyncio.Future[Any]] = [asyncio.ensure_future(changed.wait())]
    if seconds is not None:
        waits.append(asyncio.ensure_future(state.clock.sleep(max(seconds, 0.0))))
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


def stir(state: State, tenant: str, name: str) -> None:
    """Wake those who `pause` for an operation."""
    changed = state.operation_events.pop((tenant, name), None)
    if changed is not None:
        changed.set()


def _keep(state: State, tenant: str, operation: Any) -> None:
    state.store.replace(tenant, operation.name, operation)
    stir(state, tenant, operation.name)


def _pack(packed: Any, message: Message) -> None:
    packed.type_url = f"type.googleapis.com/{message.DESCRIPTOR.full_name}"
    packed.value = message.SerializeToString()
