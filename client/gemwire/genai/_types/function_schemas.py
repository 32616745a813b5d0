"""Functions declared with the API's own `Schema`, as google-genai does where JSON Schema is not asked for."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable

from gemwire.genai._json import type_hints
from gemwire.genai._json.functions import get_parameters, get_result
from gemwire.genai._json.json_schema import JsonSchema, to_json_schema
from gemwire.genai._json.type_hints import Annotation
from gemwire.genai._types.schemas import Schema
from gemwire_proto.v1beta import views

_TYPES: dict[Annotation, views.Type] = {
    str: views.Type.STRING,
    int: views.Type.INTEGER,
    float: views.Type.NUMBER,
    bool: views.Type.BOOLEAN,
    list: views.Type.ARRAY,
    dict: views.Type.OBJECT,
}


def build_parameters(function: Callable[..., object]) -> tuple[Schema | None, JsonSchema | None]:
    """Build the schema of a function's parameters.

    Returns:
        The schema, and JSON Schemas by parameter where a `Schema` cannot say it; one of them is None.

    Raises:
        ValueError: A parameter has no schema.
    """
    parameters = get_parameters(function)
    try:
        schemas = {name: _with_default(_to_schema(one.annotation), one) for name, one in parameters.items()}
    except ValueError:
        # What is beyond simple types is described as JSON Schema first, and then all parameters are.
        described = {name: _describe(one) for name, one in parameters.items()}
        tuples = {name: _close(one) for name, one in described.items() if "prefixItems" in one}
        if tuples:
            return None, tuples
        schemas = {
            name: _set_default(Schema.from_json_schema(json_schema=one), parameters[name].default)
            for name, one in described.items()
        }
    return (_to_object(schemas), None) if schemas else (None, None)


def build_result(function: Callable[..., object]) -> tuple[Schema | None, JsonSchema | None]:
    """Build the schema of a function's result, which has no annotation at times; see `build_parameters`."""
    annotation = get_result(function)
    if annotation is type_hints.MISSING:
        return None, None
    try:
        schema = _to_schema(annotation)
    except ValueError:
        return None, _close(to_json_schema(annotation))
    return (schema, None) if not schema.any_of else (None, to_json_schema(annotation))


def _to_schema(annotation: Annotation) -> Schema:
    """Build the schema of a simple type: of scalars, lists, unions, dicts and pydantic models."""
    kind, _ = type_hints.unwrap(annotation)
    origin, arguments = type_hints.get_origin(kind), typing.get_args(kind)
    if members := type_hints.get_union_members(kind):
        return _to_union(members)
    if origin is list:
        return Schema(type=views.Type.ARRAY, items=_to_schema(arguments[0]))
    if origin is dict:
        return Schema(type=views.Type.OBJECT)
    if origin is typing.Literal and all(isinstance(value, str) for value in arguments):
        return Schema(type=views.Type.STRING, enum=list(arguments))
    if type_hints.is_pydantic_model(kind):
        fields = kind.model_fields.items()
        return _to_object({name: _to_schema(field.annotation) for name, field in fields})
    if not isinstance(kind, type) or kind not in _TYPES:
        raise ValueError(f"{type_hints.format_annotation(kind)} is not simple")
    return Schema(type=_TYPES[kind])


def _to_union(members: tuple[Annotation, ...]) -> Schema:
    options: list[Schema] = []
    for member in members:
        if member is not type(None) and (option := _to_schema(member)) not in options:
            options.append(option)
    # google-genai gives a union the type OBJECT, and the API takes that.
    made = options[0] if len(options) == 1 else Schema(type=views.Type.OBJECT, any_of=[*options])
    if type(None) in members:
        made.nullable = True
    return made


def _to_object(properties: dict[str, Schema]) -> Schema:
    required = [name for name, one in properties.items() if not one.nullable and one.default is None]
    return Schema(type=views.Type.OBJECT, properties={**properties}, required=required)


def _with_default(schema: Schema, parameter: inspect.Parameter) -> Schema:
    """Set the default of a simple parameter, which must be one of its values."""
    default = parameter.default
    if default is not type_hints.MISSING and not _fits(default, parameter.annotation):
        raise ValueError(f"parameter {parameter.name}: the default {default!r} is of another type")
    return _set_default(schema, default)


def _set_default(schema: Schema, default: object) -> Schema:
    if default is not type_hints.MISSING and default is not None:
        schema.default = default
    return schema


def _fits(value: object, annotation: Annotation) -> bool:
    kind, _ = type_hints.unwrap(annotation)
    origin, arguments = type_hints.get_origin(kind), typing.get_args(kind)
    if members := type_hints.get_union_members(kind):
        return any(_fits(value, member) for member in members)
    if origin is typing.Literal:
        return value in arguments
    if origin is list:
        return isinstance(value, list) and all(_fits(item, arguments[0]) for item in value)
    return isinstance(value, origin or kind)


def _describe(parameter: inspect.Parameter) -> JsonSchema:
    try:
        return to_json_schema(parameter.annotation)
    except ValueError as error:
        raise ValueError(f"parameter {parameter.name}: {error}") from None


def _close(schema: JsonSchema) -> JsonSchema:
    """Say of a tuple that it has no further items."""
    return {**schema, "unevaluatedItems": False} if "prefixItems" in schema else schema
