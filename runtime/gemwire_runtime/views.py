"""Views of messages as Python objects: unset fields are None, enums have names, Structs are dicts.

A view holds a message and nothing else. Its attributes read and write the message, so that unread fields of a
response cost nothing and a request is built once. Two views are equal if their messages are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import ClassVar, Optional, TypedDict, TypeVar, cast

from google.protobuf.message import Message

from gemwire_runtime.containers import Entries, Items
from gemwire_runtime.enums import Enum as Enum
from gemwire_runtime.field_errors import describe_unknown
from gemwire_runtime.models import FieldInfo, to_camel_case
from gemwire_runtime.pydantic_models import Fields, unwrap
from gemwire_runtime.translation import are_counterparts, translate
from gemwire_runtime.upb import descriptor_of
from gemwire_runtime.variants import Variant as Variant
from gemwire_runtime.view_fields import VIEWS, Field, LocalField, MessageHolder, build_field, message_of

_V = TypeVar("_V", bound="View")


class View(MessageHolder):
    """Base class of views; subclasses name their message class with ``kind=``.

    A view is created from fields, from a dict (`model_validate`) or from a message (`of`). Field names may be
    in camelCase as well. The value of a message field may be a view, a message or a dict.
    """

    __slots__ = ()

    _kind: ClassVar[type[Message]]
    _fields: ClassVar[dict[str, Field]] = {}
    _aliases: ClassVar[dict[str, str]] = {}
    #: Names of fields in dumps, where they differ.
    _shown_names: ClassVar[dict[str, str]] = {}

    def __init_subclass__(
        cls,
        kind: type[Message] | None = None,
        fields: Mapping[str, Field] | None = None,
        registered: bool = True,
        also: Mapping[str, str] | None = None,
        local: Mapping[str, object] | None = None,
    ) -> None:
        """Connect a subclass to a message class.

        Args:
            kind: Message class; that of the base class by default.
            fields: How to read and write the fields of the message, where the base class has the same ones.
            registered: Whether messages of this class are shown as this view from now on.
            also: Further names of fields, for attributes and arguments; dumps use these.
            local: Types of fields that the object has and its message lacks, by name; or their `LocalField`.
        """
        if kind is not None:
            cls._kind = kind
            if fields is None:
                cls._fields = {field.name: build_field(field) for field in descriptor_of(kind).fields}
                cls._aliases = {field.json_name: name for name, field in cls._fields.items()}
            else:
                cls._fields = {**cls._fields, **fields}
            for name, field in cls._fields.items():
                setattr(cls, name, field)
                if name in cls._shown_names:
                    setattr(cls, cls._shown_names[name], field)
        if also:
            cls._aliases = {**cls._aliases, **also, **{to_camel_case(name): of for name, of in also.items()}}
            cls._shown_names = {of: name for name, of in also.items()}
            for name, of in also.items():
                setattr(cls, name, cls._fields[of])
        for name, annotation in (local or {}).items():
            field = annotation if isinstance(annotation, LocalField) else LocalField(name, annotation)
            cls._fields = {**cls._fields, name: field}
            cls._aliases = {**cls._aliases, field.json_name: name}
            setattr(cls, name, field)
        if registered:
            VIEWS[cls._kind.DESCRIPTOR.full_name] = cls

    def __init__(self, **fields: object) -> None:
        """Create a view from fields; None leaves a field unset.

        Raises:
            ValueError: A field does not exist, or a value is out of range.
            TypeError: A value has a wrong type.
        """
        self._pb = self._kind()
        self._kept = None
        for name, value in fields.items():
            if value is None:
                continue
            field = self._fields.get(name) or self._fields.get(self._aliases.get(name, ""))
            if field is None:
                shown = self._aliases | dict(zip(self._fields, self._fields, strict=True))
                raise ValueError(describe_unknown(type(self).__name__, name, shown))
            field.set(self, value)

    @classmethod
    def of(cls: type[_V], message: Message) -> _V:
        """Create a view of a message, which is not copied."""
        made = object.__new__(cls)
        made._pb = message
        made._kept = None
        return made

    @classmethod
    def message_class(cls) -> type[Message]:
        """Return the class of the messages."""
        return cls._kind

    @classmethod
    def find_shown(cls) -> type[View]:
        """Return the class that messages of this one's kind are shown as, if that is a subclass."""
        shown = VIEWS[cls._kind.DESCRIPTOR.full_name]
        return shown if issubclass(shown, cls) else cls

    def find_local(self) -> Fields | None:
        """Return what the object has and its message lacks."""
        kept = self._kept or {}
        return {name: kept[name] for name in kept if isinstance(self._fields.get(name), LocalField)} or None

    def adopt(self, other: View) -> None:
        """Show what another view with the same fields shows."""
        self._pb = other._pb
        for name, shown in (self._kept or {}).items():
            if isinstance(shown, (View, Items, Entries)):
                shown.adopt(getattr(other, name))

    def __eq__(self, other: object) -> bool:
        other = message_of(other)
        if not isinstance(other, Message):
            return NotImplemented
        if are_counterparts(descriptor_of(other), descriptor_of(self._pb)):
            try:
                other = translate(other, type(self._pb))
            except ValueError:
                return False
        return bool(self._pb == other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        given = self.model_fields_set
        shown = (f"{name}={getattr(self, name)!r}" for name in self.model_fields if name in given)
        return f"{type(self).__name__}({', '.join(shown)})"

    def __reduce__(self) -> tuple[object, ...]:
        return type(self).restore, (self._pb.SerializeToString(), self.find_local())

    @classmethod
    def restore(cls: type[_V], data: bytes, local: Fields | None = None) -> _V:
        """Create a view of a serialized message, with what `find_local` returned."""
        made = cls.of(cls._kind.FromString(data))
        made._kept = local
        return made

    def __copy__(self: _V) -> _V:
        return self.model_copy()

    def __deepcopy__(self: _V, memo: object) -> _V:
        return self.model_copy()

    @classmethod
    def describe_fields(cls) -> dict[str, FieldInfo]:
        """Return the fields by their names, in the order of the protos."""
        fields = {cls._shown_names.get(name, name): field for name, field in cls._fields.items()}
        return {
            name: FieldInfo(Optional[field.annotation], to_camel_case(name))  # noqa: UP045 - made at run time
            for name, field in fields.items()
        }

    def read_field(self, name: str) -> object:
        """Return the value of a field for a dump; None for a list that only reading made."""
        value: object = getattr(self, name)
        return None if value == [] and isinstance(self._fields.get(name), LocalField) else value

    @property
    def model_fields_set(self) -> set[str]:
        """Names of the fields that are set."""
        kept = {
            name for name in self._kept or () if name in self._fields and self.read_field(name) is not None
        }
        kept.update(field.name for field, _ in self._pb.ListFields())
        return {self._shown_names.get(name, name) for name in kept} if self._shown_names else kept

    def model_copy(self: _V, *, update: Mapping[str, object] | None = None, deep: bool = True) -> _V:
        """Return a copy, with some fields changed.

        Args:
            update: Fields and their new values; None clears one.
            deep: For compatibility with pydantic; a copy is always deep.
        """
        made = type(self).of(self._kind())
        made._pb.CopyFrom(self._pb)
        made._kept = deepcopy(self.find_local())
        for name, value in (update or {}).items():
            setattr(made, name, value)
        return made

    @classmethod
    def model_validate(cls: type[_V], obj: object, **_: object) -> _V:
        """Convert a dict, a message or another view to a view. pydantic's options are accepted.

        Raises:
            ValueError: A field does not exist, or a value is out of range.
            TypeError: A value has a wrong type.
        """
        if isinstance(obj, View):
            obj = obj._pb
        if isinstance(obj, Message):
            if obj.DESCRIPTOR.full_name != cls._kind.DESCRIPTOR.full_name:
                raise TypeError(f"expected {cls.__name__} or a dict, got {obj.DESCRIPTOR.name}")
            return cls.of(obj)
        fields = unwrap(obj)
        if not isinstance(fields, Mapping):
            raise TypeError(f"{cls.__name__}: expected a dict, a message or a view, got {type(obj).__name__}")
        return cls(**fields)


def find_view(full_name: str) -> type[View] | None:
    """Return the view that messages of a type are shown as; None where there is none."""
    return VIEWS.get(full_name)


def view(message: Message) -> View:
    """Create the view of a message."""
    return VIEWS[message.DESCRIPTOR.full_name].of(message)


def fields_of(kind: type[View]) -> Mapping[str, Field]:
    """Return the fields of a view class by name; each reads and writes messages as attributes do."""
    return kind._fields


def replace_field(kind: type[Message], field: Field) -> None:
    """Replace how the view of a message class reads and writes one field."""
    shown = VIEWS[descriptor_of(kind).full_name]
    shown._fields[field.name] = field
    setattr(shown, field.name, field)


def add_local_fields(kind: type[View], fields: Mapping[str, object]) -> None:
    """Add fields to a view class that its message lacks; see ``local`` of `View`."""
    kind.__init_subclass__(registered=False, local=fields)


def typed_dict(module: Mapping[str, object], name: str) -> type:
    """Build the TypedDict of a view. Type checkers use the one in the stub, which has the types of values.

    Args:
        module: Globals of the module of views.
        name: The view's name and ``Dict``.

    Raises:
        AttributeError: The module has no such view.
    """
    kind = module.get(name.removesuffix("Dict"))
    if not (name.endswith("Dict") and isinstance(kind, type) and issubclass(kind, View)):
        raise AttributeError(f"module {module['__name__']!r} has no attribute {name!r}")
    build = cast("Callable[..., type]", TypedDict)
    return build(name, dict.fromkeys({**kind.model_fields, **kind._fields}, object), total=False)
