"""Grammars that hold a model to a schema, for llguidance inside llama.cpp."""

from __future__ import annotations

import json
import re
from typing import Any

from gemwire_emulator.errors import quote

#: A small model does not know when to end: what a schema leaves open gets an end here.
_LENGTH, _ITEMS, _ENTRIES = 300, 8, 6
_LONGEST = 80
#: Otherwise digits go on for ever, too.
_STEP = 0.0001
#: The ones that llguidance knows; a grammar with another would not hold at all.
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
_TEXT = {"type": "string", "maxLength": 80}
_ANY: dict[str, Any] = {
    "anyOf": [
        _TEXT,
        {"type": "number", "multipleOf": _STEP},
        {"type": "boolean"},
        {"type": "array", "items": _TEXT, "minItems": 1, "maxItems": _ITEMS},
    ]
}
#: Some object: what application/json without a schema asks for.
_SOME: dict[str, Any] = {
    "type": "object",
    "patternProperties": {"^[a-z][a-z_]{1,20}$": _ANY},
    "additionalProperties": False,
    "minProperties": 1,
    "maxProperties": _ENTRIES,
}


def of_schema(schema: dict[str, Any]) -> str:
    """The grammar of JSON that fits a JSON Schema.

    Raises:
        ValueError: The schema has a pattern that no grammar can be made of.
    """
    held = {**_bounded(schema), "x-guidance": {"whitespace_flexible": False}}
    return f"%llguidance {{}}\nstart: %json {json.dumps(held)}\n"


def of_values(values: list[Any]) -> str:
    """The grammar of one value out of some, as it is."""
    return "%llguidance {}\nstart: " + " | ".join(json.dumps(str(value)) for value in values) + "\n"


def fields_of(schema: dict[str, Any]) -> str:
    """The fields of a schema in words, for the prompt: ``city (The city), unit``."""
    found = schema
    while found.get("type") == "array" and isinstance(found.get("items"), dict):
        found = found["items"]
    named = []
    for name, inner in found.get("properties", {}).items():
        described = inner.get("description") if isinstance(inner, dict) else None
        named.append(f"{name} ({described})" if described else name)
    return ", ".join(named)


def _bounded(schema: Any) -> dict[str, Any]:
    """The schema with everything that ends it, and nothing that llguidance does not know."""
    if not isinstance(schema, dict):
        return _ANY
    made: dict[str, Any] = {}
    for key in ("$defs", "definitions"):
        if isinstance(schema.get(key), dict):
            made[key] = {name: _bounded(inner) for name, inner in schema[key].items()}
    if "$ref" in schema:
        return {**made, "$ref": schema["$ref"]}
    if schema.get("nullable"):
        inner = {key: value for key, value in schema.items() if key != "nullable"}
        return {**made, "anyOf": [_bounded(inner), {"type": "null"}]}
    for key in ("const", "enum"):
        if key in schema:
            return {**made, key: schema[key]}
    for key, kept in (("anyOf", "anyOf"), ("oneOf", "anyOf"), ("allOf", "allOf")):
        if schema.get(key):
            return {**made, kept: [_bounded(inner) for inner in schema[key]]}
    kind = schema.get("type") or next(
        (
            kind
            for key, kind in (("properties", "object"), ("items", "array"), ("pattern", "string"))
            if key in schema
        ),
        None,
    )
    if kind is None:
        return {**made, **_ANY}
    if isinstance(kind, list):
        return {**made, "anyOf": [_bounded({**schema, "type": one}) for one in kind]}
    made |= {"type": kind} | {key: _whole(schema[key]) for key in _KEPT.get(kind, ()) if key in schema}
    return made | {"string": _string, "array": _array, "object": _object, "number": _number}.get(
        kind, _nothing
    )(schema)


def _whole(value: Any) -> Any:
    """Numbers of a Struct are floating: a length of 2.0 is none."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _nothing(_: dict[str, Any]) -> dict[str, Any]:
    return {}


def _string(schema: dict[str, Any]) -> dict[str, Any]:
    if re.search(r"\(\?[^:]|\\[1-9]", str(schema.get("pattern", ""))):
        raise ValueError(
            f"the local model cannot be held to the pattern {quote(schema['pattern'])}: it looks around"
        )
    # Formats of Gemini's own, such as "enum", say nothing about the text.
    if schema.get("format") in _FORMATS:
        most = {"maxLength": _LONGEST} if schema["format"] in ("email", "hostname", "uri") else {}
        return {"format": schema["format"], **most}
    return {} if "pattern" in schema else {"maxLength": _whole(schema.get("maxLength", _LENGTH))}


def _number(schema: dict[str, Any]) -> dict[str, Any]:
    return {"multipleOf": schema.get("multipleOf", _STEP)}


def _array(schema: dict[str, Any]) -> dict[str, Any]:
    # As with objects: the empty list fits, and helps nobody.
    least = int(schema.get("minItems", 1 if schema.get("maxItems", 1) else 0))
    made: dict[str, Any] = {"minItems": least, "maxItems": _whole(schema.get("maxItems", max(_ITEMS, least)))}
    if schema.get("prefixItems"):
        made["prefixItems"] = [_bounded(inner) for inner in schema["prefixItems"]]
    return {**made, "items": _bounded(schema["items"]) if "items" in schema else _ANY}


def _object(schema: dict[str, Any]) -> dict[str, Any]:
    properties = schema.get("properties") or {}
    others = schema.get("additionalProperties")
    if not properties:
        return {**_SOME, "patternProperties": {"^[A-Za-z][A-Za-z0-9_]{0,20}$": _bounded(others)}}
    order = [name for name in schema.get("propertyOrdering", ()) if name in properties]
    names = order + [name for name in properties if name not in order]
    return {
        "properties": {name: _bounded(properties[name]) for name in names},
        # Where nothing is required all is wanted: the empty object fits any schema and helps nobody.
        "required": schema.get("required") or names,
        "additionalProperties": False,
    }
