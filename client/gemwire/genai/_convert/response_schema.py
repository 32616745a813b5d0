"""What an answer must be like: the API's Schema where that can say it, otherwise JSON Schema."""

from __future__ import annotations

import difflib
import enum
from collections.abc import Mapping
from typing import Any

from google.protobuf.message import Message

from gemwire.genai._convert.json_schema import ACCEPTED, inlined, json_schema
from gemwire_proto import v1beta
from gemwire_proto.v1beta import views
from gemwire_runtime.views import View

_ARGUMENT = "config.response_schema"
#: Fields of Schema by their names in JSON.
_FIELDS: dict[str, str] = {field.json_name: name for name, field in views.Schema._fields.items()}
#: Keywords of JSON Schema beside them.
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
#: What neither asks for anything nor tells the model anything.
_SILENT = frozenset({"$schema", "$id", "$comment", "deprecated", "readOnly", "writeOnly"})
#: Sizes whose zero Schema does not tell from none.
_LIMITS = frozenset({"maxItems", "maxProperties", "maxLength"})
_SCHEMAS = frozenset(
    {"items", "additionalProperties", "contains", "not", "propertyNames", "if", "then", "else"}
)
_LISTS = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_MAPS = frozenset({"properties", "$defs", "definitions", "patternProperties", "dependentSchemas"})
_SPELLINGS: dict[Any, Any] = {
    **{name: json_name for json_name, name in _FIELDS.items()},
    "additional_properties": "additionalProperties",
    "prefix_items": "prefixItems",
    "one_of": "oneOf",
    "all_of": "allOf",
    "unique_items": "uniqueItems",
    "defs": "$defs",
    "ref": "$ref",
}


def to_schema(value: Any) -> tuple[str, Any]:
    """The field of GenerationConfig that says what an answer must be like, and its value.

    That is ``response_schema`` where a Schema says all of it, otherwise ``response_json_schema``. What is
    given is not changed.

    Args:
        value: A type, a `Schema`, or a dict of a schema in the API's form or as JSON Schema.

    Raises:
        ValueError: It cannot be expressed, or is none.
        TypeError: It is of a wrong type.
    """
    message = value._pb if isinstance(value, View) else value
    if isinstance(message, v1beta.Schema):
        if not message.ListFields():
            raise ValueError(f"{_ARGUMENT}: the Schema is empty")
        return "response_schema", views.Schema.of(message)
    if isinstance(message, Message):
        raise _refusal(value)
    if isinstance(value, type) and issubclass(value, enum.Enum):
        return "response_schema", _of_enum(value)
    if isinstance(value, Mapping):
        if not value:
            raise ValueError(f"{_ARGUMENT}: the dict is empty")
        schema = _standard(value, _ARGUMENT)
    else:
        schema = _of_type(value)
    schema = inlined(schema)
    try:
        return "response_schema", views.Schema.of(_message(schema))
    except _Inexpressible:
        return "response_json_schema", _sendable(schema)


class _Inexpressible(Exception):
    """A Schema cannot say this."""


def _of_type(value: Any) -> dict[str, Any]:
    if isinstance(value, (str, bytes, int, float, list, set)) or value is None:
        raise _refusal(value)
    try:
        return json_schema(value)
    except ValueError as error:
        raise ValueError(f"{_ARGUMENT}: {error}") from None


def _refusal(value: Any) -> TypeError:
    return TypeError(
        f"{_ARGUMENT}: expected a type, a Schema or a dict of one, got {type(value).__name__}; "
        f"types may be {ACCEPTED}"
    )


def _of_enum(kind: type[enum.Enum]) -> views.Schema:
    values = [member.value for member in kind]
    if not values or not all(isinstance(value, (str, int)) for value in values):
        raise ValueError(f"{_ARGUMENT}: the values of {kind.__name__} must be texts or whole numbers")
    return views.Schema(type="STRING", title=kind.__name__, enum=[str(value) for value in values])


def _standard(schema: Any, place: str) -> dict[str, Any]:
    """A dict in any spelling as JSON Schema, still with ``nullable`` and the like."""
    if isinstance(schema, (View, Message)):
        message = schema._pb if isinstance(schema, View) else schema
        schema = views.Schema.of(message).to_dict() if isinstance(message, v1beta.Schema) else message
    if isinstance(schema, bool):
        return {} if schema else {"not": {}}
    if not isinstance(schema, Mapping):
        raise TypeError(f"{place}: expected a dict of a schema, got {type(schema).__name__}")
    made: dict[str, Any] = {}
    for name, value in schema.items():
        key = str(_SPELLINGS.get(name, name))
        if key not in _FIELDS and key not in _KEYWORDS and not key.startswith("x-"):
            near = difflib.get_close_matches(str(name), [*_FIELDS, *_KEYWORDS], 1)
            raise ValueError(
                f"{place}: a schema has no {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")
            )
        if value is not None:
            made[key] = _standard_value(key, value, f"{place}.{name}")
    return made


def _standard_value(key: str, value: Any, place: str) -> Any:
    if key == "type":
        return [_type(one, place) for one in value] if isinstance(value, list) else _type(value, place)
    if key in _SCHEMAS and not isinstance(value, bool):
        return _standard(value, place)
    if key in _LISTS:
        if not isinstance(value, (list, tuple)):
            raise TypeError(f"{place}: expected a list of schemas, got {type(value).__name__}")
        return [_standard(one, f"{place}[{at}]") for at, one in enumerate(value)]
    if key in _MAPS:
        if not isinstance(value, Mapping):
            raise TypeError(f"{place}: expected a dict of schemas, got {type(value).__name__}")
        return {name: _standard(one, f"{place}.{name}") for name, one in value.items()}
    return list(value) if isinstance(value, (set, tuple)) else value


