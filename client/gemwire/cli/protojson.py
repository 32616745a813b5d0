"""JSON as people write it, into messages; what is wrong is told with its place."""

from __future__ import annotations

import json
import re
from typing import Any

from google.protobuf import json_format

import gemwire_proto

#: How protobuf says that something inside a field is wrong, and where: field by field, then the whole path.
_FIELD = re.compile(r"Failed to parse (\w+) field: ")
_PLACE = re.compile(r' at "?[A-Z]\w*((?:\.\w+|\[[^\]]*\])*)"?\.*$')
_UNKNOWN = re.compile(
    r'Message type "[\w.]*?(\w+)" has no field named "(.*?)"( at ".*")\.\s*'
    r'Available Fields\(except extensions\): "\[(.*)\]"',
    re.DOTALL,
)
_NO_VALUE = re.compile(r"Invalid enum value (.*) for enum type ([\w.]+)", re.DOTALL)
_NO_LIST = re.compile(r"repeated field (\w+) must be in \[\] which is (.*)", re.DOTALL)


def loads(text: str, what: str) -> Any:
    """The value of a JSON text.

    Args:
        text: JSON.
        what: What to call it in an error, such as its file.

    Raises:
        ValueError: It is no JSON; the message names line and column, or a key that is there twice.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise ValueError(f"{what}: the key {key!r} is twice in one object")
            found[key] = value
        return found

    try:
        return json.loads(text, object_pairs_hook=once)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{what} is not JSON: line {error.lineno}, column {error.colno}: {error.msg}"
        ) from None


def message(value: Any, kind: Any, what: str) -> Any:
    """A message of a JSON value. Its fields may be in camelCase or have the names of the protos.

    Args:
        value: What `loads` gave.
        kind: Class of the message.
        what: What to call it in an error.

    Raises:
        ValueError: It is no such message; the message names the field.
    """
    if not isinstance(value, dict):
        raise ValueError(f"{what}: a {kind.__name__} is a JSON object, not {json.dumps(value)[:40]}")  # noqa: TRY004
    made = kind()
    try:
        json_format.ParseDict(value, made, descriptor_pool=gemwire_proto.POOL)
    except json_format.ParseError as error:
        raise ValueError(_told(str(error), what)) from None
    except (ValueError, TypeError, AttributeError) as error:
        # What protobuf does not foresee, such as a string where an object belongs.
        raise ValueError(f"{what} is no {kind.__name__}: {error}") from None
    return made


def _told(text: str, what: str) -> str:
    """What protobuf says, as ``what.path.of.field: what is wrong``."""
    names = _FIELD.findall(text)
    text = _FIELD.sub("", text)
    unknown = _UNKNOWN.search(text)
    if unknown:
        kind, name, place, fields = unknown.groups()
        text = f"{kind} has no field {name!r}; it has {fields.replace(chr(39), '') or 'none'}{place}"
    found = _PLACE.search(text)
    path = found[1] if found else "".join(f".{name}" for name in names)
    text = _PLACE.sub("", text).rstrip(". ")
    if single := _NO_LIST.fullmatch(text):
        path, text = f"{path}.{single[1]}", f"expected a list, got {single[2]}"
    if other := _NO_VALUE.fullmatch(text):
        values = gemwire_proto.POOL.FindEnumTypeByName(other[2]).values_by_name
        text = f"expected one of {', '.join(values)}, got {other[1]!r}"
    return f"{what}{path}: {text}"
