"""Random values that conform to a JSON Schema."""

from __future__ import annotations

import json
import random

from gemwire_emulator.engines.json_schema import JsonSchema

#: Depth from which a value is as small as its schema allows.
_DEPTH = 6
#: Values in a value, where long texts count as several, and the maximum depth.
_PARTS = 10_000
_DEEPEST = 30
_FORMATS = {
    "date-time": "2026-01-02T03:04:05Z",
    "date": "2026-01-02",
    "time": "03:04:05Z",
    "duration": "PT90S",
    "email": "someone@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


class UnboundedSchemaError(ValueError):
    """A schema requires a value that is too large, or that contains itself."""


def generate_text(schema: JsonSchema, rng: random.Random, *, enum: bool = False) -> str:
    """Return a value as JSON, or with ``enum`` as plain text.

    Raises:
        UnboundedSchemaError: No value is small enough.
    """
    value = generate_value(schema, rng)
    return str(value) if enum else json.dumps(value, ensure_ascii=False)


def generate_value(schema: JsonSchema, rng: random.Random) -> object:
    """Return a value that conforms to a schema.

    Raises:
        UnboundedSchemaError: No value is small enough.
    """
    return _Generator(schema, rng).value(schema, 0)


class _Generator:
    """The generation of one value."""

    def __init__(self, root: JsonSchema, rng: random.Random) -> None:
        """Start; references are relative to ``root``."""
        self._root = root
        self._rng = rng
        self._left = _PARTS

    def value(self, schema: object, depth: int) -> object:
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST:
            raise UnboundedSchemaError("requires a value that is endless or too large")
        if not isinstance(schema, dict):
            schema = {}  # True, which accepts anything.
        if "$ref" in schema:
            return self.value(_resolve(schema["$ref"], self._root), depth + 1)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return self._rng.choice(schema["enum"])
        for key in ("anyOf", "oneOf"):
            if schema.get(key):
                options = schema[key] if depth < _DEPTH else sorted(schema[key], key=_has_reference)[:1]
                chosen = _merge([_without(schema, key), self._rng.choice(options)], self._root)
                return self.value(chosen, depth + 1)
        if schema.get("allOf"):
            merged = _merge([_without(schema, "allOf"), *schema["allOf"]], self._root)
            return self.value(merged, depth + 1)
        return self._of_type(schema, depth)

    def _of_type(self, schema: JsonSchema, depth: int) -> object:
        kind = schema.get("type", "object" if "properties" in schema else "string")
        if isinstance(kind, list):
            kind = next((k for k in kind if k != "null"), "null")
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, depth)
        if kind in ("integer", "number"):
            return _generate_number(schema, self._rng, integer=kind == "integer")
        if kind == "boolean":
            return self._rng.random() < 0.5
        if kind == "null":
            return None
        text = _generate_string(schema, self._rng)
        self._left -= len(text) // 100
        return text

    def _array(self, schema: JsonSchema, depth: int) -> list[object]:
        least = int(schema.get("minItems", 1 if depth < _DEPTH else 0))
        count = (
            min(max(least, 2 if depth < 2 else 1), int(schema.get("maxItems", 2)))
            if depth < _DEPTH
            else least
        )
        prefix = [self.value(s, depth + 1) for s in schema.get("prefixItems", ())]
        items = schema.get("items", {"type": "string"})
        return prefix or [self.value(items, depth + 1) for _ in range(max(count, least))]

    def _object(self, schema: JsonSchema, depth: int) -> dict[str, object]:
        properties = schema.get("properties", {})
        required = schema.get("required", [])
        order = [n for n in schema.get("propertyOrdering", ()) if n in properties]
        names = [*order, *(n for n in properties if n not in order)]
        # Deep down, only required properties: recursive schemas come to an end.
        wanted = names if depth < _DEPTH else [n for n in names if n in required]
        return {name: self.value(properties[name], depth + 1) for name in wanted}


def _has_reference(schema: object) -> bool:
    return "$ref" in str(schema)


def _without(schema: JsonSchema, key: str) -> JsonSchema:
    return {name: value for name, value in schema.items() if name != key}


def _merge(parts: list[JsonSchema], root: JsonSchema) -> JsonSchema:
    """Return a schema that requires what all parts require, as far as they are compatible."""
    merged: JsonSchema = {}
    for part in parts:
        if not isinstance(part, dict):
            continue
        resolved = {**_resolve(part["$ref"], root), **_without(part, "$ref")} if "$ref" in part else part
        for name, value in resolved.items():
            if name == "properties":
                merged[name] = {**merged.get(name, {}), **value}
            elif name == "required":
                merged[name] = [*merged.get(name, ()), *value]
            else:
                merged[name] = value
    return merged


def _resolve(reference: str, root: JsonSchema) -> JsonSchema:
    found: object = root
    for step in reference.removeprefix("#").strip("/").split("/"):
        found = found.get(step, {}) if step and isinstance(found, dict) else found
    return found if isinstance(found, dict) else {}


def _generate_number(schema: JsonSchema, rng: random.Random, *, integer: bool) -> int | float:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    low = (high - 100 if high is not None else 0) if low is None else low
    high = low + 100 if high is None else high
    if integer:
        first = int(low) + (1 if "exclusiveMinimum" in schema or int(low) < low else 0)
        last = int(high) - (1 if "exclusiveMaximum" in schema and int(high) == high else 0)
        return rng.randint(first, max(first, last))
    return float(round(low + min(high - low, 1e9) * (0.25 + rng.random() / 2), 3))


def _generate_string(schema: JsonSchema, rng: random.Random) -> str:
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    text = f"emulated {rng.choice(('red', 'green', 'blue', 'round', 'small'))}"
    least, most = int(schema.get("minLength", 0)), schema.get("maxLength")
    text = text.ljust(least, "x")
    return text[: int(most)] if most else text
