"""JSON as the Python values that annotations ask for."""

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
from typing import Any

from google.protobuf.message import Message

from gemwire.genai._convert import annotations as notes
from gemwire.genai._convert.json_schema import DICTS, LISTS, SETS
from gemwire_runtime.views import View


def parsed(text: str, schema: Any) -> Any:
    """The text of an answer as what its schema asked for.

    What comes out is the same whether or not pydantic is loaded; it is asked for its own models, and for
    types that only it knows.

    Args:
        text: JSON, or the bare value of an enum.
        schema: What was given as `response_schema`.

    Raises:
        ValueError: The text is not of that form.
    """
    if isinstance(schema, type) and issubclass(schema, enum.Enum):
        return _member(text.strip().strip('"'), schema, "the answer")
    if isinstance(schema, (Mapping, View, Message)):
        return json.loads(text)
    if notes.is_model(schema):
        return schema.model_validate_json(text)
    return converted(json.loads(text), schema, "the answer")


def converted(value: Any, annotation: Any, place: str) -> Any:
    """A JSON value as an annotation has it.

    Args:
        value: What JSON holds.
        annotation: What it is to become.
        place: What to call it in an error.

    Raises:
        ValueError: It cannot become that.
    """
    kind, _ = notes.core(annotation)
    if kind in (Any, object):
        return value
    if kind in _SCALARS:
        return _scalar(value, kind, place)
    options = notes.union(kind)
    if options:
        return _one_of(value, options, place)
    origin = typing.get_origin(kind)
    if origin is typing.Literal:
        return _literal(value, typing.get_args(kind), place)
    if notes.is_model(kind):
        return _by_pydantic(lambda: kind.model_validate_json(json.dumps(value)), place)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return _member(value, kind, place)
    fields = notes.members(kind)
    if fields is not None:
        return _of_class(value, origin or kind, fields, place)
    if (origin or kind) in DICTS or (origin or kind) in LISTS | SETS | {tuple}:
        return _collection(value, origin or kind, typing.get_args(kind), place)
    adapter = notes.adapter(kind)
    if adapter is None:
        raise ValueError(f"{place}: nothing is known of making {notes.named(kind)} of JSON")
    return _by_pydantic(lambda: adapter.validate_json(json.dumps(value)), place)


def _by_pydantic(validate: Callable[[], Any], place: str) -> Any:
    try:
        return validate()
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


def _collection(value: Any, origin: Any, arguments: tuple[Any, ...], place: str) -> Any:
    if origin in DICTS:
        if not isinstance(value, Mapping):
            raise _mismatch(value, "an object", place)
        of_keys, of_values = arguments if len(arguments) == 2 else (Any, Any)
        return {
            converted(key, of_keys, f"{place}, a key"): converted(item, of_values, f"{place}[{key!r}]")
            for key, item in value.items()
        }
    if not isinstance(value, (list, tuple)):
        raise _mismatch(value, "a list", place)
    if origin is tuple and arguments and arguments[1:] != (...,):
        wanted = [item for item in arguments if item != ()]
        if len(wanted) != len(value):
            raise ValueError(f"{place}: expected {len(wanted)} items, got {len(value)}")
        return tuple(
            converted(item, kind, f"{place}[{at}]")
            for at, (item, kind) in enumerate(zip(value, wanted, strict=True))
        )
    kind = arguments[0] if arguments else Any
    items = [converted(item, kind, f"{place}[{at}]") for at, item in enumerate(value)]
    if origin in (tuple, set, frozenset, collections.deque):
        return origin(items)
    return set(items) if origin in SETS else items


def _of_class(value: Any, kind: Any, fields: list[notes.Member], place: str) -> Any:
    if isinstance(value, (list, tuple)) and issubclass(kind, tuple):
        value = dict(zip((field.name for field in fields), value, strict=False))
    if not isinstance(value, Mapping):
        raise _mismatch(value, "an object", place)
    made = {}
    for field in fields:
        if field.name in value:
            made[field.name] = converted(value[field.name], field.annotation, f"{place}.{field.name}")
        elif field.required:
            raise ValueError(f"{place}.{field.name} is missing")
    return kind(**made)