def _type(value: Any, place: str) -> str:
    try:
        return views.Type(value.upper() if isinstance(value, str) else value).value.lower()
    except ValueError:
        known = ", ".join(kind.value for kind in views.Type if kind.number)
        raise ValueError(f"{place}: {value!r} is none of {known}") from None


def _message(schema: Any) -> Any:
    """A JSON Schema as a Schema message.

    Raises:
        _Inexpressible: Something would be lost.
        ValueError: A value is of a wrong kind.
    """
    if not isinstance(schema, Mapping):
        raise _Inexpressible
    rest = _simple({key: value for key, value in schema.items() if key not in _SILENT})
    if not rest.keys() <= _FIELDS.keys() or any(rest.get(limit) == 0 for limit in _LIMITS):
        raise _Inexpressible
    made = v1beta.Schema()
    for name, inner in rest.pop("properties", {}).items():
        made.properties[name].CopyFrom(_message(inner))
    if len(made.properties) > 1 and "propertyOrdering" not in rest:
        rest["propertyOrdering"] = list(schema["properties"])
    if "items" in rest:
        made.items.CopyFrom(_message(rest.pop("items")))
    made.any_of.extend([_message(option) for option in rest.pop("anyOf", ())])
    for key, value in rest.items():
        try:
            views.Schema._fields[_FIELDS[key]].write(made, value)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{_ARGUMENT}: {error}") from None
    return made


def _simple(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema in the words of Schema, where there are some."""
    schema = _flat(_with_one_type(schema))
    value = schema.get("const")
    if isinstance(value, str):
        schema = {**_without(schema, "const"), "enum": [value]}
    values = schema.get("enum")
    if values is not None:
        if None in values:
            values = [value for value in values if value is not None]
            schema = {**schema, "enum": values, "nullable": True}
        if not all(isinstance(value, str) for value in values):
            raise _Inexpressible
    if isinstance(schema.get("examples"), list) and len(schema["examples"]) == 1:
        schema = {**_without(schema, "examples"), "example": schema["examples"][0]}
    if "type" not in schema and "anyOf" not in schema:
        kinds = {"properties": "object", "items": "array", "enum": "string"}
        schema["type"] = next((kind for key, kind in kinds.items() if key in schema), None)
        if schema["type"] is None:
            raise _Inexpressible  # anything, which the API wants a type for
    if schema.get("type") == "integer":
        schema = _inclusive(schema)
    return _without(schema, "default") if schema.get("default", 0) is None else schema


def _with_one_type(schema: dict[str, Any]) -> dict[str, Any]:
    kinds = schema.get("type")
    if not isinstance(kinds, list):
        return dict(schema)
    others = [kind for kind in kinds if kind != "null"]
    schema = {**schema, "nullable": True} if len(others) < len(kinds) else schema
    if len(others) == 1:
        return {**schema, "type": others[0]}
    # Of several types each has constraints of its own.
    if schema.keys() - {"type", "title", "description", "nullable", "default"} or not others:
        raise _Inexpressible
    return {**_without(schema, "type"), "anyOf": [{"type": kind} for kind in others]}


def _flat(schema: dict[str, Any]) -> dict[str, Any]:
    """Null among alternatives becomes nullable, and a single alternative the schema itself."""
    for key in ("anyOf", "allOf"):
        options = schema.get(key)
        if not options or (key == "allOf" and len(options) > 1):
            continue
        others = [option for option in options if option != {"type": "null"}]
        if not others:
            continue
        if len(others) < len(options):
            schema = {**schema, "nullable": True}
        beside = _without(schema, key)
        if len(others) > 1:
            schema = {**beside, key: others}
        elif isinstance(others[0], Mapping) and not (beside.keys() & others[0].keys()) - _WORDS:
            schema = _flat(_with_one_type({**others[0], **beside}))
    return schema


#: Of these the outer one counts.
_WORDS = frozenset({"title", "description", "default", "nullable"})


def _inclusive(schema: dict[str, Any]) -> dict[str, Any]:
    """Of whole numbers, what lies beyond a bound begins one further."""
    for beyond, bound, step in (("exclusiveMinimum", "minimum", 1), ("exclusiveMaximum", "maximum", -1)):
        limit = schema.get(beyond)
        if isinstance(limit, (int, float)) and float(limit).is_integer() and bound not in schema:
            schema = {**_without(schema, beyond), bound: int(limit) + step}
    return schema


def _without(schema: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if name != key}


def _sendable(schema: Any) -> Any:
    """A schema as JSON Schema alone, with the order of properties, which dicts lose on the way."""
    if isinstance(schema, list):
        return [_sendable(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    made: dict[str, Any] = {key: _sendable(value) for key, value in schema.items()}
    names = made.get("properties")
    if isinstance(names, dict) and len(names) > 1 and made.get("type") == "object":
        made.setdefault("propertyOrdering", list(names))
    if "example" in made and not isinstance(made["example"], Mapping):
        made["examples"] = [made.pop("example")]
    if not isinstance(made.get("nullable"), bool):
        return made  # a property may be called like that
    if not made.pop("nullable"):
        return made
    if isinstance(made.get("type"), str) and "enum" not in made:
        return {**made, "type": [made["type"], "null"]}
    return {"anyOf": [made, {"type": "null"}]}
