"""Enums as Python objects: members with names, equal to their numbers too."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any, TypeVar

_T = TypeVar("_T")

#: Enum classes by the full names of their enums.
_ENUMS: dict[str, type[Enum]] = {}


class Enum(str, enum.Enum):
    """An enum of the API: each member is its name, and equal to its number too.

    Members may be looked up by name in any case (``FinishReason("stop")``) and by number. A number that this
    version does not know becomes a member of its own, named like ``UNKNOWN_17``.
    """

    number: int

    @classmethod
    def of(cls: type[_T], descriptor: Any) -> Callable[[type[Any]], type[Any]]:
        """Tie a class to its enum."""

        def tie(made: Any) -> Any:
            for member in made:
                member.number = int(descriptor.values_by_name[member.value].number)
            made._by_number = {member.number: member for member in made}
            _ENUMS[descriptor.full_name] = made
            return made

        return tie

    @classmethod
    def _missing_(cls, value: object) -> Any:
        if isinstance(value, str):
            return cls.__members__.get(value.upper())
        if not isinstance(value, int) or isinstance(value, bool):
            return None
        known: dict[int, Any] = cls._by_number  # type: ignore[attr-defined]
        if value not in known:
            name = f"UNKNOWN_{value}"
            made: Any = str.__new__(cls, name)
            made._name_ = made._value_ = name
            made.number = value
            known[value] = made
        return known[value]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, int):
            return self.number == other
        return str.__eq__(self, other) if isinstance(other, str) else NotImplemented

    def __ne__(self, other: object) -> bool:
        equal = self.__eq__(other)
        return equal if equal is NotImplemented else not equal

    __hash__ = str.__hash__

    def __int__(self) -> int:
        return self.number

    def __str__(self) -> str:
        return f"{type(self).__name__}.{self._name_}"


def conversion(kind: Any) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """How a value of an enum is read and written."""
    name = kind.full_name

    def read(number: int) -> Any:
        shown = _ENUMS.get(name)
        return shown(number) if shown else number

    def write(value: Any) -> int:
        if isinstance(value, Enum):
            return value.number
        if isinstance(value, int):
            return value
        found = kind.values_by_name.get(str(value).upper()) if isinstance(value, str) else None
        if found is None:
            names = ", ".join(n for n in kind.values_by_name if not n.endswith("_UNSPECIFIED"))
            raise ValueError(f"{value!r} is none of {names}")
        return int(found.number)

    return read, write
