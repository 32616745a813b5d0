"""Views of messages as Python objects: unset fields are None, enums have names, Structs are dicts.

A view holds a message and nothing else. Its attributes read and write the message, so that unread fields of a
response cost nothing and a request is built once. Two views are equal if their messages are.
"""

from __future__ import annotations

import base64
import datetime
import json
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableSequence
from typing import Any, ClassVar, TypedDict, TypeVar, cast, overload

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from gemwire_runtime import enums
from gemwire_runtime.enums import Enum as Enum
from gemwire_runtime.message_init import is_repeated, message_class
from gemwire_runtime.pydantic_models import unwrap
from gemwire_runtime.upb import descriptor_of
from gemwire_runtime.well_known import WELL_KNOWN, Conversion

_V = TypeVar("_V", bound="View")
_T = TypeVar("_T")
_Other = TypeVar("_Other")

#: View classes by the full names of their messages; a subclass takes the place of its base.
_VIEWS: dict[str, type[View]] = {}


class View:
    """Base class of views; subclasses name their message class with ``kind=``.

    A view is created from fields, from a dict (`model_validate`) or from a message (`of`). Field names may be
    in camelCase as well. The value of a message field may be a view, a message or a dict.
    """

    __slots__ = ("_pb",)

    #: The message; subclasses know its class.
    _pb: Any
    _kind: ClassVar[type[Message]]
    _fields: ClassVar[dict[str, Field]] = {}
    _aliases: ClassVar[dict[str, str]] = {}

    def __init_subclass__(
        cls,
        kind: type[Message] | None = None,
        registered: bool = True,
        also: Mapping[str, str] | None = None,
    ) -> None:
        """Connect a subclass to a message class.

        Args:
            kind: Message class; that of the base class by default.
            registered: Whether messages of this class are shown as this view from now on.
            also: Further names of fields, for attributes and arguments; dumps use the field's own name.
        """
        if kind is not None:
            cls._kind = kind
            cls._fields = {field.name: Field(field) for field in descriptor_of(kind).fields}
            cls._aliases = {field.json_name: name for name, field in cls._fields.items()}
            for name, field in cls._fields.items():
                setattr(cls, name, field)
        if also:
            cls._aliases = {**cls._aliases, **also}
            for name, of in also.items():
                setattr(cls, name, cls._fields[of])
        if registered:
            _VIEWS[cls._kind.DESCRIPTOR.full_name] = cls

    def __init__(self, **fields: object) -> None:
        """Create a view from fields; None leaves a field unset.

        Raises:
            ValueError: A field does not exist, or a value is out of range.
            TypeError: A value has a wrong type.
        """
        self._pb = self._kind()
        self._set(fields)

    def _set(self, fields: Mapping[str, object]) -> None:
        for name, value in fields.items():
            if value is None:
                continue
            field = self._fields.get(name) or self._fields.get(self._aliases.get(name, ""))
            if field is None:
                raise ValueError(
                    f"{type(self).__name__} has no field {name!r}; it has {', '.join(self._fields)}"
                )
            field.write(self._pb, value)

    @classmethod
    def of(cls: type[_V], message: Message) -> _V:
        """Create a view of a message, which is not copied."""
        made = object.__new__(cls)
        made._pb = message
        return made

    def __eq__(self, other: object) -> bool:
        if isinstance(other, View):
            return bool(self._pb == other._pb)
        return bool(self._pb == other) if isinstance(other, Message) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = (f"{name}={getattr(self, name)!r}" for name in self._set_names())
        return f"{type(self).__name__}({', '.join(shown)})"

    def __reduce__(self) -> tuple[object, ...]:
        return _unpickle, (type(self), self._pb.SerializeToString())

    def __copy__(self: _V) -> _V:
        return self.model_copy()

    def __deepcopy__(self: _V, memo: object) -> _V:
        return self.model_copy()

    def _set_names(self) -> list[str]:
        return [field.name for field, _ in self._pb.ListFields()]

    @property
    def model_fields_set(self) -> set[str]:
        """Names of the fields that are set."""
        return set(self._set_names())

    def model_copy(self: _V, *, update: Mapping[str, object] | None = None, deep: bool = True) -> _V:
        """Return a copy, with some fields changed.

        Args:
            update: Fields and their new values; None clears one.
            deep: For compatibility with pydantic; a copy is always deep.
        """
        made = type(self).of(self._kind())
        made._pb.CopyFrom(self._pb)
        for name, value in (update or {}).items():
            setattr(made, name, value)
        return made

    @classmethod
    def model_validate(cls: type[_V], data: object) -> _V:
        """Convert a dict, a message or another view to a view.

        Raises:
            ValueError: A field does not exist, or a value is out of range.
            TypeError: A value has a wrong type.
        """
        if isinstance(data, View):
            data = data._pb
        if isinstance(data, Message):
            return cls.of(data)
        fields = unwrap(data)
        if not isinstance(fields, Mapping):
            raise TypeError(
                f"{cls.__name__}: expected a dict, a message or a view, got {type(data).__name__}"
            )
        return cls(**fields)

    from_dict = model_validate

    @classmethod
    def model_validate_json(cls: type[_V], text: str | bytes) -> _V:
        """Parse JSON.

        Raises:
            ValueError: The text is not valid JSON, or has unknown fields.
        """
        return cls.model_validate(json.loads(text))

    from_json = model_validate_json

    def model_dump(
        self, *, exclude_none: bool = False, by_alias: bool = False, mode: str = "python"
    ) -> dict[str, Any]:
        """Return the fields as a dict.

        Args:
            exclude_none: Leave out unset fields, at every depth.
            by_alias: Write names in camelCase.
            mode: ``"python"`` keeps bytes, datetimes and enums; ``"json"`` converts them to strings.
        """
        made = {}
        names = self._set_names() if exclude_none else self._fields
        for name in names:
            key = self._fields[name].json_name if by_alias else name
            made[key] = dump(getattr(self, name), exclude_none, by_alias, mode)
        return made

    def to_dict(self) -> dict[str, Any]:
        """Return the fields that are set, as a dict."""
        return self.model_dump(exclude_none=True)

    def to_json_dict(self) -> dict[str, Any]:
        """Return the fields that are set, as a dict for `json.dumps`."""
        return self.model_dump(exclude_none=True, mode="json")

    def model_dump_json(
        self, *, exclude_none: bool = False, by_alias: bool = False, indent: int | None = None
    ) -> str:
        """Return the fields as JSON; see `model_dump`."""
        made = self.model_dump(exclude_none=exclude_none, by_alias=by_alias, mode="json")
        return json.dumps(made, indent=indent, ensure_ascii=False)

    def to_json(self) -> str:
        """Return the fields that are set, as JSON."""
        return self.model_dump_json(exclude_none=True)


