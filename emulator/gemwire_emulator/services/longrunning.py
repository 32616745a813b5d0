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

from gemwire_emulator.dispatch import Call
from gemwire_emulator.errors import Failure
from gemwire_emulator.names import derived
from gemwire_emulator.state import World
from gemwire_proto.google.longrunning import operations_pb2

KIND = "operations"
_CANCELLED: int = grpc.StatusCode.CANCELLED.value[0]


def begin(
    world: World, call: Call, parent: str, metadata: Message, keep: Mapping[str, Any] | None = None
) -> Any:
    """Store a new operation that is not done.

    Args:
        world: Where.
        call: Who asked for it.
        parent: Name of what it works on, ``tunedModels/x`` or ``models/m``.
        metadata: Its progress so far; packed with its full type name.
        keep: JSON that the worker needs in order to go on after a restart; callers never see it.

    Returns:
        The ``google.longrunning.Operation``, ready to be answered.
    """
    with world.store.transaction():
        # The label is for whoever reads a log: the work behind it was not done by a model.
        name = f"{parent}/operations/emulated-{derived('', world.store.next_number())}"
        operation = operations_pb2.Operation(name=name)
        _pack(operation.metadata, metadata)
        extra = json.dumps(dict(keep or {}))
        world.store.put(call.tenant, name, operation, parent=parent, owner=call.caller, extra=extra)
    return operation


def load(world: World, tenant: str, name: str) -> Any | None:
    """The operation as it is now; None if there is none, or none any more."""
    row = world.store.get(tenant, name)
    return row.message(operations_pb2.Operation) if row else None


def progress(world: World, tenant: str, name: str, metadata: Message) -> None:
    """Store new metadata. Does nothing where the operation is done or deleted."""
    operation = load(world, tenant, name)
    if operation is not None and not operation.done:
        _pack(operation.metadata, metadata)
        _keep(world, tenant, operation)


def finish(world: World, tenant: str, name: str, response: Message) -> None:
    """End it with a result. Does nothing where it has ended already (a cancel stands) or was deleted."""
    operation = load(world, tenant, name)
    if operation is not None and not operation.done:
        operation.done = True
        _pack(operation.response, response)
        _keep(world, tenant, operation)


def fail(world: World, tenant: str, name: str, failure: Failure) -> None:
    """End it with an error. Does nothing where it has ended already or was deleted."""
    operation = load(world, tenant, name)
    if operation is not None and not operation.done:
        operation.done = True
        operation.error.code = failure.code.value[0]
        operation.error.message = failure.message
        for detail in failure.details:
            _pack(operation.error.details.add(), detail)
        _keep(world, tenant, operation)


def cancel(world: World, tenant: str, name: str) -> None:
    """End it with CANCELLED; its worker sees that by `cancelled`. Does nothing where it has ended already."""
    fail(world, tenant, name, Failure(grpc.StatusCode.CANCELLED, f"{name} was cancelled."))


def cancelled(world: World, tenant: str, name: str) -> bool:
    """Whether its worker should stop. A deleted operation is not cancelled: its work goes on unseen."""
    operation = load(world, tenant, name)
    return operation is not None and operation.done and operation.error.code == _CANCELLED


def unfinished(world: World, collection: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """What was under way when the emulator stopped.

    Args:
        world: Where.
        collection: First segment of the names, ``models`` or ``tunedModels``.

    Yields:
        Tenant and name of an operation that is not done, and what `begin` was given to keep.
    """
    for tenant, row in world.store.kept(KIND):
        if row.name.startswith(f"{collection}/") and not row.message(operations_pb2.Operation).done:
            yield tenant, row.name, json.loads(row.extra)


async def pause(world: World, tenant: str, name: str, seconds: float | None) -> None:
    """Wait until that much of the emulator's time has passed, or the operation has changed.

    A worker pauses so between two looks at `cancelled`; None waits for a change alone.
    """
    changed = world.stirred.setdefault((tenant, name), asyncio.Event())
    waits: list[asyncio.Future[Any]] = [asyncio.ensure_future(changed.wait())]
    if seconds is not None:
        waits.append(asyncio.ensure_future(world.clock.sleep(max(seconds, 0.0))))
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


def stir(world: World, tenant: str, name: str) -> None:
    """Wake those who `pause` for an operation."""
    changed = world.stirred.pop((tenant, name), None)
    if changed is not None:
        changed.set()


def _keep(world: World, tenant: str, operation: Any) -> None:
    world.store.replace(tenant, operation.name, operation)
    stir(world, tenant, operation.name)


def _pack(packed: Any, message: Message) -> None:
    packed.type_url = f"type.googleapis.com/{message.DESCRIPTOR.full_name}"
    packed.value = message.SerializeToString()
