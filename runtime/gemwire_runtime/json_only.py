"""Fields that the service has in JSON alone, because its public protos lack them.

They come from the overlay protos, and have the highest numbers that protobuf allows, so that searching a
serialized message for three bytes tells that it has none; see `suspect`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from gemwire_runtime.upb import descriptor_of

#: Numbers of the fields that the service has in JSON alone.
FIRST_NUMBER, LAST_NUMBER = 2**29 - 2048, 2**29 - 1
#: The tag of each of them, whatever its wire type, ends with these bytes.
_MARK = b"\xff\xff\x0f"


def suspect(data: bytes) -> bool:
    """Return whether a serialized message may hold a JSON-only field.

    False is certain. True is not: text and bytes of a user can hold the same three bytes; ask `paths`.

    Args:
        data: A serialized message.
    """
    return _MARK in data


def paths(message: Message) -> list[str]:
    """List the JSON-only fields that are set in a message, at any depth.

    Args:
        message: Any message.

    Returns:
        Dotted paths in Python's names: ``generation_config.thinking_config.thinking_level``,
        ``contents[0].parts[1].media_resolution``. Empty where there are none.
    """
    return list(_paths(message, ""))


def _paths(message: Message, prefix: str) -> Iterator[str]:
    for field, value in message.ListFields():
        path = f"{prefix}{field.name}"
        if field.number >= FIRST_NUMBER:
            yield path
        elif isinstance(value, Message):
            yield from _paths(value, f"{path}.")
        elif field.message_type is not None:
            # The keys of a map, or the indexes of a list.
            parts = value.items() if hasattr(value, "items") else enumerate(value)
            for key, part in parts:
                if isinstance(part, Message):
                    yield from _paths(part, f"{path}[{key!r}].")


def prune(tree: Mapping[str, object], kind: type[Message]) -> dict[str, object]:
    """Return the JSON of a message without its JSON-only fields, at any depth.

    Args:
        tree: JSON; it is not changed.
        kind: Class of the message.
    """
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