def _one_of(value: Any, options: tuple[Any, ...], place: str) -> Any:
    """The value as the first of several types that it fits, the likely ones first."""
    kinds = [notes.core(option)[0] for option in options]
    if value is None and type(None) in kinds:
        return None
    if type(value) in kinds and not isinstance(value, (list, dict)):
        return value
    kinds = [kind for kind in kinds if kind is not type(None)]
    if len(kinds) == 1:
        return converted(value, kinds[0], place)
    if isinstance(value, Mapping):
        # Of two classes that both take it, the one meant is that which has a place for more of it.
        kinds.sort(key=lambda kind: len(_names(kind) & value.keys()), reverse=True)
    for kind in kinds:
        try:
            return converted(value, kind, place)
        except ValueError:
            continue
    raise _mismatch(value, " or ".join(map(notes.named, kinds)), place)


def _names(kind: Any) -> set[str]:
    if notes.is_model(kind):
        fields: Mapping[str, Any] = kind.model_fields
        return set(fields) | {str(field.alias) for field in fields.values() if field.alias}
    return {field.name for field in notes.members(kind) or ()}


def _member(value: Any, kind: type[enum.Enum], place: str) -> enum.Enum:
    for member in kind:
        # Schemas know only texts as the values of enums.
        if member.value == value or str(member.value) == str(value):
            return member
    try:
        return kind(value)
    except ValueError:
        raise ValueError(
            f"{place}: {value!r} is none of {', '.join(repr(member.value) for member in kind)}"
        ) from None


def _literal(value: Any, accepted: tuple[Any, ...], place: str) -> Any:
    for one in accepted:
        plain = one.value if isinstance(one, enum.Enum) else one
        if plain == value and isinstance(plain, bool) == isinstance(value, bool):
            return one
    raise ValueError(f"{place}: {value!r} is none of {', '.join(map(repr, accepted))}")


def _scalar(value: Any, kind: Any, place: str) -> Any:
    wanted, convert = _SCALARS[kind]
    try:
        return convert(value)
    except (ValueError, TypeError, ArithmeticError):
        raise _mismatch(value, wanted, place) from None


def _mismatch(value: Any, wanted: str, place: str) -> ValueError:
    return ValueError(f"{place}: expected {wanted}, got {json.dumps(value, default=repr)[:80]}")


def _nothing(value: Any) -> None:
    if value is not None:
        raise ValueError


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _flag(value: Any) -> bool:
    if isinstance(value, str):
        value = {"true": True, "false": False}.get(value.lower())
    if not isinstance(value, bool):
        raise TypeError
    return value


def _whole(value: Any) -> int:
    # Models write numbers as texts now and then, and all of a Struct's are floats.
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise TypeError
    return int(value)


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError
    return float(value)


def _moment(value: Any) -> datetime.datetime:
    # Python 3.10 does not know Z.
    return datetime.datetime.fromisoformat(re.sub("[zZ]$", "+00:00", _text(value)))


def _time(value: Any) -> datetime.time:
    return datetime.time.fromisoformat(re.sub("[zZ]$", "+00:00", _text(value)))


_DURATION = re.compile(
    r"(-?)P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)


def _duration(value: Any) -> datetime.timedelta:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return datetime.timedelta(seconds=value)
    match = _DURATION.fullmatch(_text(value))
    if not match:
        raise ValueError
    made = datetime.timedelta(**{name: float(number) for name, number in match.groupdict("0").items()})
    return -made if match[1] else made


_SCALARS: dict[Any, tuple[str, Callable[[Any], Any]]] = {
    type(None): ("null", _nothing),
    str: ("a text", _text),
    bool: ("true or false", _flag),
    int: ("a whole number", _whole),
    float: ("a number", _number),
    bytes: ("a text", lambda value: _text(value).encode()),
    datetime.datetime: ("a date and time of ISO 8601", _moment),
    datetime.date: ("a date of ISO 8601", lambda value: datetime.date.fromisoformat(_text(value))),
    datetime.time: ("a time of ISO 8601", _time),
    datetime.timedelta: ("a duration of ISO 8601", _duration),
    decimal.Decimal: ("a number", lambda value: decimal.Decimal(str(value))),
    uuid.UUID: ("a UUID", lambda value: uuid.UUID(_text(value))),
    pathlib.Path: ("a path", lambda value: pathlib.Path(_text(value))),
}
