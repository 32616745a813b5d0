"""JSON that people write, parsed into messages. Errors name the place."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, TypeVar

from google.protobuf import json_format
from google.protobuf.message import Message

import gemwire_proto

_M = TypeVar("_M", bound=Message)

#: Error messages of protobuf: the fields that contain the error, its path, and kinds of errors.
_FIELD = re.compile(r"Failed to parse (\w+) field: ")
_PATH = re.compile(r' at "?[A-Z]\w*((?:\.\w+|\[[^\]]*\])*)"?\.*$')
_UNKNOWN_FIELD = re.compile(
    r'Message type "[\w.]*?(\w+)" has no field named "(.*?)"( at ".*")\.\s*'
    r'Available Fields\(except extensions\): "\[(.*)\]"',
    re.DOTALL,
)
_INVALID_ENUM = re.compile(r"Invalid enum value (.*) for enum type ([\w.]+)", re.DOTALL)
_NOT_A_LIST = re.compile(r"repeated field (\w+) must be in \[\] which is (.*)", re.DOTALL)


def loads(text: str, source: str) -> Any:
    """Return the value of a JSON text.

    Args:
        text: JSON.
        source: Name of the text in error messages, such as its file.

    Raises:
        ValueError: The text is not JSON, or an object has a duplicate key.
    """

    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        result: dict[str, object] = {}
        for key, value in pairs:
            if key in result:
                raise ValueError(f"{source}: duplicate key {key!r} in an object")
            result[key] = value
        return result

    try:
        return json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{source} is not JSON: line {error.lineno}, column {error.colno}: {error.msg}"
        ) from None


def read_value(path: Path, option: str) -> Any:
    """Return the JSON value of a file that an option names.

    Raises:
        ValueError: The file cannot be read, or is not JSON.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{option} {path}: {getattr(error, 'strerror', None) or error}") from None
    return loads(text, f"{option} {path}")


def read_object(path: Path, option: str) -> dict[str, Any]:
    """Return the JSON object of a file that an option names.

    Raises:
        ValueError: The file cannot be read, or is not a JSON object.
    """
    value = read_value(path, option)
    if not isinstance(value, dict):
        raise ValueError(f"{option} {path}: expected a JSON object")  # noqa: TRY004
    return value


def parse_message(value: object, kind: type[_M], source: str) -> _M:
    """Parse a JSON value as a message. Field names may be in camelCase or as in the protos.

    Args:
        value: JSON value.
        kind: Class of the message.
        source: Name of the value in error messages.

    Raises:
        ValueError: The value is invalid; the error names the field.
    """
    if not isinstance(value, dict):
        raise ValueError(  # noqa: TRY004
            f"{source}: expected a JSON object for {kind.__name__}, got {json.dumps(value)[:40]}"
        )
    message = kind()
    try:
        json_format.ParseDict(value, message, descriptor_pool=gemwire_proto.POOL)
    except json_format.ParseError as error:
        raise ValueError(_describe_error(str(error), source)) from None
    except (ValueError, TypeError, AttributeError) as error:
        # Cases that protobuf does not handle, such as a string in place of an object.
        raise ValueError(f"{source} is not a valid {kind.__name__}: {error}") from None
    return message


def _describe_error(text: str, source: str) -> str:
    """Return an error message of protobuf as ``source.path.of.field: error``."""
    names = _FIELD.findall(text)
    text = _FIELD.sub("", text)
    unknown = _UNKNOWN_FIELD.search(text)
    if unknown:
        kind, name, place, fields = unknown.groups()
        text = f"{kind} has no field {name!r}; it has {fields.replace(chr(39), '') or 'none'}{place}"
    match = _PATH.search(text)
    path = match[1] if match else "".join(f".{name}" for name in names)
    text = _PATH.sub("", text).rstrip(". ")
    if single := _NOT_A_LIST.fullmatch(text):
        path, text = f"{path}.{single[1]}", f"expected a list, got {single[2]}"
    if invalid := _INVALID_ENUM.fullmatch(text):
        values = gemwire_proto.POOL.FindEnumTypeByName(invalid[2]).values_by_name
        text = f"expected one of {', '.join(values)}, got {invalid[1]!r}"
    return f"{source}{path}: {text}"
