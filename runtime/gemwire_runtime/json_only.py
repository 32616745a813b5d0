"""Fields and RPCs that the service has over HTTP alone, because its public protos lack them.

Their numbers are from the top of the range that protobuf allows, so that a serialized message that
may hold such a field is found by searching for three bytes; see `suspect`.
"""

from __future__ import annotations

from google.protobuf.message import Message

from gemwire_runtime import json_only_fields

#: The tag of every field from 2**29 - 2048 on ends with these bytes.
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
    json_only_fields.arrived(message.SerializeToString())
    return json_only_fields.within(message)
