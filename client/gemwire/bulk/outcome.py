"""What became of a line, as the lines of the output and of the failures have it."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from gemwire._transport.call_json import to_error_tree
from gemwire.errors import APIError, PermissionDenied, ResourceExhausted, ServerError, Unauthenticated

#: Reasons under which no call of these credentials will ever succeed, whatever their status is.
_HOPELESS = frozenset(
    {"API_KEY_INVALID", "API_KEY_SERVICE_BLOCKED", "SERVICE_DISABLED", "USER_LOCATION_INVALID"}
)


class Outcome(NamedTuple):
    """What became of a line.

    Attributes:
        number: Of the line.
        record: What is written of it: a line of JSON without its end, or the bytes of a row.
        failed: Whether it belongs to the failures.
        tokens_in: Tokens of the request, as far as the service counted them.
        tokens_out: Tokens of the response.
        hopeless: The error after which the others need not be tried. The line is not finished then.
        ailing: What the service said, where it may be its fault and not the line's.
    """

    number: int
    record: bytes = b""
    failed: bool = False
    tokens_in: int = 0
    tokens_out: int = 0
    hopeless: APIError | None = None
    ailing: str = ""


def record(number: int, key: Any, **rest: Any) -> bytes:
    """A line of the output or the failures; a scan of it goes by how it begins.

    Args:
        number: Of the line.
        key: What the line is called in the input; None for nothing.
        rest: What else it says.
    """
    tree = {"line": number, "key": key, **rest}
    try:
        return json.dumps(tree, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # Half a character in the key.
        return json.dumps(tree).encode()


def answered(number: int, key: Any, response: Any, usage: Any = None) -> Outcome:
    """The outcome of a line that was answered.

    Args:
        number: Of the line.
        key: See `record`.
        response: JSON.
        usage: The response's counts of tokens.
    """
    out = usage.candidates_token_count + usage.thoughts_token_count if usage else 0
    return Outcome(
        number,
        record(number, key, response=response),
        tokens_in=usage.prompt_token_count if usage else 0,
        tokens_out=out,
    )


def refused(number: int, key: Any, message: str) -> Outcome:
    """The outcome of a line that could not be sent."""
    error = {"code": 400, "status": "INVALID_ARGUMENT", "message": message, "details": [], "attempts": 0}
    return Outcome(number, record(number, key, error=error), failed=True)


def lost(number: int, key: Any, message: str) -> Outcome:
    """The outcome of a line that whoever had it did not survive.

    Args:
        number: Of the line.
        key: See `record`.
        message: What happened.
    """
    error = {"code": 500, "status": "INTERNAL", "message": message, "details": [], "attempts": 0}
    return Outcome(number, record(number, key, error=error), failed=True)


def failed(number: int, key: Any, error: APIError, *, borrows: bool = False) -> Outcome:
    """The outcome of a line whose call failed.

    Args:
        number: Of the line.
        key: See `record`.
        error: It.
        borrows: Whether the request names something that may be denied while others are not.
    """
    denied = isinstance(error, (Unauthenticated, PermissionDenied)) and not borrows
    if denied or error.reason in _HOPELESS:
        return Outcome(number, hopeless=error)
    tree = to_error_tree(error)
    told = {
        "code": error.code,
        "status": error.status,
        "message": tree.get("message", ""),
        "details": tree.get("details", []),
        "attempts": error.attempts,
    }
    ailing = str(error) if isinstance(error, (ServerError, ResourceExhausted)) else ""
    return Outcome(number, record(number, key, error=told), failed=True, ailing=ailing)
