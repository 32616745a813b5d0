"""Operations that delete a resource: they are done at once."""

from __future__ import annotations

from gemwire_emulator.call import Call
from gemwire_emulator.services import longrunning
from gemwire_emulator.state import State
from gemwire_proto import aiplatform_v1
from gemwire_proto.google.longrunning import operations_pb2
from gemwire_proto.google.protobuf import empty_pb2


def create_deletion(state: State, call: Call) -> operations_pb2.Operation:
    """Store and return the operation of a deletion, in the location of a call."""
    metadata = aiplatform_v1.DeleteOperationMetadata()
    metadata.generic_metadata.create_time.FromDatetime(state.clock.datetime())
    operation = longrunning.create(state, call, call.tenant, metadata)
    longrunning.succeed(state, call.tenant, operation.name, empty_pb2.Empty())
    return longrunning.get(state, call.tenant, operation.name) or operation
