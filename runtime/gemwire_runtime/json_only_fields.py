"""Fields that the API has in JSON alone: carried by messages whose protos lack them.

The service's REST side is ahead of its public protos. What is set of such fields travels inside the message,
as one unknown field that holds JSON: so it is copied, merged, compared and pickled with the message, and
costs nothing where there is none. `merged` puts it where it belongs when the message becomes JSON, and `keep`
takes it out of JSON that arrives. Only fields that were declared are known.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet

from gemwire_runtime.varint import varint

#: The highest number that a field can have; no proto is known that uses it.
_NUMBER = 2**29 - 1


#: How the field begins on the wire: its number, and that a length follows.
_TAG = varint(_NUMBER << 3 | 2)

#: The fields that are known, by the full names of their messages: names in Python by those in JSON.
_declared: dict[str, dict[str, str]] = {}
#: Whether any message of this process has such fields: as long as none has, nobody needs to look.
_used = False


def declare(message: str, name: str, json_name: str) -> None:
    """Know a field.

    Args:
        message: Full name of its message.
        name: Its name in Python.
        json_name: Its name in JSON.
    """
    _declared.setdefault(message, {})[json_name] = name


def declared(message: str) -> dict[str, str]:
    """The fields that are known of a message, by its full name: names in Python by those in JSON."""
    return _declared.get(message, {})


def used() -> bool:
    """Whether any message of this process may have such fields."""
    return _used


def arrived(data: bytes) -> None:
    """Look at a serialised message that another process may have made: whether it has such fields."""
    global _used  # noqa: PLW0603
    _used = _used or _TAG in data


def write(message: Any, name: str, value: Any) -> None:
    """Set a field.

    Args:
        message: Whose.
        name: Its name in JSON.
        value: JSON.

    Raises:
        TypeError: It has no form in JSON.
    """
    global _used  # noqa: PLW0603
    data = json.dumps({name: value}, ensure_ascii=False).encode()
    # As with all fields on the wire, the last counts.
    message.MergeFromString(_TAG + varint(len(data)) + data)
    _used = True


def read(message: Any) -> dict[str, Any]:
    """The fields that are set on a message itself, by their names in JSON."""
    made: dict[str, Any] = {}
    if _used:
        unknown: Any = UnknownFieldSet(message)
        for field in unknown:
            if field.field_number == _NUMBER:
                made.update(json.loads(field.data))
    return {name: value for name, value in made.items() if value is not None}


def within(message: Any) -> list[str]:
    """Where such fields are set in a message: ``generation_config.thinking_config.thinking_level``."""
    if not _used or _TAG not in message.SerializeToString():
        return []
    return [".".join((*path, name)) for path, part, _ in _parts(message, None, ()) for name in names(part)]


def names(message: Any) -> list[str]:
    """Names in Python of the fields that are set on a message itself."""
    found = read(message)
    known = declared(message.DESCRIPTOR.full_name)
    return [known.get(name, name) for name in found]


def merged(message: Any, tree: dict[str, Any]) -> dict[str, Any]:
    """Add such fields to the JSON of a message.

    Args:
        message: It.
        tree: Its JSON; it is changed.

    Returns:
        The same.
    """
    if within(message):
        for _, part, branch in _parts(message, tree, ()):
            branch.update(read(part))
    return tree


def keep(message: Any, tree: Any) -> None:
    """Give a message the fields of its JSON that its proto lacks, as far as they are known.

    Args:
        message: What was made of ``tree``.
        tree: JSON.
    """
    if not _declared or not isinstance(tree, dict):
        return
    for name, in_python in declared(message.DESCRIPTOR.full_name).items():
        # JSON of protos is read under either name.
        for written in {name, in_python} & tree.keys():
            write(message, name, tree[written])
    for field, value in message.ListFields():
        if _is_plain(field):
            continue
        below = tree.get(field.json_name, tree.get(field.name))
        # An empty list passes for a message that is not there.
        single = isinstance(value, Message)
        if single and isinstance(below, dict):
            keep(value, below)
        elif not single and isinstance(below, list):
            for part, branch in zip(value, below, strict=False):
                keep(part, branch)


def _parts(message: Any, tree: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """A message and all in it: where it is, it, and its JSON."""
    yield path, message, tree
    for field, value in message.ListFields():
        if _is_plain(field):
            continue
        below = tree[field.json_name] if tree is not None else None
        if hasattr(value, "ListFields"):
            yield from _parts(value, below, (*path, field.name))
            continue
        for at, part in enumerate(value):
            branch = below[at] if below is not None else None
            yield from _parts(part, branch, (*path, f"{field.name}[{at}]"))


def _is_plain(field: FieldDescriptor) -> bool:
    """Whether a field holds no messages that could have more fields."""
    kind: Any = field.message_type
    if kind is None or kind.full_name.startswith("google.protobuf."):
        return True
    # The name first, as options are parsed when asked for.
    return bool(kind.name.endswith("Entry") and kind.GetOptions().map_entry)
