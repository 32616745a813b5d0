"""What a message constructor does with a value that protobuf refuses.

The ordinary way costs one extra frame and nothing else: protobuf's own
constructor. Only when that fails are the arguments looked at, for two reasons:

* Well-known types and messages of another pool (``google.protobuf.*_pb2``,
  Google's own packages) are of other classes than ours, although they mean
  the same. They are taken over through their bytes.
* protobuf's text often names neither the message nor the field
  ("bad argument type for built-in operation"). The error is raised again, of
  the same type, with the path to the culprit in front.
"""

from collections.abc import Callable, Mapping
from typing import Any, NoReturn, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from gemwire_proto._runtime import construct

_REFUSALS = (TypeError, ValueError, AttributeError)
_Fields = Mapping[str, Any]


def construction(descriptor: Descriptor) -> dict[str, Callable[..., None]]:
    """The ``__init__`` that a message class is created with."""

    def __init__(self: Message, /, **fields: Any) -> None:
        try:
            construct(self, **fields)
        except _REFUSALS as refusal:
            adopted = _adopt_fields(descriptor, fields)
            if adopted is fields:
                _explain(descriptor, fields, refusal, descriptor.full_name)
            self.Clear()
            try:
                construct(self, **adopted)
            except _REFUSALS as second:
                _explain(descriptor, adopted, second, descriptor.full_name)

    return {"__init__": __init__}


def merging(descriptor: Descriptor) -> dict[str, Callable[..., None]]:
    """``CopyFrom`` and ``MergeFrom`` of a well-known type that take its twin of another pool."""
    if descriptor.file.package != "google.protobuf":
        return {}

    def MergeFrom(self: Message, other: Message) -> None:
        base: Any = super(type(self), self)
        base.MergeFrom(_adopt(descriptor, other))

    def CopyFrom(self: Message, other: Message) -> None:
        base: Any = super(type(self), self)
        base.CopyFrom(_adopt(descriptor, other))

    return {"MergeFrom": MergeFrom, "CopyFrom": CopyFrom}


def _adopt(descriptor: Descriptor, value: Any) -> Any:
    """``value`` with every message of a foreign pool replaced by ours; the same object if there was none."""
    if isinstance(value, Message):
        if value.DESCRIPTOR is descriptor or value.DESCRIPTOR.full_name != descriptor.full_name:
            return value
        return _class_of(descriptor).FromString(value.SerializeToString())
    if isinstance(value, dict):
        return _adopt_fields(descriptor, value)
    return value


def _class_of(descriptor: Descriptor) -> type[Message]:
    # Imported late: see _runtime.
    from google.protobuf import message_factory

    return message_factory.GetMessageClass(descriptor)


def _adopt_fields(descriptor: Descriptor, fields: _Fields) -> _Fields:
    if descriptor.full_name in _FREE_FORM:
        return fields
    adopted: dict[str, Any] = {}
    for name, value in fields.items():
        field = descriptor.fields_by_name.get(name)
        if field is None or field.message_type is None:
            continue
        value_type = _value_type(field)
        if isinstance(value, (list, tuple)):
            taken: Any = [_adopt(value_type, item) for item in value]
            same = all(a is b for a, b in zip(taken, value))
        elif field.message_type is not value_type and isinstance(value, Mapping):
            # protobuf before 6.30 takes no dicts as the values of a map.
            made = _class_of(value_type)
            taken = {k: made(**v) if isinstance(v, dict) else _adopt(value_type, v) for k, v in value.items()}
            same = all(taken[k] is value[k] for k in taken)
        else:
            taken = _adopt(value_type, value)
            same = taken is value
        if not same:
            adopted[name] = taken
    return {**fields, **adopted} if adopted else fields


# Their dicts are data of the user's, not fields.
_FREE_FORM = frozenset({"google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue"})


def _value_type(field: FieldDescriptor) -> Descriptor:
    """The message type of a field's values: of a map, that of its values."""
    entry: Any = field.message_type
    if entry.has_options and entry.GetOptions().map_entry:
        return cast("Descriptor", entry.fields_by_name["value"].message_type or entry)
    return cast("Descriptor", entry)


def _explain(descriptor: Descriptor, fields: _Fields, refusal: Exception, path: str) -> NoReturn:
    """Find the smallest part of ``fields`` that protobuf refuses and raise an error that names it."""
    made = _class_of(descriptor)
    for name, value in fields.items():
        field = descriptor.fields_by_name.get(name)
        if field is None:
            raise _error(refusal)(f"{path} has no field {name!r}") from None
        for place, part in _parts(field, name, value):
            probe = made()
            try:
                construct(probe, **{name: part})
            except _REFUSALS as smaller:
                inner = part[0] if isinstance(part, list) else part
                if isinstance(inner, dict) and field.message_type and _value_type(field) is field.message_type:
                    _explain(field.message_type, inner, smaller, f"{path}.{place}")
                if isinstance(part, dict) and field.message_type and isinstance(value, Mapping):
                    (inner,) = part.values() if len(part) == 1 else (part,)
                text = f"{path}.{place}: {smaller} (got {type(inner).__name__})"
                raise _error(smaller)(text) from None
    raise _error(refusal)(f"{path}: {refusal}") from None


def _error(refusal: Exception) -> type[Exception]:
    """ValueError stays; an AttributeError comes from a value that is not what protobuf took it for."""
    return ValueError if isinstance(refusal, ValueError) else TypeError


def _parts(field: FieldDescriptor, name: str, value: Any) -> list[tuple[str, Any]]:
    """A list's items and a map's entries one by one, each as a list or dict of one; anything else whole."""
    if field.message_type and _value_type(field) is not field.message_type and isinstance(value, Mapping):
        return [(f"{name}[{key!r}]", {key: item}) for key, item in value.items()]
    if isinstance(value, (list, tuple)):
        return [(f"{name}[{index}]", [item]) for index, item in enumerate(value)]
    return [(name, value)]
