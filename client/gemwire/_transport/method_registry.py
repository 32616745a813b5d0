"""The RPCs of the API by their names."""

from __future__ import annotations

import difflib
import functools
import importlib
from collections.abc import Iterable
from typing import Any

from gemwire_proto.families import PACKAGES
from gemwire_proto.longrunning import operations
from gemwire_runtime.method import Method, Service


def find(name: Any, service: Service) -> Method[Any, Any]:
    """A method.

    Args:
        name: A full path, ``/service/method``; the name of a method of ``service``, or of the operations
            that every client has; or a method.
        service: Whose methods need no path.

    Raises:
        ValueError: There is no such method.
        TypeError: It is neither a name nor a method.
    """
    if isinstance(name, Method):
        return name
    if not isinstance(name, str):
        raise TypeError(f"method: expected a path, a name or a Method, got {type(name).__name__}")
    return _named(name, service)


@functools.cache
def _named(name: str, service: Service) -> Method[Any, Any]:
    if "/" in name:
        path = f"/{name.lstrip('/')}"
        found = _at_path(path)
        known: Iterable[str] = () if found else _paths()
        near, where = path, "the API has no RPC of this path"
    else:
        methods = {**operations.SERVICE.methods, **service.methods}
        found, known, near = methods.get(name), methods, name
        where = f"{service.name} has no such RPC"
    if found is None:
        matches = difflib.get_close_matches(near, list(known), 3)
        hint = f"; near are {', '.join(matches)}" if matches else ""
        raise ValueError(f"method: {name!r}: {where}{hint}")
    return found


def _at_path(path: str) -> Method[Any, Any] | None:
    """Find an RPC by its path; loads the method table of its service alone."""
    service, _, name = path[1:].rpartition("/")
    package, _, short = service.rpartition(".")
    module = PACKAGES[package].services.get(short) if package in PACKAGES else None
    return importlib.import_module(module).SERVICE.methods.get(name) if module else None


def _paths() -> list[str]:
    """List the paths of all RPCs; loads the method tables of all services."""
    tables = [table for package in PACKAGES.values() for table in package.tables()]
    return [method.path for table in tables for method in table.methods.values()]
