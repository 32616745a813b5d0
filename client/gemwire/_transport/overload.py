"""Reports of overloaded servers (RESOURCE_EXHAUSTED, UNAVAILABLE) to pipelines, which slow down.

Retries hide such errors from the caller of a method; a pipeline that adapts its concurrency needs to know
of them. Attempts that succeed cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

from gemwire._transport.call_error import RpcError, has_code
from gemwire.errors import APIError, ResourceExhausted, Unavailable
from gemwire_runtime.status_code import StatusCode

#: Called with each overload error of the calls of this context, and the moment (``time.monotonic()``) at
#: which the attempt began; in the thread of the call.
listener: ContextVar[Callable[[APIError, float], object] | None] = ContextVar(
    "gemwire.overload", default=None
)

#: How the core words errors of connections that could not be made, and we do.
_UNCONNECTED = ("failed to connect to ", "errors resolving ", "DNS resolution failed")
#: How the core words its own errors, refused streams included; `rest.http_errors` does the same.
_OWN_ERRORS = (
    *_UNCONNECTED,
    "Stream removed (",
    "the connection broke: ",
    "CLIENT: Received message larger than max",
    "Decompressed message larger than max",
)


def is_overload(error: APIError) -> bool:
    """Return whether an error is a server's statement about its load rather than about the request.

    A connection that broke or could not be established is not: retrying puts no load on a server, and a
    restart would use up the retry budget with the calls that were in flight. Nor is a response that is
    larger than the client accepts.
    """
    return isinstance(error, (Unavailable, ResourceExhausted)) and not error.message.startswith(_OWN_ERRORS)


def is_unconnected(error: RpcError) -> bool:
    """Return whether an error says that no connection could be made, over gRPC or HTTP."""
    if not has_code(error, StatusCode.UNAVAILABLE):
        return False
    return (error.details() or "").startswith(_UNCONNECTED) or getattr(error, "may_be_refusal", False) is True


def report(error: APIError, began: float) -> None:
    """Report an overload error, of an attempt that began then, to the listener of this context."""
    notify = listener.get()
    if notify is not None:
        notify(error, began)
