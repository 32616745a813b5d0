"""`Schema` and `JSONSchema`, one from the other; google-genai's conversions are the judge."""

from __future__ import annotations

from typing import Any

import pytest

from gemwire.genai import types

PERSON = {
    "type": "object",
    "title": "Person",
    "properties": {"name": {"type": "string", "minLength": 1}, "age": {"type": ["integer", "null"]}},
    "required": ["name"],
}
JSON_SCHEMAS: list[dict[str, Any]] = [
    {},
    {"type": "string", "format": "date-time", "description": "When.", "pattern": "^2", "maxLength": 30},
    {"type": "null"},
    {"type": ["string", "null"], "enum": ["a", "b"]},
    {"type": ["string", "integer", "null"], "title": "T", "maxLength": 3, "minimum": 2, "default": "a"},
    {
        "type": "array",
        "items": {"type": "number", "minimum": 0.5, "maximum": 2},
        "minItems": 1,
        "maxItems": 2,
    },
    {"type": "array", "items": {}},
    {"anyOf": [{"type": "string"}, {"type": "integer"}], "title": "U"},
    {"anyOf": [{"type": "string", "title": "S"}, {"type": "null"}], "default": "x"},
    {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]},
    PERSON,
    {"type": "object", "minProperties": 1, "maxProperties": 2, "additionalProperties": {"type": "string"}},
    {"type": "object", "properties": {"p": {"$ref": "#/$defs/P"}}, "$defs": {"P": PERSON}},
    {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/P"}, "b": {"type": "array", "items": {"$ref": "#/$defs/P"}}},
        "$defs": {"P": PERSON},
    },
    {
        "$ref": "#/$defs/Node",
        "$defs": {
            "Node": {
                "type": "object",
                "title": "Node",
                "properties": {"next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]}},
            }
        },
    },
    {"type": "array", "items": {"type": "string"}, "uniqueItems": True, "oneOf": [{"type": "array"}]},
]
SCHEMAS: list[dict[str, Any]] = [
    {},
    {"type": "STRING", "nullable": True, "example": "a", "property_ordering": ["a"]},
    {"nullable": True},
    {
        "type": "OBJECT",
        "properties": {"a": {"type": "ARRAY", "items": {"type": "INTEGER", "nullable": True}}},
        "required": ["a"],
        "default": {"a": [1]},
    },
    {"any_of": [{"type": "STRING", "max_length": 3}, {"type": "NUMBER", "minimum": 1.5}], "title": "T"},
    {"type": "STRING", "enum": ["a", "b"], "format": "enum", "description": "D", "pattern": "a|b"},
]


def _without_order(tree: Any) -> Any:
    """A schema without the order of its properties, which gemwire notes."""
    if isinstance(tree, dict):
        return {key: _without_order(value) for key, value in tree.items() if key != "property_ordering"}
    return [_without_order(item) for item in tree] if isinstance(tree, list) else tree


@pytest.mark.parametrize("given", JSON_SCHEMAS, ids=str)
def test_a_schema_of_json_schema(given: dict[str, Any]) -> None:
    theirs: Any = pytest.importorskip("google.genai.types")
    wanted = theirs.Schema.from_json_schema(json_schema=theirs.JSONSchema(**given))
    for json_schema in (types.JSONSchema(**given), given):
        made = types.Schema.from_json_schema(json_schema=json_schema)
        assert isinstance(made, types.Schema)
        assert _without_order(made.to_json_dict()) == wanted.model_dump(exclude_none=True, mode="json")


@pytest.mark.parametrize("given", SCHEMAS, ids=str)
def test_json_schema_of_a_schema(given: dict[str, Any]) -> None:
    theirs: Any = pytest.importorskip("google.genai.types")
    made = types.Schema(**given).json_schema
    assert isinstance(made, types.JSONSchema)
    wanted = theirs.Schema(**given).json_schema
    assert made.to_json_dict() == wanted.model_dump(exclude_none=True, mode="json")


def test_the_order_of_the_properties_is_noted() -> None:
    made = types.Schema.from_json_schema(json_schema=PERSON)
    assert made.property_ordering == ["name", "age"]
    assert made.properties
    assert made.properties["age"].nullable is True


def test_names_in_json() -> None:
    given = {"$ref": "#/$defs/P", "$defs": {"P": {"type": "string", "minLength": 1}}}
    made = types.JSONSchema.model_validate(given)
    assert made.ref == "#/$defs/P"
    assert made.defs
    assert made.defs["P"].type is types.JSONSchemaType.STRING
    assert made.model_dump(exclude_none=True, mode="json", by_alias=True) == given
    assert types.JSONSchema(ref="#/$defs/P", defs=made.defs) == made


def test_what_cannot_be_converted() -> None:
    with pytest.raises(ValueError, match=r"json_schema: Schema has no 'one_of'; leave it or"):
        types.Schema.from_json_schema(
            json_schema={"anyOf": [{"oneOf": [{"type": "string"}]}]}, raise_error_on_unsupported_field=True
        )
    with pytest.raises(
        ValueError, match=r"json_schema: '#/\$defs/Q' refers to a definition that does not exist"
    ):
        types.Schema.from_json_schema(json_schema={"$ref": "#/$defs/Q", "$defs": {"P": {}}})
    with pytest.raises(ValueError, match=r"json_schema has no field 'typ'; did you mean 'type'"):
        types.Schema.from_json_schema(json_schema={"typ": "string"})
    with pytest.raises(ValueError, match="api_option: 'BAD' is not one of ENTERPRISE"):
        types.Schema.from_json_schema(json_schema={}, api_option="BAD")  # type: ignore[arg-type]
