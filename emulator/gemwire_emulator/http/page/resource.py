"""One path of the control API: guarded, JSON in and out, errors as the API writes them."""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import grpc

from gemwire_emulator.errors import StatusError, invalid_argument
from gemwire_emulator.http import replies
from gemwire_emulator.http.body import Gone, Receive, whole
from gemwire_emulator.http.json_errors import Problem, error_of, status_of
from gemwire_emulator.http.page.guard import Guard
from gemwire_emulator.http.requests import Scope, headers_of, path_of, query_of

#: Bytes that what is sent here may have.
_MOST_BYTES = 2**20
#: What every answer below ``/emulator`` says: not to be kept, not to be guessed at.
HEADERS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
}


@dataclass
class Asked:
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


Handler = Callable[[Asked], Awaitable[Any]]


class Resource:
    """An ASGI application for one path."""

    def __init__(self, guard: Guard, **handlers: Handler) -> None:
        """``handlers``: by verb; what they return is the answer."""
        self._guard = guard
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: replies.Send) -> None:
        """Serve one request."""
        headers = headers_of(scope)
        try:
            self._guard.check(scope["method"], headers)
            handler = self._handler(scope)
            asked = Asked(
                headers.get("host", ""), scope["scheme"], scope["path_params"], dict(query_of(scope))
            )
            if body := await whole(receive, headers, _MOST_BYTES):
                asked.body = _parsed(body)
            answer = await handler(asked)
            await replies.reply(send, json.dumps(answer).encode(), headers=HEADERS)
        except Gone:
            pass
        except StatusError as failure:
            await refuse(send, failure)

    def _handler(self, scope: Scope) -> Handler:
        if handler := self._handlers.get(scope["method"]):
            return handler
        verbs = ", ".join(self._handlers)
        raise Problem(
            405,
            grpc.StatusCode.UNIMPLEMENTED,
            f"{path_of(scope)} has no {scope['method']}; it has {verbs}.",
            {"allow": verbs},
        )


async def refuse(send: replies.Send, failure: StatusError) -> None:
    """Send an error."""
    headers = {**HEADERS, **(failure.headers if isinstance(failure, Problem) else {})}
    body = json.dumps(error_of(failure)).encode()
    await replies.reply(send, body, status_of(failure), headers=headers)


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
