"""JSON values as instances of Python types."""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import json
import pathlib
import re
import typing
import uuid
from collections.abc import Callable, Mapping
from typing import Any, cast

from google.protobuf.message import Message

from gemwire.genai._json import type_hints
from gemwire.genai._json.json_schema import DICTS, LISTS, SETS
from gemwire.genai._json.type_hints import Annotation, Member
from gemwire_runtime.pydantic_models import unwrap
from gemwire_runtime.views import View


def parse_answer(text: str, schema: Annotation) -> object:
    """Convert the text of a response to the type of its schema.

    The result does not depend on whether pydantic is loaded: it is used for its own models and for types
    that only it supports.

    Args:
        text: JSON, or the bare value of an enum.
        schema: The ``response_schema``.
    """
    if isinstance(schema, type) and issubclass(schema, enum.Enum):
        return _to_enum(text.strip().strip('"'), schema, "the answer")
    if isinstance(unwrap(schema), (Mapping, View, Message)):
        return json.loads(text)
    if type_hints.is_pydantic_model(schema):
        return schema.model_validate_json(text)
    return convert(json.loads(text), schema, "the answer")


def convert(value: object, annotation: Annotation, place: str) -> Any:
    """Convert a JSON value to the type of an annotation."""
    kind, _ = type_hints.unwrap(annotation)
    if kind in (Any, object):
        return value
    if kind in _SCALARS:
        return _to_scalar(value, kind, place)
    options = type_hints.get_union_members(kind)
    if options:
        return _to_union_member(value, options, place)
    origin = type_hints.get_origin(kind)
    if origin is typing.Literal:
        return _to_literal(value, typing.get_args(kind), place)
    if type_hints.is_pydantic_model(kind):
        return _validate(kind.model_validate_json, value, place)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return _to_enum(value, kind, place)
    members = type_hints.get_members(kind)
    if members is not None:
        return _to_instance(value, origin or kind, members, place)
    if (origin or kind) in DICTS or (origin or kind) in LISTS | SETS | {tuple}:
        return _to_collection(value, origin or kind, typing.get_args(kind), place)
    adapter = type_hints.get_type_adapter(kind)
    if adapter is None:
        raise ValueError(f"{place}: JSON cannot be converted to {type_hints.format_annotation(kind)}")
    return _validate(adapter.validate_json, value, place)


def _validate(validate: Callable[[str], object], value: object, place: str) -> object:
    try:
        return validate(json.dumps(value))
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


def _to_collection(
    value: object, origin: Annotation, arguments: tuple[Annotation, ...], place: str
) -> object:
    if origin in DICTS:
        if not isinstance(value, Mapping):
            raise _mismatch(value, "an object", place)
        key_type, value_type = arguments if len(arguments) == 2 else (object, object)
        return {
            convert(key, key_type, f"{place}, a key"): convert(item, value_type, f"{place}[{key!r}]")
            for key, item in value.items()
        }
    if not isinstance(value, (list, tuple)):
        raise _mismatch(value, "a list", place)
    if origin is tuple and arguments and arguments[1:] != (...,):
        kinds = [item for item in arguments if item != ()]
        if len(kinds) != len(value):
            raise ValueError(f"{place}: expected {len(kinds)} items, got {len(value)}")
        return tuple(
            convert(item, kind, f"{place}[{at}]")
            for at, (item, kind) in enumerate(zip(value, kinds, strict=True))
        )
    kind = arguments[0] if arguments else object
    items = [convert(item, kind, f"{place}[{at}]") for at, item in enumerate(value)]
    if origin in (tuple, set, frozenset, collections.deque):
        return origin(items)
    return set(items) if origin in SETS else items


def _to_instance(value: object, kind: Annotation, members: list[Member], place: str) -> object:
    if isinstance(value, (list, tuple)) and issubclass(kind, tuple):
        value = dict(zip((member.name for member in members), value, strict=False))
    if not isinstance(value, Mapping):
        raise _mismatch(value, "an object", place)
    values = {}
    for member in members:
        if member.name in value:
            values[member.name] = convert(value[member.name], member.annotation, f"{place}.{member.name}")
        elif member.required:
            raise ValueError(f"{place}.{member.name} is missing")
    return cast("object", kind(**values))


