"""The RPCs of the API by their names."""

from __future__ import annotations

import difflib
import functools
import importlib
import pkgutil
from collections.abc import Mapping
from typing import Any

from gemwire_proto.longrunning import operations
from gemwire_runtime.method import Method, Service

_VERSIONS = ("v1beta", "v1")


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
    known = _paths() if "/" in name else {**operations.SERVICE.methods, **service.methods}
    found = known.get(f"/{name.lstrip('/')}" if "/" in name else name)
    if found is None:
        near = difflib.get_close_matches(name, known, 3)
        hint = f"; near are {', '.join(near)}" if near else ""
        where = "the API has no RPC of this path" if "/" in name else f"{service.name} has no such RPC"
        raise ValueError(f"method: {name!r}: {where}{hint}")
    return found


@functools.cache
def _paths() -> Mapping[str, Method[Any, Any]]:
    """All RPCs by their paths; loads the tables of all services."""
    packages = [importlib.import_module(f"gemwire_proto.{version}") for version in _VERSIONS]
    names = [
        module.name
        for package in packages
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
        if module.name.endswith("_service")
    ]
    tables = [operations.SERVICE, *(importlib.import_module(name).SERVICE for name in names)]
    return {method.path: method for table in tables for method in table.methods.values()}
