"""Whole numbers of JSON that a double cannot hold: ``google.protobuf.Value`` has doubles alone.

Their digits are kept beside the double, in a field that no proto has; its number is one of those of JSON-only
fields, so that a request with such a number goes over HTTP, which carries it as it is. A server that gets the
field over gRPC passes over it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, TypeAlias, cast

from google.protobuf.message import Message

from gemwire_runtime.varint import varint

if TYPE_CHECKING:
    from google.protobuf.struct_pb2 import Value

#: From here on, neighbouring whole numbers may be the same double.
LIMIT = 2**53
NUMBER = 2**29 - 1
_TAG = varint(NUMBER << 3 | 2)
#: A dict or a list of JSON.
_Holder: TypeAlias = MutableMapping[object, object]
_VALUE = "google.protobuf.Value"
_COLLECTIONS = {"google.protobuf.Struct": "fields", "google.protobuf.ListValue": "values"}


class _LargeInteger(int):
    """A number of a JSON text that may be too large for a double."""


class _Decoder:
    """Decodes JSON and counts large numbers."""

    def __init__(self) -> None:
        self.count = 0
        self._decode = json.JSONDecoder(parse_int=self._parse).decode

    def _parse(self, digits: str) -> int:
        if len(digits) < 16:
            return int(digits)
        self.count += 1
        return _LargeInteger(digits)

    def decode(self, data: bytes | str) -> object:
        text = data if isinstance(data, str) else data.decode(json.detect_encoding(data), "surrogatepass")
        tree: object = self._decode(text)
        return tree


_DECODER = _Decoder()


def loads(data: bytes | str) -> tuple[object, bool]:
    """Parse JSON; return it, and whether it may have large numbers. Raises ValueError if it is not JSON."""
    before = _DECODER.count
    return _DECODER.decode(data), _DECODER.count != before


def mark(value: Message, number: int) -> None:
    """Keep the digits of a number that is set in a value."""
    digits = str(int(number)).encode()
    value.MergeFromString(_TAG + varint(len(digits)) + digits)


def read(value: Message) -> int | None:
    """Return the number that was kept; None if there is none."""
    from google.protobuf.unknown_fields import UnknownFieldSet

    fields = UnknownFieldSet(value)
    kept = [fields[at].data for at in range(len(fields)) if fields[at].field_number == NUMBER]
    return int(kept[-1]) if kept else None


def needs_json(message: Message) -> bool:
    """Return whether a message is a value whose number gRPC would round."""
    if message.DESCRIPTOR.full_name != _VALUE:
        return False
    value = cast("Value", message)
    exact = read(value) if abs(value.number_value) >= LIMIT else None
    return exact is not None and exact != value.number_value


def attach(message: Message, tree: object) -> None:
    """Keep the large numbers of JSON in the message that was parsed from it."""
    for holder, key, value in _find_values({"": tree}, "", message):
        number = holder[key]
        if isinstance(number, _LargeInteger) and abs(number) >= LIMIT:
            mark(value, number)


def restore(tree: object, message: Message) -> None:
    """Write the numbers that were kept into the JSON that json_format made of a message."""
    for holder, key, value in _find_values({"": tree}, "", message):
        if abs(value.number_value) >= LIMIT and (exact := read(value)) is not None:
            holder[key] = exact


def _find_values(holder: _Holder, key: object, found: object) -> Iterator[tuple[_Holder, object, Value]]:
    """Yield each scalar value of a message, with its place in the JSON of the message, ``holder[key]``."""
    tree = holder[key]
    if not isinstance(found, Message):
        inner = cast("Mapping[object, object]", found)
        # Of maps, those with names: they alone have values of JSON.
        is_map = isinstance(tree, dict) and isinstance(next(iter(inner), None), str)
        keys = range(len(tree)) if isinstance(tree, list) else list(cast("_Holder", tree)) if is_map else ()
        for one in keys:
            yield from _find_values(cast("_Holder", tree), one, inner[one])
        return
    name = found.DESCRIPTOR.full_name
    if name == _VALUE:
        value = cast("Value", found)
        if not isinstance(tree, (dict, list)):
            yield holder, key, value
        else:
            yield from _find_values(
                holder, key, value.struct_value if isinstance(tree, dict) else value.list_value
            )
    elif name in _COLLECTIONS:
        yield from _find_values(holder, key, getattr(found, _COLLECTIONS[name]))
    elif isinstance(tree, dict):
        for field in found.DESCRIPTOR.fields:
            if field.message_type is not None:
                for written in {field.json_name, field.name} & tree.keys():
                    yield from _find_values(tree, written, getattr(found, field.name))
