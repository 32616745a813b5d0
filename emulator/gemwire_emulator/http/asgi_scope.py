"""Reading ASGI scopes: path, query, headers, and the call that a request makes."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from urllib.parse import parse_qsl

import grpc
from google.protobuf.message import Message
from starlette.types import Scope

from gemwire_emulator.call import Call
from gemwire_emulator.errors import StatusError, invalid_argument, quote, shorten
from gemwire_emulator.http.connection import get_connection
from gemwire_emulator.http.router import VERSIONS
from gemwire_runtime.method import Method

Query = Sequence[tuple[str, str]]


def get_path(scope: Scope) -> str:
    """Return the path as it was sent, percent-encoded, with a single leading slash."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return "/" + raw.partition(b"?")[0].decode("latin-1").lstrip("/")


def get_query(scope: Scope) -> Query:
    """Return the query parameters in order."""
    raw: bytes = scope["query_string"]
    return parse_qsl(raw.decode("latin-1"), keep_blank_values=True) if raw else ()


def get_headers(scope: Scope) -> dict[str, str]:
    """Return the headers with lower-case names; values of repeated headers are joined by commas."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


def check_route(scope: Scope, *verbs: str) -> None:
    """Check version and verb of a route that is not bound to an RPC.

    Raises:
        StatusError: The version does not exist, or the route does not support the verb.
    """
    if scope["path_params"]["version"] not in VERSIONS or scope["method"] not in verbs:
        raise create_path_error(scope)


def create_path_error(scope: Scope) -> StatusError:
    """Create the error of a path that does not exist, at least not for the verb."""
    message = f"Not Found: the requested URL {shorten(get_path(scope))} was not found on this server"
    return StatusError(grpc.StatusCode.NOT_FOUND, f"{message} for {scope['method']}.")


def create_call(
    method: Method[Message, Message],
    scope: Scope,
    headers: dict[str, str],
    query: Query,
    front: str = "http",
) -> Call:
    """Create the call that a request makes.

    The API key is read from the header or from ``?key=``, a token of live sessions from ``?access_token=``,
    the deadline from X-Server-Timeout, which Google's clients send.

    Args:
        method: The RPC.
        scope: ASGI's.
        headers: Its headers; become the metadata of the call.
        query: The query parameters.
        front: See `Call`.

    Raises:
        StatusError: X-Server-Timeout is not a number.
    """
    for name, value in query:
        if name == "key":
            headers.setdefault("x-goog-api-key", value)
        elif name == "access_token":
            headers.setdefault("authorization", f"Token {value}")
    host, port = scope.get("client") or ("", 0)
    peer = f"ipv6:[{host}]:{port}" if ":" in host else f"ipv4:{host}:{port}"
    call = Call(method, headers, front=front, peer=peer)
    connection = get_connection(scope)
    if connection is not None:
        call.go_away = connection.go_away
    if "x-server-timeout" in headers:
        try:
            seconds = float(headers["x-server-timeout"])
        except ValueError:
            seconds = math.nan
        if math.isnan(seconds):  # As a time of a timer, it would disorder the others.
            reason = f"{quote(headers['x-server-timeout'])} is not a number of seconds"
            raise invalid_argument("X-Server-Timeout", reason)
        deadline = time.monotonic() + seconds
        call.remaining = lambda: deadline - time.monotonic()
    return call
