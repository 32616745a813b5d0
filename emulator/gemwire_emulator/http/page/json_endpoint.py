"""A path of the control API: protected from foreign pages, with JSON requests, responses and errors."""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import grpc
from starlette.types import Receive, Scope, Send

from gemwire_emulator.errors import StatusError, invalid_argument
from gemwire_emulator.http.asgi_scope import get_headers, get_path, get_query
from gemwire_emulator.http.json_errors import HttpError
from gemwire_emulator.http.page.csrf_guard import CsrfGuard
from gemwire_emulator.http.request_body import ClientDisconnected, read_body
from gemwire_emulator.http.responses import send_error, send_response

#: Limit of a request body, in bytes.
_MAX_BODY_BYTES = 2**20
#: Headers of every response below ``/emulator``: not cached, not sniffed, not embedded.
HEADERS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
}


@dataclass(frozen=True)
class ControlRequest:
    """A request.

    Attributes:
        host: Host header.
        scheme: ``http`` or ``https``.
        path: The variables of the path.
        query: The query parameters.
        body: The parsed JSON; None if the body is empty.
    """

    host: str
    scheme: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: object

    def get_int(self, name: str, default: int, maximum: int = 2**63) -> int:
        """Return an integer query parameter.

        Raises:
            StatusError: The parameter is not an integer from 0 to ``maximum``.
        """
        text = self.query.get(name, str(default))
        if not text.isdecimal() or int(text) > maximum:
            raise invalid_argument(name, f"{text!r} is not an integer from 0 to {maximum}")
        return int(text)


Handler = Callable[[ControlRequest], Awaitable[dict[str, object]]]


class JsonEndpoint:
    """A path, as an ASGI application."""

    def __init__(self, guard: CsrfGuard, **handlers: Handler) -> None:
        """Serve a path.

        Args:
            guard: Rejects foreign pages.
            **handlers: By verb; they return the response.
        """
        self._guard = guard
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        headers = get_headers(scope)
        try:
            self._guard.check(scope["method"], headers)
            handler = self._handlers.get(scope["method"])
            if handler is None:
                verbs = ", ".join(self._handlers)
                message = f"{get_path(scope)} does not support {scope['method']}; supported: {verbs}."
                raise HttpError(405, grpc.StatusCode.UNIMPLEMENTED, message, {"allow": verbs})
            body = await read_body(receive, headers, _MAX_BODY_BYTES)
            request = ControlRequest(
                host=headers.get("host", ""),
                scheme=scope["scheme"],
                path=scope["path_params"],
                query=dict(get_query(scope)),
                body=_parse_body(body) if body else None,
            )
            response = await handler(request)
            await send_response(send, json.dumps(response).encode(), headers=HEADERS)
        except ClientDisconnected:
            pass
        except StatusError as error:
            await send_control_error(send, error)


async def send_control_error(send: Send, error: StatusError) -> None:
    """Send an error with the headers of the control API."""
    await send_error(send, error, HEADERS)


def _parse_finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is not a finite number")
    return number


def _parse_body(body: bytes) -> object:
    try:
        # Infinity and NaN are not JSON, and could not be written in responses.
        parsed: object = json.loads(body, parse_constant=_parse_finite, parse_float=_parse_finite)
        return parsed
    except (ValueError, RecursionError) as error:
        message = f"The request body is not valid JSON: {error}."
        raise StatusError(grpc.StatusCode.INVALID_ARGUMENT, message) from None
