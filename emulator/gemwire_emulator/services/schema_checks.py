"""Checks of JSON Schemas, and of JSON values in requests."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import TypeGuard

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from gemwire_emulator.engines.json_schema import schema_from_parameters
from gemwire_emulator.errors import invalid_argument, quote
from gemwire_proto import v1beta
from gemwire_proto.google.protobuf import struct_pb2

_TYPES = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})
#: Maximum characters and items that a schema can ask for, more than any model writes.
_MOST = 65_536
#: Maximum number of messages in a request: contents, parts, declarations…
_MAX_MESSAGES = 10_000
_STRUCTS = frozenset({"google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue"})


def check_json(message: Message, path: str = "") -> None:
    """Check that all numbers in the Structs of a message are finite, as JSON requires.

    Args:
        message: The message.
        path: Path of the message, for errors; empty for the request itself.

    Raises:
        StatusError: INVALID_ARGUMENT; also for more parts, contents and the like than the emulator handles
            without delaying other calls.
    """
    _check_json(message, path, itertools.count(1))


def _check_json(message: Message, path: str, count: Iterator[int]) -> None:
    if next(count) > _MAX_MESSAGES:
        raise invalid_argument(path, f"is part {_MAX_MESSAGES} of the request; the emulator accepts no more")
    message_fields = _find_message_fields(message.DESCRIPTOR)
    for field, value in message.ListFields():
        if field.number not in message_fields:
            continue
        here = f"{path}.{field.name}" if path else field.name
        if message_fields[field.number]:
            if not _is_finite(value):
                raise invalid_argument(here, "has a number that is not finite, which JSON does not support")
        elif isinstance(value, Message):
            _check_json(value, here, count)
        else:
            for i, one in enumerate(value):
                _check_json(one, f"{here}[{i}]", count)


@cache
def _find_message_fields(descriptor: Descriptor) -> dict[int, bool]:
    """Return the message fields of a type by number, and whether they hold JSON.

    Cached, since descriptors are slow and every request is checked.
    """
    return {
        field.number: field.message_type.full_name in _STRUCTS
        for field in descriptor.fields
        if field.message_type is not None and not field.message_type.GetOptions().map_entry
    }


def _is_finite(value: object) -> bool:
    """Return whether all numbers are finite in a Struct, a Value, a ListValue, or a collection of them."""
    if isinstance(value, struct_pb2.Struct):
        return all(map(_is_finite, value.fields.values()))
    if isinstance(value, struct_pb2.ListValue):
        return all(map(_is_finite, value.values))
    if isinstance(value, struct_pb2.Value):
        which = value.WhichOneof("kind")
        if which == "number_value":
            return math.isfinite(value.number_value)
        return which not in ("struct_value", "list_value") or _is_finite(getattr(value, which))
    return not isinstance(value, Iterable) or all(map(_is_finite, value))


def check_tools(tools: Iterable[v1beta.Tool], path: str) -> None:
    """Check that the function declarations of tools are valid.

    Args:
        tools: The tools.
        path: Path of the tools, for errors.

    Raises:
        StatusError: INVALID_ARGUMENT.
    """
    for i, tool in enumerate(tools):
        for j, function in enumerate(tool.function_declarations):
            here = f"{path}[{i}].function_declarations[{j}]"
            if not function.name:
                raise invalid_argument(f"{here}.name", "is required")
            has_json_schema = function.HasField("parameters_json_schema")
            field = "parameters_json_schema" if has_json_schema else "parameters"
            if has_json_schema and function.parameters_json_schema.WhichOneof("kind") != "struct_value":
                raise invalid_argument(f"{here}.{field}", "must be an object")
            schema = schema_from_parameters(function)
            check_schema(schema, f"{here}.{field}")
            if schema["type"] != "object":
                raise invalid_argument(
                    f"{here}.{field}", f"must have the type object, not {quote(schema['type'])}"
                )


def check_schema(schema: object, field: str) -> None:
    """Check that a value is a JSON Schema.

    Args:
        schema: The value.
        field: Path of the schema, for errors.

    Raises:
        StatusError: INVALID_ARGUMENT.
    """
    if schema is True:
        return
    if not isinstance(schema, dict):
        raise invalid_argument(field, f"{quote(schema)} is not a JSON Schema")
    for keyword, value in schema.items():
        test = _KEYWORDS.get(keyword)
        if test is not None and not test(value):
            raise invalid_argument(field, f"{keyword} cannot be {quote(value)}")
    for keyword in ("anyOf", "oneOf", "allOf", "prefixItems"):
        for inner in schema.get(keyword, ()):
            check_schema(inner, field)
    for keyword in ("properties", "$defs", "definitions"):
        for inner in schema.get(keyword, {}).values():
            check_schema(inner, field)
    for keyword in ("items", "additionalProperties"):
        if schema.get(keyword):
            check_schema(schema[keyword], field)
    for low, high in (("minItems", "maxItems"), ("minLength", "maxLength"), ("minimum", "maximum")):
        if low in schema and high in schema and schema[low] > schema[high]:
            raise invalid_argument(field, f"{low} is more than {high}")


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_size(value: object) -> bool:
    return _is_number(value) and 0 <= value <= _MOST and value == int(value)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_type(value: object) -> bool:
    if isinstance(value, list):
        return bool(value) and all(_is_text(one) and one in _TYPES for one in value)
    return _is_text(value) and value in _TYPES


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_list(value: object) -> bool:
    return isinstance(value, list) and bool(value)


def _is_map(value: object) -> bool:
    return isinstance(value, dict)


_KEYWORDS: dict[str, Callable[[object], bool]] = {
    "type": _is_type,
    "enum": _is_list,
    **dict.fromkeys(("anyOf", "oneOf", "allOf", "prefixItems"), _is_list),
    **dict.fromkeys(("properties", "$defs", "definitions"), _is_map),
    **dict.fromkeys(("required", "propertyOrdering"), _is_texts),
    **dict.fromkeys(("minItems", "maxItems", "minLength", "maxLength"), _is_size),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"), _is_number),
    **dict.fromkeys(("format", "pattern", "description", "title", "$ref"), _is_text),
}
