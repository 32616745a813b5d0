"""``*_pb2.py`` and ``*_pb2.pyi``: a file's messages and enums."""

from __future__ import annotations

from .model import Enum, File, Message, Model
from .source import Source, import_used, join_modules
from .types import Types

#: Behaviour that protobuf gives to well-known types, typed by types-protobuf.
_MIXINS = frozenset({"Any", "Duration", "FieldMask", "ListValue", "Struct", "Timestamp"})


def module(file: File, skipped: frozenset[str]) -> str:
    """The run-time module. ``skipped`` are imported files that have no module."""
    out = Source(file.path)
    out.docstring(file.comment or f"Messages of {file.path}.")
    out()
    out("from gemwire_runtime import pool as _pool")
    for path in file.imports:
        if path not in skipped:
            package, _, leaf = path.removesuffix(".proto").replace("/", ".").rpartition(".")
            out(f"from gemwire_proto.{package} import {leaf}_pb2 as _  # noqa: F401")
    out()
    out(f'DESCRIPTOR = _pool.define(globals(), "{file.path}")')
    return out.text()


def stub(file: File, model: Model) -> str:
    """The typed face of the same module."""
    types = Types(model, file.module)
    body = Source(file.path)
    for enum in file.enums:
        _enum(body, enum)
        for value in enum.values:
            body(f"{value.name}: {enum.name}")
        body()
    for message in file.messages:
        _message(body, message, types, file)
    head = Source(file.path)
    if "_datetime." in body.text():
        head("import datetime as _datetime")
    import_used(head, body, "collections.abc", "Iterable", "Mapping")
    import_used(head, body, "typing", "Any", "ClassVar", "Literal", "overload")
    head()
    head("from google.protobuf import descriptor as _descriptor")
    import_used(head, body, "google.protobuf.internal", "containers", "well_known_types")
    import_used(head, body, "google.protobuf.message", "Message")
    head()
    import_used(head, body, "gemwire_runtime.enum_type", "EnumType")
    for line in types.imports():
        head(line)
    head()
    head("DESCRIPTOR: _descriptor.FileDescriptor")
    head()
    return join_modules(head, body)


def _enum(out: Source, enum: Enum) -> None:
    out(f"class {enum.name}(int, metaclass=_EnumType):")
    with out.indent():
        out.docstring(enum.comment or enum.full_name)
        for value in enum.values:
            out(f"{value.name}: _ClassVar[{_local(enum)}]")
            if value.comment:
                out.docstring(value.comment)
    out()


def _local(enum: Enum) -> str:
    """The enum's name seen from module level: all that follows the (lower-case) package."""
    return ".".join(part for part in enum.full_name.split(".") if part[0].isupper())


def _message(out: Source, message: Message, types: Types, file: File) -> None:
    bases = "_Message"
    if file.package == "google.protobuf" and message.name in _MIXINS:
        bases = f"_well_known_types.{message.name}, _Message"
    out(f"class {message.name}({bases}):")
    with out.indent():
        out.docstring(message.comment or message.full_name)
        for enum in message.enums:
            _enum(out, enum)
            for value in enum.values:
                out(f"{value.name}: _ClassVar[{_local(enum)}]")
        for nested in message.messages:
            _message(out, nested, types, file)
        _fields(out, message, types)
        _init(out, message, types)
        _presence(out, message)
    out()


def _fields(out: Source, message: Message, types: Types) -> None:
    for field in message.fields:
        if field.kind == "message" or field.repeated:
            out("@property")
            out(f"def {field.name}(self) -> {types.value(field)}:")
            with out.indent():
                out.docstring(field.comment or field.name)
        else:
            out(f"{field.name}: {types.value(field)}")
            if field.comment:
                out.docstring(field.comment)


def _init(out: Source, message: Message, types: Types) -> None:
    if not message.fields:
        out("def __init__(self) -> None: ...")
        return
    out("def __init__(")
    with out.indent():
        # A field may be called self; positional-only keeps it free.
        out("self,")
        out("/,")
        out("*,")
        for field in message.fields:
            out(f"{field.name}: {types.input(field)} | None = ...,")
    out(") -> None: ...")


def _literal(names: list[str]) -> str:
    return f"_Literal[{', '.join(repr(n) for n in names)}]".replace("'", '"')


def _presence(out: Source, message: Message) -> None:
    present = [f.name for f in message.fields if f.presence] + list(message.oneofs)
    if present:
        out(f"def HasField(self, field_name: {_literal(present)}) -> bool: ...")
    if message.fields:
        everything = [f.name for f in message.fields] + list(message.oneofs)
        out(f"def ClearField(self, field_name: {_literal(everything)}) -> None: ...")
    for oneof in message.oneofs:
        members = [f.name for f in message.fields if f.oneof == oneof]
        if len(message.oneofs) > 1:
            out("@_overload")
        out(f"def WhichOneof(self, oneof_group: {_literal([oneof])}) -> {_literal(members)} | None: ...")
