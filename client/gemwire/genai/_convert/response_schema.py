"""Schemas of responses: as the API's Schema if that can express them, otherwise as JSON Schema."""

from __future__ import annotations

import difflib
import enum
from collections.abc import Mapping
from typing import Any

from google.protobuf.message import Message

import gemwire.genai._types.schema_order  # noqa: F401 - declares it
from gemwire.genai._json.json_schema import ACCEPTED, JsonSchema, inline_references, to_json_schema
from gemwire.genai._types.generate_content import GenerateContentConfig
from gemwire_proto import v1beta
from gemwire_proto.v1beta import views
from gemwire_runtime.field_errors import locate
from gemwire_runtime.pydantic_models import unwrap
from gemwire_runtime.view_fields import message_of
from gemwire_runtime.views import fields_of

_ARGUMENT = "config.response_schema"
#: Fields of Schema by their names in JSON.
#: The service has the last three in JSON only, and a JSON Schema says the same.
_FIELDS = {
    field.json_name: field
    for field in fields_of(views.Schema).values()
    if field.name not in {"additional_properties", "defs", "ref"}
}
#: Further keywords of JSON Schema.
_KEYWORDS = frozenset(
    {
        *("$schema", "$id", "$anchor", "$comment", "$defs", "$ref", "definitions"),
        *("additionalProperties", "unevaluatedProperties", "patternProperties", "propertyNames"),
        *("dependentRequired", "dependentSchemas", "discriminator"),
        *("prefixItems", "unevaluatedItems", "uniqueItems", "contains", "minContains", "maxContains"),
        *("const", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        *("oneOf", "allOf", "not", "if", "then", "else"),
        *("examples", "deprecated", "readOnly", "writeOnly", "contentEncoding", "contentMediaType"),
    }
)
#: Keywords that constrain nothing and tell the model nothing.
_IGNORED = frozenset({"$schema", "$id", "$comment", "deprecated", "readOnly", "writeOnly"})
#: Limits for which a Schema does not distinguish 0 from unset.
_LIMITS = frozenset({"maxItems", "maxProperties", "maxLength"})
_SCHEMAS = frozenset(
    {"items", "additionalProperties", "contains", "not", "propertyNames", "if", "then", "else"}
)
_LISTS = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_MAPS = frozenset({"properties", "$defs", "definitions", "patternProperties", "dependentSchemas"})
#: Keywords by other spellings that are accepted.
_SPELLINGS: dict[str, str] = {
    **{field.name: name for name, field in _FIELDS.items()},
    "additional_properties": "additionalProperties",
    "prefix_items": "prefixItems",
    "one_of": "oneOf",
    "all_of": "allOf",
    "unique_items": "uniqueItems",
    "defs": "$defs",
    "ref": "$ref",
}


def to_response_schema(value: object) -> tuple[str, views.Schema | JsonSchema]:
    """Return the field of GenerationConfig for a schema, and its value.

    The field is ``response_schema`` if a Schema can express all of it, otherwise ``response_json_schema``.

    Args:
        value: A type, a `Schema`, or a dict in the form of Schema or JSON Schema.
    """
    value = unwrap(value)
    message = message_of(value)
    if isinstance(message, v1beta.Schema):
        if not message.ListFields():
            raise ValueError(f"{_ARGUMENT}: Unsupported schema type: the Schema is empty")
        return "response_schema", views.Schema.of(message)
    if isinstance(message, Message):
        raise _unsupported(value)
    if isinstance(value, type) and issubclass(value, enum.Enum):
        return "response_schema", _from_enum(value)
    if isinstance(value, Mapping):
        if not value:
            raise ValueError(f"{_ARGUMENT}: the dict is empty")
        schema = _normalize(value, _ARGUMENT)
    else:
        schema = _from_type(value)
    schema = inline_references(schema)
    try:
        return "response_schema", views.Schema.of(_to_message(schema))
    except _InexpressibleError:
        return "response_json_schema", order_properties(_to_plain_json_schema(schema))


def to_response_json_schema(value: object) -> JsonSchema:
    """Return the JSON Schema to send for ``response_json_schema``: a dict of one, or a type."""
    if not isinstance(value, Mapping):
        try:
            value = to_json_schema(value)
        except ValueError as error:
            raise ValueError(f"config.response_json_schema: {error}") from None
    return order_properties(value)


def find_answer_schema(config: GenerateContentConfig) -> object:
    """Return the schema by which `GenerateContentResponse.parsed` reads the answer; None if there is none."""
    return config.response_json_schema if config.response_schema is None else config.response_schema


class _InexpressibleError(Exception):
    """A Schema cannot express this."""


def _from_type(value: object) -> JsonSchema:
    if isinstance(value, (str, bytes, int, float, list, set)) or value is None:
        raise _unsupported(value)
    try:
        return to_json_schema(value)
    except ValueError as error:
        raise ValueError(f"{_ARGUMENT}: {error}") from None


def _unsupported(value: object) -> TypeError:
    return TypeError(
        f"{_ARGUMENT}: expected a type, a Schema or a dict of one, got {type(value).__name__}; "
        f"types may be {ACCEPTED}"
    )


def _from_enum(kind: type[enum.Enum]) -> views.Schema:
    values = [member.value for member in kind]
    if not values or not all(isinstance(value, (str, int)) for value in values):
        raise ValueError(f"{_ARGUMENT}: the values of {kind.__name__} must be texts or whole numbers")
    return views.Schema(type="STRING", title=kind.__name__, enum=[str(value) for value in values])


def _normalize(schema: object, place: str) -> JsonSchema:
    """Convert a schema in any form to JSON Schema with the extensions of Schema, such as nullable."""
    if isinstance(message := message_of(schema), v1beta.Schema):
        schema = views.Schema.of(message).to_dict()
    schema = unwrap(schema)
    if isinstance(schema, bool):
        return {} if schema else {"not": {}}
    if not isinstance(schema, Mapping):
        raise TypeError(f"{place}: expected a dict of a schema, got {type(schema).__name__}")
    normalized: JsonSchema = {}
    for name, value in schema.items():
        key = str(_SPELLINGS.get(name, name))
        if key not in _FIELDS and key not in _KEYWORDS and not key.startswith("x-"):
            near = difflib.get_close_matches(str(name), [*_FIELDS, *_KEYWORDS], 1)
            raise ValueError(
                f"{place}: {name!r} is not a keyword of schemas"
                + (f"; did you mean {near[0]!r}?" if near else "")
            )
        if value is not None:
            normalized[key] = _normalize_keyword(key, value, f"{place}.{name}")
    return normalized


def _normalize_keyword(key: str, value: object, place: str) -> object:
    if key == "type":
        return [_to_type(one, place) for one in value] if isinstance(value, list) else _to_type(value, place)
    if key in _SCHEMAS and not isinstance(value, bool):
        return _normalize(value, place)
    if key in _LISTS:
        if not isinstance(value, (list, tuple)):
            raise TypeError(f"{place}: expected a list of schemas, got {type(value).__name__}")
        return [_normalize(one, f"{place}[{at}]") for at, one in enumerate(value)]
    if key in _MAPS:
        if not isinstance(value, Mapping):
            raise TypeError(f"{place}: expected a dict of schemas, got {type(value).__name__}")
        return {name: _normalize(one, f"{place}.{name}") for name, one in value.items()}
    return list(value) if isinstance(value, (set, tuple)) else value


def _to_type(value: object, place: str) -> str:
    for kind in views.Type:
        if kind.number and (value == kind or (isinstance(value, str) and value.upper() == kind.value)):
            return kind.value.lower()
    known = ", ".join(kind.value for kind in views.Type if kind.number)
    raise ValueError(f"{place}: {value!r} is not one of {known}")


def _to_message(schema: object) -> v1beta.Schema:
    """Convert a JSON Schema to a Schema."""
    if not isinstance(schema, Mapping):
        raise _InexpressibleError
    rest = _simplify({key: value for key, value in schema.items() if key not in _IGNORED})
    if not rest.keys() <= _FIELDS.keys() or any(rest.get(limit) == 0 for limit in _LIMITS):
        raise _InexpressibleError
    message = v1beta.Schema()
    properties = rest.pop("properties", {})
    for name, inner in properties.items():
        message.properties[name].CopyFrom(_to_message(inner))
    if len(properties) > 1:
        rest.setdefault("propertyOrdering", list(properties))
    if "items" in rest:
        message.items.CopyFrom(_to_message(rest.pop("items")))
    message.any_of.extend([_to_message(option) for option in rest.pop("anyOf", ())])
    for key, value in rest.items():
        try:
            _FIELDS[key].write(message, value)
        except (TypeError, ValueError) as error:
            raise locate(_ARGUMENT, error) from None
    return message


def _simplify(schema: JsonSchema) -> JsonSchema:
    """Replace keywords that Schema lacks by equivalent ones that it has."""
    schema = _flatten_options(_split_types(schema))
    value = schema.get("const")
    if isinstance(value, str):
        schema = {**_remove(schema, "const"), "enum": [value]}
    values = schema.get("enum")
    if values is not None:
        if None in values:
            values = [value for value in values if value is not None]
            schema = {**schema, "enum": values, "nullable": True}
        if not all(isinstance(value, str) for value in values):
            raise _InexpressibleError
    if isinstance(schema.get("examples"), list) and len(schema["examples"]) == 1:
        schema = {**_remove(schema, "examples"), "example": schema["examples"][0]}
    if "type" not in schema and "anyOf" not in schema:
        kinds = {"properties": "object", "items": "array", "enum": "string"}
        schema["type"] = next((kind for key, kind in kinds.items() if key in schema), None)
        if schema["type"] is None:
            raise _InexpressibleError  # any value: a Schema needs a type
    if schema.get("type") == "integer":
        schema = _to_inclusive_bounds(schema)
    return _remove(schema, "default") if schema.get("default", 0) is None else schema


def _split_types(schema: JsonSchema) -> JsonSchema:
    kinds = schema.get("type")
    if not isinstance(kinds, list):
        return dict(schema)
    others = [kind for kind in kinds if kind != "null"]
    schema = {**schema, "nullable": True} if len(others) < len(kinds) else schema
    if len(others) == 1:
        return {**schema, "type": others[0]}
    # Constraints that apply to only some of the types cannot be split.
    if schema.keys() - {"type", "title", "description", "nullable", "default"} or not others:
        raise _InexpressibleError
    return {**_remove(schema, "type"), "anyOf": [{"type": kind} for kind in others]}


def _flatten_options(schema: JsonSchema) -> JsonSchema:
    """Replace a null option by ``nullable``, and a single option by the option itself."""
    for key in ("anyOf", "allOf"):
        options = schema.get(key)
        if not options or (key == "allOf" and len(options) > 1):
            continue
        others = [option for option in options if option != {"type": "null"}]
        if not others:
            continue
        if len(others) < len(options):
            schema = {**schema, "nullable": True}
        beside = _remove(schema, key)
        if len(others) > 1:
            schema = {**beside, key: others}
        elif isinstance(others[0], Mapping) and not (beside.keys() & others[0].keys()) - _ANNOTATIONS:
            schema = _flatten_options(_split_types({**others[0], **beside}))
    return schema


#: Keywords of which the outer one takes precedence.
_ANNOTATIONS = frozenset({"title", "description", "default", "nullable"})


def _to_inclusive_bounds(schema: JsonSchema) -> JsonSchema:
    """Replace exclusive bounds of integers by inclusive ones."""
    for beyond, bound, step in (("exclusiveMinimum", "minimum", 1), ("exclusiveMaximum", "maximum", -1)):
        limit = schema.get(beyond)
        if isinstance(limit, (int, float)) and float(limit).is_integer() and bound not in schema:
            schema = {**_remove(schema, beyond), bound: int(limit) + step}
    return schema


def _remove(schema: Mapping[str, Any], key: str) -> JsonSchema:
    return {name: value for name, value in schema.items() if name != key}


def _add_property_order(schema: object) -> object:
    if isinstance(schema, list):
        return [_add_property_order(item) for item in schema]
    return order_properties(schema) if isinstance(schema, Mapping) else schema


def order_properties(schema: Mapping[str, object]) -> JsonSchema:
    """Return a JSON Schema with ``propertyOrdering`` of its objects: a Struct keeps no order."""
    made: JsonSchema = {key: _add_property_order(value) for key, value in schema.items()}
    names = made.get("properties")
    if isinstance(names, dict) and len(names) > 1 and made.get("type") == "object":
        made.setdefault("propertyOrdering", list(names))
    return made


def _to_plain_json_schema(schema: Any) -> Any:
    """Remove the extensions of Schema; add the order of properties."""
    if isinstance(schema, list):
        return [_to_plain_json_schema(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    made: JsonSchema = {key: _to_plain_json_schema(value) for key, value in schema.items()}
    if "example" in made and not isinstance(made["example"], Mapping):
        made["examples"] = [made.pop("example")]
    if not isinstance(made.get("nullable"), bool):
        return made  # a property named nullable
    if not made.pop("nullable"):
        return made
    if isinstance(made.get("type"), str) and "enum" not in made:
        return {**made, "type": [made["type"], "null"]}
    return {"anyOf": [made, {"type": "null"}]}
