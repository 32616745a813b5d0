"""What a schema must be like before an engine reads it: JSON Schema, as far as the engines know it."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

from google.protobuf.message import Message

from gemwire_emulator.engines import schemas
from gemwire_emulator.errors import invalid_argument, quote

_TYPES = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})
#: Characters and items that an answer can be asked for: more than any model writes.
_MOST = 65_536
_STRUCTS = frozenset({"google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue"})


def check_json(message: Any, path: str = "") -> None:
    """Refuse numbers that JSON does not have, in whatever a message holds as JSON.

    Args:
        message: A message.
        path: Where it is in the request; empty for the request itself.

    Raises:
        StatusError: INVALID_ARGUMENT that names the field.
    """
    looked_at = _messages_in(message.DESCRIPTOR)
    for field, value in message.ListFields():
        if field.number not in looked_at:
            continue
        here = f"{path}.{field.name}" if path else field.name
        if looked_at[field.number]:
            if not _finite(value):
                raise invalid_argument(here, "has a number that is not finite, which JSON does not know")
        elif isinstance(value, Message):
            check_json(value, here)
        else:
            for i, one in enumerate(value):
                check_json(one, f"{here}[{i}]")


@cache
def _messages_in(descriptor: Any) -> dict[int, bool]:
    """The fields of a type that are messages, by number, and whether they are JSON themselves.

    It is asked once for each type: descriptors are slow, and every request is looked through.
    """
    return {
        field.number: field.message_type.full_name in _STRUCTS
        for field in descriptor.fields
        if field.message_type is not None and not field.message_type.GetOptions().map_entry
    }


def _finite(value: Any) -> bool:
    """Whether all numbers are, in a Struct, a Value, a ListValue or a list of them."""
    if not isinstance(value, Message):
        return all(map(_finite, value))
    kind = value.DESCRIPTOR.name
    if kind == "Struct":
        return all(map(_finite, value.fields.values()))  # type: ignore[attr-defined]
    if kind == "ListValue":
        return all(map(_finite, value.values))  # type: ignore[attr-defined]
    which = value.WhichOneof("kind")
    if which == "number_value":
        return math.isfinite(value.number_value)  # type: ignore[attr-defined]
    return which not in ("struct_value", "list_value") or _finite(getattr(value, which))


def check_tools(tools: Any, path: str) -> None:
    """Refuse functions that cannot be called.

    Args:
        tools: Tool messages.
        path: Where they are in the request.

    Raises:
        StatusError: INVALID_ARGUMENT that names the field.
    """
    for i, tool in enumerate(tools):
        for j, function in enumerate(tool.function_declarations):
            here = f"{path}[{i}].function_declarations[{j}]"
            if not function.name:
                raise invalid_argument(f"{here}.name", "is required")
            field = next(
                (n for n in ("parameters_json_schema", "parameters") if function.HasField(n)), "parameters"
            )
            if field != "parameters" and function.parameters_json_schema.WhichOneof("kind") != "struct_value":
                raise invalid_argument(f"{here}.{field}", "must be an object")
            schema = schemas.of_parameters(function)
            check_schema(schema, f"{here}.{field}")
            if schema["type"] != "object":
                raise invalid_argument(
                    f"{here}.{field}", f"must be of the type object, not {quote(schema['type'])}"
                )


def check_schema(schema: Any, field: str) -> None:
    """Refuse what is no JSON Schema.

    Args:
        schema: It, as plain values.
        field: Where it is in the request.

    Raises:
        StatusError: INVALID_ARGUMENT that names the field.
    """
    if schema is True:
        return
    if not isinstance(schema, dict):
        raise invalid_argument(field, f"{quote(schema)} is no schema")
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


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_size(value: Any) -> bool:
    return _is_number(value) and 0 <= value <= _MOST and value == int(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_type(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(_is_text(one) and one in _TYPES for one in value)
    return _is_text(value) and value in _TYPES


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and bool(value)


def _is_map(value: Any) -> bool:
    return isinstance(value, dict)


_KEYWORDS: dict[str, Callable[[Any], bool]] = {
    "type": _is_type,
    "enum": _is_list,
    **dict.fromkeys(("anyOf", "oneOf", "allOf", "prefixItems"), _is_list),
    **dict.fromkeys(("properties", "$defs", "definitions"), _is_map),
    **dict.fromkeys(("required", "propertyOrdering"), _is_texts),
    **dict.fromkeys(("minItems", "maxItems", "minLength", "maxLength"), _is_size),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"), _is_number),
    **dict.fromkeys(("format", "pattern", "description", "title", "$ref"), _is_text),
}
