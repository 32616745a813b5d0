"""What an HTTP request says about a call, beside its body."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import grpc

from gemwire_emulator.call import Call
from gemwire_emulator.errors import StatusError, invalid_argument
from gemwire_emulator.http.json_errors import HttpFailure
from gemwire_emulator.http.router import VERSIONS
from gemwire_runtime.method import Method

if TYPE_CHECKING:
    from gemwire_emulator.http.protocol import Connection

Scope = Mapping[str, Any]
Query = Sequence[tuple[str, str]]


def get_path(scope: Scope) -> str:
    """The path as it was sent, percent-encoded, without doubled slashes at its beginning."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return "/" + raw.partition(b"?")[0].decode("latin-1").lstrip("/")


def get_query(scope: Scope) -> Query:
    """The parameters, in order."""
    raw = scope["query_string"]
    return parse_qsl(raw.decode("latin-1"), keep_blank_values=True) if raw else ()


def get_headers(scope: Scope) -> dict[str, str]:
    """The headers; keys in lower case. Of those that are repeated, all values."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


def get_connection(scope: Scope) -> Connection | None:
    """The connection that a request came over; None where there is no socket below."""
    connection: Connection | None = scope.get("state", {}).get("connection")
    return connection


def check_route(scope: Scope, *verbs: str) -> None:
    """Refuse what a path that no RPC has does not serve: versions that there are not, and other verbs.

    Raises:
        StatusError: It is that.
    """
    if scope["path_params"]["version"] not in VERSIONS:
        raise StatusError(grpc.StatusCode.NOT_FOUND, f"There is nothing at {get_path(scope)}.")
    if scope["method"] not in verbs:
        allowed = ", ".join(verbs)
        raise HttpFailure(
            405,
            grpc.StatusCode.UNIMPLEMENTED,
            f"{get_path(scope)} has no {scope['method']}; it has {allowed}.",
            {"allow": allowed},
        )


def create_call(method: Method[Any, Any], scope: Scope, query: Query, front: str = "http") -> Call:
    """The call that a request makes.

    The API key is taken from the header or from ``?key=``; a deadline from X-Server-Timeout, as Google's
    clients send it.

    Args:
        method: The RPC.
        scope: ASGI's.
        query: The parameters.
        front: See `Call`.

    Raises:
        StatusError: X-Server-Timeout is no number.
    """
    headers = get_headers(scope)
    for name, value in query:
        if name == "key":
            headers.setdefault("x-goog-api-key", value)
    host, port = scope.get("client") or ("", 0)
    peer = f"ipv6:[{host}]:{port}" if ":" in host else f"ipv4:{host}:{port}"
    call = Call(method, headers, front=front, peer=peer)
    connection = get_connection(scope)
    if connection is not None:
        call.go_away = connection.go_away
    if "x-server-timeout" in headers:
        try:
            until = time.monotonic() + float(headers["x-server-timeout"])
        except ValueError:
            why = f"{headers['x-server-timeout']!r} is no number of seconds"
            raise invalid_argument("X-Server-Timeout", why) from None
        call.remaining = lambda: until - time.monotonic()
    return call
