"""Base of the objects of `gemwire.genai` that are no messages: named fields, None until they are set."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from gemwire_runtime.views import dumped

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:  # Only type checkers need it; Python has it from 3.11 on.

    def dataclass_transform(**_: Any) -> Any:
        return lambda cls: cls


_C = TypeVar("_C", bound="Config")


@dataclass_transform(kw_only_default=True)
class Config:
    """A config, or what else is no message.

    Its fields are the annotations of its class; they may be given in camelCase as well.
    """

    _fields: ClassVar[dict[str, str]] = {}

    def __init_subclass__(cls) -> None:
        names = {name for base in reversed(cls.__mro__) for name in vars(base).get("__annotations__", ())}
        names = {name for name in names if not name.startswith("_")}
        cls._fields = {name: name for name in names} | {_camel(name): name for name in names}
        for name in vars(cls).get("__annotations__", ()):
            if name not in vars(cls):
                setattr(cls, name, None)

    def __init__(self, **fields: Any) -> None:
        """Set some fields.

        Raises:
            ValueError: There is no such field.
        """
        for name, value in fields.items():
            known = self._fields.get(name)
            if known is None:
                raise ValueError(f"{type(self).__name__} has no field {name!r}{_near(name, self._fields)}")
            if value is not None:
                self.__dict__[known] = value

    @classmethod
    def of(cls: type[_C], value: Any, argument: str = "config") -> _C:
        """A config from what a caller gave: None, a dict or one.

        Args:
            value: What was given; it is not changed.
            argument: What to call it in an error.

        Raises:
            ValueError: It has an unknown field.
            TypeError: It is something else.
        """
        if value is None:
            return cls()
        if isinstance(value, cls):
            return value
        if isinstance(value, Mapping):
            return cls(**value)
        raise TypeError(f"{argument}: expected {cls.__name__} or a dict, got {type(value).__name__}")

    def given(self) -> Iterator[tuple[str, Any]]:
        """The fields that are set, and their values."""
        return ((name, value) for name, value in self.__dict__.items() if value is not None)

    def model_copy(self: _C, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> _C:
        """A copy, with some fields changed.

        Args:
            update: Fields and their new values.
            deep: As pydantic's; the values are shared either way.
        """
        made = type(self)(**dict(self.given()))
        for name, value in (update or {}).items():
            setattr(made, name, value)
        return made

    @classmethod
    def model_validate(cls: type[_C], data: Any) -> _C:
        """A config of a dict.

        Raises:
            ValueError: It has an unknown field.
            TypeError: It is no dict.
        """
        return cls.of(data, cls.__name__)

    def model_dump(self, *, exclude_none: bool = False, mode: str = "python") -> dict[str, Any]:
        """The fields as a dict.

        Args:
            exclude_none: Leave out what is not set, at every depth.
            mode: ``"python"`` keeps bytes, datetimes and enums; ``"json"`` writes text.
        """
        names = sorted(set(self._fields.values()))
        values = {name: _dumped(getattr(self, name), exclude_none, mode) for name in names}
        return {name: value for name, value in values.items() if not exclude_none or value is not None}

    def to_dict(self) -> dict[str, Any]:
        """What is set, as a dict."""
        return self.model_dump(exclude_none=True)

    def model_dump_json(self, *, exclude_none: bool = False, indent: int | None = None) -> str:
        """The fields as JSON; see `model_dump`. Functions and types are written as text."""
        made = self.model_dump(exclude_none=exclude_none, mode="json")
        return json.dumps(made, indent=indent, ensure_ascii=False, default=str)

    def __eq__(self, other: object) -> bool:
        return dict(self.given()) == dict(other.given()) if isinstance(other, type(self)) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.given())
        return f"{type(self).__name__}({shown})"


def _dumped(value: Any, exclude_none: bool, mode: str) -> Any:
    if isinstance(value, Config):
        return value.model_dump(exclude_none=exclude_none, mode=mode)
    if isinstance(value, (list, tuple)):
        return [_dumped(item, exclude_none, mode) for item in value]
    return dumped(value, exclude_none, mode=mode)


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in rest)


def _near(name: str, known: Mapping[str, str]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return (
        f"; did you mean {known[near[0]]!r}?"
        if near
        else f"; it has {', '.join(sorted(set(known.values())))}"
    )
