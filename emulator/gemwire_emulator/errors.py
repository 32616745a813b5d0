"""Errors of the emulator: `StatusError`, and functions that create one for each kind of failure.

All ``google.rpc`` error details are created here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import grpc
from google.protobuf.message import Message

from gemwire_proto.google.rpc import error_details_pb2, status_pb2

_DOMAIN = "generativelanguage.googleapis.com"
_VERTEX_DOMAIN = "aiplatform.googleapis.com"
#: Resources of which the service does not tell whether they exist, and what it says instead.
_INACCESSIBLE = {
    "cachedContents": "CachedContent not found (or permission denied)",
    "files": "You do not have permission to access the File {} or it may not exist.",
    "fileSearchStores": "You do not have permission to access the FileSearchStore {} or it may not exist.",
}
_HIDDEN = re.compile(f"({'|'.join(_INACCESSIBLE)})/([^/]+)")
#: Characters of a value that an error message repeats.
_MAX_QUOTED = 100


class StatusError(Exception):
    """An error that ends a call with a status.

    Attributes:
        code: The status code.
        message: The error message.
        details: ``google.rpc`` messages that accompany it.
    """

    def __init__(self, code: grpc.StatusCode, message: str, details: Iterable[Message] = ()) -> None:
        """Create an error."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = list(details)

    @property
    def status(self) -> str:
        """Name of the status in the journal."""
        return self.code.name

    def trailers(self) -> tuple[tuple[str, bytes], ...]:
        """Return the trailing metadata that carries the details, as Google's servers send it."""
        if not self.details:
            return ()
        status = status_pb2.Status(code=self.code.value[0], message=self.message)
        for detail in self.details:
            status.details.add(
                type_url=f"type.googleapis.com/{detail.DESCRIPTOR.full_name}",
                value=detail.SerializeToString(),
            )
        return (("grpc-status-details-bin", status.SerializeToString()),)


class Disconnect(StatusError):
    """A request to end a call by breaking its connection.

    A front that cannot break connections sends the status that clients derive from a broken one.
    """

    def __init__(self) -> None:
        """Create the error."""
        super().__init__(grpc.StatusCode.UNAVAILABLE, "Socket closed")

    @property
    def status(self) -> str:
        """Name of the outcome in the journal; no status is sent."""
        return "DISCONNECTED"


def invalid_argument(field: str, why: str) -> StatusError:
    """Return INVALID_ARGUMENT with a BadRequest detail that names the field."""
    detail = error_details_pb2.BadRequest(field_violations=[{"field": field, "description": why}])
    return StatusError(grpc.StatusCode.INVALID_ARGUMENT, f"* {field}: {why}", [detail])


def bad_request(violations: Sequence[tuple[str, str]]) -> StatusError:
    """Return INVALID_ARGUMENT for fields and what is wrong with them, in the service's form for JSON."""
    detail = error_details_pb2.BadRequest(
        field_violations=[{"field": field, "description": why} for field, why in violations]
    )
    message = "\n".join(why for _, why in violations)
    return StatusError(grpc.StatusCode.INVALID_ARGUMENT, message, [detail])


def not_found(name: str, *, vertex: bool = False) -> StatusError:
    """Return NOT_FOUND for a resource, or PERMISSION_DENIED where the Gemini API does not tell which."""
    if not vertex and (hidden := _HIDDEN.fullmatch(name)) is not None:
        kind, identifier = hidden.groups()
        detail = _error_info("RESOURCE_NOT_ACCESSIBLE", resource=name)
        message = _INACCESSIBLE[kind].format(identifier)
        return StatusError(grpc.StatusCode.PERMISSION_DENIED, message, [detail])
    return StatusError(
        grpc.StatusCode.NOT_FOUND,
        f"{name} was not found, or you lack permission to see it.",
        [_error_info("RESOURCE_NOT_FOUND", resource=name)],
    )


def model_not_found(name: str, method: str, near: Sequence[str]) -> StatusError:
    """Return NOT_FOUND for an unknown model, in the words of the service, with names that are close to it."""
    unsupported = f", or is not supported for {method}" if method else ""
    hint = f" Names close to it: {', '.join(near)}." if near else ""
    return StatusError(
        grpc.StatusCode.NOT_FOUND,
        f"{name} is not found{unsupported}. Call ListModels to see the list of available models and their"
        f" supported methods.{hint} The emulator takes further names by --model NAME.",
        [_error_info("RESOURCE_NOT_FOUND", resource=name)],
    )


def method_not_supported(model: str, method: str, supported: Iterable[str]) -> StatusError:
    """Return NOT_FOUND for a method that a model does not support."""
    return StatusError(
        grpc.StatusCode.NOT_FOUND,
        f"{model} is not supported for {method}; it supports {', '.join(supported)}.",
        [_error_info("METHOD_NOT_SUPPORTED", resource=model, method=method)],
    )


def session_not_found(field: str, handle: str) -> StatusError:
    """Return NOT_FOUND for a resumption handle that was never issued or has expired."""
    return StatusError(
        grpc.StatusCode.NOT_FOUND,
        f"{field}: {quote(handle)} is not the handle of a session that can be resumed",
        [_error_info("RESOURCE_NOT_FOUND")],
    )


def already_exists(name: str) -> StatusError:
    """Return ALREADY_EXISTS for a resource."""
    detail = _error_info("RESOURCE_ALREADY_EXISTS", resource=name)
    return StatusError(grpc.StatusCode.ALREADY_EXISTS, f"{name} already exists.", [detail])


