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
from typing import Any

from gemwire.genai._convert import annotations as notes
from gemwire.genai._convert.docstrings import described
from gemwire.genai._convert.jsonable import plain

ACCEPTED = (
    "bool, int, float, str, bytes, dates and times, list, set, tuple and dict of these, Literal, Optional "
    "and other unions, enums, dataclasses, TypedDict, NamedTuple and pydantic models"
)

_SCALARS: dict[Any, dict[str, Any]] = {
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
#: What is written as an array, and as an object.
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
_LITERALS: dict[type[Any], str] = {str: "string", bool: "boolean", int: "integer", float: "number"}


def json_schema(annotation: Any) -> dict[str, Any]:
    """The JSON Schema of a type. Only what contains itself is a definition there.

    Raises:
        ValueError: The type, or one in it, has none.
    """
    made = _Types()
    schema = made.of(annotation)
    return inlined({**schema, "$defs": made.definitions})


def object_schema(fields: Sequence[notes.Member]) -> dict[str, Any]:
    """The JSON Schema of an object with these fields.

    Raises:
        ValueError: The type of one, which is named, has none.
    """
    made = _Types()
    return inlined({**made.of_fields(fields), "$defs": made.definitions})


def inlined(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema whose references are replaced by what they refer to, except where that contains itself."""
    definitions: dict[str, Any] = {**schema.get("definitions", {}), **schema.get("$defs", {})}
    uses = {name: set(_references(body)) & set(definitions) for name, body in definitions.items()}
    recursive = {name for name in definitions if name in _reachable(uses[name], uses)}

    def walk(node: Any) -> Any:
        if isinstance(node, list):
            return [walk(item) for item in node]
        if not isinstance(node, Mapping):
            return node
        name = _referred(node)
        beside = {key: walk(item) for key, item in node.items() if key != "$ref"}
        if name in definitions and name not in recursive:
            return {**walk(definitions[name]), **beside}
        if name and beside.keys() - {"$defs", "anyOf"}:
            return {**beside, "anyOf": [{"$ref": node["$ref"]}]}  # the API wants references to be alone
        return {**beside, "$ref": node["$ref"]} if "$ref" in node else beside

    made = walk({key: item for key, item in schema.items() if key not in {"$defs", "definitions"}})
    kept = _reachable(set(_references(made)) & set(definitions), uses)
    if kept:
        place = "definitions" if "definitions" in schema and "$defs" not in schema else "$defs"
        made[place] = {name: walk(definitions[name]) for name in definitions if name in kept}
    return typing.cast("dict[str, Any]", made)


class _Types:
    """Schemas of types, and the definitions that they refer to."""

    def __init__(self) -> None:
        self.definitions: dict[str, Any] = {}
        self._names: dict[Any, str] = {}

    def of(self, annotation: Any) -> dict[str, Any]:
        """The schema of an annotation."""
        kind, said = notes.core(annotation)
        schema = self._of_core(kind)
        return {**schema, "description": said} if said else schema

    def of_fields(self, fields: Sequence[notes.Member]) -> dict[str, Any]:
        """The schema of an object with these fields."""
        properties = {}
        for field in fields:
            try:
                properties[field.name] = _with_default(self.of(field.annotation), field.default)
            except ValueError as error:
                raise ValueError(f"{field.name}: {error}") from None
        required = [field.name for field in fields if field.required]
        made = {"type": "object", "properties": properties}
        return {**made, "required": required} if required else made

    def _of_core(self, kind: Any) -> dict[str, Any]:
        try:
            if kind in _SCALARS:
                return dict(_SCALARS[kind])
        except TypeError:
            raise _refusal(kind) from None
        options = notes.union(kind)
        if options:
            return {"anyOf": [self.of(option) for option in options]}
        origin = typing.get_origin(kind)
        if origin is typing.Literal:
            return _of_values(typing.get_args(kind))
        if (made := self._of_collection(origin or kind, typing.get_args(kind))) is not None:
            return made
        if notes.is_model(kind):
            return self._hoisted(kind.model_json_schema())
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            return {**_of_values(tuple(kind)), "title": kind.__name__, **_documentation(kind)}
        fields = notes.members(kind)
        if fields is not None:
            return self._of_class(kind, fields)
        adapter = notes.adapter(kind)
        if adapter is None or kind is notes.MISSING or inspect.isroutine(kind):
            raise _refusal(kind)
        try:
            return self._hoisted(adapter.json_schema())
        except Exception as error:  # pydantic's own errors, one of which says that there is no schema
            raise _refusal(kind) from error

    def _of_collection(self, origin: Any, arguments: tuple[Any, ...]) -> dict[str, Any] | None:
        if origin in DICTS:
            values = self.of(arguments[1]) if len(arguments) == 2 else {}
            return {"type": "object", "additionalProperties": values or True}
        if origin in LISTS or origin in SETS:
            made = {"type": "array", "items": self.of(arguments[0]) if arguments else {}}
            return {**made, "uniqueItems": True} if origin in SETS else made
        if origin is tuple:
            if not arguments or arguments[1:] == (...,):
                return {"type": "array", "items": self.of(arguments[0]) if arguments else {}}
            return _tuple([self.of(item) for item in arguments if item != ()])
        return None

    def _of_class(self, kind: Any, fields: list[notes.Member]) -> dict[str, Any]:
        if kind in self._names:
            return {"$ref": f"#/$defs/{self._names[kind]}"}
        base = typing.get_origin(kind) or kind
        name = self._names[kind] = self._free(base.__name__)
        self.definitions[name] = {}
        made = {**self.of_fields(fields), "title": base.__name__}
        schemas = made["properties"]
        if issubclass(base, tuple):
            least = {"minItems": sum(field.required for field in fields)}
            made = {**_tuple(list(schemas.values())), **least, "title": base.__name__}
        else:
            said = _documentation(base)
            text, of_fields = described(said.get("description"))
            for field, words in of_fields.items():
                if field in schemas:
                    schemas[field].setdefault("description", words)
            made |= {"description": text} if text else {}
        self.definitions[name] = made
        return {"$ref": f"#/$defs/{name}"}

    def _hoisted(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """A schema of pydantic's; its definitions become ours, under names that are free."""
        made = inlined(schema)
        definitions = made.pop("$defs", {})
        renamed = {}
        for name, body in definitions.items():
            same = self.definitions.get(name) == body
            renamed[name] = name if same else self._free(name)
            self.definitions[renamed[name]] = None
        for name, body in definitions.items():
            self.definitions[renamed[name]] = _renamed(body, renamed)
        return typing.cast("dict[str, Any]", _renamed(made, renamed))

    def _free(self, name: str) -> str:
        number, wanted = 1, name
        while name in self.definitions:
            number += 1
            name = f"{wanted}{number}"
        return name


def _with_default(schema: dict[str, Any], default: Any) -> dict[str, Any]:
    """A schema with a default, where that is JSON."""
    if default is notes.MISSING:
        return schema
    try:
        return {**schema, "default": plain(default)}
    except TypeError:
        return schema


def _of_values(members: tuple[Any, ...]) -> dict[str, Any]:
    values = [plain(member) for member in members]
    kinds = {type(value) for value in values}
    made: dict[str, Any] = {"const": values[0]} if len(values) == 1 else {"enum": values}
    (kind,) = kinds if len(kinds) == 1 else (object,)
    return {"type": _LITERALS[kind], **made} if kind in _LITERALS else made


def _tuple(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}


def _documentation(kind: type[Any]) -> dict[str, str]:
    text = kind.__dict__.get("__doc__") or ""
    # What dataclasses, named tuples and Python 3.10's enums write by themselves says nothing.
    if text.startswith((f"{kind.__name__}(", "An enumeration.")):
        return {}
    return {"description": inspect.cleandoc(text)} if text else {}


def _refusal(kind: Any) -> ValueError:
    if kind is notes.MISSING:
        return ValueError(f"there is no annotation; accepted are {ACCEPTED}")
    return ValueError(f"{notes.named(kind)} cannot be written as a schema; accepted are {ACCEPTED}")


def _referred(node: Mapping[str, Any]) -> str:
    reference = node.get("$ref")
    # A property may be called like that too; its schema is no text.
    found = (
        re.fullmatch(r"#/(?:\$defs|definitions)/([^/]+)", reference) if isinstance(reference, str) else None
    )
    return found[1] if found else ""


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _references(item)
    elif isinstance(node, Mapping):
        yield _referred(node)
        for item in node.values():
            yield from _references(item)


def _reachable(names: set[str], uses: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    while names:
        found |= names
        names = set().union(*(uses[name] for name in names)) - found
    return found


def _renamed(node: Any, names: Mapping[str, str]) -> Any:
    if isinstance(node, list):
        return [_renamed(item, names) for item in node]
    if not isinstance(node, Mapping):
        return node
    made = {key: _renamed(item, names) for key, item in node.items()}
    name = _referred(node)
    return {**made, "$ref": f"#/$defs/{names[name]}"} if name in names else made
