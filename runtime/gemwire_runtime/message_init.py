"""Message constructors that convert values that protobuf refuses, or name the invalid field.

The normal path is protobuf's own constructor behind one extra frame. Only if that fails are the arguments
inspected:

* Well-known types and messages of another pool (``google.protobuf.*_pb2``, Google's own packages) have other
  classes than ours. They are converted through their bytes.
* protobuf's text often names neither the message nor the field ("bad argument type for built-in operation").
  The error is raised again, with the same type and the path of the field in front.

Both read the arguments a second time. A generator is exhausted by then and is refused: converting it to a
list beforehand would slow down every message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NoReturn, TypeGuard

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from gemwire_runtime.field_errors import describe_unknown
from gemwire_runtime.upb import construct

_ERRORS = (TypeError, ValueError, OverflowError, AttributeError)
_Fields = Mapping[str, object]


def build_init(descriptor: Descriptor) -> dict[str, Callable[..., None]]:
    """Build the ``__init__`` of a message class."""

    def __init__(self: Message, /, **fields: object) -> None:
        try:
            construct(self, **fields)
        except _ERRORS as error:
            _refuse_iterators(fields, error, descriptor.full_name)
            converted = _convert_fields(descriptor, fields)
            if converted is fields:
                _explain(descriptor, fields, error, descriptor.full_name)
            self.Clear()
            try:
                construct(self, **converted)
            except _ERRORS as second:
                _explain(descriptor, converted, second, descriptor.full_name)

    # Python's own errors (a positional argument) name the function by this.
    __init__.__qualname__ = f"{descriptor.full_name}.__init__"
    return {"__init__": __init__}


def build_merge_methods(descriptor: Descriptor) -> dict[str, Callable[..., None]]:
    """Build ``CopyFrom`` and ``MergeFrom`` of a well-known type, which accept its twin of another pool."""
    if descriptor.file.package != "google.protobuf":
        return {}

    def MergeFrom(self: Message, other: Message) -> None:
        base: Any = super(type(self), self)
        base.MergeFrom(_convert(descriptor, other))

    def CopyFrom(self: Message, other: Message) -> None:
        base: Any = super(type(self), self)
        base.CopyFrom(_convert(descriptor, other))

    return {"MergeFrom": MergeFrom, "CopyFrom": CopyFrom}


def _refuse_iterators(value: object, error: Exception, path: str) -> None:
    """Raise an error if there is an iterator: it is exhausted, so a second attempt would lose its items."""
    if isinstance(value, Iterator):
        once = f"a {type(value).__name__} cannot be read again after an error"
        raise TypeError(f"{path}: give a list; {once} ({error})") from None
    if isinstance(value, Mapping):
        for name, item in value.items():
            _refuse_iterators(item, error, f"{path}.{name}")
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            _refuse_iterators(item, error, f"{path}[{index}]")


def _convert(descriptor: Descriptor, value: object) -> object:
    """Replace messages of a foreign pool by ours; return the same object if there is none."""
    # proto-plus, which Google's packages are made with, wraps its messages.
    value = getattr(value, "_pb", value)
    if isinstance(value, Message):
        if value.DESCRIPTOR is descriptor or value.DESCRIPTOR.full_name != descriptor.full_name:
            return value
        return message_class(descriptor).FromString(value.SerializeToString())
    if isinstance(value, Mapping):
        fields = _convert_fields(descriptor, value)
        return fields if isinstance(fields, dict) else dict(fields)
    return value


def message_class(descriptor: Descriptor) -> type[Message]:
    """Return the class of a message."""
    # Imported late: see `gemwire_runtime.upb`.
    from google.protobuf import message_factory

    return message_factory.GetMessageClass(descriptor)


def _convert_fields(descriptor: Descriptor, fields: _Fields) -> _Fields:
    if descriptor.full_name in _FREE_FORM:
        return fields
    converted: dict[str, object] = {}
    for name, value in fields.items():
        field = descriptor.fields_by_name.get(name)
        inner = _value_type(field) if field is not None else None
        if field is None or inner is None:
            continue
        if is_map(field) and isinstance(value, Mapping):
            entries = {key: _convert_map_value(inner, item) for key, item in value.items()}
            taken: object = entries
            same = all(entries[key] is value[key] for key in entries)
        elif _is_list(value):
            items = list(value)
            parts = [_convert(inner, item) for item in items]
            taken = parts
            same = all(a is b for a, b in zip(parts, items, strict=True))
        else:
            taken = _convert(inner, value)
            same = taken is value
        if not same:
            converted[name] = taken
    return {**fields, **converted} if converted else fields


def _convert_map_value(descriptor: Descriptor, value: object) -> object:
    """Convert a dict to a message: protobuf before 6.30 takes no dicts as the values of a map."""
    if not isinstance(value, Mapping):
        return _convert(descriptor, value)
    made = message_class(descriptor)()
    try:
        construct(made, **_convert_fields(descriptor, value))
    except _ERRORS:
        return value  # The map is refused as well, and `_explain` finds the key.
    return made


def _is_list(value: object) -> TypeGuard[Iterable[object]]:
    """Return whether a value fits a repeated field. Structs and views can be iterated, too."""
    return isinstance(value, Iterable) and not (
        isinstance(value, (str, bytes, Mapping)) or isinstance(getattr(value, "_pb", value), Message)
    )


# Dicts given for these are data, not fields.
_FREE_FORM = frozenset({"google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue"})


def is_map(field: FieldDescriptor) -> bool:
    """Return whether a field is a map.

    By its shape: the option that says so can only be read with ``descriptor_pb2``, which is slow to import.
    """
    kind = field.message_type
    return (
        kind is not None
        and kind.has_options
        and kind.name.endswith("Entry")
        and kind.containing_type is field.containing_type
        and [part.name for part in kind.fields] == ["key", "value"]
    )


def _value_type(field: FieldDescriptor) -> Descriptor | None:
    """Return the message type of a field's values: of a map, that of its values; None for scalars."""
    kind = field.message_type
    return kind.fields_by_name["value"].message_type if kind is not None and is_map(field) else kind


