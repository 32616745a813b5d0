"""Batches in the store: operations without a parent, ``batches/x``, whose metadata is the batch."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeAlias

import grpc
from google.protobuf import json_format

from gemwire_emulator.errors import StatusError
from gemwire_emulator.services import longrunning
from gemwire_emulator.state import State
from gemwire_proto import v1beta
from gemwire_proto.google.longrunning import operations_pb2
from gemwire_proto.google.protobuf import struct_pb2

KIND = "batches"
Batch: TypeAlias = "v1beta.GenerateContentBatch | v1beta.EmbedContentBatch"
Output: TypeAlias = "v1beta.GenerateContentBatchOutput | v1beta.EmbedContentBatchOutput"

_TYPES: dict[str, type[Batch]] = {
    kind.DESCRIPTOR.full_name: kind for kind in (v1beta.GenerateContentBatch, v1beta.EmbedContentBatch)
}


def unpack(operation: operations_pb2.Operation) -> Batch:
    """Return the batch in the metadata of an operation."""
    packed = operation.metadata
    return _TYPES[packed.type_url.rpartition("/")[2]].FromString(packed.value)


def update(state: State, tenant: str, name: str, change: Callable[[Batch], None]) -> None:
    """Change a batch, unless it is done or deleted."""
    operation = longrunning.get(state, tenant, name)
    if operation is not None:
        batch = unpack(operation)
        change(batch)
        batch.update_time.FromDatetime(state.clock.datetime())
        longrunning.update_metadata(state, tenant, name, batch)


def set_stats(batch: Batch, total: int, responses: int, errors: int) -> None:
    """Set the counts of a batch's requests."""
    stats = batch.batch_stats
    stats.request_count = total
    stats.successful_request_count = responses - errors
    stats.failed_request_count = errors
    stats.pending_request_count = total - responses


def end(state: State, tenant: str, name: str, outcome: str, error: StatusError) -> None:
    """End a batch with an error, unless it is done.

    Args:
        state: State of the emulator.
        tenant: Tenant of the batch.
        name: Name of the batch.
        outcome: Its BatchState, without the prefix ``BATCH_STATE_``.
        error: The error.
    """
    operation, row = longrunning.get(state, tenant, name), state.store.get(tenant, name)
    if operation is None or operation.done or row is None:
        return

    def set_outcome(batch: Batch) -> None:
        batch.state = v1beta.BatchState.Value(f"BATCH_STATE_{outcome}")
        batch.end_time.FromDatetime(state.clock.datetime())

    with state.store.transaction():
        update(state, tenant, name, set_outcome)
        longrunning.fail(state, tenant, name, error)
    # Neither the requests nor the responses so far can be read any more.
    for blob in json.loads(row.extra)["contents"]:
        state.blobs.delete(blob)


def cancel(state: State, tenant: str, name: str) -> None:
    """Cancel a batch, unless it is done."""
    end(state, tenant, name, "CANCELLED", StatusError(grpc.StatusCode.CANCELLED, f"{name} was cancelled."))


def delete(state: State, tenant: str, name: str) -> None:
    """Delete a batch and stop its work."""
    row = state.store.get(tenant, name)
    if row is not None:
        state.store.delete(tenant, name)
        for blob in json.loads(row.extra)["contents"]:
            state.blobs.delete(blob)
        longrunning.notify(state, tenant, name)


def with_responses(
    state: State, tenant: str, operation: operations_pb2.Operation
) -> operations_pb2.Operation:
    """Return a batch with its responses, unless they are in a file."""
    row = state.store.get(tenant, operation.name)
    extra = json.loads(row.extra) if row else {}
    blob = extra["contents"][1] if extra.get("inline") and operation.HasField("response") else ""
    if not state.blobs.exists(blob):
        return operation
    batch = unpack(operation)
    with state.blobs.path(blob).open("rb") as file:
        responses = [json.loads(line) for line in file]
    json_format.ParseDict(
        {"inlinedResponses": {"inlinedResponses": responses}}, batch.output, ignore_unknown_fields=True
    )
    longrunning.pack(operation.metadata, batch)
    longrunning.pack(operation.response, batch.output)
    return operation


def upgrade(operation: operations_pb2.Operation) -> bool:
    """Convert an operation of an older version, whose metadata is a Struct; return whether it was one."""
    struct_name = struct_pb2.Struct.DESCRIPTOR.full_name
    if not operation.metadata.type_url.endswith(f"/{struct_name}"):
        return False
    fields = json_format.MessageToDict(struct_pb2.Struct.FromString(operation.metadata.value))
    kind = _TYPES[fields.pop("@type").rpartition("/")[2]]
    batch = json_format.ParseDict(fields, kind(), ignore_unknown_fields=True)
    longrunning.pack(operation.metadata, batch)
    if operation.HasField("response"):
        longrunning.pack(operation.response, batch.output)
    return True
