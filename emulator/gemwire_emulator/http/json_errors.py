"""Errors in the JSON of the REST API: ``{"error": {"code": 404, "message": …, "status": "NOT_FOUND"}}``."""

from __future__ import annotations

import grpc
from google.protobuf import json_format

from gemwire_emulator.errors import StatusError

#: The mapping that google.rpc.Code documents.
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


class HttpError(StatusError):
    """An error with an HTTP status that no canonical code maps to: 405, 413 and the like.

    Attributes:
        http_status: The HTTP status.
        headers: Further headers of the response.
    """

    def __init__(
        self, http_status: int, code: grpc.StatusCode, message: str, headers: dict[str, str] | None = None
    ) -> None:
        """See the class."""
        super().__init__(code, message)
        self.http_status = http_status
        self.headers = headers or {}


def get_http_status(error: StatusError) -> int:
    """Return the HTTP status of a error."""
    return error.http_status if isinstance(error, HttpError) else HTTP_STATUS[error.code]


def error_to_json(error: StatusError) -> dict[str, object]:
    """Convert an error to the JSON object of its response."""
    content: dict[str, object] = {
        "code": get_http_status(error),
        "message": error.message,
        "status": error.code.name,
    }
    if error.details:
        content["details"] = [
            {
                "@type": f"type.googleapis.com/{detail.DESCRIPTOR.full_name}",
                **json_format.MessageToDict(detail),
            }
            for detail in error.details
        ]
    return {"error": content}
