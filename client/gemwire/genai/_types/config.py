"""Base of the public types that are not messages: named fields that are None until set."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from gemwire.genai._types.annotations import Convert, describe, find_conversion
from gemwire_runtime.field_errors import describe_unknown, locate
from gemwire_runtime.models import FieldInfo, Model, to_camel_case
from gemwire_runtime.pydantic_models import unwrap

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:  # Only type checkers need it; Python has it from 3.11 on.

    def dataclass_transform(**_):
        return lambda cls: cls


_C = TypeVar("_C", bound="Config")
_Annotation = tuple[object, dict[str, object]]


@dataclass_transform(kw_only_default=True)
class Config(Model):
    """Base of configs and of results that are not messages.

    The annotations of a subclass are its fields. Fields may be given in camelCase as well.
    """

    #: Fields by name: the annotation, and the namespace that resolves it.
    __fields__: ClassVar[dict[str, _Annotation]] = {}
    #: Names of fields by what programs write: the same, or camelCase.
    __aliases__: ClassVar[dict[str, str]] = {}
    __conversions__: ClassVar[dict[str, Convert]] = {}

    #: Names in JSON that are not the camelCase of the fields' own.
    __json_names__: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls, json_names: Mapping[str, str] | None = None) -> None:
        own = vars(cls).get("__annotations__", {})
        namespace = vars(sys.modules[cls.__module__])
        fields = {name: (own[name], namespace) for name in own if not name.startswith("_")}
        cls.__fields__ = cls.__fields__ | fields
        cls.__aliases__ = {to_camel_case(name): name for name in cls.__fields__}
        cls.__aliases__ |= {name: name for name in cls.__fields__}
        if json_names:
            cls.__json_names__ = json_names
            cls.__aliases__ |= {written: name for name, written in json_names.items()}
        cls.__conversions__ = {}
        for name in fields:
            if name not in vars(cls):
                setattr(cls, name, None)

    def __init__(self, **fields: object) -> None:
        """Set the given fields. Dicts become the types of their fields.

        Raises:
            ValueError: A field is unknown, or a value is out of range.
            TypeError: A value has a wrong type.
        """
        for name, value in fields.items():
            if value is None:
                continue  # Dumps of google-genai's configs have all its fields.
            known = self.__aliases__.get(name)
            if known is None:
                raise ValueError(describe_unknown(type(self).__name__, name, self.__aliases__))
            self.__dict__[known] = self._convert(known, value)

    def __setattr__(self, name: str, value: object) -> None:
        if name in self.__fields__:
            self.__dict__[name] = None if value is None else self._convert(name, value)
        elif name.startswith("_") or hasattr(type(self), name):
            super().__setattr__(name, value)
        else:
            raise AttributeError(describe_unknown(type(self).__name__, name, self.__aliases__))

    def _convert(self, name: str, value: object) -> object:
        convert = self.__conversions__.get(name)
        if convert is None:
            convert = self.__conversions__[name] = find_conversion(_resolve(self.__fields__[name]))
        try:
            return convert(value)
        except (TypeError, ValueError) as error:
            raise locate(name, error) from None

    @classmethod
    def of(cls: type[_C], value: object, argument: str = "config") -> _C:
        """Return a config for a value that a caller passed.

        Args:
            value: A config, a dict of its fields or None; it is not changed.
            argument: Name of the argument, for error messages.

        Raises:
            ValueError: A field is unknown, or a value is out of range.
            TypeError: The value, or that of a field, is of a wrong type.
        """
        if value is None:
            return cls()
        if isinstance(value, cls):
            return value
        fields = unwrap(value)
        if isinstance(fields, Mapping):
            try:
                return cls(**fields)
            except (TypeError, ValueError) as error:
                raise locate(argument, error) from None
        kind = type(value)
        found = f"{kind.__module__}.{kind.__name__}" if kind.__name__ == cls.__name__ else kind.__name__
        raise TypeError(f"{argument}: expected {cls.__name__} or a dict, got {found}")

    def given(self) -> Iterator[tuple[str, Any]]:
        """Iterate over the names and values of the fields that are set."""
        return ((name, value) for name, value in self.__dict__.items() if value is not None)

    def model_copy(self: _C, *, update: Mapping[str, object] | None = None, deep: bool = False) -> _C:
        """Return a copy with some fields changed.

        Args:
            update: New values by field name.
            deep: Whether the values are copied as well.
        """
        copy = object.__new__(type(self))
        copy.__dict__.update(deepcopy(self.__dict__) if deep else self.__dict__)
        for name, value in (update or {}).items():
            setattr(copy, name, value)
        return copy

    @classmethod
    def model_validate(cls: type[_C], obj: object, **_: object) -> _C:
        """Build a config from a dict. pydantic's options are accepted.

        Raises:
            ValueError: A field is unknown.
            TypeError: The value is not a dict.
        """
        fields = unwrap(obj)
        return cls(**fields) if isinstance(fields, Mapping) else cls.of(obj, cls.__name__)

    @classmethod
    def model_construct(cls: type[_C], _fields_set: set[str] | None = None, **values: object) -> _C:
        """Build a config of values that are kept as they are."""
        made = cls()
        made.__dict__.update({cls.__aliases__.get(name, name): value for name, value in values.items()})
        return made

    @classmethod
    def describe_fields(cls) -> dict[str, FieldInfo]:
        """Return the fields by their names, in the order of their declaration."""
        return {
            name: FieldInfo(
                describe(_resolve(annotation)),
                cls.__json_names__.get(name) or to_camel_case(name),
                getattr(cls, name),
            )
            for name, annotation in cls.__fields__.items()
        }

    @property
    def model_fields_set(self) -> set[str]:
        """Names of the fields that were given."""
        return set(self.__dict__)

    def __eq__(self, other: object) -> bool:
        return dict(self.given()) == dict(other.given()) if isinstance(other, type(self)) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in self.given())
        return f"{type(self).__name__}({fields})"


def field_names(kind: type[Config]) -> frozenset[str]:
    """Return the names of the fields of a config class, in snake_case."""
    return frozenset(kind.__fields__)


def _resolve(annotation: _Annotation) -> object:
    written, namespace = annotation
    return eval(written, namespace) if isinstance(written, str) else written  # noqa: S307 - our own source