def role_missing(name: str, role: str) -> StatusError:
    """Return PERMISSION_DENIED for a caller who lacks a role on a resource."""
    return StatusError(
        grpc.StatusCode.PERMISSION_DENIED,
        f"{name} requires the role {role}, which you do not have.",
        [_error_info("ROLE_MISSING", resource=name, role=role)],
    )


def token_refused(why: str) -> StatusError:
    """Return UNAUTHENTICATED for a token that opens no live session."""
    return StatusError(
        grpc.StatusCode.UNAUTHENTICATED, f"The token {why}.", [_error_info("AUTH_TOKEN_INVALID")]
    )


def token_required(method: str) -> StatusError:
    """Return UNAUTHENTICATED for a call that needs an OAuth token and has none."""
    return StatusError(
        grpc.StatusCode.UNAUTHENTICATED,
        f"{method} needs an OAuth token that may read the objects: authorization: Bearer …",
        [_error_info("CREDENTIALS_MISSING", method=method)],
    )


def token_misused(why: str) -> StatusError:
    """Return PERMISSION_DENIED for a token of live sessions that is used for something else."""
    return StatusError(
        grpc.StatusCode.PERMISSION_DENIED,
        "Method doesn't allow unregistered callers (callers without established identity). "
        f"A token of live sessions {why}.",
        [_error_info("AUTH_TOKEN_MISUSED")],
    )


def failed_precondition(subject: str, why: str) -> StatusError:
    """Return FAILED_PRECONDITION for a resource that is not in the required state."""
    detail = error_details_pb2.PreconditionFailure(
        violations=[{"type": "STATE", "subject": subject, "description": why}]
    )
    return StatusError(grpc.StatusCode.FAILED_PRECONDITION, f"{subject}: {why}", [detail])


def not_empty(name: str, kind: str) -> StatusError:
    """Return FAILED_PRECONDITION for a deletion without ``force``, with the service's message."""
    detail = error_details_pb2.PreconditionFailure(
        violations=[{"type": "STATE", "subject": name, "description": "is not empty; set force"}]
    )
    return StatusError(grpc.StatusCode.FAILED_PRECONDITION, f"Cannot delete non-empty {kind}", [detail])


def resource_exhausted(subject: str, why: str) -> StatusError:
    """Return RESOURCE_EXHAUSTED for a limit that waiting does not lift, so without RetryInfo."""
    detail = error_details_pb2.QuotaFailure(violations=[{"subject": subject, "description": why}])
    return StatusError(grpc.StatusCode.RESOURCE_EXHAUSTED, f"{subject}: {why}", [detail])


def storage_full(limit: int) -> StatusError:
    """Return RESOURCE_EXHAUSTED for file search stores that are full, with the service's message."""
    detail = error_details_pb2.QuotaFailure(
        violations=[{"subject": "fileSearchStores", "description": "delete some documents first"}]
    )
    message = f"Corpus has reached the storage limit of {limit} bytes."
    return StatusError(grpc.StatusCode.RESOURCE_EXHAUSTED, message, [detail])


def disk_full(path: object, reason: object) -> StatusError:
    """Return RESOURCE_EXHAUSTED for a file of the emulator that cannot grow."""
    return resource_exhausted(
        "disk", f"{path} cannot be written: {reason}. Nothing of this call is stored; free some space."
    )


def quota_exceeded(limit: int, used: int, requested: int, unit: str, retry_after: int) -> StatusError:
    """Return RESOURCE_EXHAUSTED for a quota per minute.

    Args:
        limit: Allowed in a minute.
        used: Used in the last minute.
        requested: Required by the call.
        unit: ``requests`` or ``tokens``.
        retry_after: Seconds for a RetryInfo detail.
    """
    violation = {
        "subject": f"{_DOMAIN}/{unit}_per_minute",
        "description": f"limit {limit}, used {used}, requested {requested}",
    }
    return StatusError(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        f"You exceeded your quota of {limit} {unit} per minute.",
        [retry_info(retry_after), error_details_pb2.QuotaFailure(violations=[violation])],
    )


def retry_info(seconds: float) -> Message:
    """Return a RetryInfo detail."""
    delay = {"seconds": int(seconds), "nanos": int(seconds % 1 * 1e9)}
    return error_details_pb2.RetryInfo(retry_delay=delay)


def quote(value: object) -> str:
    """Return the repr of a value for use in an error message, truncated where it is long.

    A status travels in HTTP/2 headers, which clients limit to 8 KiB: a longer one would reach the
    caller as a broken header instead of as the error.
    """
    return shorten(repr(value))


def shorten(text: str) -> str:
    """Return a text, truncated where it is long."""
    return text if len(text) <= _MAX_QUOTED else f"{text[:_MAX_QUOTED]}… ({len(text)} characters)"


def unimplemented(why: str) -> StatusError:
    """Return UNIMPLEMENTED for an RPC that the emulator does not serve."""
    return StatusError(grpc.StatusCode.UNIMPLEMENTED, why)


def _error_info(reason: str, **metadata: str) -> Message:
    # By the names of resources: those of the Gemini API belong to no project or publisher.
    is_vertex = metadata.get("resource", "").startswith(("projects/", "publishers/", "endpoints/"))
    domain = _VERTEX_DOMAIN if is_vertex else _DOMAIN
    return error_details_pb2.ErrorInfo(reason=reason, domain=domain, metadata=metadata)
