"""Conversions of what programs give for the fields of configs, found from the fields' annotations."""

from __future__ import annotations

import collections.abc
import enum
import functools
import operator
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Literal, Union, get_args, get_origin

from google.protobuf.message import Message

from gemwire_runtime.coercion import CONVERSIONS
from gemwire_runtime.field_errors import locate
from gemwire_runtime.models import Model
from gemwire_runtime.views import View

Convert = Callable[[object], object]
_LISTS = (list, collections.abc.Sequence)
_DICTS = (dict, collections.abc.Mapping)


def find_conversion(annotation: object) -> Convert:
    """Return the function that converts what is given for a value of a type, or raises an error.

    Whatever cannot be checked, such as a function or the object of another package, is kept.

    Args:
        annotation: The type, resolved.
    """
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation in CONVERSIONS:
        return CONVERSIONS[annotation]
    if isinstance(annotation, type) and origin is None:
        if issubclass(annotation, enum.Enum):
            return _to_enum(annotation)
        if issubclass(annotation, Model):
            return _to_model(annotation.find_shown() if issubclass(annotation, View) else annotation)
    if origin in (Union, types.UnionType):
        return _to_member([item for item in arguments if item is not type(None)])
    if origin is Literal:
        return _to_literal(arguments)
    if origin in _LISTS:
        return _to_list(find_conversion(arguments[0]))
    if origin in _DICTS:
        return _to_dict(find_conversion(arguments[1]))
    return _keep


def describe(annotation: object) -> object:
    """Return the type as pydantic understands it: types that are not converted become ``object``."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        if any(_is_unchecked(option) for option in arguments if option is not type(None)):
            return object
        return functools.reduce(operator.or_, map(describe, arguments))
    if origin in _LISTS:
        return types.GenericAlias(list, (describe(arguments[0]),))
    if origin in _DICTS:
        return types.GenericAlias(dict, (arguments[0], describe(arguments[1])))
    return object if _is_unchecked(annotation) and annotation is not type(None) else annotation


def _keep(value: object) -> object:
    return value


def _to_enum(kind: type[enum.Enum]) -> Convert:
    def convert(value: object) -> object:
        if isinstance(value, kind):
            return value
        if not isinstance(value, (str, int)):
            raise TypeError(f"expected a {kind.__name__} or its name, got {type(value).__name__}")
        return kind(getattr(value, "value", value))

    return convert


def _to_model(kind: type[Model]) -> Convert:
    def convert(value: object) -> object:
        if isinstance(value, kind):
            return value
        if isinstance(value, (str, bytes, int, float, list, tuple)):
            raise TypeError(f"expected {kind.__name__} or a dict, got {type(value).__name__}")
        return kind.model_validate(value)

    return convert


def _to_literal(values: tuple[object, ...]) -> Convert:
    def convert(value: object) -> object:
        if value not in values:
            raise ValueError(f"{value!r} is not one of {', '.join(map(repr, values))}")
        return value

    return convert


def _to_list(convert_item: Convert) -> Convert:
    def convert(value: object) -> object:
        if isinstance(value, (str, bytes, Mapping, Model, Message)) or not isinstance(value, Iterable):
            raise TypeError(f"expected a list, got {type(value).__name__}")
        converted = []
        for index, item in enumerate(value):
            try:
                converted.append(convert_item(item))
            except (TypeError, ValueError) as error:
                raise locate(f"[{index}]", error) from None
        return converted

    return convert


def _to_dict(convert_value: Convert) -> Convert:
    def convert(value: object) -> object:
        if not isinstance(value, Mapping):
            raise TypeError(f"expected a dict, got {type(value).__name__}")
        return {key: convert_value(item) for key, item in value.items()}

    return convert


def _to_member(options: list[object]) -> Convert:
    """Build that of a union. A value of one of its types stays, another becomes the first that fits."""
    if len(options) == 1:
        return find_conversion(options[0])
    exact = {option for option in options if isinstance(option, type)}
    if any(issubclass(option, enum.Enum) for option in exact):
        exact.discard(str)  # the name of a member becomes the member
    conversions = [find_conversion(option) for option in options if not _is_unchecked(option)]
    unchecked = len(conversions) < len(options)

    def convert(value: object) -> object:
        if type(value) in exact:
            return value
        errors = []
        for conversion in conversions:
            try:
                return conversion(value)
            except (TypeError, ValueError) as error:
                errors.append(error)
        if unchecked and not isinstance(value, (bool, int, float)):
            return value  # its place is checked when the call is made
        raise errors[0]

    return convert


def _is_unchecked(option: object) -> bool:
    """Return whether a member of a union is not converted: a type of another package, or a TypedDict."""
    if isinstance(option, typing.ForwardRef) or typing.is_typeddict(option):
        return True
    return find_conversion(option) is _keep
