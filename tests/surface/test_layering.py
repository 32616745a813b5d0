"""Which room may import which, read from the syntax tree of every module.

Imports inside functions and for type checkers count as well: they couple two rooms no less. Where only the
moment matters, a rule says so.
"""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_SOURCE_ROOTS = ("client", "runtime", "generated", "emulator")
_FORBIDDEN_NAMES = frozenset({"utils", "helpers", "common", "misc"})


@dataclass(frozen=True)
class Import:
    """One imported name: the module, and the full name if the import is ``from module import name``."""

    line: int
    module: str
    full_name: str
    lazy: bool

    def within(self, *rooms: str) -> bool:
        return any(
            f"{name}.".startswith(f"{room}.") for room in rooms for name in (self.module, self.full_name)
        )


class _Finder(ast.NodeVisitor):
    """Collects the imports of one module."""

    def __init__(self, package: str) -> None:
        self._package = package
        self._depth = 0
        self.found: list[Import] = []

    def _add(self, node: ast.AST, module: str, name: str | None = None) -> None:
        line: int = getattr(node, "lineno", 0)
        self.found.append(Import(line, module, f"{module}.{name}" if name else module, self._depth > 0))

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._add(node, alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        if node.level:
            parents = self._package.split(".")
            base = ".".join(parents[: len(parents) - node.level + 1])
            module = f"{base}.{module}" if module else base
        for alias in node.names:
            self._add(node, module, alias.name)

    def visit_Call(self, node: ast.Call) -> None:
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called in {"import_module", "__import__"} and node.args:
            name = node.args[0]
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                self._add(node, name.value)
        self.generic_visit(node)

    def _visit_function(self, node: ast.AST) -> None:
        self._depth += 1
        self.generic_visit(node)
        self._depth -= 1

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = _visit_function  # noqa: N815


def _is_private(name: str) -> bool:
    return any(part.startswith("_") and not part.startswith("__") for part in name.split("."))


def _only(module: str, found: Import, *allowed: str) -> str | None:
    if found.module.split(".")[0] in sys.stdlib_module_names or found.within(*allowed):
        return None
    return f"{module} may import only the standard library and {', '.join(allowed)}"


#: What a room may import of gemwire beside itself. The tools for throughput stand each on those before it.
_ROOMS: dict[str, tuple[str, ...]] = {
    "gemwire.genai._lazy_resource": (),
    "gemwire.genai.errors": ("gemwire._transport.recording", "gemwire.errors"),
    "gemwire.genai.http_options": (
        "gemwire._transport",
        "gemwire.errors",
        "gemwire.genai._types",
        "gemwire.options",
    ),
    "gemwire.genai.client_arguments": (
        "gemwire._transport",
        "gemwire.genai._backends",
        "gemwire.genai._types",
        "gemwire.genai.http_options",
        "gemwire.options",
    ),
    "gemwire.genai._backends": (
        "gemwire._transport.serialized_message",
        "gemwire.errors",
        "gemwire.genai._convert",
        "gemwire.genai._types",
    ),
    **{
        f"gemwire.genai.{flavour}": (
            f"gemwire._clients.{flavour[1:]}",
            "gemwire._transport",
            "gemwire.errors",
            "gemwire.genai._backends",
            "gemwire.genai._convert",
            "gemwire.genai._lazy_resource",
            "gemwire.genai._types",
            "gemwire.genai.client_arguments",
            "gemwire.genai.errors",
            "gemwire.genai.http_options",
            "gemwire.options",
        )
        for flavour in ("_aio", "_sync")
    },
    "gemwire._arguments": (),
    "gemwire._secret": (),
    "gemwire.limits": ("gemwire._arguments", "gemwire._transport.fork"),
    "gemwire.pipeline": (
        "gemwire._arguments",
        "gemwire._transport.attempts",
        "gemwire._transport.overload",
        "gemwire.errors",
        "gemwire.limits",
    ),
    "gemwire.embeddings": (
        "gemwire._arguments",
        "gemwire._clients.aio",
        "gemwire._transport",
        "gemwire.errors",
        "gemwire.genai._backends.vertex.models",
        "gemwire.genai._convert",
        "gemwire.genai.async_client",
        "gemwire.genai.client",
        "gemwire.genai.http_options",
        "gemwire.v1beta",
    ),
    "gemwire.bulk": (
        "gemwire._arguments",
        "gemwire._transport.call_json",
        "gemwire.embeddings",
        "gemwire.errors",
        "gemwire.genai._backends.vertex.names",
        "gemwire.genai._convert",
        "gemwire.genai._types",
        "gemwire.genai.async_client",
        "gemwire.genai.client",
        "gemwire.genai.service_choice",
        "gemwire.limits",
        "gemwire.options",
        "gemwire.pipeline",
    ),
}


def _refusal(module: str, found: Import) -> str | None:
    """Why ``module`` may not import this; None when it may."""

    def inside(room: str) -> bool:
        return f"{module}.".startswith(f"{room}.")

    own: tuple[str, ...]
    if inside("gemwire_runtime"):
        if found.within("gemwire_proto") and not found.lazy:
            return "the runtime comes before what is generated"
        if module == "gemwire_runtime.retry" and found.within("grpc"):
            return None  # the class of status codes; test_retry_values proves that it is loaded late
        knows_pydantic = ("gemwire_runtime.models", "gemwire_runtime.pydantic_models")
        if module in knows_pydantic and found.within("pydantic", "pydantic_core"):
            return None  # test_models proves that it is loaded for those who ask
        own = ("gemwire_runtime", "gemwire_proto", "google.protobuf", "google._upb")
        return _only("gemwire_runtime", found, *own)
    if inside("gemwire_proto"):
        protobuf = ("gemwire_proto", "gemwire_runtime", "google.protobuf")
        return _only("gemwire_proto", found, *protobuf, *(("grpc",) if module.endswith("_pb2_grpc") else ()))
    if inside("gemwire_emulator"):
        details = "gemwire_proto.google.rpc.error_details_pb2"
        if found.within(details) and module != "gemwire_emulator.errors":
            return "the details of all errors are made in one module"
        if found.within("gemwire_emulator.http") and not inside("gemwire_emulator.http"):
            return None if module == "gemwire_emulator.server" else "handlers do not know protocols"
        if inside("gemwire_emulator.json_codec"):
            own = ("gemwire_emulator.json_codec", "gemwire_emulator.errors", "gemwire_proto")
            return _only("gemwire_emulator.json_codec", found, *own, "grpc", "google.protobuf")
        return "client and server must not share a mistake" if found.within("gemwire") else None
    if inside("gemwire.cli"):
        foreign = found.within("gemwire", "gemwire_proto", "gemwire_runtime") and not found.within(
            "gemwire.cli"
        )
        return (
            "the command line is a user: public names only"
            if foreign and _is_private(found.full_name)
            else None
        )
    if found.within("gemwire._log", "gemwire._secret") and inside("gemwire"):
        return None  # the log, and a string that hides itself: needed wherever a key passes
    if found.within("gemwire_emulator") and not found.lazy and module != "gemwire.testing":
        return "the client runs without the emulator"
    if inside("gemwire._transport.h2"):
        # The protocol is a library of its own, without I/O.
        if found.within("asyncio", "selectors", "socket", "ssl", "threading"):
            return "the protocol core does no I/O"
        return _only("gemwire._transport.h2", found, "gemwire._transport.h2", "hpack")
    if inside("gemwire._transport"):
        if module in (
            "gemwire._transport.rest.session",
            "gemwire._transport.rest.websocket",
        ) and found.within("aiohttp", "yarl"):
            return None  # the two modules that know the HTTP client
        if module == "gemwire._transport.tls_context" and found.lazy and found.within("certifi"):
            return None  # google-auth's requests brings it
        if found.within("typing_extensions") and module.endswith(("_transport", ".transport")):
            return None  # for type checkers, which bring it
        # An optional package, recognised when the user has it: never loaded by us.
        if found.lazy and found.within("google.api_core"):
            return None
        generated = ("gemwire_proto", "gemwire_runtime")
        own = ("gemwire._transport", "gemwire.errors", "gemwire.options", *generated)
        return _only(
            "gemwire._transport", found, *own, "grpc", "google.auth", "google.oauth2", "google.protobuf"
        )
    if inside("gemwire._clients") and found.within("gemwire"):
        own = ("gemwire._clients", "gemwire._transport", "gemwire.errors", "gemwire.options")
        return None if found.within(*own) else "service clients stand on the transport alone"
    if (inside("gemwire.genai._aio") and found.within("gemwire._transport.sync")) or (
        inside("gemwire.genai._sync") and found.within("gemwire._transport.aio")
    ):
        return "each flavour stands alone"
    for room, allowed in _ROOMS.items():
        if inside(room) and found.within("gemwire") and not found.within(room, *allowed):
            return f"{room} may import of gemwire only {', '.join(allowed) or 'nothing'}"
    if inside("gemwire.genai._json"):
        own = ("gemwire.genai._json", "gemwire_runtime", "google.protobuf")
        return _only("gemwire.genai._json", found, *own)
    if inside("gemwire.genai._types") or inside("gemwire.genai._convert"):
        if module == "gemwire.genai._types.media_types" and found.lazy and found.within("PIL"):
            return None  # whoever asks for a picture has it
        if module == "gemwire.genai._convert.embedding_vectors" and found.lazy and found.within("numpy"):
            return None  # whoever asks for its arrays has it
        if module == "gemwire.genai._types.config" and found.within("typing_extensions"):
            return None  # for type checkers, which bring it
        own = ("gemwire.genai._types", "gemwire.genai._json", "gemwire_proto", "gemwire_runtime")
        if inside("gemwire.genai._types"):
            return _only("gemwire.genai._types", found, *own, "google.protobuf")
        own = ("gemwire.genai._convert", *own, "gemwire.errors")
        return _only("gemwire.genai._convert", found, *own, "google.protobuf")
    return None


def violations(module: str, source: str, *, is_package: bool = False) -> list[str]:
    """What a module imports that its room may not.

    Args:
        module: Full name, ``gemwire._transport.retry``.
        source: Its text.
        is_package: Whether it is an ``__init__``: relative imports start one level lower there.
    """
    finder = _Finder(module if is_package else module.rpartition(".")[0])
    finder.visit(ast.parse(source))
    reasons = ((found, _refusal(module, found)) for found in finder.found)
    return [
        f"{module}:{found.line} imports {found.full_name}: {reason}" for found, reason in reasons if reason
    ]


def circle(sources: dict[str, str]) -> list[str] | None:
    """Find a circle among modules that import each other, imports inside functions included.

    Args:
        sources: The text of each module by its full name.
    """
    arrows: dict[str, set[str]] = {}
    for name, text in sources.items():
        finder = _Finder(name.rpartition(".")[0])
        finder.visit(ast.parse(text))
        arrows[name] = {
            target
            for found in finder.found
            for target in (found.module, found.full_name)
            if target in sources
        }
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        return list(error.args[1])
    return None


def _modules(suffix: str = ".py") -> dict[str, Path]:
    found = {}
    for root in _SOURCE_ROOTS:
        for path in sorted((_ROOT / root).rglob(f"*{suffix}")):
            parts = path.relative_to(_ROOT / root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def test_every_module_keeps_to_its_room() -> None:
    modules = [*_modules().items(), *_modules(".pyi").items()]
    assert len(modules) > 100
    found = [
        violation
        for name, path in modules
        for violation in violations(
            name, path.read_text(encoding="utf-8"), is_package=path.stem == "__init__"
        )
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("room", ["bulk", "cli", "embeddings", "limits", "pipeline"])
def test_no_modules_import_each_other_in_a_circle(room: str) -> None:
    modules = {name: path for name, path in _modules().items() if name.startswith(f"gemwire.{room}.")}
    assert circle({name: path.read_text(encoding="utf-8") for name, path in modules.items()}) is None


def test_no_modules_of_the_emulator_import_each_other_in_a_circle() -> None:
    modules = {name: path for name, path in _modules().items() if name.startswith("gemwire_emulator")}
    assert circle({name: path.read_text(encoding="utf-8") for name, path in modules.items()}) is None


def test_a_circle_is_found() -> None:
    assert circle({"a.x": "from a import y", "a.y": "def f():\n    from a.z import g", "a.z": "import a.x"})
    assert circle({"a.x": "from a import y", "a.y": "from a.z import g", "a.z": "import b"}) is None


def test_no_module_is_a_drawer_for_odds_and_ends() -> None:
    named = [name for name in _modules() if _FORBIDDEN_NAMES & set(name.split("."))]
    named += [str(path) for path in (_ROOT / "scripts").rglob("*.py") if path.stem in _FORBIDDEN_NAMES]
    assert not named


# Proof that the check can fail ---------------------------------------------------------------------

_BAD = [
    ("gemwire_runtime.pool", "import gemwire"),
    ("gemwire._transport.h2.connection", "import asyncio"),
    ("gemwire._transport.h2.connection", "import socket"),
    ("gemwire._transport.h2.connection", "import grpc"),
    ("gemwire._transport.h2.connection", "from gemwire._transport import status"),
    ("gemwire_runtime.pool", "import requests"),
    ("gemwire_runtime.pool", "from google.auth import credentials"),
    ("gemwire_runtime.pool", "from google import api_core"),
    ("gemwire_runtime.pool", "import google"),
    ("gemwire_proto.google.rpc.status_pb2", "import grpc"),
    ("gemwire_proto.x_pb2_grpc", "from gemwire import errors"),
    ("gemwire_runtime.method", "def f():\n    from gemwire.errors import APIError"),
    (
        "gemwire_runtime.method",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import gemwire.errors",
    ),
    ("gemwire_runtime.method", "import importlib\nimportlib.import_module('gemwire.errors')"),
    ("gemwire_runtime.method", "__import__('gemwire')"),
    ("gemwire._transport.retry", "from gemwire import _clients"),
    ("gemwire._transport.retry", "from gemwire.genai._aio import models"),
    ("gemwire._transport.retry", "from ..genai._convert import contents"),
    ("gemwire._transport.aio.caller", "from ... import genai"),
    ("gemwire._transport.aio.caller", "from gemwire import v1beta"),
    ("gemwire._transport.retry", "import httpx"),
    ("gemwire._transport.aio.http_connection", "import aiohttp"),
    ("gemwire._transport.retry", "from google.api_core import retry"),
    ("gemwire._transport.retry", "from gemwire.errors_of_others import x"),
    ("gemwire._transport.retry", "from google.authority import x"),
    ("gemwire.genai._convert.contents", "import grpc"),
    ("gemwire.genai._convert.contents", "from gemwire import options"),
    ("gemwire.genai._convert.contents", "from gemwire._transport import retry"),
    ("gemwire.genai._convert.contents", "def f():\n    import pydantic"),
    ("gemwire.genai._convert.embedding_vectors", "import numpy"),
    ("gemwire.genai._types.content", "def f():\n    from gemwire.genai._convert import contents"),
    ("gemwire.genai._types.content", "from gemwire.errors import APIError"),
    ("gemwire.genai._types.media_types", "from PIL import Image"),
    ("gemwire.genai._json.functions", "from gemwire.genai._types import tools"),
    ("gemwire.genai._json.functions", "from gemwire_proto import v1beta"),
    ("gemwire.genai._backends.gemini.models", "from gemwire.genai._aio import models"),
    ("gemwire.genai._backends.gemini.models", "from gemwire.genai import errors"),
    ("gemwire.genai._backends.gemini.models", "from gemwire._transport.aio import caller"),
    ("gemwire.genai._backends.gemini.models", "from gemwire._clients.aio import v1beta"),
    ("gemwire.genai._aio.models", "from gemwire.genai.client import Client"),
    ("gemwire.genai._aio.models", "from gemwire.genai import types"),
    ("gemwire.genai._aio.models", "from gemwire import genai"),
    ("gemwire.genai._aio.models", "def f():\n    from gemwire.genai._sync import models"),
    ("gemwire.genai._sync.models", "from gemwire._transport.aio import caller"),
    ("gemwire.genai.errors", "from gemwire.genai._types import content"),
    ("gemwire.genai.http_options", "from gemwire.genai._aio import api"),
    ("gemwire.cli.models", "from gemwire.genai._aio import models"),
    ("gemwire.cli.models", "from gemwire import _clients"),
    ("gemwire.cli.models", "from gemwire.genai import _client"),
    ("gemwire.cli.models", "from .._transport import retry"),
    ("gemwire.cli.models", "from gemwire_runtime import _pool"),
    ("gemwire._arguments", "from gemwire.errors import APIError"),
    ("gemwire.limits.limiter", "from gemwire.pipeline import Adaptive"),
    ("gemwire.limits.limiter", "from gemwire.genai.client import Client"),
    ("gemwire.limits.limiter", "from gemwire._transport import retry"),
    ("gemwire.pipeline.adaptive", "from gemwire._transport.aio import caller"),
    ("gemwire.pipeline.results", "from gemwire import v1beta"),
    ("gemwire.pipeline.results", "def f():\n    from gemwire import genai"),
    ("gemwire.pipeline", "from gemwire.bulk import generate"),
    ("gemwire.embeddings.embedder", "from gemwire import pipeline"),
    ("gemwire.embeddings.embedder", "from gemwire.genai._aio import models"),
    ("gemwire.embeddings.embedder", "from gemwire.limits import Limits"),
    ("gemwire.bulk.runner", "from gemwire.cli import output"),
    ("gemwire.bulk.runner", "from gemwire._transport import retry"),
    ("gemwire.bulk.runner", "from gemwire.genai._aio import api"),
    ("gemwire_emulator.server", "import gemwire"),
    ("gemwire_emulator.server", "from gemwire import errors"),
    ("gemwire_emulator.server", "def f():\n    from gemwire.testing import Emulator"),
    ("gemwire_emulator.services.batches", "from gemwire_emulator.http.router import Router"),
    ("gemwire_emulator.json_codec.messages", "from gemwire_emulator.call import Call"),
    ("gemwire_emulator.services.files", "from gemwire_proto.google.rpc import error_details_pb2"),
    ("gemwire.genai.client", "import gemwire_emulator"),
    ("gemwire.genai.client", "from gemwire_emulator.server import Server"),
    ("gemwire.genai.client", "class A:\n    from gemwire_emulator import server"),
    ("gemwire", "try:\n    import gemwire_emulator\nexcept ImportError:\n    pass"),
]
_GOOD = [
    ("gemwire_runtime.pool", "from __future__ import annotations\nimport sys, collections.abc"),
    ("gemwire_runtime.pool", "from google.protobuf import message\nfrom google._upb import _message"),
    (
        "gemwire_runtime.pool",
        "from . import upb\ndef f():\n    from gemwire_proto.google.rpc import status_pb2",
    ),
    ("gemwire_proto.google.rpc.x_pb2_grpc", "import grpc"),
    ("gemwire._transport.rest.session", "import aiohttp\nfrom yarl import URL"),
    ("gemwire._transport.retry", "import grpc.aio\nimport google.auth\nfrom google.auth import credentials"),
    ("gemwire._transport.retry", "from gemwire import errors, options\nfrom gemwire.options import Retry"),
    (
        "gemwire._transport.aio.caller",
        "from .. import retry\nfrom ..retry import policy\nfrom ...errors import APIError",
    ),
    ("gemwire._transport.retry", "def f():\n    from google.api_core import exceptions"),
    (
        "gemwire.genai._convert.contents",
        "import base64\nfrom gemwire_proto import v1beta\nfrom ...errors import APIError",
    ),
    (
        "gemwire.genai._types.content",
        "from gemwire.genai._json import functions\nfrom gemwire_proto.v1beta import views",
    ),
    ("gemwire.genai._types.media_types", "def f():\n    from PIL import Image"),
    (
        "gemwire.cli.models",
        "import typer\nimport gemwire\nfrom gemwire import genai, v1beta\nfrom . import _format",
    ),
    (
        "gemwire.genai._backends.gemini.models",
        "from gemwire.genai._convert import x\nfrom ..base import Call\nfrom gemwire.errors import APIError",
    ),
    (
        "gemwire.genai._aio.models",
        "from gemwire.genai import errors\nfrom gemwire._transport.aio import caller\nfrom . import api",
    ),
    ("gemwire.genai.client", "from gemwire.genai._aio import api\nfrom gemwire.genai._sync import api as s"),
    ("gemwire.cli.serve", "import gemwire_emulator"),
    (
        "gemwire.limits.limiter",
        "from gemwire._transport import fork\nfrom gemwire._arguments import check_number",
    ),
    (
        "gemwire.pipeline.adaptive",
        "from gemwire._transport import overload\nfrom gemwire.limits import Limits",
    ),
    (
        "gemwire.embeddings.embedder",
        "from gemwire import errors\nfrom gemwire.genai._convert import embeddings",
    ),
    ("gemwire.bulk.runner", "from gemwire import pipeline\nfrom gemwire.embeddings import Embedder"),
    ("gemwire.testing", "from gemwire_emulator.server import Server"),
    ("gemwire.genai.client", "def f():\n    import gemwire_emulator"),
    ("gemwire_emulator.server", "import grpc\nfrom gemwire_proto import v1beta\nfrom . import engine"),
    ("gemwire_emulator.server", "def f():\n    from gemwire_emulator.http.server import HttpServer"),
    ("gemwire_emulator.http.transcode", "from gemwire_emulator.http.router import Match"),
]


@pytest.mark.parametrize(("module", "source"), _BAD)
def test_the_check_finds(module: str, source: str) -> None:
    assert len(violations(module, source)) == 1


@pytest.mark.parametrize(("module", "source"), _GOOD)
def test_the_check_lets_pass(module: str, source: str) -> None:
    assert violations(module, source) == []


def test_relative_imports_of_a_package() -> None:
    assert violations("gemwire._transport", "from . import retry", is_package=True) == []
    assert violations("gemwire._transport", "from .. import _clients", is_package=True)


def test_a_violation_says_where_and_why() -> None:
    (text,) = violations("gemwire_emulator.server", "import os\n\nfrom gemwire import errors\n")
    assert text.startswith("gemwire_emulator.server:3 imports gemwire.errors: ")
