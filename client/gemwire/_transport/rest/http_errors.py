"""Errors of HTTP responses and connections, as gRPC errors.

`HttpError` has the interface of grpc's errors: a code, a text, and trailing metadata with the details. So
retries, budgets and the errors that users see are the same over both.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from google.protobuf import json_format

from gemwire._transport.call_error import CallError
from gemwire._transport.retry import PUSHBACK
from gemwire._transport.status import DETAILS
from gemwire_runtime.pool import POOL
from gemwire_runtime.status_code import StatusCode

Headers = Sequence[tuple[str, str]]

#: How errors of connections begin, by which they are told from those of a server; the first as in gRPC.
UNCONNECTED = "failed to connect to all addresses; last error: "
BROKEN = "the connection broke: "
#: As gRPC's core begins the same error.
TOO_LARGE = "CLIENT: Received message larger than max"

#: google/rpc/code.proto, for errors of the API without the name of a status.
_CANONICAL = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    416: "OUT_OF_RANGE",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
#: Responses that do not come from the API, but from a proxy or a wrong server: mapped as gRPC does.
#: https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md
_FOREIGN = {
    200: "INTERNAL",
    400: "INTERNAL",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "UNIMPLEMENTED",
    407: "PERMISSION_DENIED",
    413: "INVALID_ARGUMENT",
    429: "UNAVAILABLE",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "UNAVAILABLE",
}


class HttpError(CallError):
    """A call over HTTP failed.

    Attributes:
        delivered: Whether the server may have received the call.
        of_api: Whether the error comes from the API.
        may_be_refusal: Whether the server may have refused the client's certificate: with TLS 1.3 it does
            when the client considers the connection made.
    """

    may_be_refusal = False

    def __init__(
        self,
        code: StatusCode,
        details: str,
        trailers: Sequence[tuple[str, str | bytes]] = (),
        *,
        delivered: bool = True,
        of_api: bool = False,
    ) -> None:
        super().__init__(code, details, trailers)
        self.delivered = delivered
        self.of_api = of_api


def from_response(status: int, headers: Headers, body: bytes) -> HttpError:
    """Convert a response whose status is not 200."""
    error = _find_api_error(body)
    if error is not None:
        return from_api_error(error, headers, status)
    named = {name.lower(): value for name, value in headers}
    if 300 <= status < 400:
        where = named.get("location", "elsewhere")
        text = f"HTTP {status}: redirected to {where!r}, which is not followed; check api_endpoint"
        return HttpError(StatusCode.UNKNOWN, text, headers)
    kind = named.get("content-type", "nothing").partition(";")[0]
    phrase = HTTPStatus(status).phrase if status in list(HTTPStatus) else ""
    text = f"HTTP {status} {phrase}".rstrip() + f", and {kind} instead of a response of the API"
    if summary := summarize(body):
        text += f": {summary}"
    code = StatusCode[_FOREIGN.get(status, "UNKNOWN")]
    return HttpError(code, text, [*headers, *_pushback(headers)])


def from_handshake(status: int, headers: Headers) -> HttpError:
    """Convert a response that opens no WebSocket, whose body the HTTP client does not read."""
    code = StatusCode[_FOREIGN.get(status, "UNKNOWN")]
    phrase = HTTPStatus(status).phrase if status in list(HTTPStatus) else ""
    text = f"HTTP {status} {phrase}".rstrip() + " instead of an open WebSocket"
    return HttpError(code, text, [*headers, *_pushback(headers)], delivered=False)


def from_api_error(error: Mapping[str, object], headers: Headers, status: int = 0) -> HttpError:
    """Convert an ``error`` object of the API.

    Args:
        error: The value of ``error``: code, message, status, details.
        headers: The header fields of the response.
        status: The HTTP status; 200 or 0 for an error within a stream.
    """
    from gemwire_proto.google.rpc import error_details_pb2, status_pb2  # noqa: F401 - brings the types

    name = str(error.get("status", ""))
    number = error.get("code")
    if name not in StatusCode.__members__:
        known = number if isinstance(number, int) and number in _CANONICAL else status
        name = _CANONICAL.get(known, "UNKNOWN")
    code = StatusCode[name]
    packed = status_pb2.Status(code=code, message=str(error.get("message", "")))
    details = error.get("details")
    for detail in details if isinstance(details, list) else ():
        try:
            json_format.ParseDict(
                detail, packed.details.add(), ignore_unknown_fields=True, descriptor_pool=POOL
            )
        except (json_format.Error, AttributeError, TypeError, ValueError, RecursionError):
            # An unknown type, or a damaged detail: keep the others.
            del packed.details[-1]
    trailers: list[tuple[str, str | bytes]] = [*headers]
    if packed.details:
        trailers.append((DETAILS, packed.SerializeToString()))
    if not any(detail.type_url.endswith("google.rpc.RetryInfo") for detail in packed.details):
        trailers += _pushback(headers)
    return HttpError(code, packed.message, trailers, of_api=True)


def _find_api_error(body: bytes) -> dict[str, object] | None:
    try:
        tree = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if isinstance(tree, list) and tree:
        # Errors of streams that are requested as a JSON array.
        tree = tree[0]
    error = tree.get("error") if isinstance(tree, dict) else None
    return error if isinstance(error, dict) else None


def _pushback(headers: Headers) -> list[tuple[str, str | bytes]]:
    """Convert ``Retry-After`` in seconds to gRPC's pushback."""
    for name, value in headers:
        if name.lower() == "retry-after" and value.isdecimal() and len(value) < 7:
            return [(PUSHBACK, f"{value}000")]
    return []


def response_too_large(limit: int) -> HttpError:
    """Return the error of a response or an event of more than ``limit`` bytes."""
    return HttpError(
        StatusCode.RESOURCE_EXHAUSTED, f"{TOO_LARGE} ({limit} bytes, client_options.max_response_size)"
    )


_TITLE = re.compile(rb"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(rb"<(script|style).*?</\1>|<[^>]*>", re.IGNORECASE | re.DOTALL)
#: Keys and tokens: pages of proxies and login pages show what they were sent.
_SECRET = re.compile(
    r"((?:key|token|secret|password|upload_id|authorization|bearer)\W{1,3}(?:bearer )?)[\w.~+/-]{8,}"
    r"|AIza[\w-]{20,}|ya29\.[\w.-]+",
    re.IGNORECASE,
)


def summarize(body: bytes) -> str:
    """Return one line of a page's text, without what looks like a key or a token."""
    title = _TITLE.search(body)
    text = title.group(1) if title else _TAG.sub(b" ", body[:4096])
    line = " ".join(text.decode("utf-8", "replace").split())
    return _SECRET.sub(lambda found: (found[1] or "") + "***", line)[:200]
