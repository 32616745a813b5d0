"""How a handler says no: a canonical status with details that name what was wrong."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import grpc
from google.protobuf.message import Message

from gemwire_proto.google.rpc import error_details_pb2, status_pb2

DOMAIN = "generativelanguage.googleapis.com"


class Failure(Exception):
    """Ends a call with a status.

    Attributes:
        code: The status.
        message: What the caller reads.
        details: ``google.rpc`` messages that go with it.
    """

    def __init__(self, code: grpc.StatusCode, message: str, details: Iterable[Message] = ()) -> None:
        """Keep the three."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = list(details)

    @property
    def status(self) -> str:
        """What the journal calls it: the name of the status."""
        return self.code.name

    def trailers(self) -> tuple[tuple[str, bytes], ...]:
        """The trailing metadata that carries the details, as Google's servers send it."""
        if not self.details:
            return ()
        status: Any = status_pb2.Status(code=self.code.value[0], message=self.message)
        for detail in self.details:
            status.details.add(
                type_url=f"type.googleapis.com/{detail.DESCRIPTOR.full_name}",
                value=detail.SerializeToString(),
            )
        return (("grpc-status-details-bin", status.SerializeToString()),)


class Disconnect(Failure):
    """Ends a call by breaking the connection that it came over.

    A front that cannot do that ends it with the status that clients make of a broken connection.
    """

    def __init__(self) -> None:
        """It carries nothing."""
        super().__init__(grpc.StatusCode.UNAVAILABLE, "Socket closed")

    @property
    def status(self) -> str:
        """No status is sent, and the journal has a word of its own."""
        return "DISCONNECTED"


def invalid(field: str, why: str) -> Failure:
    """INVALID_ARGUMENT, with a BadRequest detail that names the field."""
    detail = error_details_pb2.BadRequest(field_violations=[{"field": field, "description": why}])
    return Failure(grpc.StatusCode.INVALID_ARGUMENT, f"* {field}: {why}", [detail])


def not_found(name: str) -> Failure:
    """NOT_FOUND for a resource."""
    return Failure(
        grpc.StatusCode.NOT_FOUND,
        f"{name} is not found, or you may not know of it.",
        [_info("RESOURCE_NOT_FOUND", name)],
    )


def already_exists(name: str) -> Failure:
    """ALREADY_EXISTS for a resource."""
    return Failure(
        grpc.StatusCode.ALREADY_EXISTS, f"{name} already exists.", [_info("RESOURCE_ALREADY_EXISTS", name)]
    )


def failed_precondition(subject: str, why: str) -> Failure:
    """FAILED_PRECONDITION: the state is not one that the request can be served in."""
    detail = error_details_pb2.PreconditionFailure(
        violations=[{"type": "STATE", "subject": subject, "description": why}]
    )
    return Failure(grpc.StatusCode.FAILED_PRECONDITION, f"{subject}: {why}", [detail])


def exhausted(subject: str, why: str) -> Failure:
    """RESOURCE_EXHAUSTED: a limit on how many there may be. Waiting does not help, so no RetryInfo."""
    detail = error_details_pb2.QuotaFailure(violations=[{"subject": subject, "description": why}])
    return Failure(grpc.StatusCode.RESOURCE_EXHAUSTED, f"{subject}: {why}", [detail])


def _info(reason: str, resource: str) -> Message:
    return error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN, metadata={"resource": resource})
