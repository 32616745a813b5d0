"""Grammars that constrain a model to a JSON Schema, for llguidance inside llama.cpp."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from gemwire_emulator.engines.json_schema import JsonSchema
from gemwire_emulator.errors import quote

#: A small model does not know when to stop: bounds for what a schema leaves open.
_LENGTH, _ITEMS, _ENTRIES = 300, 8, 6
_LONGEST = 80
#: Without a step, a number's digits would go on as well.
_STEP = 0.0001
#: Formats that llguidance knows; it ignores a grammar with any other.
_FORMATS = frozenset(
    {"date-time", "date", "time", "duration", "email", "hostname", "ipv4", "ipv6", "uri", "uuid"}
)
_KEPT = {
    "string": ("minLength", "maxLength", "pattern"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "integer": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "array": ("minItems", "maxItems"),
    "object": ("required", "minProperties", "maxProperties"),
    "boolean": (),
    "null": (),
}
_TEXT: JsonSchema = {"type": "string", "maxLength": 80}
_ANY: JsonSchema = {
    "anyOf": [
        _TEXT,
        {"type": "number", "multipleOf": _STEP},
        {"type": "boolean"},
        {"type": "array", "items": _TEXT, "minItems": 1, "maxItems": _ITEMS},
    ]
}
#: An arbitrary object, for application/json without a schema.
_SOME: JsonSchema = {
    "type": "object",
    "patternProperties": {"^[a-z][a-z_]{1,20}$": _ANY},
    "additionalProperties": False,
    "minProperties": 1,
    "maxProperties": _ENTRIES,
}


def grammar_from_schema(schema: JsonSchema) -> str:
    """Return the grammar of JSON that conforms to a schema.

    Raises:
        ValueError: The schema has a pattern that grammars cannot express.
    """
    bounded = {**_bound(schema), "x-guidance": {"whitespace_flexible": False}}
    return f"%llguidance {{}}\nstart: %json {json.dumps(bounded)}\n"


def grammar_from_values(values: Iterable[object]) -> str:
    """Return the grammar of one of several values as plain text."""
    return "%llguidance {}\nstart: " + " | ".join(json.dumps(str(value)) for value in values) + "\n"


def describe_fields(schema: JsonSchema) -> str:
    """Return the fields of a schema for use in a prompt: ``city (The city), unit``."""
    found = schema
    while found.get("type") == "array" and isinstance(found.get("items"), dict):
        found = found["items"]
    named = []
    for name, inner in found.get("properties", {}).items():
        description = inner.get("description") if isinstance(inner, dict) else None
        named.append(f"{name} ({description})" if description else name)
    return ", ".join(named)


def _bound(schema: object) -> JsonSchema:
    """Return a schema with bounds on everything, and without keywords that llguidance does not know."""
    if not isinstance(schema, dict):
        return _ANY
    made: JsonSchema = {}
    for key in ("$defs", "definitions"):
        if isinstance(schema.get(key), dict):
            made[key] = {name: _bound(inner) for name, inner in schema[key].items()}
    if "$ref" in schema:
        return {**made, "$ref": schema["$ref"]}
    if schema.get("nullable"):
        inner = {key: value for key, value in schema.items() if key != "nullable"}
        return {**made, "anyOf": [_bound(inner), {"type": "null"}]}
    for key in ("const", "enum"):
        if key in schema:
            return {**made, key: schema[key]}
    for key, kept in (("anyOf", "anyOf"), ("oneOf", "anyOf"), ("allOf", "allOf")):
        if schema.get(key):
            return {**made, kept: [_bound(inner) for inner in schema[key]]}
    kind = schema.get("type") or _infer_type(schema)
    if kind is None:
        return {**made, **_ANY}
    if isinstance(kind, list):
        return {**made, "anyOf": [_bound({**schema, "type": one}) for one in kind]}
    made |= {"type": kind} | {key: _to_integer(schema[key]) for key in _KEPT.get(kind, ()) if key in schema}
    bounds = {
        "string": _bound_string,
        "array": _bound_array,
        "object": _bound_object,
        "number": _bound_number,
    }
    return made | bounds[kind](schema) if kind in bounds else made


def _infer_type(schema: JsonSchema) -> str | None:
    kinds = (("properties", "object"), ("items", "array"), ("pattern", "string"))
    return next((kind for key, kind in kinds if key in schema), None)


def _to_integer(value: object) -> object:
    """Convert an integral float, since all numbers of a Struct are floats: a length must not be 2.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _bound_string(schema: JsonSchema) -> JsonSchema:
    if re.search(r"\(\?[^:]|\\[1-9]", str(schema.get("pattern", ""))):
        raise ValueError(
            f"the local model does not support the pattern {quote(schema['pattern'])}: it has a lookaround"
            " or a backreference"
        )
    # Formats of Gemini's own, such as "enum", say nothing about the text.
    if schema.get("format") in _FORMATS:
        most = {"maxLength": _LONGEST} if schema["format"] in ("email", "hostname", "uri") else {}
        return {"format": schema["format"], **most}
    return {} if "pattern" in schema else {"maxLength": _to_integer(schema.get("maxLength", _LENGTH))}


def _bound_number(schema: JsonSchema) -> JsonSchema:
    return {"multipleOf": schema.get("multipleOf", _STEP)}


def _bound_array(schema: JsonSchema) -> JsonSchema:
    # An empty list would conform as well, but be of no use.
    least = int(schema.get("minItems", 1 if schema.get("maxItems", 1) else 0))
    most = _to_integer(schema.get("maxItems", max(_ITEMS, least)))
    made: JsonSchema = {"minItems": least, "maxItems": most}
    if schema.get("prefixItems"):
        made["prefixItems"] = [_bound(inner) for inner in schema["prefixItems"]]
    return {**made, "items": _bound(schema["items"]) if "items" in schema else _ANY}


def _bound_object(schema: JsonSchema) -> JsonSchema:
    properties = schema.get("properties") or {}
    others = schema.get("additionalProperties")
    if not properties:
        return {**_SOME, "patternProperties": {"^[A-Za-z][A-Za-z0-9_]{0,20}$": _bound(others)}}
    order = [name for name in schema.get("propertyOrdering", ()) if name in properties]
    names = order + [name for name in properties if name not in order]
    return {
        "properties": {name: _bound(properties[name]) for name in names},
        # Where nothing is required, everything is: the empty object would conform, but be of no use.
        "required": schema.get("required") or names,
        "additionalProperties": False,
    }
