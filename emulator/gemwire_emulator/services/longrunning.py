"""Long-running operations in the store: created, updated, and ended exactly once.

Background work (a tuning, a video) reports through these functions; `services.operations` serves operations
to callers. An operation is a child of its subject: ``tunedModels/x/operations/y``. Everything is in the
store, so that `list_unfinished` finds what has to be resumed after a restart.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from typing import Any

import grpc
from google.protobuf.message import Message

from gemwire_emulator.call import Owner
from gemwire_emulator.errors import StatusError
from gemwire_emulator.names import generate_id
from gemwire_emulator.state import State
from gemwire_proto.google.longrunning import operations_pb2
from gemwire_proto.google.protobuf.any_pb2 import Any as AnyMessage

KIND = "operations"
_CANCELLED: int = grpc.StatusCode.CANCELLED.value[0]


def create(
    state: State, owner: Owner, parent: str, metadata: Message, keep: Mapping[str, object] | None = None
) -> operations_pb2.Operation:
    """Store and return a new operation.

    Args:
        state: State of the emulator.
        owner: The call that starts it.
        parent: Name of its subject, ``tunedModels/x`` or ``models/m``.
        metadata: Its initial metadata.
        keep: JSON that is needed to resume the work after a restart; callers never see it.
    """
    with state.store.transaction():
        # The prefix shows in logs that the work was not done by a model.
        name = f"{parent}/operations/emulated-{generate_id('', state.store.next_number())}"
        operation = operations_pb2.Operation(name=name)
        pack(operation.metadata, metadata)
        extra = json.dumps(dict(keep or {}))
        state.store.put(owner.tenant, name, operation, parent=parent, owner=owner.caller, extra=extra)
    return operation


def get(state: State, tenant: str, name: str) -> operations_pb2.Operation | None:
    """Return an operation, None if it does not exist."""
    row = state.store.get(tenant, name)
    return row.message(operations_pb2.Operation) if row else None


def update_metadata(state: State, tenant: str, name: str, metadata: Message) -> None:
    """Store new metadata, unless the operation is done or deleted."""
    operation = get(state, tenant, name)
    if operation is not None and not operation.done:
        pack(operation.metadata, metadata)
        _save(state, tenant, operation)


def succeed(state: State, tenant: str, name: str, response: Message) -> None:
    """End an operation with a response, unless it is done (cancelled, perhaps) or deleted."""
    operation = get(state, tenant, name)
    if operation is not None and not operation.done:
        operation.done = True
        pack(operation.response, response)
        _save(state, tenant, operation)


def fail(state: State, tenant: str, name: str, failure: StatusError) -> None:
    """End an operation with an error, unless it is done or deleted."""
    operation = get(state, tenant, name)
    if operation is not None and not operation.done:
        operation.done = True
        operation.error.code = failure.code.value[0]
        operation.error.message = failure.message
        for detail in failure.details:
            pack(operation.error.details.add(), detail)
        _save(state, tenant, operation)


def cancel(state: State, tenant: str, name: str) -> None:
    """End an operation with CANCELLED, unless it is done; its worker checks `is_cancelled`."""
    fail(state, tenant, name, StatusError(grpc.StatusCode.CANCELLED, f"{name} was cancelled."))


def is_cancelled(state: State, tenant: str, name: str) -> bool:
    """Return whether the worker should stop. A deleted operation is not cancelled: its work goes on."""
    operation = get(state, tenant, name)
    return operation is not None and operation.done and operation.error.code == _CANCELLED


def list_unfinished(state: State, collection: str) -> Iterator[tuple[str, str, Any]]:
    """Return the operations that were running when the emulator stopped.

    Args:
        state: State of the emulator.
        collection: First segment of the names, ``models`` or ``tunedModels``.

    Yields:
        Tenant and name of an operation, and the ``keep`` of `create`.
    """
    for tenant, row in state.store.list_all_tenants(KIND):
        if row.name.startswith(f"{collection}/") and not row.message(operations_pb2.Operation).done:
            yield tenant, row.name, json.loads(row.extra)


async def wait_for_change(state: State, tenant: str, name: str, seconds: float | None) -> None:
    """Wait for some seconds of the emulator's time, or until the operation changes.

    None waits for a change alone.
    """
    changed = state.operation_events.setdefault((tenant, name), asyncio.Event())
    waits: list[asyncio.Future[object]] = [asyncio.ensure_future(changed.wait())]
    if seconds is not None:
        waits.append(asyncio.ensure_future(state.clock.sleep(max(seconds, 0.0))))
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


def notify(state: State, tenant: str, name: str) -> None:
    """Wake the callers of `wait_for_change` for an operation."""
    changed = state.operation_events.pop((tenant, name), None)
    if changed is not None:
        changed.set()


def _save(state: State, tenant: str, operation: operations_pb2.Operation) -> None:
    state.store.replace(tenant, operation.name, operation)
    notify(state, tenant, operation.name)


def pack(packed: AnyMessage, message: Message) -> None:
    """Pack a message with its full type name."""
    packed.type_url = f"type.googleapis.com/{message.DESCRIPTOR.full_name}"
    packed.value = message.SerializeToString()
