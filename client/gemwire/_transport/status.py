"""Conversion of gRPC errors and ``google.rpc.Status`` messages to `gemwire.errors`.

``grpc-status-details-bin`` is read tolerantly: where it is damaged or contradicts the status, the status
wins and the decodable details are kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from google.protobuf.message import DecodeError, Message

from gemwire._transport.call_error import RpcError
from gemwire.errors import BY_STATUS, APIError, DeadlineExceeded, Unauthenticated, Unknown
from gemwire_runtime.status_code import StatusCode

if TYPE_CHECKING:
    from gemwire_proto.google.protobuf.any_pb2 import Any
    from gemwire_proto.google.rpc.status_pb2 import Status

DETAILS = "grpc-status-details-bin"


def error_from_rpc(error: RpcError, method: str, attempts: int, elapsed: float) -> APIError:
    """Convert an error of grpc, of grpc.aio or of a call over HTTP."""
    code = error.code()
    status = code.name if code else StatusCode.UNKNOWN.name
    trailing = cast("Iterable[tuple[str, str | bytes]]", error.trailing_metadata() or ())
    # Plain tuples: grpc's own pairs do not pickle.
    trailers = [(key, value) for key, value in trailing]
    details = decode_details(value for key, value in trailers if key == DETAILS)
    message = error.details() or status.replace("_", " ").lower()
    found = BY_STATUS.get(status, Unknown)(
        message,
        details=details,
        method=method,
        attempts=attempts,
        elapsed=elapsed,
        trailing_metadata=[pair for pair in trailers if pair[0] != DETAILS],
    )
    found.hint = _hint(found)
    return found


def error_from_status(status: Status, method: str) -> APIError:
    """Convert a ``google.rpc.Status``, such as that of a failed operation."""
    name = StatusCode.of(status.code).name
    kind = BY_STATUS.get(name, Unknown)
    return kind(status.message or name, details=[_unpack(d) for d in status.details], method=method)


def decode_details(values: Iterable[str | bytes]) -> list[Message]:
    """Return the details inside serialized ``google.rpc.Status`` messages, without damaged ones."""
    from gemwire_proto.google.rpc import status_pb2

    decoded: list[Message] = []
    for value in values:
        data = value if isinstance(value, bytes) else value.encode("latin-1", "replace")
        try:
            status = status_pb2.Status.FromString(data)
        except DecodeError:
            continue
        decoded += [_unpack(detail) for detail in status.details]
    return decoded


def _unpack(detail: Any) -> Message:
    """Return the message inside a ``google.protobuf.Any``, or that itself if the type is unknown."""
    from gemwire_proto.google.rpc import error_details_pb2

    package, _, name = detail.type_url.rsplit("/", 1)[-1].rpartition(".")
    message_type: type[Message] | None = getattr(error_details_pb2, name, None)
    if package != "google.rpc" or message_type is None:
        return detail
    try:
        return message_type.FromString(detail.value)
    except DecodeError:
        return detail


_HUNG_UP = re.compile("socket closed|closed by the server|connection reset|broken pipe|end of (tcp )?stream")

_HINTS = {
    "API_KEY_INVALID": "The API key is invalid or was deleted; get one at aistudio.google.com/apikey.",
    "SERVICE_DISABLED": "Enable the Generative Language API in the project of these credentials.",
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": "The token lacks a scope; log in again with a scope of this API.",
    "USER_LOCATION_INVALID": "The service is not available in the location of this caller.",
}


def _hint(error: APIError) -> str:
    """Return what to do about an error; empty if that is unknown."""
    if error.reason in _HINTS:
        return _HINTS[error.reason]
    if error.retry_delay is not None:
        return f"The server asks to wait {error.retry_delay:g} s."
    message = error.message.lower()
    if "message larger than max" in message:
        return "Raise client_options.max_response_size, or request less."
    if "instead of a response of the api" in message:
        return "A proxy, a login page or another server answered; check api_endpoint and the network."
    if "http2 header with status: 404" in message or "received http/0.9" in message:
        return "That endpoint does not speak this API over gRPC; check api_endpoint."
    if "hostname verification check failed" in message:
        return "TLS failed: the server's certificate is for another host name than api_endpoint's."
    if "certificate_verify_failed" in message or "handshake failed" in message:
        return "TLS failed: check the certificates, and whether the port serves TLS at all."
    if "failed to connect to all addresses" in message and _HUNG_UP.search(message):
        # A TLS 1.3 server rejects the client's certificate after the client considers the handshake done.
        return "The server closed the connection: it may require a client certificate, or one side lacks TLS."
    if isinstance(error, DeadlineExceeded):
        return "Raise `timeout`, or request less."
    if isinstance(error, Unauthenticated):
        return "Check the API key or the credentials; `gemwire doctor` shows which were used."
    return ""
