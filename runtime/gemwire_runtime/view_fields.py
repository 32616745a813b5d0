"""Fields of views: descriptors of attributes that read and write the fields of a message."""

from __future__ import annotations

import struct
import types
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, get_origin

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from gemwire_runtime import enums
from gemwire_runtime.coercion import CONVERSIONS, to_bytes
from gemwire_runtime.containers import Conversion, Entries, Items, keep, put
from gemwire_runtime.field_errors import locate
from gemwire_runtime.message_init import is_map, is_repeated, message_class
from gemwire_runtime.models import Model, to_camel_case
from gemwire_runtime.pydantic_models import Fields, unwrap
from gemwire_runtime.translation import are_counterparts, translate
from gemwire_runtime.upb import descriptor_of
from gemwire_runtime.well_known import ANNOTATIONS, WELL_KNOWN

if TYPE_CHECKING:
    from gemwire_runtime.views import View


class MessageHolder(Model):
    """What a view consists of; `gemwire_runtime.views.View` derives from it."""

    __slots__ = ("_kept", "_pb")

    #: The message; subclasses know its class.
    _pb: Any
    #: Views, lists and dicts that attributes gave out, by name: each attribute gives the same one again.
    _kept: Fields | None


#: View classes by the full names of their messages; a subclass takes the place of its base.
VIEWS: dict[str, type[View]] = {}


class Field:
    """Descriptor of a view's attribute, which reads and writes one field of the message."""

    __slots__ = ("_convert", "_optional", "_read_one", "_value", "_write_one", "json_name", "name")

    def __init__(self, field: FieldDescriptor, convert: Conversion | None = None) -> None:
        """Choose the conversions of a field: those of its type, or others."""
        self.name: str = field.name
        self.json_name: str = field.json_name.lstrip("_")
        self._optional = field.has_presence
        kind = field.message_type
        self._value = kind.fields_by_name["value"] if kind is not None and is_map(field) else field
        self._convert = convert or _find_conversion(self._value)
        if field.cpp_type == FieldDescriptor.CPPTYPE_FLOAT and not is_repeated(field):
            # Lists of floats are vectors, for computing: they are left as they are.
            self._convert = _round_float, self._convert[1]
        self._read_one, self._write_one = self._convert

    @property
    def annotation(self) -> object:
        """The type of the field's values."""
        return _find_annotation(self._value)

    def __get__(self, view: View | None, owner: type[View]) -> object:
        return self if view is None else self.read(view._pb)

    def __set__(self, view: View, value: object) -> None:
        view._pb.ClearField(self.name)
        self.set(view, value)

    def set(self, view: View, value: object) -> None:
        """Set the value of a field that is clear; None leaves it so."""
        if value is not None:
            self.write(view._pb, value)

    def read(self, message: Message) -> object:
        """Return the value; None for an unset field."""
        if self._optional:
            return self._read_one(getattr(message, self.name)) if message.HasField(self.name) else None
        value = getattr(message, self.name)
        return self._read_one(value) if value else None

    def write(self, message: Message, value: object) -> None:
        """Set the value.

        Raises:
            TypeError: The value has a wrong type.
            ValueError: The value is out of range.
        """
        try:
            self._write(message, value)
        except (TypeError, ValueError) as error:
            raise locate(self.name, error) from None

    def _write(self, message: Message, value: object) -> None:
        made = self._write_one(value)
        if isinstance(made, Message):
            getattr(message, self.name).CopyFrom(made)
        else:
            setattr(message, self.name, made)


