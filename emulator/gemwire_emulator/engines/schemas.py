"""Values that fit a schema, and function calls that fit their declarations."""

from __future__ import annotations

import json
import random
import re
from typing import Any

from google.protobuf import json_format

from gemwire_proto import v1beta

#: From here on a value is as small as its schema lets it be.
_DEPTH = 6
#: Values in a value, long texts counting for several, and in how many others one may lie.
_PARTS = 10_000
_DEEPEST = 30


def schema_from_config(config: Any) -> dict[str, Any] | None:
    """The JSON Schema that an answer must fit; None for free text.

    ``application/json`` without a schema asks for some object.
    """
    for name in ("response_json_schema", "response_json_schema_ordered"):
        if config.HasField(name):
            found: dict[str, Any] = json_format.MessageToDict(getattr(config, name))
            return found
    if config.HasField("response_schema"):
        return schema_from_message(config.response_schema)
    return (
        {"type": "object", "properties": {"answer": {"type": "string"}}}
        if config.response_mime_type == "application/json"
        else None
    )


def schema_from_message(schema: Any) -> dict[str, Any]:
    """A ``Schema`` message as JSON Schema."""
    found: dict[str, Any] = {}
    if schema.type:
        known = schema.type in v1beta.Type.values()
        # A number that is none stays one; `services.schema_checks` refuses it.
        found["type"] = v1beta.Type.Name(schema.type).lower() if known else schema.type
    for ours, theirs in (
        ("format", "format"),
        ("description", "description"),
        ("pattern", "pattern"),
        ("minimum", "minimum"),
        ("maximum", "maximum"),
        ("min_items", "minItems"),
        ("max_items", "maxItems"),
        ("min_length", "minLength"),
        ("max_length", "maxLength"),
    ):
        value = getattr(schema, ours)
        if value or (schema.DESCRIPTOR.fields_by_name[ours].has_presence and schema.HasField(ours)):
            found[theirs] = value
    if schema.enum:
        found["enum"] = list(schema.enum)
    if schema.HasField("items"):
        found["items"] = schema_from_message(schema.items)
    if schema.properties:
        order = [n for n in schema.property_ordering if n in schema.properties]
        names = order + sorted(n for n in schema.properties if n not in order)
        found["properties"] = {name: schema_from_message(schema.properties[name]) for name in names}
    if schema.required:
        found["required"] = list(schema.required)
    if schema.any_of:
        found["anyOf"] = [schema_from_message(s) for s in schema.any_of]
    if schema.nullable:
        found["nullable"] = True
    return found


def generate_text(schema: dict[str, Any], shuffled: random.Random, *, enum: bool = False) -> str:
    """A text that fits: JSON, or for an enum one of its values as it is.

    Raises:
        UnboundedSchemaError: No value is small enough.
    """
    value = generate_value(schema, shuffled)
    return str(value) if enum else json.dumps(value, ensure_ascii=False)


def generate_value(schema: dict[str, Any], shuffled: random.Random) -> Any:
    """A value that fits a JSON Schema, chosen by ``shuffled``.

    Raises:
        UnboundedSchemaError: No value is small enough.
    """
    return _Values(schema, shuffled).value(schema, 0)


class UnboundedSchemaError(ValueError):
    """A schema asks for more than anybody can write, or for a value that contains itself."""


class _Values:
    """Makes one value, of parts that are values."""

    def __init__(self, root: dict[str, Any], shuffled: random.Random) -> None:
        """``root`` is what references begin with."""
        self._root = root
        self._shuffled = shuffled
        self._left = _PARTS

    def value(self, schema: Any, depth: int) -> Any:
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST:
            raise UnboundedSchemaError("asks for a value without an end, or for one that is too large")
        if not isinstance(schema, dict):
            schema = {}  # True, to which anything fits.
        if "$ref" in schema:
            return self.value(_resolved(schema["$ref"], self._root), depth + 1)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return self._shuffled.choice(schema["enum"])
        for key in ("anyOf", "oneOf"):
            if schema.get(key):
                options = schema[key] if depth < _DEPTH else sorted(schema[key], key=_refers)[:1]
                chosen = _merged([_without(schema, key), self._shuffled.choice(options)], self._root)
                return self.value(chosen, depth + 1)
        if schema.get("allOf"):
            merged = _merged([_without(schema, "allOf"), *schema["allOf"]], self._root)
            return self.value(merged, depth + 1)
        kind = schema.get("type", "object" if "properties" in schema else "string")
        if isinstance(kind, list):
            kind = next((k for k in kind if k != "null"), "null")
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, depth)
        if kind in ("integer", "number"):
            return _number(schema, self._shuffled, whole=kind == "integer")
        if kind == "boolean":
            return self._shuffled.random() < 0.5
        if kind == "null":
            return None
        text = _string(schema, self._shuffled)
        self._left -= len(text) // 100
        return text

    def _array(self, schema: dict[str, Any], depth: int) -> list[Any]:
        least = int(schema.get("minItems", 1 if depth < _DEPTH else 0))
        count = (
            min(max(least, 2 if depth < 2 else 1), int(schema.get("maxItems", 2)))
            if depth < _DEPTH
            else least
        )
        prefix = [self.value(s, depth + 1) for s in schema.get("prefixItems", ())]
        items = schema.get("items", {"type": "string"})
        return prefix or [self.value(items, depth + 1) for _ in range(max(count, least))]

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties", {})
        required = schema.get("required", [])
        order = [n for n in schema.get("propertyOrdering", ()) if n in properties]
        names = [*order, *(n for n in properties if n not in order)]
        # Too deep, only what must be there is: recursive schemas come to an end.
        wanted = names if depth < _DEPTH else [n for n in names if n in required]
        return {name: self.value(properties[name], depth + 1) for name in wanted}


