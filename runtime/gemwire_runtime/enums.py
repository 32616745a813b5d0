"""Enums of views: each member is its name, and equal to its number as well."""

from __future__ import annotations

import enum
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from google._upb import _message
    from google.protobuf.descriptor import EnumDescriptor

    _Descriptor = EnumDescriptor | _message.EnumDescriptor

_N = TypeVar("_N", bound="Names")
_E = TypeVar("_E", bound="Enum")

#: Enum classes by the full names of their enums.
_ENUMS: dict[str, type[Enum]] = {}
#: Members by their numbers, of each class.
_MEMBERS: dict[type[Enum], dict[int, Enum]] = {}


class Names(str, enum.Enum):
    """An enum whose members are their names, in any case (``JobState("job_state_failed")``).

    A name that this version does not know becomes a new member, with a warning, as in google-genai.
    """

    @classmethod
    def _missing_(cls, value: object) -> Names | None:
        if not isinstance(value, str):
            return None
        for name in (value.upper(), value.lower()):
            if known := cls.__members__.get(name):
                return known
        for member in cls:
            if member.value.lower() == value.lower():
                return member
        # The frames in between are those of `enum`, and that of the subclass.
        level = 4 + issubclass(cls, Enum)
        warnings.warn(f"{value!r} is not a valid {cls.__name__} that this version knows", stacklevel=level)
        return cls.create(value)

    @classmethod
    def create(cls: type[_N], name: str) -> _N:
        """Create a member that the class does not declare."""
        made = str.__new__(cls, name)
        vars(made).update(_name_=name, _value_=name)
        return made

    def __str__(self) -> str:
        return f"{type(self).__name__}.{self._name_}"

    __hash__ = str.__hash__


class Enum(Names):
    """An enum of the API: each member is its name, and equal to its number as well.

    Members may be looked up by name in any case (``FinishReason("stop")``) and by number. A number that this
    version does not know becomes a new member, ``UNKNOWN_17``; no message can hold a name that it does not
    know.
    """

    number: int | None

    @classmethod
    def of(cls, descriptor: _Descriptor) -> Callable[[type[_E]], type[_E]]:
        """Return a class decorator that ties a class to the descriptor of its enum."""

        def tie(made: type[_E]) -> type[_E]:
            for member in made:
                value = descriptor.values_by_name.get(member.value)
                member.number = None if value is None else int(value.number)
            _MEMBERS[made] = {member.number: member for member in made if member.number is not None}
            _ENUMS[descriptor.full_name] = made
            return made

        return tie

    @classmethod
    def _missing_(cls, value: object) -> Names | None:
        if not isinstance(value, int) or isinstance(value, bool):
            return super()._missing_(value)
        known = _MEMBERS[cls]
        if value not in known:
            made = known[value] = cls.create(f"UNKNOWN_{value}")
            made.number = value
        return known[value]

    @classmethod
    def create(cls: type[_E], name: str) -> _E:
        """Create a member that the class does not declare."""
        made = super().create(name)
        made.number = None
        return made

    def __eq__(self, other: object) -> bool:
        if isinstance(other, int):
            return self.number == other
        return str.__eq__(self, other) if isinstance(other, str) else NotImplemented

    def __ne__(self, other: object) -> bool:
        equal = self.__eq__(other)
        return equal if equal is NotImplemented else not equal

    __hash__ = str.__hash__

    def __int__(self) -> int:
        if self.number is None:
            raise ValueError(f"{self} has no number that this version knows")
        return self.number


def find(full_name: str) -> type[Enum] | None:
    """Return the class of an enum; None where there is none."""
    return _ENUMS.get(full_name)


def build_counterpart_conversion(
    kind: EnumDescriptor, shown: type[Enum] | None
) -> tuple[Callable[[int], Enum | str], Callable[[object], int]]:
    """Build the functions that read and write the values of an enum as those of its counterpart.

    In both families the names are the same, and the numbers are not.

    Args:
        kind: The enum.
        shown: Class of its counterpart, whose numbers are meant where one is given; None where the
            counterpart of the field is text.
    """
    known: dict[int, Enum | str] = {}
    numbers: dict[str, int] = {value.name: value.number for value in kind.values}

    def read(number: int) -> Enum | str:
        if number not in known:
            value = kind.values_by_number.get(number)
            name = f"UNKNOWN_{number}" if value is None else value.name
            numbers[name] = number
            known[number] = name if shown is None else shown.__members__.get(name) or shown.create(name)
        return known[number]

    def write(value: object) -> int:
        if shown is not None and isinstance(value, int):
            value = shown(value)
        name = str.__str__(value) if isinstance(value, str) else ""
        number = numbers.get(name, numbers.get(name.upper()))
        if number is None:
            raise _build_error(value, kind)
        return number

    return read, write


def find_number(name: str, kind: EnumDescriptor) -> int:
    """Return the number of a name. Raises ValueError if the enum has no such name."""
    found = kind.values_by_name.get(name)
    if found is None:
        raise _build_error(name, kind)
    return found.number


def _build_error(value: object, kind: EnumDescriptor) -> ValueError:
    names = ", ".join(name for name in kind.values_by_name if not name.endswith("_UNSPECIFIED"))
    return ValueError(f"{value!r} is not one of {names}")


def build_conversion(kind: EnumDescriptor) -> tuple[Callable[[int], Enum | int], Callable[[object], int]]:
    """Build the functions that read and write the values of an enum.

    A member is written by its name: in another API family, the enum of the same name may have other numbers.
    """
    full_name = kind.full_name
    numbers: dict[str, int] = {}

    def read(number: int) -> Enum | int:
        shown = _ENUMS.get(full_name)
        return number if shown is None else _MEMBERS[shown].get(number) or shown(number)

    def find(name: str) -> int | None:
        number = numbers.get(name)
        if number is None and (value := kind.values_by_name.get(name)) is not None:
            number = numbers[name] = value.number
        return number

    def write(value: object) -> int:
        if isinstance(value, Enum):
            # A member that this version does not know has its number alone, or not even that.
            number = find(str.__str__(value)) or value.number
        elif isinstance(value, int):
            return value
        else:
            number = find(value.upper()) if isinstance(value, str) else None
        if number is None:
            raise _build_error(value, kind)
        return number

    return read, write