def is_repeated(field: FieldDescriptor) -> bool:
    """Return whether a field is a list or a map."""
    # protobuf 5 has no is_repeated, protobuf 7 warns of label.
    known = getattr(field, "is_repeated", None)
    return bool(getattr(field, "label", None) == FieldDescriptor.LABEL_REPEATED if known is None else known)


def _explain(descriptor: Descriptor, fields: _Fields, error: Exception, path: str) -> NoReturn:
    """Find the smallest part of ``fields`` that protobuf refuses and raise an error that names it."""
    made = message_class(descriptor)
    for name, value in fields.items():
        field = descriptor.fields_by_name.get(name)
        if field is None:
            raise ValueError(describe_unknown(path, name, list(descriptor.fields_by_name))) from None
        for place, part, culprit, got in _parts(field, name, value):
            try:
                construct(made(), **{name: part})
            except _ERRORS as smaller:
                inner = _value_type(field)
                one = culprit is not value or not is_repeated(field)
                if isinstance(culprit, Mapping) and one and inner and inner.full_name not in _FREE_FORM:
                    _explain(inner, culprit, smaller, f"{path}.{place}")
                # AttributeError: protobuf took the value for another type and used what it lacks.
                other = inner is not None and isinstance(smaller, AttributeError)
                text = f"expected {inner and inner.full_name}" if other else smaller
                raise _error(smaller)(f"{path}.{place}: {text} (got {got})") from None
    raise _error(error)(f"{path}: {error}") from None


def _error(error: Exception) -> type[Exception]:
    """Choose the class of an error; an AttributeError comes from a value of an unforeseen type."""
    return ValueError if isinstance(error, (ValueError, OverflowError)) else TypeError


def _parts(field: FieldDescriptor, name: str, value: object) -> list[tuple[str, object, object, str]]:
    """Split a list into its items and a map into its entries; any other value is one part.

    Each part has its path, a value of the field with that part alone, the part, and the name of its type.
    """
    if is_map(field):
        if isinstance(value, Mapping):
            return [
                (f"{name}[{key!r}]", {key: item}, item, f"dict[{type(key).__name__}, {type(item).__name__}]")
                for key, item in value.items()
            ]
    elif is_repeated(field) and _is_list(value):
        return [(f"{name}[{i}]", [item], item, type(item).__name__) for i, item in enumerate(value)]
    return [(name, value, value, type(value).__name__)]
