"""The result of a line, as it is written to the output or to the failures."""

from __future__ import annotations

import json
from typing import NamedTuple

from gemwire._transport.call_json import to_error_tree
from gemwire.errors import APIError, PermissionDenied, ResourceExhausted, ServerError, Unauthenticated
from gemwire_proto.v1beta import GenerateContentResponse

#: Reasons with which every call of these credentials fails, whatever the status.
_FATAL_REASONS = frozenset(
    {"API_KEY_INVALID", "API_KEY_SERVICE_BLOCKED", "SERVICE_DISABLED", "USER_LOCATION_INVALID"}
)


class LineResult(NamedTuple):
    """Result of a line.

    Attributes:
        number: Line number.
        record: What to write: a line of JSON without its ending, or the bytes of a row.
        failed: Whether it belongs to the failures.
        tokens_in: Tokens of the request, as reported by the service.
        tokens_out: Tokens of the response, as reported by the service.
        fatal: Error with which all other lines would fail, too. The line does not count as finished.
        service_error: Error message, if the cause may be the service rather than the line.
    """

    number: int
    record: bytes = b""
    failed: bool = False
    tokens_in: int = 0
    tokens_out: int = 0
    fatal: APIError | None = None
    service_error: str = ""


def json_record(number: int, key: object, **fields: object) -> bytes:
    """Return a line of the output or of the failures. Scans rely on how it begins."""
    record = {"line": number, "key": key, **fields}
    try:
        return json.dumps(record, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:  # Half of a surrogate pair in the key.
        return json.dumps(record, allow_nan=False).encode()


def response_result(
    number: int, key: object, response: object, usage: GenerateContentResponse.UsageMetadata
) -> LineResult:
    """Return the result of a line with a response in JSON and its token counts."""
    return LineResult(
        number,
        json_record(number, key, response=response),
        tokens_in=usage.prompt_token_count,
        tokens_out=usage.candidates_token_count + usage.thoughts_token_count,
    )


def invalid_result(number: int, key: object, message: str, *, crashed: bool = False) -> LineResult:
    """Return the result of a line that cannot be sent, or whose processing has crashed."""
    code, status = (500, "INTERNAL") if crashed else (400, "INVALID_ARGUMENT")
    error = {"code": code, "status": status, "message": message, "details": [], "attempts": 0}
    return LineResult(number, json_record(number, key, error=error), failed=True)


def failed_result(number: int, key: object, error: APIError, *, names_resources: bool = False) -> LineResult:
    """Return the result of a failed call; access to the resources that it names may be denied separately."""
    denied = isinstance(error, (Unauthenticated, PermissionDenied)) and not names_resources
    if denied or error.reason in _FATAL_REASONS:
        return LineResult(number, fatal=error)
    tree = to_error_tree(error)
    fields = {
        "code": error.code,
        "status": error.status,
        "message": tree.get("message", ""),
        "details": tree.get("details", []),
        "attempts": error.attempts,
    }
    service_error = str(error) if isinstance(error, (ServerError, ResourceExhausted)) else ""
    return LineResult(
        number, json_record(number, key, error=fields), failed=True, service_error=service_error
    )
