"""Schemas of the API, and JSON Schema as a class."""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping
from typing import Literal

import gemwire.genai._types.schema_order  # noqa: F401 - before the class that inherits the fields
from gemwire.genai._types.config import Config, field_names
from gemwire_proto.v1beta import views

#: Fields that JSON Schema and Schema have in common, and that say something of values of a type.
_OF_ALL = ("title", "description")
_OF_NUMBERS = (*_OF_ALL, "enum", "format", "maximum", "minimum")
_FIELDS_BY_TYPE = {
    "number": _OF_NUMBERS,
    "integer": _OF_NUMBERS,
    "string": (*_OF_ALL, "enum", "format", "max_length", "min_length", "pattern"),
    "object": (*_OF_ALL, "any_of", "max_properties", "min_properties", "properties", "required"),
    "array": (*_OF_ALL, "items", "max_items", "min_items"),
    "boolean": _OF_ALL,
}
_NULL = ({"nullable": True}, {"type": "NULL"})


class JSONSchemaType(enum.Enum):
    """Types of JSON Schema."""

    NULL = "null"
    BOOLEAN = "boolean"
    OBJECT = "object"
    ARRAY = "array"
    NUMBER = "number"
    INTEGER = "integer"
    STRING = "string"


class JSONSchema(Config, json_names={"ref": "$ref", "defs": "$defs"}):
    """JSON Schema of draft 2020-12, as far as the API has it in a class.

    ``response_json_schema`` and ``parameters_json_schema`` take any JSON Schema as a dict.

    Attributes:
        type: Type of the value, or several.
        format: Meaning of a string or a number, such as ``date-time``.
        title: Title.
        description: Description; the model reads it.
        default: Default value.
        items: Schema of the items of an array.
        min_items: Minimum number of items.
        max_items: Maximum number of items.
        enum: Accepted values.
        properties: Schemas of the properties of an object.
        required: Names of the properties that must be there.
        min_properties: Minimum number of properties.
        max_properties: Maximum number of properties.
        minimum: Minimum of a number.
        maximum: Maximum of a number.
        min_length: Minimum length of a string.
        max_length: Maximum length of a string.
        pattern: Regular expression that a string matches.
        additional_properties: Whether there may be further properties, or their schema.
        any_of: Schemas at least one of which matches.
        unique_items: Whether the items of an array differ.
        ref: Reference to a definition, ``#/$defs/NAME``; written ``$ref`` in JSON.
        defs: Definitions by name; written ``$defs`` in JSON.
        one_of: Schemas exactly one of which matches.
    """

    type: JSONSchemaType | list[JSONSchemaType] | None = None
    format: str | None = None
    title: str | None = None
    description: str | None = None
    default: object | None = None
    items: JSONSchema | None = None
    min_items: int | None = None
    max_items: int | None = None
    enum: list[object] | None = None
    properties: dict[str, JSONSchema] | None = None
    required: list[str] | None = None
    min_properties: int | None = None
    max_properties: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    additional_properties: object | None = None
    any_of: list[JSONSchema] | None = None
    unique_items: bool | None = None
    ref: str | None = None
    defs: dict[str, JSONSchema] | None = None
    one_of: list[JSONSchema] | None = None


class Schema(views.Schema):
    """Schema of a value, in the form that the API has besides JSON Schema."""

    __slots__ = ()

    @property
    def json_schema(self) -> JSONSchema:
        """The same as JSON Schema; what that lacks, such as `example`, is left out."""
        return _to_json_schema(self)

    @classmethod
    def from_json_schema(
        cls,
        *,
        json_schema: JSONSchema | Mapping[str, object],
        api_option: Literal["ENTERPRISE", "GEMINI_API", "VERTEX_AI"] = "GEMINI_API",
        raise_error_on_unsupported_field: bool = False,
    ) -> Schema:
        """Convert a JSON Schema.

        References are replaced by their definitions; a definition that contains itself ends there. A list of
        types becomes ``any_of``. ``response_json_schema`` takes JSON Schema as it is, with nothing left out.

        Args:
            json_schema: `JSONSchema`, or a dict of its fields.
            api_option: The API that the schema is for; it is the same for all.
            raise_error_on_unsupported_field: Whether fields that a `Schema` lacks are refused. By default
                they are left out.

        Raises:
            ValueError: A field is not supported, a reference leads nowhere, or the option is unknown.
        """
        if api_option not in {"ENTERPRISE", "GEMINI_API", "VERTEX_AI"}:
            raise ValueError(f"api_option: {api_option!r} is not one of ENTERPRISE, GEMINI_API, VERTEX_AI")
        root = JSONSchema.of(json_schema, "json_schema")
        return _FromJsonSchema(root, strict=raise_error_on_unsupported_field).convert(root)


