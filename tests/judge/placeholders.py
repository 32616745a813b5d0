"""Placeholders for names that are private to google-genai, and for values that gemwire.genai refuses."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from _pytest.outcomes import Failed


class PlaceholderUsedError(Failed):
    """A test used a placeholder. No ``except Exception`` of a test hides it."""


class Usage:
    """What the tests are doing.

    Attributes:
        collecting: Whether modules are imported; placeholders may be passed on then.
        over_api: Whether the running test calls the API.
        names: Placeholders that the running test has used.
    """

    def __init__(self) -> None:
        self.collecting = True
        self.over_api = False
        self.names: list[str] = []

    def begin(self, over_api: bool) -> None:
        """Begin a test."""
        self.collecting, self.over_api = False, over_api
        self.names.clear()

    def add(self, name: str, kind: str = "private") -> None:
        """Note the use of a placeholder.

        Raises:
            PlaceholderUsedError: A test is running.
        """
        if not self.collecting:
            self.names.append(f"{kind}: {name}")
            raise PlaceholderUsedError(self.names[-1])


USAGE = Usage()


class _PrivateType(type):
    def __getattr__(cls, name: str) -> Placeholder:
        if name.startswith("__"):
            raise AttributeError(name)
        USAGE.add(f"a base class of {cls.__name__}")
        return Placeholder(name)


class PrivateBase(metaclass=_PrivateType):
    """What a class inherits from that names a private class as its base."""

    def __init__(self, *_: object, **__: object) -> None:
        USAGE.add(f"a base class of {type(self).__name__}")


class Placeholder:
    """A name or a value that may be passed on, patched or inherited from, but not be used."""

    def __init__(self, name: str, kind: str = "private") -> None:
        self._name, self._kind = name, kind

    def __repr__(self) -> str:
        return f"<{self._kind} {self._name}>"

    def _use(self, what: str = "") -> Placeholder:
        USAGE.add(self._name, self._kind)
        return Placeholder(self._name + what, self._kind)

    def __getattr__(self, name: str) -> Placeholder:
        # mock asks whether what it replaces is async.
        if name.startswith(("__", "_is_coroutine")):
            raise AttributeError(name)
        return self._use(f".{name}")

    def __call__(self, *_: object, **__: object) -> Placeholder:
        return self._use("()")

    def __getitem__(self, _: object) -> Placeholder:
        return self._use("[]")

    def __iter__(self) -> Iterator[Placeholder]:
        self._use()
        return iter(())

    def __mro_entries__(self, _: tuple[object, ...]) -> tuple[type, ...]:
        return (PrivateBase,)

    def __instancecheck__(self, _: object) -> bool:
        self._use()
        return False

    def __sub__(self, _: object) -> Placeholder:
        return self._use()

    def __eq__(self, other: object) -> bool:
        self._use()
        return self is other

    __hash__ = object.__hash__


class LenientClass:
    """A public class while modules are imported: what it refuses becomes a placeholder.

    One row of a table that cannot be made then leaves the others.
    """

    def __init__(self, kind: type) -> None:
        self._kind = kind

    def __call__(self, *given: object, **named: object) -> Any:
        return _attempt(self._kind, *given, **named)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._kind, name)
        return partial(_attempt, found) if USAGE.collecting and inspect.ismethod(found) else found

    def __mro_entries__(self, _: tuple[object, ...]) -> tuple[type, ...]:
        return (self._kind,)

    def __instancecheck__(self, value: object) -> bool:
        return isinstance(value, self._kind)

    def __subclasscheck__(self, kind: type) -> bool:
        return issubclass(kind, self._kind)

    def __or__(self, other: object) -> Any:
        return self._kind | getattr(other, "_kind", other)


def _attempt(function: Callable[..., object], *given: object, **named: object) -> object:
    try:
        return function(*given, **named)
    except (TypeError, ValueError) as error:
        if not USAGE.collecting:
            raise
        return Placeholder(f"{function.__qualname__}: {error}", "refused")