class Field:
    """Descriptor of a view's attribute, which reads and writes one field of the message."""

    __slots__ = ("_many", "_map", "_optional", "_read_one", "_write_one", "json_name", "name")

    def __init__(self, field: FieldDescriptor) -> None:
        """Choose the conversions of a field."""
        self.name: str = field.name
        self.json_name: str = field.json_name.lstrip("_")
        kind = field.message_type
        # Check the name first: reading options imports modules that few programs need.
        self._map = kind is not None and kind.name.endswith("Entry") and kind.GetOptions().map_entry
        self._many = is_repeated(field) and not self._map
        self._optional = field.has_presence and not is_repeated(field)
        valued = kind.fields_by_name["value"] if kind is not None and self._map else field
        self._read_one, self._write_one = _find_conversion(valued)
        if field.cpp_type == FieldDescriptor.CPPTYPE_FLOAT and not is_repeated(field):
            # Lists of floats are vectors, for computing: they are left as they are.
            self._read_one = _round_float

    def __get__(self, view: View | None, owner: type[View]) -> object:
        if view is None:
            return self
        return self.read(view._pb)

    def __set__(self, view: View, value: object) -> None:
        view._pb.ClearField(self.name)
        if value is not None:
            self.write(view._pb, value)

    def read(self, message: Message) -> Any:
        """Return the value; None for an unset field."""
        if self._optional:
            return self._read_one(getattr(message, self.name)) if message.HasField(self.name) else None
        value = getattr(message, self.name)
        if self._many:
            return Items(value, self._read_one, self._write_one) if value else None
        if self._map:
            return {key: self._read_one(item) for key, item in value.items()} or None
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
            raise type(error)(f"{self.name}: {error}") from None

    def _write(self, message: Message, value: object) -> None:
        if self._map:
            target = getattr(message, self.name)
            if not isinstance(value, Mapping):
                raise TypeError(f"expected a dict, got {type(value).__name__}")
            for key, item in value.items():
                made = self._write_one(item)
                if isinstance(made, Message):
                    target[key].CopyFrom(made)
                else:
                    target[key] = made
        elif self._many:
            if isinstance(value, (str, bytes, Mapping, View)) or not isinstance(value, Iterable):
                raise TypeError(f"expected a list, got {type(value).__name__}")
            getattr(message, self.name).extend([self._write_one(item) for item in value])
        else:
            made = self._write_one(value)
            if isinstance(made, Message):
                getattr(message, self.name).CopyFrom(made)
            else:
                setattr(message, self.name, made)