def _to_json_schema(schema: views.Schema) -> JSONSchema:
    made = JSONSchema()
    for name in (schema.model_fields_set & field_names(JSONSchema)) - {"type"}:
        setattr(made, name, _map_schemas(getattr(schema, name)))
    made.type = None if schema.type is None else JSONSchemaType(schema.type.value.lower())
    if schema.nullable:
        made.type = [JSONSchemaType.NULL, made.type] if made.type else JSONSchemaType.NULL
    return made


def _map_schemas(value: object) -> object:
    if isinstance(value, views.Schema):
        return _to_json_schema(value)
    if isinstance(value, list):
        return [_map_schemas(item) for item in value]
    if isinstance(value, dict):
        return {name: _map_schemas(item) for name, item in value.items()}
    return value


class _FromJsonSchema:
    """The conversion of one JSON Schema with its definitions."""

    def __init__(self, root: JSONSchema, *, strict: bool) -> None:
        self._root = root
        self._strict = strict
        self._entered: list[str] = []

    def convert(self, given: JSONSchema) -> Schema:
        """Convert a schema at any place of the root."""
        if (ref := given.ref) is None:
            return self._convert(given)
        if ref in self._entered:
            return Schema()
        self._entered.append(ref)
        made = self._convert(self._resolve(ref))
        self._entered.pop()
        return made

    def _resolve(self, ref: str) -> JSONSchema:
        found: object = self._root
        for step in ref.removeprefix("#").split("/")[1:]:
            if isinstance(found, JSONSchema):
                found = getattr(found, "defs" if step == "$defs" else step, None)
            elif isinstance(found, Mapping):
                found = found.get(step)
        if not isinstance(found, JSONSchema):
            raise ValueError(f"json_schema: {ref!r} refers to a definition that does not exist")  # noqa: TRY004
        # Of definitions, the titles say nothing to the model.
        properties = {
            name: one.model_copy(update={"title": None}) for name, one in (found.properties or {}).items()
        }
        return found.model_copy(update={"title": None, "properties": properties or None})

    def _convert(self, given: JSONSchema) -> Schema:
        self._check(given)
        types = given.type if isinstance(given.type, list) else [given.type] if given.type else []
        others = [kind.value for kind in types if kind is not JSONSchemaType.NULL]
        made = Schema(nullable=True if len(others) < len(types) else None)
        if len(others) > 1:
            options = [self._convert(_restrict(given, kind)) for kind in others]
            made.any_of = list(options)
            return made
        if others:
            made.type = views.Type(others[0].upper())
        for name, value in given.given():
            if name == "items":
                items = self.convert(value)
                made.items = items if items.model_fields_set else None
            elif name == "any_of":
                made.any_of = [self.convert(option) for option in value]
            elif name == "properties":
                made.properties = {key: self.convert(inner) for key, inner in value.items()}
            elif name == "enum":
                made.enum = [one if isinstance(one, str) else json.dumps(one) for one in value]
            elif name in _COPIED:
                setattr(made, name, value)
        return _unwrap_nullable(made)

    def _check(self, given: JSONSchema) -> None:
        for name, _ in given.given():
            if self._strict and name not in {*Schema.model_fields, "ref", "defs"}:
                raise ValueError(
                    f"json_schema: Schema has no {name!r}; leave it or raise_error_on_unsupported_field out, "
                    "or set response_json_schema instead"
                )


#: Fields that have the same values in both.
_COPIED = (field_names(JSONSchema) & frozenset(Schema.model_fields)) - {
    *("type", "items", "any_of", "properties", "additional_properties", "ref", "defs"),
}


def _restrict(given: JSONSchema, kind: str) -> JSONSchema:
    """Return what a schema of several types says of values of one."""
    fields = {name: getattr(given, name) for name in _FIELDS_BY_TYPE[kind]}
    return JSONSchema(type=JSONSchemaType(kind), **fields)


def _unwrap_nullable(schema: Schema) -> Schema:
    """Replace two options of which one is null by the other one, nullable."""
    options = schema.any_of or []
    others = [option for option in options if option.to_json_dict() not in _NULL]
    if len(options) != 2 or len(others) != 1:
        return schema
    made = Schema.model_validate(others[0].model_copy(update={"nullable": True}))
    if schema.default is not None:
        made.default = schema.default
    return made