class LocalField(Field):
    """A field that an object has and its message lacks: what a client adds to a response."""

    __slots__ = ("_annotation",)

    def __init__(self, name: str, annotation: object) -> None:
        """Name the field, and the type of its values."""
        self.name = name
        self.json_name = to_camel_case(name)
        self._annotation = annotation

    @property
    def annotation(self) -> object:
        """The type of the field's values."""
        return self._annotation

    def __get__(self, view: View | None, owner: type[View]) -> object:
        if view is None:
            return self
        shown = (view._kept or {}).get(self.name)
        if shown is None and get_origin(self._annotation) is list:
            shown = []
            self.set(view, shown)
        return shown

    def __set__(self, view: View, value: object) -> None:
        self.set(view, value)

    def set(self, view: View, value: object) -> None:
        """Set the value; None unsets it."""
        kind = self._annotation
        if isinstance(value, Mapping) and isinstance(kind, type) and issubclass(kind, Model):
            value = kind.model_validate(value)
        view._kept = {**(view._kept or {}), self.name: value}


class MessageField(Field):
    """A message. The attribute gives the same view each time, as long as the message holds what it shows."""

    __slots__ = ()

    def __get__(self, view: View | None, owner: type[View]) -> object:
        if view is None:
            return self
        message, name = view._pb, self.name
        if not message.HasField(name):
            return None
        origin = getattr(message, name)
        kept = view._kept
        if kept is None:
            kept = view._kept = {}
        elif (shown := kept.get(name)) is not None and shown._pb is origin:
            return shown
        shown = self._read_one(origin)
        if shown is not origin:  # A message without a view is shown as it is.
            kept[name] = shown
        return shown


class JsonField(Field):
    """A Struct or a Value. Dicts and lists in it are the same each time, as views of messages are."""

    __slots__ = ()

    def __get__(self, view: View | None, owner: type[View]) -> object:
        if view is None:
            return self
        message, name = view._pb, self.name
        shown = (view._kept or {}).get(name)
        if shown is not None and message.HasField(name) and shown.origin is getattr(message, name):
            return shown
        shown = self.read(message)
        if isinstance(shown, (Items, Entries)):
            view._kept = {**(view._kept or {}), name: shown}
        return shown


class ListField(Field):
    """A list. The attribute gives the same one each time, as long as the message holds what it shows."""

    __slots__ = ()

    @property
    def annotation(self) -> object:
        """The type of the field's values."""
        return types.GenericAlias(list, (_find_annotation(self._value),))

    def __get__(self, view: View | None, owner: type[View]) -> object:
        if view is None:
            return self
        message, name = view._pb, self.name
        container = getattr(message, name)
        kept = view._kept
        shown = None if kept is None else kept.get(name)
        if shown is not None and shown._pb is container and len(shown) == len(container):
            return shown
        if not container:
            return None
        shown = self._show(message)
        if kept is None:
            view._kept = {name: shown}
        else:
            kept[name] = shown
        return shown

    def set(self, view: View, value: object) -> None:
        """Set the value of a field that is clear; None leaves it so."""
        if view._kept:
            view._kept.pop(self.name, None)
        super().set(view, value)
        if isinstance(value, (list, tuple, dict)) and not value:
            # A program that gave an empty list goes on to fill the attribute's.
            empty = self._show(view._pb)
            view._kept = {**(view._kept or {}), self.name: empty}

    def read(self, message: Message) -> object:
        """Return the value; None for an empty field."""
        return self._show(message) if getattr(message, self.name) else None

    def _show(self, message: Message) -> Items[object] | Entries[object]:
        return Items(getattr(message, self.name), self._convert)

    def _write(self, message: Message, value: object) -> None:
        if isinstance(value, (str, bytes, Mapping, MessageHolder)) or not isinstance(value, Iterable):
            raise TypeError(f"expected a list, got {type(value).__name__}")
        made: list[object] = []
        try:
            made.extend(map(self._write_one, value))
        except (TypeError, ValueError) as error:
            raise locate(f"[{len(made)}]", error) from None
        getattr(message, self.name).extend(made)


class MapField(ListField):
    """A map, as a dict."""

    __slots__ = ()

    @property
    def annotation(self) -> object:
        """The type of the field's values."""
        return types.GenericAlias(dict, (str, _find_annotation(self._value)))

    def _show(self, message: Message) -> Entries[object]:
        return Entries(getattr(message, self.name), self._convert)

    def _write(self, message: Message, value: object) -> None:
        if not isinstance(value, Mapping):
            raise TypeError(f"expected a dict, got {type(value).__name__}")
        for key, item in value.items():
            put(getattr(message, self.name), key, self._write_one(item))


