"""Python types as JSON Schema."""

from __future__ import annotations

import collections
import collections.abc
import datetime
import decimal
import enum
import inspect
import pathlib
import re
import typing
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from gemwire.genai._json import type_hints
from gemwire.genai._json.docstrings import parse_docstring
from gemwire.genai._json.jsonable import to_jsonable
from gemwire.genai._json.type_hints import Annotation, Member

#: A JSON Schema that is an object; ``true`` and ``false`` are schemas as well.
JsonSchema: TypeAlias = dict[str, Any]

ACCEPTED = (
    "bool, int, float, str, bytes, dates and times, list, set, tuple and dict of these, Literal, Optional "
    "and other unions, enums, dataclasses, TypedDict, NamedTuple and pydantic models"
)

_SCALARS: dict[Annotation, JsonSchema] = {
    Any: {},
    object: {},
    type(None): {"type": "null"},
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bytes: {"type": "string", "format": "binary"},
    datetime.datetime: {"type": "string", "format": "date-time"},
    datetime.date: {"type": "string", "format": "date"},
    datetime.time: {"type": "string", "format": "time"},
    datetime.timedelta: {"type": "string", "format": "duration"},
    decimal.Decimal: {"type": "number"},
    uuid.UUID: {"type": "string", "format": "uuid"},
    pathlib.Path: {"type": "string", "format": "path"},
}
#: Types that become arrays and objects.
LISTS = frozenset(
    {
        list,
        collections.deque,
        collections.abc.Collection,
        collections.abc.Iterable,
        collections.abc.MutableSequence,
        collections.abc.Sequence,
    }
)
SETS = frozenset({set, frozenset, collections.abc.Set, collections.abc.MutableSet})
DICTS = frozenset(
    {
        dict,
        collections.OrderedDict,
        collections.defaultdict,
        collections.abc.Mapping,
        collections.abc.MutableMapping,
    }
)
_LITERALS: dict[type, str] = {str: "string", bool: "boolean", int: "integer", float: "number"}


def to_json_schema(annotation: Annotation) -> JsonSchema:
    """Convert a type to a JSON Schema. Only recursive types become definitions."""
    builder = _SchemaBuilder()
    schema = builder.build(annotation)
    return inline_references({**schema, "$defs": builder.definitions})


def to_object_schema(members: Sequence[Member]) -> JsonSchema:
    """Build the JSON Schema of an object with the given members."""
    builder = _SchemaBuilder()
    return inline_references({**builder.build_object(members), "$defs": builder.definitions})


def inline_references(schema: Mapping[str, Any]) -> JsonSchema:
    """Replace the references in a schema by their definitions, except for recursive ones."""
    definitions: JsonSchema = {**schema.get("definitions", {}), **schema.get("$defs", {})}
    uses = {name: set(_find_references(body)) & set(definitions) for name, body in definitions.items()}
    recursive = {name for name in definitions if name in _find_reachable(uses[name], uses)}

    def walk(node: object) -> Any:
        if isinstance(node, list):
            return [walk(item) for item in node]
        if not isinstance(node, Mapping):
            return node
        name = _get_reference(node)
        beside = {key: walk(item) for key, item in node.items() if key != "$ref"}
        if name in definitions and name not in recursive:
            return {**walk(definitions[name]), **beside}
        if name and beside.keys() - {"$defs", "anyOf"}:
            return {**beside, "anyOf": [{"$ref": node["$ref"]}]}  # the API wants references to stand alone
        return {**beside, "$ref": node["$ref"]} if "$ref" in node else beside

    made = walk({key: item for key, item in schema.items() if key not in {"$defs", "definitions"}})
    kept = _find_reachable(set(_find_references(made)) & set(definitions), uses)
    if kept:
        place = "definitions" if "definitions" in schema and "$defs" not in schema else "$defs"
        made[place] = {name: walk(definitions[name]) for name in definitions if name in kept}
    return typing.cast("JsonSchema", made)


