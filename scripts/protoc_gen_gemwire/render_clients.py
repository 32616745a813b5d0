"""Service clients and their fronts, ``gemwire/v1beta``, from the services of the protos.

The sync clients are derived from the asyncio ones by ``scripts/unasync``, like all else that is sync.
"""

from __future__ import annotations

from collections.abc import Sequence

from .families import ROOT, Family, Package
from .model import File, Service
from .source import Source, summary

#: RPCs of services whose clients prepare prompts.
_PREPARED = frozenset({"GenerateContent", "StreamGenerateContent"})


def clients(package: Package, files: Sequence[File]) -> str:
    """Render ``_clients/aio/MODULE.py``: the asyncio clients of a package."""
    services = _services(files)
    prepared = {service.name for service in services if _prepares(service)}
    out = Source(f"the protos of {package.module}")
    out.docstring(f"The asyncio clients of {package.module}.")
    out()
    out("from __future__ import annotations")
    out()
    if prepared:
        out("from gemwire._clients.aio.prepare import AsyncPreparingClient")
    if len(prepared) < len(services):
        out("from gemwire._clients.aio.service_client import AsyncServiceClient")
    for service in services:
        out(f"from {ROOT}.{package.module}.{service.snake} import Async{service.name}")
    for service in services:
        base = "AsyncPreparingClient" if service.name in prepared else "AsyncServiceClient"
        out()
        out()
        out(f"class {service.name}AsyncClient(Async{service.name}, {base}):")
        with out.indent():
            out.docstring(summary(service.comment))
    return out.text()


def front(family: Family, package: Package, files: Sequence[File]) -> dict[str, str]:
    """Render the modules of ``MODULE/``, by their names.

    The first has the clients of a package, its messages and its enums by their plain names. The others have
    the same by the names of Google's packages: ``types``, ``types.content``, ``services.generative_service``.
    """
    types = {file.stem.rpartition("/")[2]: _types_of(file) for file in files if file.names}
    services = {s.snake: _service(package, s, file) for file in files for s in file.services}
    made = {
        "__init__.py": _index(family, package, files),
        "types/__init__.py": _types(package, sorted(types)),
        "services/__init__.py": _services_index(package, sorted(services)),
    }
    made |= {f"types/{name}.py": text for name, text in types.items()}
    return made | {f"services/{name}.py": text for name, text in services.items()}


def _types(package: Package, modules: Sequence[str]) -> str:
    out = Source(f"the protos of {package.module}")
    out.docstring(f"Every message and enum of {package.module} by its plain name, loaded on first use.")
    out("# pyright: reportUnsupportedDunderAll=false")
    out()
    out("import importlib")
    out("from typing import TYPE_CHECKING, Any")
    out()
    out(f"from {ROOT} import {package.module} as _messages")
    out()
    out("if TYPE_CHECKING:")
    with out.indent():
        out(f"from {ROOT}.{package.module} import *  # noqa: F403")
    out()
    out("__all__ = [*_messages.__all__]  # noqa: PLE0604 - all are strings")
    _modules(out, modules, "return getattr(_messages, name)")
    return out.text()


def _services_index(package: Package, modules: Sequence[str]) -> str:
    out = Source(f"the protos of {package.module}")
    out.docstring(f"The clients of {package.module} by their services.")
    out()
    out("import importlib")
    out("from typing import Any")
    missing = 'raise AttributeError(f"module {__name__!r} has no attribute {name!r}")'
    _modules(out, modules, missing)
    return out.text()


def _modules(out: Source, modules: Sequence[str], otherwise: str) -> None:
    """Write the attributes of a package: its modules, imported on first use, and others."""
    out()
    out("_MODULES = frozenset({")
    with out.indent():
        for name in modules:
            out(f'"{name}",')
    out("})")
    out()
    out()
    out("def __getattr__(name: str) -> Any:")
    with out.indent():
        out("if name in _MODULES:")
        with out.indent():
            out('return importlib.import_module(f"{__name__}.{name}")')
        out(otherwise)


def _types_of(file: File) -> str:
    out = Source(file.path)
    out.docstring(f"The messages and enums of {file.path}.")
    out()
    for name in sorted(file.names):
        out(f"from {file.module} import {name} as {name}")
    return out.text()


def _service(package: Package, service: Service, file: File) -> str:
    out = Source(file.path)
    out.docstring(f"The clients of {service.name}.")
    out()
    for side, suffix in (("aio", "AsyncClient"), ("sync", "Client")):
        name = f"{service.name}{suffix}"
        out(f"from gemwire._clients.{side}.{package.module} import {name} as {name}")
    return out.text()


def _index(family: Family, package: Package, files: Sequence[File]) -> str:
    homes = {
        f"{service.name}{suffix}": f"gemwire._clients.{side}.{package.module}"
        for side, suffix in (("aio", "AsyncClient"), ("sync", "Client"))
        for service in _services(files)
    }
    out = Source(f"the protos of {package.module}")
    version = package.name.rpartition(".")[2]
    out(f'"""Version {version} of the {family.title}: clients, messages and enums by plain names.')
    out()
    generative = next(s.name for s in _services(files) if _prepares(s))
    example = _EXAMPLE.format(module=package.module, service=generative, model=family.model)
    for line in example.splitlines():
        out(line)
    out('"""')
    out()
    out("# pyright: reportUnsupportedDunderAll=false")
    out()
    out("from __future__ import annotations")
    out()
    out("import importlib")
    out("from typing import TYPE_CHECKING, Any")
    out()
    out(f"from {ROOT} import {package.module} as _messages")
    out()
    out("if TYPE_CHECKING:")
    with out.indent():
        for name, home in homes.items():
            out(f"from {home} import {name} as {name}")
        out(f"from {ROOT}.{package.module} import *  # noqa: F403")
    out()
    out("_CLIENTS = {")
    with out.indent():
        for name, home in homes.items():
            out(f'"{name}": "{home}",')
    out("}")
    out("__all__ = [*_CLIENTS, *_messages.__all__]  # noqa: PLE0604 - all are strings")
    out()
    out()
    out("def __getattr__(name: str) -> Any:")
    with out.indent():
        out('if name in ("services", "types"):  # names of Google\'s packages')
        with out.indent():
            out('return importlib.import_module(f"{__name__}.{name}")')
        out("home = importlib.import_module(_CLIENTS[name]) if name in _CLIENTS else _messages")
        out("value = globals()[name] = getattr(home, name)")
        out("return value")
    out()
    out()
    out("def __dir__() -> list[str]:")
    with out.indent():
        out("return sorted({*globals(), *__all__})")
    return out.text()


_EXAMPLE = """\
    from gemwire import {module}

    client = {module}.{service}AsyncClient()
    response = await client.generate_content(
        model="{model}",
        contents=[{{"role": "user", "parts": [{{"text": "Why is the sky blue?"}}]}}],
    )

Each is loaded on first use."""


def _services(files: Sequence[File]) -> list[Service]:
    return sorted((service for file in files for service in file.services), key=lambda s: s.name)


def _prepares(service: Service) -> bool:
    return {method.name for method in service.methods} >= _PREPARED
