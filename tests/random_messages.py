"""Seeded random messages that fill every kind of field, for tests that compare encodings."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from gemwire_runtime import json_only

if TYPE_CHECKING:
    from google.protobuf.message import Message

_FACTS = Path(__file__).parent / "surface" / "wire"
_WORDS = ["", "hi", "naïve café", "日本語", "🦊\u200d🔥", 'quo"te\\back\nline', "\t\x00\x7f", "models/a-b.c"]
_PATHS = ["display_name", "file.name", "state", "expire_time"]
#: What an Any holds. It has no map: the order of a map's bytes is free, and Any compares bytes.
_PACKED = "google.rpc.BadRequest"
_DEPTH = 3


def descriptors(pool: Any, package: str) -> list[Descriptor]:
    """Every message type of a package of gemwire's pool, nested ones too, map entries not."""
    found: list[Descriptor] = []
    for path in _paths(package):
        todo = list(pool.FindFileByName(path).message_types_by_name.values())
        while todo:
            descriptor = todo.pop(0)
            if not descriptor.GetOptions().map_entry:
                found.append(descriptor)
                todo += descriptor.nested_types
    return found


def public(found: list[Descriptor]) -> list[Descriptor]:
    """Those of some types that Google's packages have, too: the facts of its protos name them."""
    names = {name for facts in _FACTS.glob("*.json") for name in _named(json.loads(facts.read_text()))}
    return [descriptor for descriptor in found if descriptor.full_name in names]


def _named(facts: dict[str, Any]) -> Iterator[str]:
    for element in (*facts.get("files", ()), *facts.get("messages", ())):
        yield element.get("name", "")
        yield from _named(element)


def clear_json_only(message: Any, end: int = json_only.LAST_NUMBER + 1) -> Any:
    """Take the JSON-only fields with numbers below ``end`` out of a message, by default all; returns it."""
    for field, value in message.ListFields():
        if json_only.FIRST_NUMBER <= field.number < end:
            message.ClearField(field.name)
        elif field.message_type is not None:
            parts = value.values() if is_map(field) else value if is_repeated(field) else [value]
            for part in parts:
                if hasattr(part, "ListFields"):
                    clear_json_only(part, end)
    return message


def _paths(package: str) -> list[str]:
    """The proto files of a package, asked of the descriptor sets themselves: a pool cannot be listed."""
    from google.protobuf.descriptor_pb2 import FileDescriptorSet

    from gemwire_proto.families import FAMILIES

    # Packages that all families import are in the first one's set, too.
    family = next((f for f in FAMILIES if package in (p.name for p in f.packages)), FAMILIES[0])
    files = FileDescriptorSet.FromString(family.descriptor_set.read_bytes())
    return [file.name for file in files.file if file.package == package]


def is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def is_repeated(field: FieldDescriptor) -> bool:
    # protobuf 5 has no is_repeated, protobuf 7 warns of label.
    known: bool | None = getattr(field, "is_repeated", None)
    return getattr(field, "label", None) == FieldDescriptor.LABEL_REPEATED if known is None else known


def descriptor_of(made: Message | type[Message]) -> Descriptor:
    found = made.DESCRIPTOR
    assert isinstance(found, Descriptor)
    return found


def size(descriptor: Descriptor) -> int:
    """How many samples let each member of each oneof have its turn; three at least."""
    return max([3, *(len(oneof.fields) for oneof in descriptor.oneofs)])


def samples(make: type[Message]) -> Iterator[Message]:
    """Filled messages of one type: together they set every field."""
    descriptor = descriptor_of(make)
    for turn in range(size(descriptor)):
        # A string seeds alike in every process; hash() of one would not.
        yield filled(make, random.Random(f"{descriptor.full_name}#{turn}"), turn)


def filled(make: type[Message], chance: random.Random, turn: int = 0) -> Message:
    message = make()
    _fill(message, chance, _DEPTH, turn)
    return message


def _fill(message: Message, chance: random.Random, depth: int, turn: int | None) -> None:
    """With a ``turn`` every field is set, and the turn picks the members of oneofs; else chance does."""
    descriptor = descriptor_of(message)
    special = _WELL_KNOWN.get(descriptor.full_name)
    if special is not None:
        special(message, chance, depth)
        return
    chosen: set[str] = set()
    for oneof in descriptor.oneofs:
        fields = oneof.fields
        chosen.add((chance.choice(fields) if turn is None else fields[turn % len(fields)]).name)
    for field in descriptor.fields:
        if field.containing_oneof is not None and field.name not in chosen:
            continue
        if turn is None and chance.random() < 0.3:
            continue
        _fill_field(message, field, chance, depth)


def _fill_field(message: Message, field: FieldDescriptor, chance: random.Random, depth: int) -> None:
    here: Any = getattr(message, field.name)
    nested = field.message_type
    if nested is not None and is_map(field):
        key, value = nested.fields
        for _ in range(chance.randint(1, 2)):
            if value.message_type is not None:
                _fill_nested(here[_scalar(key, chance)], chance, depth)
            else:
                here[_scalar(key, chance)] = _scalar(value, chance)
    elif is_repeated(field):
        for _ in range(chance.randint(1, 3)):
            if nested is not None:
                _fill_nested(here.add(), chance, depth)
            else:
                here.append(_scalar(field, chance))
    elif nested is not None:
        here.SetInParent()
        _fill_nested(here, chance, depth)
    else:
        setattr(message, field.name, _scalar(field, chance))


