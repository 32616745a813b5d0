"""From a failed gRPC call to one of our errors.

The details of ``grpc-status-details-bin`` are read tolerantly: where they are
damaged or contradict the status, the status stands and what can be decoded is
kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Protocol

import grpc
from google.protobuf.message import DecodeError, Message

from gemwire.errors import BY_STATUS, APIError, DeadlineExceeded, Unauthenticated, Unknown

DETAILS = "grpc-status-details-bin"
_BY_NUMBER = {code.value[0]: code for code in grpc.StatusCode}


class RpcErrorDetails(Protocol):
    """What an error of grpc, of grpc.aio or of a call over HTTP tells."""

    def code(self) -> grpc.StatusCode: ...
    def details(self) -> str | None: ...
    def trailing_metadata(self) -> Iterable[tuple[str, str | bytes]] | None: ...


def from_rpc(error: Any, method: str, attempts: int, elapsed: float) -> APIError:
    """The error of a grpc.RpcError, sync or asyncio."""
    code = error.code() or grpc.StatusCode.UNKNOWN
    trailers = [(key, value) for key, value in (error.trailing_metadata() or ())]
    details = decode_details(value for key, value in trailers if key == DETAILS)
    message = error.details() or code.name.replace("_", " ").lower()
    found = BY_STATUS.get(code, Unknown)(
        message,
        details=details,
        method=method,
        attempts=attempts,
        elapsed=elapsed,
        trailing_metadata=[pair for pair in trailers if pair[0] != DETAILS],
    )
    found.hint = _hint(found)
    return found


def from_status(status: Any, method: str) -> APIError:
    """The error of a ``google.rpc.Status``, such as a failed operation carries."""
    code = _BY_NUMBER.get(status.code, grpc.StatusCode.UNKNOWN)
    kind = BY_STATUS.get(code, Unknown)
    return kind(status.message or code.name, details=[_unpack(d) for d in status.details], method=method)


def decode_details(values: Iterable[str | bytes]) -> list[Message]:
    """The messages inside serialised ``google.rpc.Status`` values; nothing where they are damaged."""
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
    from gemwire_proto.google.rpc import error_details_pb2

    name = detail.type_url.rsplit("/", 1)[-1]
    package, _, leaf = name.rpartition(".")
    kind = getattr(error_details_pb2, leaf, None) if package == "google.rpc" else None
    if kind is not None:
        try:
            message: Message = kind.FromString(detail.value)
        except DecodeError:
            return detail  # type: ignore[no-any-return]
        return message
    return detail  # type: ignore[no-any-return]


_HUNG_UP = re.compile("socket closed|connection reset|broken pipe|end of (tcp )?stream")

_HINTS = {
    "API_KEY_INVALID": "The API key is wrong or was deleted; get one at aistudio.google.com/apikey.",
    "SERVICE_DISABLED": "Enable the Generative Language API in the project of these credentials.",
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": "The token lacks a scope; log in again with one for this API.",
    "USER_LOCATION_INVALID": "The service is not offered where this call comes from.",
}


def _hint(error: APIError) -> str:
    """What to do, where that is known."""
    if error.reason in _HINTS:
        return _HINTS[error.reason]
    if error.retry_delay is not None:
        return f"The server asks to wait {error.retry_delay:g} s."
    message = error.message.lower()
    if "http2 header with status: 404" in message or "received http/0.9" in message:
        return "That endpoint does not speak this API over gRPC; check api_endpoint."
    if "hostname verification check failed" in message:
        return "TLS failed: the server's certificate is for another host name than api_endpoint's."
    if "certificate_verify_failed" in message or "handshake failed" in message:
        return "TLS failed: check the certificates, and whether the port serves TLS at all."
    if "failed to connect to all addresses" in message and _HUNG_UP.search(message):
        # A TLS 1.3 server refuses the client's certificate after the client thinks all is well.
        return "The server hung up: it may want a client certificate, or only one side speaks TLS."
    if isinstance(error, DeadlineExceeded):
        return "Raise `timeout`, or ask for less."
    if isinstance(error, Unauthenticated):
        return "Check the API key or the credentials; `gemwire doctor` shows which were used."
    return ""