class _SchemaBuilder:
    """Schemas of types, and the definitions that they refer to."""

    def __init__(self) -> None:
        self.definitions: dict[str, JsonSchema] = {}
        self._names: dict[Annotation, str] = {}

    def build(self, annotation: Annotation) -> JsonSchema:
        """Build the schema of an annotation."""
        kind, description = type_hints.unwrap(annotation)
        schema = self._build_unwrapped(kind)
        return {**schema, "description": description} if description else schema

    def build_object(self, members: Sequence[Member]) -> JsonSchema:
        """Build the schema of an object with the given members."""
        properties = {}
        for member in members:
            try:
                properties[member.name] = _with_default(self.build(member.annotation), member.default)
            except ValueError as error:
                raise ValueError(f"{member.name}: {error}") from None
        required = [member.name for member in members if member.required]
        schema: JsonSchema = {"type": "object", "properties": properties}
        return {**schema, "required": required} if required else schema

    def _build_unwrapped(self, kind: Annotation) -> JsonSchema:
        try:
            if kind in _SCALARS:
                return dict(_SCALARS[kind])
        except TypeError:
            raise _unsupported(kind) from None
        options = type_hints.get_union_members(kind)
        if options:
            return {"anyOf": [self.build(option) for option in options]}
        origin = type_hints.get_origin(kind)
        if origin is typing.Literal:
            return _values_schema(typing.get_args(kind))
        if (made := self._build_collection(origin or kind, typing.get_args(kind))) is not None:
            return made
        if type_hints.is_pydantic_model(kind):
            return self._add_definitions(kind.model_json_schema())
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            return {**_values_schema(tuple(kind)), "title": kind.__name__, **_get_description(kind)}
        members = type_hints.get_members(kind)
        if members is not None:
            return self._build_class(kind, members)
        adapter = type_hints.get_type_adapter(kind)
        if adapter is None or kind is type_hints.MISSING or inspect.isroutine(kind):
            raise _unsupported(kind)
        try:
            return self._add_definitions(adapter.json_schema())
        except Exception as error:  # pydantic's errors have no common base
            raise _unsupported(kind) from error

    def _build_collection(self, origin: Annotation, arguments: tuple[Annotation, ...]) -> JsonSchema | None:
        if origin in DICTS:
            values = self.build(arguments[1]) if len(arguments) == 2 else {}
            return {"type": "object", "additionalProperties": values or True}
        if origin in LISTS or origin in SETS:
            made = {"type": "array", "items": self.build(arguments[0]) if arguments else {}}
            return {**made, "uniqueItems": True} if origin in SETS else made
        if origin is tuple:
            if not arguments or arguments[1:] == (...,):
                return {"type": "array", "items": self.build(arguments[0]) if arguments else {}}
            return _tuple_schema([self.build(item) for item in arguments if item != ()])
        return None

    def _build_class(self, kind: Annotation, members: list[Member]) -> JsonSchema:
        if kind in self._names:
            return {"$ref": f"#/$defs/{self._names[kind]}"}
        base = type_hints.get_origin(kind) or kind
        name = self._names[kind] = self._choose_name(base.__name__)
        self.definitions[name] = {}
        made = {**self.build_object(members), "title": base.__name__}
        schemas = made["properties"]
        if issubclass(base, tuple):
            required = {"minItems": sum(member.required for member in members)}
            made = {**_tuple_schema(list(schemas.values())), **required, "title": base.__name__}
        else:
            text, descriptions = parse_docstring(_get_description(base).get("description"))
            for member, description in descriptions.items():
                if member in schemas:
                    schemas[member].setdefault("description", description)
            made |= {"description": text} if text else {}
        self.definitions[name] = made
        return {"$ref": f"#/$defs/{name}"}

    def _add_definitions(self, schema: Mapping[str, Any]) -> JsonSchema:
        """Add the definitions of a schema of pydantic under unused names; return the schema itself."""
        schema = inline_references(schema)
        definitions = schema.pop("$defs", {})
        names: dict[str, str] = {}
        for name, body in definitions.items():
            is_same = self.definitions.get(name) == body
            names[name] = name if is_same else self._choose_name(name)
            self.definitions[names[name]] = {}
        for name, body in definitions.items():
            self.definitions[names[name]] = _rename_references(body, names)
        return typing.cast("JsonSchema", _rename_references(schema, names))

    def _choose_name(self, name: str) -> str:
        number, wanted = 1, name
        while name in self.definitions:
            number += 1
            name = f"{wanted}{number}"
        return name


def _with_default(schema: JsonSchema, default: object) -> JsonSchema:
    """Add a default to a schema if the default has a JSON form."""
    if default is type_hints.MISSING:
        return schema
    try:
        return {**schema, "default": to_jsonable(default)}
    except TypeError:
        return schema


def _values_schema(members: tuple[object, ...]) -> JsonSchema:
    values = [to_jsonable(member) for member in members]
    kinds = {type(value) for value in values}
    made: JsonSchema = {"const": values[0]} if len(values) == 1 else {"enum": values}
    (kind,) = kinds if len(kinds) == 1 else (object,)
    return {"type": _LITERALS[kind], **made} if kind in _LITERALS else made


def _tuple_schema(items: list[JsonSchema]) -> JsonSchema:
    return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}


def _get_description(kind: type) -> dict[str, str]:
    text = kind.__dict__.get("__doc__") or ""
    # Docstrings that Python generates for dataclasses, named tuples and enums describe nothing.
    if text.startswith((f"{kind.__name__}(", "An enumeration.")):
        return {}
    return {"description": inspect.cleandoc(text)} if text else {}


def _unsupported(kind: Annotation) -> ValueError:
    if kind is type_hints.MISSING:
        return ValueError(f"the annotation is missing; accepted are {ACCEPTED}")
    return ValueError(f"{type_hints.format_annotation(kind)} has no schema; accepted are {ACCEPTED}")


def _get_reference(node: Mapping[str, Any]) -> str:
    reference = node.get("$ref")
    if not isinstance(reference, str):
        return ""  # a property named $ref
    match = re.fullmatch(r"#/(?:\$defs|definitions)/([^/]+)", reference)
    return match[1] if match else ""


def _find_references(node: object) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _find_references(item)
    elif isinstance(node, Mapping):
        yield _get_reference(node)
        for item in node.values():
            yield from _find_references(item)


def _find_reachable(names: set[str], uses: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    while names:
        found |= names
        names = set().union(*(uses[name] for name in names)) - found
    return found


def _rename_references(node: object, names: Mapping[str, str]) -> Any:
    if isinstance(node, list):
        return [_rename_references(item, names) for item in node]
    if not isinstance(node, Mapping):
        return node
    made = {key: _rename_references(item, names) for key, item in node.items()}
    name = _get_reference(node)
    return {**made, "$ref": f"#/$defs/{names[name]}"} if name in names else made
