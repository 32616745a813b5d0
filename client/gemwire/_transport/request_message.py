"""Request messages, from what a caller gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from google.protobuf.message import Message

from gemwire._transport.serialized_message import SerializedMessage
from gemwire_runtime.method import Method

_Request = TypeVar("_Request", bound=Message)


def create_request(method: Method[_Request, Any], request: object, flattened: tuple[object, ...]) -> _Request:
    """Return the request message of a call.

    Args:
        method: The RPC.
        request: A message, a dict of its fields, or None.
        flattened: Values of ``method.flattened``; None where not given.

    Raises:
        ValueError: Both were given, a field does not exist, or a value is out of range.
        TypeError: The request or a value is of a wrong type.
    """
    message_type = method.request
    if type(request) is message_type and flattened.count(None) == len(flattened):
        return request
    given = {
        name: value for name, value in zip(method.flattened, flattened, strict=False) if value is not None
    }
    if request is None:
        return message_type(**given)
    if given:
        raise ValueError(
            "If the `request` argument is set, then none of the individual field arguments should be set. "
            f"(got request and {', '.join(given)})"
        )
    return to_message(message_type, request, "request")


def to_message(message_type: type[_Request], value: object, argument: str) -> _Request:
    """Convert a dict, or a message of the same name from another descriptor pool, to ``message_type``.

    Raises:
        ValueError: A field does not exist, or a value is out of range.
        TypeError: ``value`` or a value inside is of a wrong type.
    """
    if type(value) is message_type:
        return value
    if issubclass(message_type, SerializedMessage):
        return message_type.from_bytes(value)
    if isinstance(value, Mapping):
        return message_type(**value)
    # proto-plus wrappers of Google's packages carry the message inside.
    inner = getattr(value, "_pb", value)
    if isinstance(inner, Message) and inner.DESCRIPTOR.full_name == message_type.DESCRIPTOR.full_name:
        return message_type.FromString(inner.SerializeToString())
    raise TypeError(
        f"{argument}: expected {message_type.__name__} or a dict of its fields, got {type(value).__name__}"
    )
