"""JSON-only fields and RPCs: gRPC cannot carry them, so they are refused before anything is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from gemwire._transport.serialized_message import SerializedMessage
from gemwire_runtime import json_only
from gemwire_runtime.method import AnyMethod

_ADVICE = "use a client with transport='rest' or transport='auto'"


def check_method(method: AnyMethod) -> None:
    """Raise ValueError for an RPC that exists over HTTP only."""
    if method.http_only:
        raise ValueError(f"{method.name} is not available over gRPC; {_ADVICE}")


def serialize_for_grpc(method: AnyMethod, request: Message) -> bytes:
    """Serialize a request of a method that ``may_hold_json_only``.

    Raises:
        ValueError: A JSON-only field is set.
    """
    data = request.SerializeToString()
    if json_only.suspect(data):
        message = request.parse() if isinstance(request, SerializedMessage) else request
        if paths := json_only.paths(message):
            name = method.request.DESCRIPTOR.name
            raise ValueError(
                f"{', '.join(f'{name}.{path}' for path in paths)}: not available over gRPC; {_ADVICE}"
            )
    return data


def check_request(method: AnyMethod, request: Message) -> Message:
    """Return a request of a method that ``may_hold_json_only`` as it is. Raises like `serialize_for_grpc`."""
    serialize_for_grpc(method, request)
    return request


class CheckedCallable:
    """A multicallable of a method whose requests may hold JSON-only fields."""

    __slots__ = ("_method", "_multicallable", "_prepare")

    def __init__(
        self,
        method: AnyMethod,
        multicallable: Callable[..., Any],
        prepare: Callable[[AnyMethod, Message], bytes | Message],
    ) -> None:
        """Wrap a multicallable.

        Args:
            method: The RPC.
            multicallable: Makes its calls: without a serializer for bytes, with one for messages.
            prepare: Checks a request: `serialize_for_grpc`, or `check_request` for messages.
        """
        self._method = method
        self._multicallable = multicallable
        self._prepare = prepare

    def __call__(self, request: Message, *, timeout: float | None, metadata: object) -> Any:
        """Start a call."""
        return self._multicallable(self._prepare(self._method, request), timeout=timeout, metadata=metadata)

    def future(self, request: Message, *, timeout: float | None, metadata: object) -> Any:
        """Start a call in the background, as the unary multicallables of grpc do."""
        start: Callable[..., Any] = getattr(self._multicallable, "future")  # noqa: B009
        return start(self._prepare(self._method, request), timeout=timeout, metadata=metadata)
