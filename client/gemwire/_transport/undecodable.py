"""Responses that are no message: bytes that cannot be decoded, or status OK without a whole message.

grpc and grpc.aio swallow what a deserializer raises: unary calls then return None, streams yield None, end
or hang. So the deserializers here return an error in the place of the message; whoever reads it raises it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from gemwire._transport.call_error import CallError
from gemwire_runtime.method import AnyMethod
from gemwire_runtime.status_code import StatusCode

_Response = TypeVar("_Response")


class UndecodableResponse(CallError):
    """The error of a call whose response is no message. It has the interface of grpc's errors."""

    def __init__(self, method: AnyMethod, data: bytes | None = None, error: Exception | None = None) -> None:
        """Describe what came: bytes, and why they cannot be decoded; without ``data``, no message at all."""
        name = method.response.DESCRIPTOR.name
        if data is None or error is None:
            text = f"the call ended with status OK, but without a complete {name}"
        else:
            text = f"the response is {describe(data, name, error)}"
        super().__init__(StatusCode.INTERNAL, text)

    def __getattr__(self, name: str) -> object:
        # An interceptor of the user's may read fields of what it takes for a response.
        if name.startswith("__"):
            raise AttributeError(name)
        raise self


def describe(data: bytes, name: str, error: Exception) -> str:
    """Describe bytes that cannot be decoded as a message of this name, for an error."""
    # protobuf's text begins with the type; only some versions say more.
    reason = str(error).rpartition("': ")[2]
    return f"{len(data)} bytes that are no {name}: {reason}"


def check_response(response: _Response, method: AnyMethod) -> _Response:
    """Return a response of grpc if it is a message, or raise `UndecodableResponse`."""
    if response is None:
        raise UndecodableResponse(method)
    if isinstance(response, UndecodableResponse):
        raise response
    return response


def build_deserializer(method: AnyMethod) -> Callable[[bytes | None], object]:
    """Return a deserializer for grpc that returns an `UndecodableResponse` where another would raise."""
    parse: Callable[[bytes | None], object] = method.response.FromString

    def deserialize(data: bytes | None) -> object:
        try:
            return parse(data)
        except Exception as error:
            return UndecodableResponse(method, data, error)

    return deserialize