def build_field(
    field: FieldDescriptor, convert: Conversion | None = None, kind: type[Field] | None = None
) -> Field:
    """Build the descriptor of a view's attribute.

    Args:
        field: The field of the message.
        convert: Functions that read and write one value. Default: those of its type.
        kind: Class of the descriptor. Default: by the field's type.
    """
    return (kind or _find_kind(field))(field, convert)


def _find_kind(field: FieldDescriptor) -> type[Field]:
    if is_repeated(field):
        return MapField if is_map(field) else ListField
    kind = field.message_type
    if kind is None or kind.full_name in {"google.protobuf.Timestamp", "google.protobuf.Duration"}:
        return Field
    return JsonField if kind.full_name in WELL_KNOWN else MessageField


def _find_conversion(field: FieldDescriptor) -> Conversion:
    """Return the functions that read and write one value of a field."""
    kind = field.message_type
    if kind is not None:
        return WELL_KNOWN.get(kind.full_name) or _message_conversion(kind)
    if field.enum_type is not None:
        return enums.build_conversion(field.enum_type)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return keep, to_bytes
    kind_of = _SCALARS.get(field.cpp_type, int)
    # Vectors are long: protobuf checks them.
    return keep, keep if kind_of is float and is_repeated(field) else CONVERSIONS[kind_of]


def _find_annotation(field: FieldDescriptor) -> object:
    """Return the type of one value of a field, as a view shows it."""
    kind = field.message_type
    if kind is not None:
        return ANNOTATIONS.get(kind.full_name) or VIEWS.get(kind.full_name) or object
    if field.enum_type is not None:
        return enums.find(field.enum_type.full_name) or int
    return bytes if field.type == FieldDescriptor.TYPE_BYTES else _SCALARS.get(field.cpp_type, int)


_SCALARS: dict[int, type] = {
    FieldDescriptor.CPPTYPE_STRING: str,
    FieldDescriptor.CPPTYPE_BOOL: bool,
    FieldDescriptor.CPPTYPE_FLOAT: float,
    FieldDescriptor.CPPTYPE_DOUBLE: float,
}


_FLOAT = struct.Struct("<f")


def _round_float(value: float) -> float:
    """Return the shortest decimal that is the same number in 32 bits: 0.95, not 0.949999988079071."""
    bits = _FLOAT.pack(value)
    for digits in (6, 7, 8):
        short = float(f"{value:.{digits}g}")
        if _FLOAT.pack(short) == bits:
            return short
    return value


def _message_conversion(kind: Descriptor) -> Conversion:
    name = kind.full_name

    def read(message: Message) -> View | Message:
        shown = VIEWS.get(name)
        if shown is None:
            return message
        # As `View.of` does it, without the call: responses are read item by item.
        made = object.__new__(shown)
        made._pb = message
        made._kept = None
        return made

    def write(value: object) -> Message:
        if isinstance(value, MessageHolder):
            value = value._pb
        if isinstance(value, Message):
            if value.DESCRIPTOR.full_name != name:
                if are_counterparts(descriptor_of(value), kind):
                    return translate(value, message_class(kind))
                raise TypeError(f"expected {kind.name}, got {value.DESCRIPTOR.name}")
            if value.DESCRIPTOR is not kind:  # of another pool, such as Google's own
                value = message_class(kind).FromString(value.SerializeToString())
            return value
        fields = unwrap(value)
        if isinstance(fields, Mapping):
            shown = VIEWS.get(name)
            return shown(**fields)._pb if shown else message_class(kind)(**fields)
        raise TypeError(f"expected {kind.name} or a dict, got {type(value).__name__}")

    return read, write


def message_of(value: object) -> Any:
    """Return the message of a view, not copied; return any other value as it is."""
    return value._pb if isinstance(value, MessageHolder) else value
