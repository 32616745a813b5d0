"""Batches as they are kept: operations without a parent, ``batches/x``, whose metadata is a Struct."""

from __future__ import annotations

import json
from typing import Any

import grpc
from google.protobuf import json_format

from gemwire_emulator.errors import StatusError
from gemwire_emulator.services import longrunning
from gemwire_emulator.state import State
from gemwire_proto.google.longrunning import operations_pb2
from gemwire_proto.google.protobuf import struct_pb2, timestamp_pb2

KIND = "batches"


def tell(state: State, tenant: str, name: str, /, **news: Any) -> None:
    """Change a batch's metadata, if it is not done."""
    operation = longrunning.get(state, tenant, name)
    if operation is not None:
        now = json_format.MessageToDict(struct_pb2.Struct.FromString(operation.metadata.value))
        longrunning.update_metadata(
            state, tenant, name, struct({**now, **news, "updateTime": time_of(state)})
        )


def end(state: State, tenant: str, name: str, outcome: str, failure: StatusError) -> None:
    """End a batch with an error, if it is not done."""
    operation, row = longrunning.get(state, tenant, name), state.store.get(tenant, name)
    if operation is None or operation.done or row is None:
        return
    with state.store.transaction():
        tell(state, tenant, name, state=f"BATCH_STATE_{outcome}", endTime=time_of(state))
        longrunning.fail(state, tenant, name, failure)
    # Nobody reads the requests any more, nor the answers that there are.
    for content in json.loads(row.extra)["contents"]:
        state.blobs.delete(content)


def cancel(state: State, tenant: str, name: str) -> None:
    """End a batch, if it is not done."""
    end(state, tenant, name, "CANCELLED", StatusError(grpc.StatusCode.CANCELLED, f"{name} was cancelled."))


def forget(state: State, tenant: str, name: str) -> None:
    """Delete a batch; the work on it stops."""
    row = state.store.get(tenant, name)
    if row is not None:
        state.store.delete(tenant, name)
        for content in json.loads(row.extra)["contents"]:
            state.blobs.delete(content)
        longrunning.notify(state, tenant, name)


def with_answers(state: State, tenant: str, operation: operations_pb2.Operation) -> operations_pb2.Operation:
    """Return a batch with its responses, unless they are in a file."""
    row = state.store.get(tenant, operation.name)
    extra: dict[str, Any] = json.loads(row.extra) if row else {}
    content = extra["contents"][1] if extra.get("inline") and operation.HasField("response") else ""
    if not state.blobs.exists(content):
        return operation
    with state.blobs.path(content).open("rb") as file:
        answers = {"inlinedResponses": {"inlinedResponses": [json.loads(line) for line in file]}}
    for packed in (operation.metadata, operation.response):
        fields = struct_pb2.Struct.FromString(packed.value)
        fields.update({"output": answers} if packed is operation.metadata else answers)
        packed.Pack(fields)
    return operation


def struct(fields: dict[str, Any]) -> Any:
    """A Struct of JSON."""
    made = struct_pb2.Struct()
    made.update(fields)
    return made


def stats(total: int, answers: int, errors: int) -> dict[str, str]:
    """How far a batch has come, as JSON."""
    counts = {"successful": answers - errors, "failed": errors, "pending": total - answers}
    # Numbers of 64 bits are strings in JSON.
    return {"requestCount": str(total)} | {f"{name}RequestCount": str(n) for name, n in counts.items() if n}


def time_of(state: State) -> str:
    """The time, as JSON."""
    time = timestamp_pb2.Timestamp()
    time.FromDatetime(state.clock.datetime())
    text: str = time.ToJsonString()
    return text
