"""The JSON Schemas that requests ask for: of structured output, and of function arguments."""

from __future__ import annotations

from typing import Any, TypeAlias

from google.protobuf import json_format

from gemwire_proto import v1beta

#: A JSON Schema, whose keywords have values of any kind.
JsonSchema: TypeAlias = dict[str, Any]

_KEYWORDS = (
    ("format", "format"),
    ("description", "description"),
    ("pattern", "pattern"),
    ("minimum", "minimum"),
    ("maximum", "maximum"),
    ("min_items", "minItems"),
    ("max_items", "maxItems"),
    ("min_length", "minLength"),
    ("max_length", "maxLength"),
)


def schema_from_config(config: v1beta.GenerationConfig) -> JsonSchema | None:
    """Return the schema of the response, None for free text.

    ``application/json`` without a schema stands for an arbitrary object.
    """
    if config.HasField("response_json_schema"):
        return json_format.MessageToDict(config.response_json_schema)
    if config.HasField("response_json_schema_ordered"):
        return json_format.MessageToDict(config.response_json_schema_ordered)
    if config.HasField("response_schema"):
        return schema_from_message(config.response_schema)
    text = config.response_format.text
    if text.HasField("json_schema"):
        found: JsonSchema = json_format.MessageToDict(text.json_schema)
        return found
    if "application/json" in (config.response_mime_type, text.mime_type):
        return {"type": "object", "properties": {"answer": {"type": "string"}}}
    return None


def schema_from_message(schema: v1beta.Schema) -> JsonSchema:
    """Convert a ``Schema`` message."""
    found: JsonSchema = {}
    if schema.type:
        known = schema.type in v1beta.Type.values()
        # An unknown number is kept; `services.schema_checks` rejects it.
        found["type"] = v1beta.Type.Name(schema.type).lower() if known else schema.type
    for name, keyword in _KEYWORDS:
        value = getattr(schema, name)
        has_presence = schema.DESCRIPTOR.fields_by_name[name].has_presence
        if value or (has_presence and schema.HasField(name)):  # type: ignore[arg-type]
            found[keyword] = value
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
    if schema.HasField("additional_properties"):
        found["additionalProperties"] = _lower_types(json_format.MessageToDict(schema.additional_properties))
    if schema.defs:
        found["$defs"] = {name: schema_from_message(one) for name, one in schema.defs.items()}
    if schema.ref:
        found["$ref"] = schema.ref.replace("#/defs/", "#/$defs/")
    if schema.nullable:
        found["nullable"] = True
    return found


def schema_from_parameters(declaration: v1beta.FunctionDeclaration) -> JsonSchema:
    """Return the schema of a function's arguments."""
    schema: JsonSchema = {}
    if declaration.HasField("parameters_json_schema"):
        schema = json_format.MessageToDict(declaration.parameters_json_schema)
    elif declaration.HasField("parameters"):
        schema = schema_from_message(declaration.parameters)
    return {"type": "object", **schema}


def _lower_types(schema: object) -> object:
    """Return a schema with the types of JSON Schema, which are those of `Schema` in lower case."""
    if isinstance(schema, list):
        return [_lower_types(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: value.lower() if key == "type" and isinstance(value, str) else _lower_types(value)
        for key, value in schema.items()
    }
