"""JSON-only fields and RPCs: gRPC cannot carry them, so they go over HTTP, or are refused.

Clients with an HTTP route (``transport="auto"``, and `gemwire.genai` by default) send them over HTTP.
Others refuse them before anything is sent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from google.protobuf.message import Message

from gemwire._transport.connection import HttpRoute
from gemwire._transport.request_message import to_message
from gemwire._transport.serialized_message import SerializedMessage
from gemwire_runtime import json_only
from gemwire_runtime.method import AnyMethod, Method

_Request = TypeVar("_Request", bound=Message)
_Response = TypeVar("_Response", bound=Message)

_ADVICE = "use a client with transport='rest' or transport='auto'"
#: Fields that an error names.
_MAX_NAMED = 3


def route_method(method: AnyMethod, http: HttpRoute | None) -> Callable[..., Any]:
    """Return the callable of an RPC that exists over HTTP only, or raise ValueError without a route."""
    if http is None:
        raise ValueError(f"{method.name} is not available over gRPC; {_ADVICE}")
    return http(method.name).callable(method)


def to_grpc_request(method: Method[_Request, _Response], value: object) -> _Request:
    """Return one of several requests as a message. Raises ValueError if it has JSON-only fields."""
    request = to_message(method.request, value, "request")
    if (
        method.may_hold_json_only
        and may_be_in(request, request.SerializeToString())
        and (paths := _find_paths(request))
    ):
        raise _build_error(method, paths)
    return request


def to_bidi_request(call: object, method: Method[_Request, _Response], value: object) -> _Request:
    """Return one of several requests of a call as a message; raises as `to_grpc_request`, over gRPC."""
    if getattr(call, "carries_json", False):
        return to_message(method.request, value, "request")
    return to_grpc_request(method, value)


def may_be_in(request: Message, data: bytes) -> bool:
    """Return whether a request may hold a JSON-only field; see `gemwire_runtime.json_only.may_be_in`."""
    if isinstance(request, SerializedMessage):
        return request.is_suspect()
    return json_only.may_be_in(request, data)


def _find_paths(request: Message) -> list[str]:
    message = request.parse() if isinstance(request, SerializedMessage) else request
    json_only.refuse_vertex_fields(message)
    return json_only.paths(message)


def _build_error(method: AnyMethod, paths: list[str]) -> ValueError:
    fields = ", ".join(f"{method.request.DESCRIPTOR.name}.{path}" for path in paths[:_MAX_NAMED])
    if len(paths) > _MAX_NAMED:
        fields += f" and {len(paths) - _MAX_NAMED} more"
    return ValueError(f"{fields}: not available over gRPC; {_ADVICE}")


def route_requests(
    method: AnyMethod, multicallable: Callable[..., Any], http: HttpRoute | None, *, as_bytes: bool
) -> Callable[..., Any]:
    """Wrap a multicallable, so that requests with JSON-only fields take the HTTP route.

    Without one they raise ValueError. ``as_bytes``: the multicallable has no serializer, so that a request is
    serialized once.
    """
    serialize = method.request.SerializeToString

    def route(request: Message) -> tuple[Callable[..., Any], Message | bytes]:
        """Return what makes the call of a request, and what to give it."""
        data = serialize(request)
        if may_be_in(request, data) and (paths := _find_paths(request)):
            if http is None:
                raise _build_error(method, paths)
            return http(", ".join(paths)).callable(method), request
        return multicallable, data if as_bytes else request

    def call(request: Message, *, timeout: float | None, metadata: object) -> Any:
        data = serialize(request)
        if may_be_in(request, data):
            to, sent = route(request)
            return to(sent, timeout=timeout, metadata=metadata)
        return multicallable(data if as_bytes else request, timeout=timeout, metadata=metadata)

    def start(request: Message, *, timeout: float | None, metadata: object) -> Any:
        to, sent = route(request)
        future: Callable[..., Any] = getattr(to, "future")  # noqa: B009
        return future(sent, timeout=timeout, metadata=metadata)

    # Unary multicallables of grpc have further ways to make a call.
    setattr(call, "route", route)  # noqa: B010
    setattr(call, "future", start)  # noqa: B010
    return call
