"""A registry of all RPCs, by path and by name."""

from __future__ import annotations

import difflib
import functools
import importlib
from collections.abc import Iterable

from gemwire_proto.families import PACKAGES
from gemwire_proto.longrunning import operations
from gemwire_runtime.method import AnyMethod, Method, Service


def find_method(name: object, service: Service) -> AnyMethod:
    """Return a method.

    Args:
        name: A full path, ``/service/method``; the name of a method of ``service``, or of the operations
            that every client has; or a method, which is returned.
        service: The service whose methods need no path.

    Raises:
        ValueError: There is no such method.
        TypeError: It is neither a name nor a method.
    """
    if isinstance(name, Method):
        return name
    if not isinstance(name, str):
        raise TypeError(f"method: expected a path, a name or a Method, got {type(name).__name__}")
    return _find_by_name(name, service)


@functools.cache
def _find_by_name(name: str, service: Service) -> AnyMethod:
    if "/" in name:
        path = f"/{name.lstrip('/')}"
        found = _find_by_path(path)
        known: Iterable[str] = () if found else _list_paths()
        wanted, problem = path, "the API has no RPC with this path"
    else:
        methods = {**operations.SERVICE.methods, **service.methods}
        found, known, wanted = methods.get(name), methods, name
        problem = f"{service.name} has no such RPC"
    if found is None:
        matches = difflib.get_close_matches(wanted, list(known), 3)
        hint = f"; did you mean {', '.join(matches)}?" if matches else ""
        raise ValueError(f"method: {name!r}: {problem}{hint}")
    return found


def _find_by_path(path: str) -> AnyMethod | None:
    """Find an RPC by its path; loads the method table of its service alone."""
    service, _, name = path[1:].rpartition("/")
    package, _, short = service.rpartition(".")
    module = PACKAGES[package].services.get(short) if package in PACKAGES else None
    return importlib.import_module(module).SERVICE.methods.get(name) if module else None


def _list_paths() -> list[str]:
    """List the paths of all RPCs; loads the method tables of all services."""
    tables = [table for package in PACKAGES.values() for table in package.tables()]
    return [method.path for table in tables for method in table.methods.values()]