def _to_union_member(value: object, options: tuple[Annotation, ...], place: str) -> object:
    """Convert to the first matching type of a union, in order of likelihood."""
    kinds = [type_hints.unwrap(option)[0] for option in options]
    if value is None and type(None) in kinds:
        return None
    if type(value) in kinds and not isinstance(value, (list, dict)):
        return value
    kinds = [kind for kind in kinds if kind is not type(None)]
    if len(kinds) == 1:
        return convert(value, kinds[0], place)
    if isinstance(value, Mapping):
        # If several classes match, the one with the most fields in common is meant.
        kinds.sort(key=lambda kind: len(_get_field_names(kind) & value.keys()), reverse=True)
    for kind in kinds:
        try:
            return convert(value, kind, place)
        except ValueError:
            continue
    raise _mismatch(value, " or ".join(map(type_hints.format_annotation, kinds)), place)


def _get_field_names(kind: Annotation) -> set[str]:
    if type_hints.is_pydantic_model(kind):
        fields = kind.model_fields
        return set(fields) | {str(field.alias) for field in fields.values() if field.alias}
    return {member.name for member in type_hints.get_members(kind) or ()}


def _to_enum(value: object, kind: type[enum.Enum], place: str) -> enum.Enum:
    for member in kind:
        # Schemas have only texts as enum values.
        if member.value == value or str(member.value) == str(value):
            return member
    try:
        return kind(value)
    except ValueError:
        raise ValueError(
            f"{place}: {value!r} is not one of {', '.join(repr(member.value) for member in kind)}"
        ) from None


def _to_literal(value: object, accepted: tuple[object, ...], place: str) -> object:
    for one in accepted:
        raw = one.value if isinstance(one, enum.Enum) else one
        if raw == value and isinstance(raw, bool) == isinstance(value, bool):
            return one
    raise ValueError(f"{place}: {value!r} is not one of {', '.join(map(repr, accepted))}")


def _to_scalar(value: object, kind: Annotation, place: str) -> object:
    expected, to_scalar = _SCALARS[kind]
    try:
        return to_scalar(value)
    except (ValueError, TypeError, ArithmeticError):
        raise _mismatch(value, expected, place) from None


def _mismatch(value: object, expected: str, place: str) -> ValueError:
    return ValueError(f"{place}: expected {expected}, got {json.dumps(value, default=repr)[:80]}")


def _to_none(value: object) -> None:
    if value is not None:
        raise ValueError


def _check_string(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _to_bool(value: object) -> bool:
    if isinstance(value, str):
        value = {"true": True, "false": False}.get(value.lower())
    if not isinstance(value, bool):
        raise TypeError
    return value


def _to_int(value: object) -> int:
    # Models sometimes write numbers as texts, and all numbers of a Struct are floats.
    if isinstance(value, float) and not value.is_integer():
        raise TypeError
    return int(_check_number(value))


def _to_float(value: object) -> float:
    return float(_check_number(value))


def _check_number(value: object) -> int | float | str:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise TypeError
    return value


def _to_datetime(value: object) -> datetime.datetime:
    # Python 3.10 does not parse Z.
    return datetime.datetime.fromisoformat(re.sub("[zZ]$", "+00:00", _check_string(value)))


def _to_time(value: object) -> datetime.time:
    return datetime.time.fromisoformat(re.sub("[zZ]$", "+00:00", _check_string(value)))


_DURATION = re.compile(
    r"(-?)P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)


def _to_timedelta(value: object) -> datetime.timedelta:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return datetime.timedelta(seconds=value)
    match = _DURATION.fullmatch(_check_string(value))
    if not match:
        raise ValueError
    made = datetime.timedelta(**{name: float(number) for name, number in match.groupdict("0").items()})
    return -made if match[1] else made


_SCALARS: dict[Annotation, tuple[str, Callable[[object], object]]] = {
    type(None): ("null", _to_none),
    str: ("a string", _check_string),
    bool: ("true or false", _to_bool),
    int: ("a whole number", _to_int),
    float: ("a number", _to_float),
    bytes: ("a string", lambda value: _check_string(value).encode()),
    datetime.datetime: ("a date and time of ISO 8601", _to_datetime),
    datetime.date: ("a date of ISO 8601", lambda value: datetime.date.fromisoformat(_check_string(value))),
    datetime.time: ("a time of ISO 8601", _to_time),
    datetime.timedelta: ("a duration of ISO 8601", _to_timedelta),
    decimal.Decimal: ("a number", lambda value: decimal.Decimal(str(value))),
    uuid.UUID: ("a UUID", lambda value: uuid.UUID(_check_string(value))),
    pathlib.Path: ("a path", lambda value: pathlib.Path(_check_string(value))),
}