class Items(MutableSequence[_T]):
    """List of the values of a repeated field; changing it changes the message."""

    __slots__ = ("_container", "_read", "_write")

    def __init__(
        self, container: MutableSequence[Any], read: Callable[[Any], _T], write: Callable[[object], object]
    ) -> None:
        """Show the container of a repeated field, with the conversions of its items."""
        self._container = container
        self._read = read
        self._write = write

    @overload
    def __getitem__(self, at: int) -> _T: ...
    @overload
    def __getitem__(self, at: slice) -> list[_T]: ...
    def __getitem__(self, at: int | slice) -> _T | list[_T]:
        found = self._container[at]
        return [self._read(item) for item in found] if isinstance(at, slice) else self._read(found)

    def __setitem__(self, at: Any, value: Any) -> None:
        items = list(self)
        items[at] = value
        made = [self._write(item) for item in items]
        del self._container[:]
        self._container.extend(made)

    def __delitem__(self, at: int | slice) -> None:
        del self._container[at]

    def __len__(self) -> int:
        return len(self._container)

    def __iter__(self) -> Iterator[_T]:
        return map(self._read, self._container)

    def insert(self, at: int, value: object) -> None:
        """Insert an item."""
        if at >= len(self._container):
            self._container.extend([self._write(value)])
        else:
            self[at:at] = [value]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Items):
            return bool(self._container == other._container)
        return list(self) == other if isinstance(other, list) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(list(self))

    def __add__(self, other: Iterable[_Other]) -> list[_T | _Other]:
        return [*self, *other]

    def __radd__(self, other: Iterable[_Other]) -> list[_Other | _T]:
        return [*other, *self]


def view(message: Message) -> View:
    """Create the view of a message."""
    return _VIEWS[message.DESCRIPTOR.full_name].of(message)


def _unpickle(cls: type[_V], data: bytes) -> _V:
    return cls.of(cls._kind.FromString(data))


def dump(value: Any, exclude_none: bool = False, by_alias: bool = False, mode: str = "python") -> Any:
    """Convert a value of a view's field to dicts, lists and scalars; see `View.model_dump`."""
    if isinstance(value, View):
        return value.model_dump(exclude_none=exclude_none, by_alias=by_alias, mode=mode)
    if isinstance(value, Items):
        return [dump(item, exclude_none, by_alias, mode) for item in value]
    if isinstance(value, dict):
        return {key: dump(item, exclude_none, by_alias, mode) for key, item in value.items()}
    if model_dump := getattr(value, "model_dump", None):
        return model_dump(exclude_none=exclude_none, mode=mode)
    if mode == "json":
        if isinstance(value, Enum):
            return value._value_
        if isinstance(value, bytes):
            return base64.urlsafe_b64encode(value).decode()
        if isinstance(value, datetime.datetime):
            return value.isoformat().replace("+00:00", "Z")
    return value


_UNCONVERTED = frozenset(
    {FieldDescriptor.CPPTYPE_STRING, FieldDescriptor.CPPTYPE_BOOL}
    | {FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE}
)


def _find_conversion(field: FieldDescriptor) -> Conversion:
    """Return the functions that read and write one value of a field."""
    kind = field.message_type
    if kind is not None:
        return WELL_KNOWN.get(kind.full_name) or _message_conversion(kind)
    if field.enum_type is not None:
        return enums.build_conversion(field.enum_type)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _keep, _to_bytes
    return _keep, _keep if field.cpp_type in _UNCONVERTED else _to_integer


def _keep(value: _T) -> _T:
    return value


_FLOAT = struct.Struct("<f")


def _round_float(value: float) -> float:
    """Return the shortest decimal that is the same number in 32 bits: 0.95, not 0.949999988079071."""
    bits = _FLOAT.pack(value)
    for digits in (6, 7, 8):
        short = float(f"{value:.{digits}g}")
        if _FLOAT.pack(short) == bits:
            return short
    return value


def _to_integer(value: object) -> object:
    # The API's JSON allows top_k=20.0, so programs write it.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _to_bytes(value: object) -> bytes:
    if isinstance(value, str):
        padded = value + "=" * (-len(value) % 4)
        return base64.b64decode(padded.replace("-", "+").replace("_", "/"), validate=True)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise TypeError(f"expected bytes or base64, got {type(value).__name__}")


def _message_conversion(kind: Descriptor) -> Conversion:
    name = kind.full_name

    def read(message: Message) -> View | Message:
        shown = _VIEWS.get(name)
        return shown.of(message) if shown else message

    def write(value: object) -> Message:
        if isinstance(value, View):
            value = value._pb
        if isinstance(value, Message):
            if value.DESCRIPTOR.full_name != name:
                raise TypeError(f"expected {kind.name}, got {value.DESCRIPTOR.name}")
            if value.DESCRIPTOR is not kind:  # of another pool, such as Google's own
                value = message_class(kind).FromString(value.SerializeToString())
            return value
        fields = unwrap(value)
        if isinstance(fields, Mapping):
            shown = _VIEWS.get(name)
            return shown(**fields)._pb if shown else message_class(kind)(**fields)
        raise TypeError(f"expected {kind.name} or a dict, got {type(value).__name__}")

    return read, write


def message_of(value: object) -> Any:
    """Return the message of a view, not copied; return any other value as it is."""
    return value._pb if isinstance(value, View) else value


def fields_of(kind: type[View]) -> Mapping[str, Field]:
    """Return the fields of a view class by name; each reads and writes messages as attributes do."""
    return kind._fields


def replace_field(kind: type[Message], field: Field) -> None:
    """Replace how the view of a message class reads and writes one field."""
    shown = _VIEWS[descriptor_of(kind).full_name]
    shown._fields[field.name] = field
    setattr(shown, field.name, field)


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
    return build(name, dict.fromkeys(kind._fields, object), total=False)
