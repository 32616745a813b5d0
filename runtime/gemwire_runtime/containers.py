"""Lists and dicts of the values in a message, which write every change to the message.

They are real lists and dicts, so that `json.dumps`, `isinstance` and everything else takes them for such.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, MutableMapping, MutableSequence
from typing import TYPE_CHECKING, Any, SupportsIndex, TypeVar, cast, overload

from google.protobuf.message import Message

if TYPE_CHECKING:
    pass

_T = TypeVar("_T")
_I = TypeVar("_I")
#: The functions that read and write one value of a field. A value from a message has a type that only the
#: descriptor knows; what a user gives may be anything.
Conversion = tuple[Callable[[Any], Any], Callable[[object], object]]


def keep(value: _T) -> _T:
    """Return a value unchanged."""
    return value


class Items(list[_T]):
    """List of the values of a repeated field; changing it changes the message."""

    __slots__ = ("_convert", "_pb", "origin")

    #: What a list of JSON is read from: a `Value`.
    origin: object

    def __init__(self, container: MutableSequence[_I], convert: Conversion) -> None:
        """Show a container.

        Args:
            container: Container of a repeated field.
            convert: Functions that convert an item of the container to what is shown, and what is given to an
                item; the latter raises an error if it cannot.
        """
        read = convert[0]
        # Vectors are long: their numbers are not taken through a function one by one.
        list.__init__(self, container if read is keep else map(read, container[:]))
        self._pb: Any = container
        self._convert = convert

    def adopt(self, other: Items[_T]) -> None:
        """Show what another list with the same values shows."""
        self._pb, self.origin = other._pb, getattr(other, "origin", None)
        for item, same in zip(self, other, strict=True):
            _adopt(item, same)

    def _replace(self, items: list[_T]) -> None:
        """Write other items; those that are in the list already stay the same objects."""
        read, write = self._convert
        made = [write(item) for item in items]
        known = {id(item) for item in self}
        del self._pb[:]
        self._pb.extend(made)
        for at, fresh in enumerate(map(read, self._pb)):
            if id(items[at]) in known and _adopt(items[at], fresh):
                known.discard(id(items[at]))
            else:
                items[at] = fresh
        super().__setitem__(slice(None), items)

    def append(self, value: _T) -> None:
        """Append an item."""
        self.extend((value,))

    def extend(self, values: Iterable[_T]) -> None:
        """Append items."""
        read, write = self._convert
        made = [write(value) for value in values]
        self._pb.extend(made)
        super().extend(map(read, self._pb[len(self) :]))

    def insert(self, at: SupportsIndex, value: _T) -> None:
        """Insert an item."""
        items = list(self)
        items.insert(at, value)
        self._replace(items)

    def pop(self, at: SupportsIndex = -1) -> _T:
        """Remove an item and return it."""
        found = super().pop(at)
        del self._pb[operator.index(at)]
        return found

    def remove(self, value: _T) -> None:
        """Remove the first item that equals a value."""
        del self[self.index(value)]

    def clear(self) -> None:
        """Remove all items."""
        del self[:]

    def reverse(self) -> None:
        """Reverse the order of the items."""
        self._replace(self[::-1])

    @overload
    def __setitem__(self, at: SupportsIndex, value: _T) -> None: ...
    @overload
    def __setitem__(self, at: slice, value: Iterable[_T]) -> None: ...
    def __setitem__(self, at: SupportsIndex | slice, value: _T | Iterable[_T]) -> None:
        items = list(self)
        cast("dict[object, object]", items)[at] = value
        self._replace(items)

    def __delitem__(self, at: SupportsIndex | slice) -> None:
        super().__delitem__(at)
        del self._pb[at if isinstance(at, slice) else operator.index(at)]

    if not TYPE_CHECKING:  # Their types are those of lists.

        def sort(self, *, key=None, reverse=False):
            """Sort the items."""
            self._replace(sorted(self, key=key, reverse=reverse))

        def __iadd__(self, values):
            self.extend(values)
            return self

        def __imul__(self, times):
            self._replace(list(self) * times)
            return self

    def __reduce__(self) -> tuple[object, ...]:
        return list, (list(self),)


class Entries(dict[str, _T]):
    """Dict of the entries of a map or a Struct; changing it changes the message."""

    __slots__ = ("_convert", "_pb", "origin")

    #: What a dict of JSON is read from: a `Struct` or a `Value`.
    origin: object

    def __init__(self, container: Mapping[str, _I], convert: Conversion) -> None:
        """Show a container, with the conversions of its values; see `Items`."""
        read = convert[0]
        super().__init__({key: read(item) for key, item in container.items()})
        self._pb = cast("MutableMapping[str, object]", container)
        self._convert = convert

    def adopt(self, other: Entries[_T]) -> None:
        """Show what another dict with the same values shows."""
        self._pb, self.origin = other._pb, getattr(other, "origin", None)
        for key, item in self.items():
            _adopt(item, other[key])

    def __setitem__(self, key: str, value: _T) -> None:
        read, write = self._convert
        put(self._pb, key, write(value))
        super().__setitem__(key, read(self._pb[key]))

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        del self._pb[key]

    if not TYPE_CHECKING:  # Their types are those of dicts.

        def update(self, *others, **entries):
            """Set entries."""
            for key, value in dict(*others, **entries).items():
                self[key] = value

        def setdefault(self, key, value=None):
            """Return an entry; set it where there is none."""
            if key not in self:
                self[key] = value
            return self[key]

        def pop(self, key, *default):
            """Remove an entry and return its value."""
            found = super().pop(key, *default)
            if key in self._pb:
                del self._pb[key]
            return found

        def __ior__(self, other):
            self.update(other)
            return self

    def popitem(self) -> tuple[str, _T]:
        """Remove the entry that was set last."""
        key, value = super().popitem()
        del self._pb[key]
        return key, value

    def clear(self) -> None:
        """Remove all entries."""
        super().clear()
        self._pb.clear()

    def __reduce__(self) -> tuple[object, ...]:
        return dict, (dict(self),)


def put(container: MutableMapping[str, object], key: str, value: object) -> None:
    """Set an entry of the container of a map."""
    if isinstance(value, Message):
        cast("Mapping[str, Message]", container)[key].CopyFrom(value)
    else:
        container[key] = value


def _adopt(item: object, same: object) -> bool:
    """Let an item show what an equal one shows; return whether it is of a kind that can."""
    adopt: Callable[[object], None] | None = getattr(item, "adopt", None)
    if adopt is not None:
        adopt(same)
    return adopt is not None
