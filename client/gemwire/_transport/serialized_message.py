"""Requests and responses that stay serialized: bytes in the place of a message.

Of a serialized request, only the fields that a call is routed by are read. A message type that has no other
fields parses them: everything else is unknown to it and is skipped, and the last occurrence on the wire
counts, as everywhere.
"""

from __future__ import annotations

import dataclasses
import functools
import operator
from typing import ClassVar, TypeVar, cast

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import DecodeError, Message

from gemwire._transport.undecodable import describe
from gemwire_runtime import json_only
from gemwire_runtime.method import AnyMethod
from gemwire_runtime.upb import DescriptorPool, MessageMeta
from gemwire_runtime.varint import varint

_Self = TypeVar("_Self", bound="SerializedMessage")


class SerializedMessage:
    """A serialized message, parsed when a field is read. It takes the place of a `Message`.

    Attributes:
        message_type: The class of the message.
        routing_type: A message class with only the fields that calls are routed by.
        data: The bytes.
    """

    __slots__ = ("_parsed", "_routing", "_suspect", "data")

    message_type: ClassVar[type[Message]]
    routing_type: ClassVar[type[Message]]
    DESCRIPTOR: ClassVar[Descriptor]

    def __init__(self, data: bytes, routing: Message | None = None, *, suspect: bool | None = None) -> None:
        """Take the place of a message.

        ``routing``: the fields that the call is routed by; responses have none. ``suspect``: whether the
        bytes may hold JSON-only fields, where that is known already.
        """
        self.data = data
        self._routing = routing
        self._suspect = suspect
        self._parsed: Message | None = None

    @classmethod
    def from_bytes(cls: type[_Self], data: object) -> _Self:
        """Build a request from a caller's bytes.

        Raises:
            ValueError: The bytes are not a message. Its nested messages are not checked.
            TypeError: ``data`` is not bytes.
        """
        name = cls.DESCRIPTOR.name
        if type(data) is not bytes:
            if not isinstance(data, (bytes, bytearray, memoryview)):
                raise TypeError(f"data: expected the bytes of a {name}, got {type(data).__name__}")
            data = bytes(data)
        try:
            return cls(data, cls.routing_type.FromString(data))
        except DecodeError as error:
            raise ValueError(f"data: {describe(data, name, error)}") from None

    @classmethod
    def FromString(cls, data: bytes) -> bytes:  # noqa: N802 - the interface of messages
        """Return the bytes of a response as they are.

        Raises:
            DecodeError: They are not a message. Its nested messages are not checked.
        """
        cls.routing_type.FromString(data)
        return data

    def SerializeToString(self) -> bytes:  # noqa: N802 - the interface of messages
        """Return the bytes."""
        return self.data

    def is_suspect(self) -> bool:
        """Return whether the bytes may hold JSON-only fields; False is certain."""
        if self._suspect is None:
            self._suspect = json_only.suspect(self.data)
        return self._suspect

    def ByteSize(self) -> int:  # noqa: N802 - the interface of messages
        """Return the number of bytes."""
        return len(self.data)

    def parse(self) -> Message:
        """Return the message.

        Raises:
            ValueError: The bytes are not a message.
        """
        if self._parsed is None:
            try:
                self._parsed = self.message_type.FromString(self.data)
            except DecodeError as error:
                raise ValueError(f"data: {describe(self.data, self.DESCRIPTOR.name, error)}") from None
        return self._parsed

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return getattr(self.parse(), name)
        except ValueError as error:
            raise AttributeError(name) from error

    def __str__(self) -> str:
        try:
            return str(self.parse())
        except ValueError:
            return f"{len(self.data)} bytes that are no {self.DESCRIPTOR.name}"


@functools.cache
def with_serialized_request(method: AnyMethod) -> AnyMethod:
    """Return the same RPC with serialized requests; its responses are messages."""
    return dataclasses.replace(method, request=_serialized_type(method.request, method.routing))


@functools.cache
def with_serialized_messages(method: AnyMethod) -> AnyMethod:
    """Return the same RPC with serialized requests and responses."""
    return dataclasses.replace(
        method,
        request=_serialized_type(method.request, method.routing),
        response=_serialized_type(method.response, ()),
    )


def _serialized_type(message_type: type[Message], routing: tuple[str, ...]) -> type[Message]:
    attributes: dict[str, object] = {
        "__slots__": (),
        "__doc__": SerializedMessage.__doc__,
        "message_type": message_type,
        "routing_type": _create_routing_type(message_type, routing),
        "DESCRIPTOR": message_type.DESCRIPTOR,
    }
    for name in {path.partition(".")[0] for path in routing}:
        attributes[name] = property(operator.attrgetter(f"_routing.{name}"))
    created = type(f"Serialized{message_type.__name__}", (SerializedMessage,), attributes)
    # A method's types are messages; the transport uses of them what SerializedMessage has, too.
    return cast("type[Message]", created)


def _create_routing_type(message_type: type[Message], routing: tuple[str, ...]) -> type[Message]:
    """Create a message class with only those fields that lead to the values a call is routed by."""
    package = message_type.DESCRIPTOR.full_name
    file = _text(1, "routes.proto") + _text(2, package) + _text(12, "proto3")
    fields: dict[str, dict[str, bytes]] = {"Routes": {}}
    for path in routing:
        parent = cast("Descriptor", message_type.DESCRIPTOR)
        owner = "Routes"
        for name in path.split("."):
            found = parent.fields_by_name[name]
            field = _text(1, name) + _number(3, found.number) + _number(4, _OPTIONAL) + _number(5, found.type)
            if found.message_type is not None:
                parent = found.message_type
                field += _text(6, f".{package}.{owner}_{name}")
            fields.setdefault(owner, {})[name] = _part(2, field)
            owner = f"{owner}_{name}"
    for name, members in fields.items():
        file += _part(4, _text(1, name) + b"".join(members.values()))
    pool = DescriptorPool()
    pool.AddSerializedFile(file)
    descriptor = pool.FindMessageTypeByName(f"{package}.Routes")
    created: type[Message] = MessageMeta(
        "Routes", (Message,), {"DESCRIPTOR": descriptor, "__module__": __name__}
    )
    return created


# A FileDescriptorProto, encoded by hand: importing ``descriptor_pb2`` costs more than everything else here.

#: ``FieldDescriptorProto.LABEL_OPTIONAL``.
_OPTIONAL = 1


def _number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def _part(field: int, data: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(data)) + data


def _text(field: int, text: str) -> bytes:
    return _part(field, text.encode())