def _fill_nested(message: Message, chance: random.Random, depth: int) -> None:
    # Well-known types are filled even at the bottom: an empty Value is no valid JSON.
    if depth > 0 or message.DESCRIPTOR.full_name in _WELL_KNOWN:
        _fill(message, chance, depth - 1, None)


def _scalar(field: FieldDescriptor, chance: random.Random) -> Any:
    if field.enum_type is not None:
        # 987 is a value that only a newer server knows.
        return chance.choice([*(value.number for value in field.enum_type.values), 987])
    return _SCALARS[field.cpp_type](field, chance)


def _text(field: FieldDescriptor, chance: random.Random) -> Any:
    if field.type == FieldDescriptor.TYPE_BYTES:
        return chance.randbytes(chance.randint(0, 12))
    return chance.choice(_WORDS) + str(chance.randint(0, 99))


def _float32(_: FieldDescriptor, chance: random.Random) -> float:
    value = chance.choice([0.0, -1.5, 0.1, 3.4e38, chance.random()])
    nearest: float = struct.unpack("<f", struct.pack("<f", value))[0]
    return nearest


_Scalar = Callable[[FieldDescriptor, random.Random], Any]
_SCALARS: dict[int, _Scalar] = {
    FieldDescriptor.CPPTYPE_BOOL: lambda _, chance: chance.random() < 0.5,
    FieldDescriptor.CPPTYPE_INT32: lambda _, chance: chance.choice([0, 1, -1, 2**31 - 1, -(2**31)]),
    FieldDescriptor.CPPTYPE_INT64: lambda _, chance: chance.choice([0, 7, 2**63 - 1, -(2**63)]),
    FieldDescriptor.CPPTYPE_UINT32: lambda _, chance: chance.choice([0, 2**32 - 1]),
    FieldDescriptor.CPPTYPE_UINT64: lambda _, chance: chance.choice([0, 2**64 - 1]),
    FieldDescriptor.CPPTYPE_FLOAT: _float32,
    FieldDescriptor.CPPTYPE_DOUBLE: lambda _, chance: chance.choice(
        [0.0, 1e300, float("inf"), chance.random()]
    ),
    FieldDescriptor.CPPTYPE_STRING: _text,
}


def _timestamp(message: Any, chance: random.Random, _: int) -> None:
    message.seconds = chance.randint(0, 4_000_000_000)
    message.nanos = chance.choice([0, 1, 500_000_000, 999_999_999])


def _duration(message: Any, chance: random.Random, _: int) -> None:
    sign = chance.choice([-1, 1])
    message.seconds = sign * chance.randint(0, 10**6)
    message.nanos = sign * chance.choice([0, 1, 250_000_000])


def _field_mask(message: Any, chance: random.Random, _: int) -> None:
    message.paths.extend(chance.sample(_PATHS, chance.randint(1, 3)))


def _value(message: Any, chance: random.Random, depth: int) -> None:
    kind = chance.choice(["null", "number", "text", "flag", *(["struct", "list"] if depth > 0 else [])])
    if kind == "null":
        message.null_value = 0
    elif kind == "number":
        message.number_value = chance.choice([0.0, -2.5, 1e15, chance.random()])
    elif kind == "text":
        message.string_value = chance.choice(_WORDS)
    elif kind == "flag":
        message.bool_value = chance.random() < 0.5
    elif kind == "struct":
        message.struct_value.SetInParent()
        _struct(message.struct_value, chance, depth - 1)
    else:
        message.list_value.SetInParent()
        _list_value(message.list_value, chance, depth - 1)


def _struct(message: Any, chance: random.Random, depth: int) -> None:
    for _ in range(chance.randint(0, 3)):
        _value(message.fields[chance.choice(_WORDS)], chance, depth)


def _list_value(message: Any, chance: random.Random, depth: int) -> None:
    for _ in range(chance.randint(0, 3)):
        _value(message.values.add(), chance, depth)


def _any(message: Any, chance: random.Random, depth: int) -> None:
    pool = message.DESCRIPTOR.file.pool
    packed = message_factory.GetMessageClass(pool.FindMessageTypeByName(_PACKED))()
    _fill(packed, chance, depth, None)
    message.Pack(packed, deterministic=True)


_Special = Callable[[Any, random.Random, int], None]
_WELL_KNOWN: dict[str, _Special] = {
    "google.protobuf.Timestamp": _timestamp,
    "google.protobuf.Duration": _duration,
    "google.protobuf.FieldMask": _field_mask,
    "google.protobuf.Struct": _struct,
    "google.protobuf.Value": _value,
    "google.protobuf.ListValue": _list_value,
    "google.protobuf.Any": _any,
}
