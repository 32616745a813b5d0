"""One path of the control API: guarded, JSON in and out, errors as the API writes them."""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import grpc

from gemwire_emulator.errors import StatusError, invalid_argument
from gemwire_emulator.http import responses
from gemwire_emulator.http.asgi_scope import Scope, get_headers, get_path, get_query
from gemwire_emulator.http.json_errors import HttpFailure, error_to_json, get_http_status
from gemwire_emulator.http.page.csrf_guard import CsrfGuard
from gemwire_emulator.http.request_body import ClientDisconnected, Receive, read_body

#: Bytes that what is sent here may have.
_MOST_BYTES = 2**20
#: What every answer below ``/emulator`` says: not to be kept, not to be guessed at.
HEADERS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
}


@dataclass
class ControlRequest:
    """A request.

    Attributes:
        host: What the client calls this server.
        scheme: ``http`` or ``https``.
        path: The variables of the path.
        query: The parameters.
        body: The JSON that came; None for nothing.
    """

    host: str
    scheme: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Any = None

    def number(self, name: str, otherwise: int, most: int = 2**63) -> int:
        """A parameter that is a whole number.

        Raises:
            StatusError: It is none.
        """
        text = self.query.get(name, str(otherwise))
        if not text.isdecimal() or int(text) > most:
            raise invalid_argument(name, f"{text!r} is no whole number from 0 to {most}")
        return int(text)


Handler = Callable[[ControlRequest], Awaitable[Any]]


class JsonEndpoint:
    """An ASGI application for one path."""

    def __init__(self, guard: CsrfGuard, **handlers: Handler) -> None:
        """``handlers``: by verb; what they return is the answer."""
        self._guard = guard
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: responses.Send) -> None:
        """Serve one request."""
        headers = get_headers(scope)
        try:
            self._guard.check(scope["method"], headers)
            handler = self._handler(scope)
            asked = ControlRequest(
                headers.get("host", ""), scope["scheme"], scope["path_params"], dict(get_query(scope))
            )
            if body := await read_body(receive, headers, _MOST_BYTES):
                asked.body = _parsed(body)
            answer = await handler(asked)
            await responses.send_response(send, json.dumps(answer).encode(), headers=HEADERS)
        except ClientDisconnected:
            pass
        except StatusError as failure:
            await send_control_error(send, failure)

    def _handler(self, scope: Scope) -> Handler:
        if handler := self._handlers.get(scope["method"]):
            return handler
        verbs = ", ".join(self._handlers)
        raise HttpFailure(
            405,
            grpc.StatusCode.UNIMPLEMENTED,
            f"{get_path(scope)} has no {scope['method']}; it has {verbs}.",
            {"allow": verbs},
        )


async def send_control_error(send: responses.Send, failure: StatusError) -> None:
    """Send an error."""
    headers = {**HEADERS, **(failure.headers if isinstance(failure, HttpFailure) else {})}
    body = json.dumps(error_to_json(failure)).encode()
    await responses.send_response(send, body, get_http_status(failure), headers=headers)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no number")
    return number


def _parsed(body: bytes) -> Any:
    try:
        # What is no number in JSON would be none in the answers either.
        return json.loads(body, parse_constant=_finite, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise StatusError(grpc.StatusCode.INVALID_ARGUMENT, f"The body is no JSON: {error}.") from None
