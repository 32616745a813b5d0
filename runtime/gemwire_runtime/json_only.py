"""Fields that the service has in JSON alone, because its public protos lack them.

They come from the overlay protos, and have the highest numbers that protobuf allows, so that searching a
serialized message for three bytes tells that it has none; see `suspect`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from gemwire_runtime import large_integers
from gemwire_runtime.upb import descriptor_of

#: Numbers of the fields that the service has in JSON alone.
FIRST_NUMBER, LAST_NUMBER = 2**29 - 2048, 2**29 - 1
#: From here on, the numbers of fields of the Gemini API; those before are Vertex AI's alone.
FIRST_GEMINI_NUMBER = 536870000
#: The tag of each of them, whatever its wire type, ends with these bytes.
_MARK = b"\xff\xff\x0f"


def suspect(data: bytes) -> bool:
    """Return whether a serialized message may hold a JSON-only field.

    False is certain. True is not: text and bytes of a user can hold the same three bytes; ask `paths`.
    """
    # One byte is found many times as fast as three, and no text has this one.
    return b"\xff" in data and _MARK in data


#: Up to this many bytes are searched: that costs less than looking at the message.
_SEARCHED = 1 << 16
#: Looking at one message takes as long as searching so many bytes, about.
_WORTH = 1 << 14


def may_be_in(message: Message, data: bytes) -> bool:
    """Return whether a message, also given serialized, may hold a JSON-only field, at any depth.

    False is certain; see `suspect`. A large message usually is a few messages with many bytes, such as
    pictures; then its fields are looked at, and none of the bytes.
    """
    if b"\xff" not in data:
        return False
    if len(data) <= _SEARCHED:
        return _MARK in data
    left = len(data) // _WORTH
    # Iterators: a list of a message would make a Python object of each of its items at once.
    waiting: list[Iterator[Message]] = [iter((message,))]
    while waiting:
        part = next(waiting[-1], None)
        if part is None:
            waiting.pop()
            continue
        left -= 1
        if left < 0:
            return _MARK in data
        fields = _fields_to_look_at(part.DESCRIPTOR)
        if large_integers.needs_json(part):
            return True
        if any(map(part.HasField, fields.own)) or any(getattr(part, name) for name in fields.own_lists):
            return True
        waiting += [iter((getattr(part, name),)) for name in fields.messages if part.HasField(name)]
        waiting += [iter(getattr(part, name)) for name in fields.lists]
        waiting += [iter(getattr(part, name).values()) for name in fields.maps]
    return False


class _FieldsToLookAt(NamedTuple):
    """Fields of a message type by how they are looked at.

    Attributes:
        own: Its JSON-only fields that are set or not.
        own_lists: Its JSON-only fields that are empty or not: lists, maps, and scalars without presence.
        messages: Other fields whose message may hold JSON-only fields.
        lists: The same, repeated.
        maps: The same, maps.
    """

    own: list[str]
    own_lists: list[str]
    messages: list[str]
    lists: list[str]
    maps: list[str]


@functools.cache
def _fields_to_look_at(descriptor: Descriptor) -> _FieldsToLookAt:
    found = _FieldsToLookAt([], [], [], [], [])
    for field in descriptor.fields:
        inner = field.message_type
        if field.number >= FIRST_NUMBER:
            (found.own if field.has_presence else found.own_lists).append(field.name)
        elif inner is not None:
            is_map = inner.GetOptions().map_entry
            value = inner.fields_by_name["value"].message_type if is_map else inner
            if value is not None and _reaches(value, set()):
                kind = found.maps if is_map else found.messages if field.has_presence else found.lists
                kind.append(field.name)
    return found


def _reaches(descriptor: Descriptor, seen: set[str]) -> bool:
    """Return whether messages of a type may hold JSON-only fields, at any depth."""
    if descriptor.full_name in seen:
        return False
    seen.add(descriptor.full_name)
    if descriptor.full_name == "google.protobuf.Value" or any(
        field.number >= FIRST_NUMBER for field in descriptor.fields
    ):
        return True
    inner = (field.message_type for field in descriptor.fields)
    return any(kind is not None and _reaches(kind, seen) for kind in inner)


def paths(message: Message) -> list[str]:
    """List the JSON-only fields that are set in a message, at any depth.

    They are dotted paths in Python's names: ``generation_config.thinking_config.thinking_level``,
    ``contents[0].parts[1].media_resolution``.
    """
    return list(_paths(message, ""))


def refuse_vertex_fields(message: Message) -> None:
    """Raise ValueError for a message of the Gemini API with fields that only Vertex AI has, at any depth."""
    if message.DESCRIPTOR.full_name.startswith("google.cloud."):
        return  # Some of its fields are messages of the overlay of the Gemini API.
    if found := list(_paths(message, "", FIRST_GEMINI_NUMBER)):
        fields = ", ".join(f"{message.DESCRIPTOR.name}.{path}" for path in found[:3])
        raise ValueError(
            f"{fields}: parameter is only supported in Gemini Enterprise Agent Platform mode (Vertex AI); "
            "the Gemini API has no such field"
        )


def _paths(message: Message, prefix: str, end: int = LAST_NUMBER + 1) -> Iterator[str]:
    if end > LAST_NUMBER and large_integers.needs_json(message):
        yield prefix.rstrip(".")
    for field, value in message.ListFields():
        path = f"{prefix}{field.name}"
        if FIRST_NUMBER <= field.number < end:
            yield path
        elif isinstance(value, Message):
            yield from _paths(value, f"{path}.", end)
        elif field.message_type is not None:
            # The keys of a map, or the indexes of a list.
            parts = value.items() if hasattr(value, "items") else enumerate(value)
            for key, part in parts:
                if isinstance(part, Message):
                    yield from _paths(part, f"{path}[{key!r}].", end)


def prune(tree: Mapping[str, object], kind: type[Message]) -> dict[str, object]:
    """Return the JSON of a message of this class without its JSON-only fields, at any depth."""
    return _prune(tree, descriptor_of(kind))


def _prune(tree: Mapping[str, object], descriptor: Descriptor) -> dict[str, object]:
    fields = {name: field for field in descriptor.fields for name in (field.json_name, field.name)}
    made: dict[str, object] = {}
    for name, value in tree.items():
        field = fields.get(name)
        inner = None if field is None else field.message_type
        if field is None or inner is None or inner.full_name.startswith("google.protobuf."):
            if field is None or field.number < FIRST_NUMBER:
                made[name] = value
        elif field.number >= FIRST_NUMBER:
            continue
        elif isinstance(value, list):
            made[name] = [_prune(item, inner) if isinstance(item, Mapping) else item for item in value]
        else:
            made[name] = _prune(value, inner) if isinstance(value, Mapping) else value
    return made
