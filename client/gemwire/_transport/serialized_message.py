"""Requests and responses that stay bytes: what is sent and what arrives in the place of a message.

Of a request as bytes, only the fields that a call is routed by are read. They are read by a message type
that has no other fields: to it all else is unknown, so that nothing of it is looked into, and what comes
last on the wire counts, as everywhere.
"""

from __future__ import annotations

import dataclasses
import functools
import operator
from typing import Any, ClassVar

from google.protobuf.message import DecodeError, Message

from gemwire_runtime.method import Method
from gemwire_runtime.upb import DescriptorPool, MessageMeta
from gemwire_runtime.varint import varint


class Wire:
    """A serialised message. What is asked of it beyond its bytes is parsed then.

    Attributes:
        typed: Class of the message.
        routes: Class of messages with those of its fields that calls are routed by.
        data: The bytes.
    """

    __slots__ = ("_parsed", "_routes", "data")

    typed: ClassVar[Any]
    routes: ClassVar[Any]
    DESCRIPTOR: ClassVar[Any]
    #: What arrives is handed on as it is.
    FromString = bytes

    def __init__(self, data: bytes, routes: Any = None) -> None:
        """``routes``: the fields that the call is routed by; responses have none."""
        self.data = data
        self._routes = routes
        self._parsed: Any = None

    @classmethod
    def of(cls, data: Any) -> Any:
        """A request of what a caller gave.

        Raises:
            ValueError: The bytes are no message at all. What is inside of its fields is not looked at.
            TypeError: They are no bytes.
        """
        if type(data) is not bytes:
            if not isinstance(data, (bytes, bytearray, memoryview)):
                raise TypeError(f"data: expected the bytes of a {cls._name()}, got {type(data).__name__}")
            data = bytes(data)
        try:
            return cls(data, cls.routes.FromString(data))
        except DecodeError as error:
            raise cls._malformed(error) from None

    def SerializeToString(self) -> bytes:  # noqa: N802 - as messages have it
        """The bytes."""
        return self.data

    def ByteSize(self) -> int:  # noqa: N802 - as messages have it
        """How many there are."""
        return len(self.data)

    def parsed(self) -> Any:
        """The message.

        Raises:
            ValueError: The bytes are none.
        """
        if self._parsed is None:
            try:
                self._parsed = self.typed.FromString(self.data)
            except DecodeError as error:
                raise self._malformed(error) from None
        return self._parsed

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return getattr(self.parsed(), name)
        except ValueError as error:
            raise AttributeError(name) from error

    def __str__(self) -> str:
        try:
            return str(self.parsed())
        except ValueError:
            return f"{len(self.data)} bytes that are no {self._name()}"

    @classmethod
    def _name(cls) -> str:
        return str(cls.DESCRIPTOR.name)

    @classmethod
    def _malformed(cls, error: Exception) -> ValueError:
        # protobuf names its own class first, which means nothing to a caller.
        why = str(error).rpartition(": ")[2]
        return ValueError(f"data: these bytes are no {cls._name()}: {why}")


@functools.cache
def serialised(method: Method[Any, Any]) -> Method[Any, Any]:
    """The same RPC for requests that are bytes already; its responses are messages."""
    return dataclasses.replace(method, request=_wire(method.request, method.routing))


@functools.cache
def raw(method: Method[Any, Any]) -> Method[Any, Any]:
    """The same RPC for requests that are bytes, and responses that stay so."""
    return dataclasses.replace(
        method, request=_wire(method.request, method.routing), response=_wire(method.response, ())
    )


def _wire(kind: type[Message], routing: tuple[str, ...]) -> Any:
    attributes = {
        "__slots__": (),
        "__doc__": Wire.__doc__,
        "typed": kind,
        "routes": _routes(kind, routing),
        "DESCRIPTOR": kind.DESCRIPTOR,
    }
    for name in {path.partition(".")[0] for path in routing}:
        attributes[name] = property(operator.attrgetter(f"_routes.{name}"))
    return type(f"{kind.__name__}Wire", (Wire,), attributes)


def _routes(kind: type[Message], routing: tuple[str, ...]) -> Any:
    """A class of messages with those fields of another that lead to the values a call is routed by."""
    package = kind.DESCRIPTOR.full_name
    file = _text(1, "routes.proto") + _text(2, package) + _text(12, "proto3")
    fields: dict[str, dict[str, bytes]] = {"Routes": {}}
    for path in routing:
        described: Any = kind.DESCRIPTOR
        owner = "Routes"
        for name in path.split("."):
            found: Any = described.fields_by_name[name]
            described = found.message_type
            field = _text(1, name) + _number(3, found.number) + _number(4, _OPTIONAL) + _number(5, found.type)
            if found.message_type is not None:
                field += _text(6, f".{package}.{owner}_{name}")
            fields.setdefault(owner, {})[name] = _part(2, field)
            owner = f"{owner}_{name}"
    for name, members in fields.items():
        file += _part(4, _text(1, name) + b"".join(members.values()))
    pool = DescriptorPool()
    pool.AddSerializedFile(file)
    descriptor = pool.FindMessageTypeByName(f"{package}.Routes")
    return MessageMeta("Routes", (Message,), {"DESCRIPTOR": descriptor, "__module__": __name__})


# A FileDescriptorProto, written by hand: importing ``descriptor_pb2`` costs more than all else here.

#: As ``FieldDescriptorProto`` has it.
_OPTIONAL = 1


def _number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def _part(field: int, data: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(data)) + data


def _text(field: int, text: str) -> bytes:
    return _part(field, text.encode())
