"""JSON-only fields and RPCs: gRPC cannot carry them, so they go over HTTP, or are refused.

Clients with an HTTP route (``transport="auto"``, and `gemwire.genai` by default) send them over HTTP.
Others refuse them before anything is sent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from gemwire._transport.connection import HttpRoute
from gemwire._transport.serialized_message import SerializedMessage
from gemwire_runtime import json_only
from gemwire_runtime.method import AnyMethod

_ADVICE = "use a client with transport='rest' or transport='auto'"


class JsonOnlyError(ValueError):
    """A request that gRPC cannot carry.

    Attributes:
        fields: The paths of its JSON-only fields, separated by commas.
    """

    def __init__(self, method: AnyMethod, paths: list[str]) -> None:
        name = method.request.DESCRIPTOR.name
        super().__init__(
            f"{', '.join(f'{name}.{path}' for path in paths)}: not available over gRPC; {_ADVICE}"
        )
        self.fields = ", ".join(paths)


def route_method(method: AnyMethod, http: HttpRoute | None) -> Callable[..., Any]:
    """Return the callable of an RPC that exists over HTTP only.

    Raises:
        ValueError: There is no HTTP route.
    """
    if http is None:
        raise ValueError(f"{method.name} is not available over gRPC; {_ADVICE}")
    return http(method.name).callable(method)


def serialize_for_grpc(method: AnyMethod, request: Message) -> bytes:
    """Serialize a request of a method that ``may_hold_json_only``.

    Raises:
        JsonOnlyError: A JSON-only field is set.
    """
    data = request.SerializeToString()
    if json_only.suspect(data):
        message = request.parse() if isinstance(request, SerializedMessage) else request
        if paths := json_only.paths(message):
            raise JsonOnlyError(method, paths)
    return data


def check_request(method: AnyMethod, request: Message) -> Message:
    """Return a request of a method that ``may_hold_json_only`` as it is. Raises like `serialize_for_grpc`."""
    serialize_for_grpc(method, request)
    return request


class CheckedCallable:
    """A multicallable of a method whose requests may hold JSON-only fields."""

    __slots__ = ("_http", "_method", "_multicallable", "_prepare")

    def __init__(
        self,
        method: AnyMethod,
        multicallable: Callable[..., Any],
        prepare: Callable[[AnyMethod, Message], bytes | Message],
        http: HttpRoute | None,
    ) -> None:
        """Wrap a multicallable.

        Args:
            method: The RPC.
            multicallable: Makes its calls: without a serializer for bytes, with one for messages.
            prepare: Checks a request: `serialize_for_grpc`, or `check_request` for messages.
            http: The HTTP route of requests that gRPC cannot carry; None to refuse them.
        """
        self._method = method
        self._multicallable = multicallable
        self._prepare = prepare
        self._http = http

    def __call__(self, request: Message, *, timeout: float | None, metadata: object) -> Any:
        """Start a call."""
        try:
            prepared = self._prepare(self._method, request)
        except JsonOnlyError as error:
            return self._over_http(error)(request, timeout=timeout, metadata=metadata)
        return self._multicallable(prepared, timeout=timeout, metadata=metadata)

    def future(self, request: Message, *, timeout: float | None, metadata: object) -> Any:
        """Start a call in the background, as the unary multicallables of grpc do."""
        start: Callable[..., Any] = getattr(self._multicallable, "future")  # noqa: B009
        try:
            prepared = self._prepare(self._method, request)
        except JsonOnlyError as error:
            start = getattr(self._over_http(error), "future")  # noqa: B009
            return start(request, timeout=timeout, metadata=metadata)
        return start(prepared, timeout=timeout, metadata=metadata)

    def _over_http(self, error: JsonOnlyError) -> Callable[..., Any]:
        if self._http is None:
            raise error
        return self._http(error.fields).callable(self._method)
