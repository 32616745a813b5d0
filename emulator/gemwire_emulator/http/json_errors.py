"""Errors as the REST API writes them: ``{"error": {"code": 404, "message": …, "status": "NOT_FOUND"}}``."""

from __future__ import annotations

from typing import Any

import grpc
from google.protobuf import json_format

from gemwire_emulator.errors import StatusError

#: google.rpc.Code's own mapping.
HTTP_STATUS = {
    grpc.StatusCode.OK: 200,
    grpc.StatusCode.CANCELLED: 499,
    grpc.StatusCode.UNKNOWN: 500,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.INTERNAL: 500,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DATA_LOSS: 500,
}


class HttpFailure(StatusError):
    """A failure whose HTTP status is not that of its code: 405, 413 and the like.

    Attributes:
        http_status: The status.
        headers: Response headers that go with it.
    """

    def __init__(
        self, http_status: int, code: grpc.StatusCode, message: str, headers: dict[str, str] | None = None
    ) -> None:
        """See the class."""
        super().__init__(code, message)
        self.http_status = http_status
        self.headers = headers or {}


def get_http_status(failure: StatusError) -> int:
    """The HTTP status of a failure."""
    return failure.http_status if isinstance(failure, HttpFailure) else HTTP_STATUS[failure.code]


def error_to_json(failure: StatusError) -> dict[str, Any]:
    """The JSON object of a failure."""
    error: dict[str, Any] = {
        "code": get_http_status(failure),
        "message": failure.message,
        "status": failure.code.name,
    }
    if failure.details:
        error["details"] = [
            {
                "@type": f"type.googleapis.com/{detail.DESCRIPTOR.full_name}",
                **json_format.MessageToDict(detail),
            }
            for detail in failure.details
        ]
    return {"error": error}
