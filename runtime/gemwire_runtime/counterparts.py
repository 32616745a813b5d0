"""Views of the messages of another family: subclasses of the views of their counterparts.

`types.Content` and the like are views of the messages of the Gemini API. The same attributes of a message of
Vertex AI are read from, and written into, that message itself: its view is a subclass with descriptors of its
own. Which types are counterparts follows from the fields that hold them, beginning with a pair that is given.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import TypeVar

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from gemwire_runtime import enums
from gemwire_runtime.containers import Conversion
from gemwire_runtime.field_errors import MissingFieldError
from gemwire_runtime.message_init import is_map, message_class
from gemwire_runtime.models import to_camel_case
from gemwire_runtime.pydantic_models import Fields, unwrap
from gemwire_runtime.translation import (
    RENAMED,
    are_counterparts,
    describe_absence,
    relate,
    translate,
)
from gemwire_runtime.upb import descriptor_of
from gemwire_runtime.view_fields import (
    Field,
    JsonField,
    ListField,
    LocalField,
    MapField,
    MessageField,
    build_field,
    message_of,
)
from gemwire_runtime.views import View, fields_of, find_view

_V = TypeVar("_V", bound=View)

_PLAIN = frozenset({Field, JsonField, ListField, MapField, MessageField})


def find_counterpart(base: type[_V], kind: Descriptor) -> type[_V]:
    """Return the view of a message type.

    Args:
        base: View of its counterpart.
        kind: The message type.
    """
    found = find_view(kind.full_name)
    if found is None or not issubclass(found, base):
        _build_view(base.find_shown(), kind)
        return find_counterpart(base, kind)
    return found


def _build_view(base: type[View], kind: Descriptor) -> None:
    origin = descriptor_of(base.message_class())
    relate(kind, origin)
    own = kind.fields_by_name
    fields: dict[str, Field] = {}
    for name, shown in fields_of(base).items():
        found = own.get(name) or own.get(RENAMED.get(name, ""))
        if isinstance(shown, LocalField):
            if found is not None:
                fields[name] = build_field(found)
        elif found is None:
            fields[name] = _AbsentField(name, shown, kind)
        else:
            fields[name] = _build_field(shown, origin.fields_by_name[name], found)

    def reduce(view: View) -> tuple[object, ...]:
        message = message_of(view)
        return _restore, (base, type(message), message.SerializeToString(), view.find_local())

    body = {
        "__doc__": base.__doc__,
        "__module__": base.__module__,
        "__reduce__": reduce,
        "__slots__": (),
        "describe_fields": base.describe_fields,
    }
    options = {"kind": message_class(kind), "fields": fields}
    types.new_class(base.__name__, (base,), options, lambda namespace: namespace.update(body))


def _restore(base: type[View], kind: type[Message], data: bytes, local: Fields | None) -> View:
    """Unpickle a view."""
    return find_counterpart(base, descriptor_of(kind)).restore(data, local)


class _AbsentField(Field):
    """A field that the counterpart has and this message lacks: None, and cannot be set."""

    __slots__ = ("_kind", "_shown")

    def __init__(self, name: str, shown: Field, kind: Descriptor) -> None:
        self.name = name
        self.json_name = to_camel_case(name)
        self._shown = shown
        self._kind = kind

    @property
    def annotation(self) -> object:
        return self._shown.annotation

    def __get__(self, view: View | None, owner: type[View]) -> object:
        return self if view is None else None

    def __set__(self, view: View, value: object) -> None:
        self.set(view, value)

    def read(self, message: Message) -> object:
        return None

    def write(self, message: Message, value: object) -> None:
        raise MissingFieldError(describe_absence(self.name, self._kind))


def _build_field(shown: Field, base: FieldDescriptor, own: FieldDescriptor) -> Field:
    """Build the field of a counterpart.

    Args:
        shown: The field of its view.
        base: The field of its message.
        own: The field of this message.
    """
    kind = None if type(shown) in _PLAIN else type(shown)
    return build_field(own, _find_conversion(_value_of(base), _value_of(own)), kind)


def _value_of(field: FieldDescriptor) -> FieldDescriptor:
    kind = field.message_type
    return kind.fields_by_name["value"] if kind is not None and is_map(field) else field


def _find_conversion(base: FieldDescriptor, own: FieldDescriptor) -> Conversion | None:
    """Return the functions that read and write one value of a field; None for those of its type."""
    if own.enum_type is not None:
        shown = None if base.enum_type is None else enums.find(base.enum_type.full_name)
        return enums.build_counterpart_conversion(own.enum_type, shown)
    if own.message_type is None or base.message_type is None or base.message_type is own.message_type:
        return None
    return _build_message_conversion(base.message_type, own.message_type)


def _build_message_conversion(base: Descriptor, kind: Descriptor) -> Conversion:
    shown: type[View] | None = None

    def find() -> type[View]:
        nonlocal shown
        if shown is None:
            view = find_view(base.full_name)
            if view is None:
                raise LookupError(f"{base.full_name} has no view")
            shown = find_counterpart(view, kind)
        return shown

    def read(message: Message) -> View:
        return (shown or find()).of(message)

    def write(value: object) -> Message:
        message = message_of(value)
        if isinstance(message, Message):
            if message.DESCRIPTOR is kind:
                return message
            find()
            if message.DESCRIPTOR.full_name == base.full_name and message.DESCRIPTOR is not base:
                # of another pool, such as Google's own
                message = message_class(base).FromString(message.SerializeToString())
            if are_counterparts(descriptor_of(message), kind):
                return translate(message, message_class(kind))
            raise TypeError(f"expected {base.name}, got {message.DESCRIPTOR.name}")
        fields = unwrap(value)
        if isinstance(fields, Mapping):
            made: Message = message_of(find()(**fields))
            return made
        raise TypeError(f"expected {base.name} or a dict, got {type(value).__name__}")

    return read, write
