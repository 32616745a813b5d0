"""JSON-only fields and RPCs: gRPC cannot carry them, so they are refused before anything is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from gemwire._transport.serialized_message import SerializedMessage
from gemwire_runtime import json_only
from gemwire_runtime.method import AnyMethod

#: Fields that an error names.
_MAX_NAMED = 3
_ADVICE = "use a client with transport='rest' or transport='auto'"


def check_method(method: AnyMethod) -> None:
    """Raise ValueError for an RPC that exists over HTTP only."""
    if method.http_only:
        raise ValueError(f"{method.name} is not available over gRPC; {_ADVICE}")


def check_request(method: AnyMethod, request: Message) -> None:
    """Raise ValueError for a request with JSON-only fields, of a method that ``may_hold_json_only``."""
    if json_only.suspect(request.SerializeToString()):
        _check_fields(method, request)


def _check_fields(method: AnyMethod, request: Message) -> None:
    message = request.parse() if isinstance(request, SerializedMessage) else request
    if paths := json_only.paths(message):
        name = method.request.DESCRIPTOR.name
        raise ValueError(
            f"{', '.join(f'{name}.{path}' for path in paths)}: not available over gRPC; {_ADVICE}"
        )


def create_checked_callable(
    method: AnyMethod, multicallable: Callable[..., Any], *, as_bytes: bool
) -> Callable[..., Any]:
    """Wrap a multicallable, so that requests with JSON-only fields raise ValueError.

    Args:
        method: The RPC; it ``may_hold_json_only``.
        multicallable: Makes its calls.
        as_bytes: Whether it has no serializer: a request is then serialized only once, for the check.
    """
    serialize = method.request.SerializeToString
    suspect = json_only.suspect

    def call(request: Message, *, timeout: float | None, metadata: object) -> Any:
        data = serialize(request)
        if suspect(data):
            _check_fields(method, request)
        return multicallable(data if as_bytes else request, timeout=timeout, metadata=metadata)

    def start(request: Message, *, timeout: float | None, metadata: object) -> Any:
        check_request(method, request)
        sent = serialize(request) if as_bytes else request
        return getattr(multicallable, "future")(sent, timeout=timeout, metadata=metadata)  # noqa: B009

    # Unary multicallables of grpc have it for calls in the background.
    setattr(call, "future", start)  # noqa: B010
    return call