def _refers(schema: Any) -> bool:
    return "$ref" in str(schema)


def _without(schema: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if name != key}


def _merged(parts: list[dict[str, Any]], root: dict[str, Any]) -> dict[str, Any]:
    """A schema that asks for what all of them ask for, as far as they do not contradict each other."""
    whole: dict[str, Any] = {}
    for part in parts:
        if not isinstance(part, dict):
            continue
        asked = {**_resolved(part["$ref"], root), **_without(part, "$ref")} if "$ref" in part else part
        for name, value in asked.items():
            if name == "properties":
                whole[name] = {**whole.get(name, {}), **value}
            elif name == "required":
                whole[name] = [*whole.get(name, ()), *value]
            else:
                whole[name] = value
    return whole


def _resolved(reference: str, root: dict[str, Any]) -> dict[str, Any]:
    found: Any = root
    for step in reference.removeprefix("#").strip("/").split("/"):
        found = found.get(step, {}) if step and isinstance(found, dict) else found
    return found if isinstance(found, dict) else {}


def _number(schema: dict[str, Any], shuffled: random.Random, *, whole: bool) -> int | float:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    low = (high - 100 if high is not None else 0) if low is None else low
    high = low + 100 if high is None else high
    if whole:
        first = int(low) + (1 if "exclusiveMinimum" in schema or int(low) < low else 0)
        last = int(high) - (1 if "exclusiveMaximum" in schema and int(high) == high else 0)
        return shuffled.randint(first, max(first, last))
    return round(low + min(high - low, 1e9) * (0.25 + shuffled.random() / 2), 3)


_FORMATS = {
    "date-time": "2026-01-02T03:04:05Z",
    "date": "2026-01-02",
    "time": "03:04:05Z",
    "duration": "PT90S",
    "email": "someone@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def _string(schema: dict[str, Any], shuffled: random.Random) -> str:
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    text = f"emulated {shuffled.choice(('red', 'green', 'blue', 'round', 'small'))}"
    least, most = int(schema.get("minLength", 0)), schema.get("maxLength")
    text = text.ljust(least, "x")
    return text[: int(most)] if most else text


def choose_function(request: Any) -> Any:
    """The function that a request's tools and mode lead to; None for an answer in words.

    ANY (and VALIDATED) calls the function whose name and description share most words with what
    was said; AUTO does when they share at least one; after a function's response there is none.
    """
    modes = v1beta.FunctionCallingConfig.Mode
    config = request.tool_config.function_calling_config
    allowed = set(config.allowed_function_names)
    declared = [d for t in request.tools for d in t.function_declarations if not allowed or d.name in allowed]
    if not declared or config.mode == modes.NONE:
        return None
    latest = request.contents[-1] if request.contents else None
    if latest is not None and any(p.HasField("function_response") for p in latest.parts):
        return None
    said = _words(" ".join(p.text for p in latest.parts)) if latest is not None else set()
    scored = [(len(said & _words(f"{d.name} {d.description}")), -i, d) for i, d in enumerate(declared)]
    score, _, best = max(scored, key=lambda s: s[:2])
    return None if config.mode != modes.ANY and score == 0 else best


def schema_from_parameters(declaration: Any) -> dict[str, Any]:
    """The JSON Schema of a function's arguments."""
    schema: dict[str, Any] = {}
    if declaration.HasField("parameters_json_schema"):
        schema = json_format.MessageToDict(declaration.parameters_json_schema)
    elif declaration.HasField("parameters"):
        schema = schema_from_message(declaration.parameters)
    return {"type": "object", **schema}


def generate_call(request: Any, shuffled: random.Random) -> Any:
    """A call of `choose_function`, with made-up arguments that fit; None for an answer in words.

    Raises:
        UnboundedSchemaError: No arguments are small enough.
    """
    function = choose_function(request)
    if function is None:
        return None
    arguments = generate_value(schema_from_parameters(function), shuffled)
    return v1beta.FunctionCall(name=function.name, args=arguments if isinstance(arguments, dict) else {})


def _words(text: str) -> set[str]:
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", text).replace("_", " ").lower()
    return {w.rstrip("s") for w in re.findall(r"[a-z]{3,}", spaced)} - {
        "the",
        "and",
        "for",
        "what",
        "get",
        "with",
        "this",
        "that",
        "you",
    }
