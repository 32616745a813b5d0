"""Base of the public types that are not messages: named fields that are None until set."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from gemwire_runtime.models import FieldInfo, Model
from gemwire_runtime.pydantic_models import unwrap

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:  # Only type checkers need it; Python has it from 3.11 on.

    def dataclass_transform(**_):
        return lambda cls: cls


_C = TypeVar("_C", bound="Config")


@dataclass_transform(kw_only_default=True)
class Config(Model):
    """Base of configs and of results that are not messages.

    The annotations of a subclass are its fields. Fields may be given in camelCase as well.
    """

    __aliases__: ClassVar[dict[str, str]] = {}

    def __init_subclass__(cls) -> None:
        names = {name for base in reversed(cls.__mro__) for name in vars(base).get("__annotations__", ())}
        names = {name for name in names if not name.startswith("_")}
        cls.__aliases__ = {name: name for name in names} | {to_camel_case(name): name for name in names}
        for name in vars(cls).get("__annotations__", ()):
            if name not in vars(cls):
                setattr(cls, name, None)

    def __init__(self, **fields: object) -> None:
        """Set the given fields.

        Raises:
            ValueError: A field is unknown.
        """
        for name, value in fields.items():
            if value is None:
                continue  # Dumps of google-genai's configs have all its fields.
            known = self.__aliases__.get(name)
            if known is None:
                raise ValueError(
                    f"{type(self).__name__} has no field {name!r}{_suggest(name, self.__aliases__)}"
                )
            self.__dict__[known] = value

    @classmethod
    def of(cls: type[_C], value: object, argument: str = "config") -> _C:
        """Return a config for a value that a caller passed.

        Args:
            value: A config, a dict of its fields or None; it is not changed.
            argument: Name of the argument, for error messages.

        Raises:
            ValueError: A field is unknown.
            TypeError: The value is of another type.
        """
        if value is None:
            return cls()
        if isinstance(value, cls):
            return value
        fields = unwrap(value)
        if isinstance(fields, Mapping):
            return cls(**fields)
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
            deep: Accepted for compatibility with pydantic; values are shared in either case.
        """
        copy = type(self)(**dict(self.given()))
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
        return cls.of(obj, cls.__name__)

    @classmethod
    def describe_fields(cls) -> dict[str, FieldInfo]:
        """Return the fields by their names, in the order of their declaration."""
        return {
            name: FieldInfo(object, to_camel_case(name), getattr(cls, name))
            for base in reversed(cls.__mro__)
            if issubclass(base, Config)
            for name in vars(base).get("__annotations__", ())
            if not name.startswith("_")
        }

    @property
    def model_fields_set(self) -> set[str]:
        """Names of the fields that are set."""
        return {name for name, _ in self.given()}

    def __eq__(self, other: object) -> bool:
        return dict(self.given()) == dict(other.given()) if isinstance(other, type(self)) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in self.given())
        return f"{type(self).__name__}({fields})"


def field_names(kind: type[Config]) -> frozenset[str]:
    """Return the names of the fields of a config class, in snake_case."""
    return frozenset(kind.__aliases__.values())


def to_camel_case(name: str) -> str:
    """Return the camelCase form of a snake_case name."""
    head, *rest = name.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in rest)


def _suggest(name: str, known: Mapping[str, str]) -> str:
    matches = difflib.get_close_matches(name, known, 1)
    if matches:
        return f"; did you mean {known[matches[0]]!r}?"
    return f"; it has {', '.join(sorted(set(known.values())))}"
