"""Model of the protos for the renderers, as plain values; `model_reader` builds it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from google.protobuf.descriptor_pb2 import FileDescriptorProto

from .families import ROOT, Family, Package
from .policy import Policy


class ModelError(Exception):
    """The protos hold something that has no Python name or form."""


@dataclass(frozen=True)
class Field:
    """One field of a message; ``type_name`` is a full proto name or a Python scalar."""

    name: str
    number: int
    comment: str
    kind: str  # "scalar", "enum" or "message"
    type_name: str
    repeated: bool
    presence: bool
    oneof: str | None
    behaviors: tuple[str, ...]
    references: tuple[str, ...]
    map_key: str | None = None


@dataclass(frozen=True)
class EnumValue:
    """One value of an enum."""

    name: str
    number: int
    comment: str


@dataclass(frozen=True)
class Enum:
    """An enum, top-level or nested."""

    name: str
    full_name: str
    comment: str
    values: tuple[EnumValue, ...]


@dataclass(frozen=True)
class Message:
    """A message, top-level or nested."""

    name: str
    full_name: str
    comment: str
    fields: tuple[Field, ...]
    oneofs: tuple[str, ...]
    messages: tuple[Message, ...]
    enums: tuple[Enum, ...]
    resource: tuple[str, tuple[str, ...]] | None

    def field(self, name: str) -> Field:
        """The field of that name."""
        return next(f for f in self.fields if f.name == name)


@dataclass(frozen=True)
class HttpBinding:
    """One REST form of an RPC."""

    verb: str
    template: str
    body: str


@dataclass(frozen=True)
class Method:
    """An RPC."""

    name: str
    snake: str
    comment: str
    request: str
    response: str
    kind: str  # "UNARY", "SERVER_STREAM", "CLIENT_STREAM" or "BIDI"
    flattened: tuple[str, ...]
    signatures: tuple[tuple[str, ...], ...]
    routing: tuple[str, ...]
    http: tuple[HttpBinding, ...]
    websocket: str  # path of the one that it has over HTTP
    items: str | None  # field of the response that holds a page's items
    operation: tuple[str, str] | None  # full names: response, metadata
    idempotent: bool  # changes nothing on the server
    http_only: bool
    may_hold_json_only: bool  # the request has, at some depth, a field that only JSON has
    policy: Policy


@dataclass(frozen=True)
class Resource:
    """A resource-name pattern that a service's messages mention."""

    snake: str
    pattern: str


@dataclass(frozen=True)
class Service:
    """A service and its RPCs."""

    name: str
    full_name: str
    snake: str
    comment: str
    host: str
    scopes: tuple[str, ...]
    methods: tuple[Method, ...]
    resources: tuple[Resource, ...]


@dataclass(frozen=True)
class File:
    """One proto file; ``home`` is None for files outside the families."""

    path: str
    package: str
    home: Package | None
    family: Family | None
    comment: str
    imports: tuple[str, ...]
    messages: tuple[Message, ...]
    enums: tuple[Enum, ...]
    services: tuple[Service, ...]

    @property
    def module(self) -> str:
        """Dotted name of the ``_pb2`` module."""
        return f"{ROOT}.{self.stem.replace('/', '.')}_pb2"

    @property
    def names(self) -> list[str]:
        """Plain names of its messages and enums."""
        return [*(message.name for message in self.messages), *(enum.name for enum in self.enums)]

    @property
    def stem(self) -> str:
        """Path without its extension, below the generated package."""
        return self.path.removesuffix(".proto")


@dataclass
class Model:
    """All files, and an index of every message and enum by full name.

    Attributes:
        files: In dependency order.
        messages: By full name.
        enums: By full name.
        homes: The file of each message and enum, by full name.
        http_only: RPCs that the service has over HTTP only, ``package.Service/Method``.
        variants: Kinds of messages with a class of their own; see `overlay.Merged`.
        patterns: The name pattern of each resource, by its type.
    """

    files: list[File] = field(default_factory=list)
    messages: dict[str, Message] = field(default_factory=dict)
    enums: dict[str, Enum] = field(default_factory=dict)
    homes: dict[str, File] = field(default_factory=dict)
    http_only: frozenset[str] = frozenset()
    variants: Mapping[str, Sequence[str]] = field(default_factory=dict)
    patterns: dict[str, str] = field(default_factory=dict)

    def python_name(self, full_name: str) -> str:
        """Name inside its module: ``Candidate.FinishReason``."""
        return full_name.removeprefix(self.homes[full_name].package + ".")


def snake_case(name: str) -> str:
    """``BatchEmbedContents`` → ``batch_embed_contents``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def rpc_names(files: Sequence[FileDescriptorProto]) -> list[str]:
    """``package.Service/Method`` of every RPC."""
    return [f"{f.package}.{s.name}/{m.name}" for f in files for s in f.service for m in s.method]
