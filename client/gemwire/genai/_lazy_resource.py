"""Resources of a client that are imported when they are first used."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Generic, TypeVar, overload

R = TypeVar("R")


class LazyResource(Generic[R]):
    """Attribute of a client that holds a resource; a program imports only the resources that it uses.

    It has ``__set__`` and ``__delete__``, so that mock.create_autospec and mock.patch.object take it for an
    ordinary attribute.
    """

    def __init__(self, module: str, name: str) -> None:
        """Initialize; the class ``name`` of ``module`` is called with the API of the client."""
        self._module = module
        self._class = name

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> LazyResource[R]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> R: ...
    def __get__(self, instance: object, owner: type) -> LazyResource[R] | R:
        if instance is None:
            return self
        attributes = instance.__dict__
        if self._name not in attributes:
            resource: Callable[[object], R] = getattr(importlib.import_module(self._module), self._class)
            # Of two threads that come here at once, both get the same.
            attributes.setdefault(self._name, resource(attributes["_api"]))
        made: R = attributes[self._name]
        return made

    def __set__(self, instance: object, value: R) -> None:
        instance.__dict__[self._name] = value

    def __delete__(self, instance: object) -> None:
        instance.__dict__.pop(self._name, None)
