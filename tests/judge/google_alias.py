"""`google.genai` as its tests import it, with gemwire.genai behind its public names.

A test that uses a private name while it runs fails with `PlaceholderUsedError`. The tests' own frame is
private as well (the client that replays, the parameters of a table's rows) and is made here.
"""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Callable, Sequence
from enum import Enum
from functools import cache, partial
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import pydantic

from gemwire import genai
from gemwire.genai import types
from judge.placeholders import USAGE, LenientClass, Placeholder

PACKAGE = "google.genai"
#: Names of public modules that google-genai imports there from private ones.
_IMPORTED = frozenset({"ApiClient", "BaseApiClient", "ReplayApiClient"})


class ReplayApiClient:
    """The client that the tests' frame makes: it keeps what the frame asks of it."""

    def __init__(self, *, vertexai: bool | None = None, http_options: Any = None, **other: Any) -> None:
        self.vertexai = bool(vertexai)
        self.http_options = http_options
        self.project = other.get("project")
        self.location = other.get("location")
        self._mode = other.get("mode", "api")
        self._private = other.get("private", False)
        self.close: Callable[[], None] = lambda: None

    def initialize_replay_session(self, _: str) -> None:
        """Do nothing: calls go to the API."""

    def __getattr__(self, name: str) -> Placeholder:
        if name.startswith("__"):
            raise AttributeError(name)
        USAGE.add(f"_api_client.{name}")
        return Placeholder(f"_api_client.{name}")


class Client(genai.Client):
    """gemwire's client, made as the tests' frame makes google-genai's."""

    @staticmethod
    def _get_api_client(**arguments: Any) -> ReplayApiClient:
        arguments.pop("debug_config", None)
        return ReplayApiClient(**arguments)

    def __init__(self, **arguments: Any) -> None:
        made = self._get_api_client(**arguments)
        if not isinstance(made, ReplayApiClient):
            USAGE.add("Client._get_api_client")
        if made.http_options is not None:
            arguments["http_options"] = made.http_options
        super().__init__(**arguments)
        self._api_client = made
        made.close = self.close


class TestTableItem(pydantic.BaseModel):
    """A row of a table of calls."""

    __test__ = False

    name: str | None = None
    parameters: Any = None
    exception_if_mldev: str | None = None
    exception_if_vertex: str | None = None
    override_replay_id: str | None = None
    has_union: bool | None = None
    skip_in_api_mode: str | None = None
    ignore_keys: list[str] | None = None


class TestTableFile:
    """The file that the frame writes a table to for other languages; empty."""

    __test__ = False

    def __init__(self, **_: object) -> None:
        pass

    def model_dump_json(self, **_: object) -> str:
        """Return an empty object."""
        return "{}"


def to_content(given: object) -> object:
    """Stand in for ``t_content`` over the API: text becomes a user's content, the rest stays."""
    return types.UserContent(given) if isinstance(given, str) else given


def to_contents(given: object) -> object:
    """Stand in for ``t_contents`` over the API."""
    return [to_content(each) for each in (given if isinstance(given, list) else [given])]


_STAND_INS: dict[str, Callable[[object], object]] = {
    "_transformers.t_content": to_content,
    "_transformers.t_contents": to_contents,
}


@cache
def _parameters() -> dict[str, dict[str, str]]:
    """Return google-genai's classes of arguments: their fields and annotations, by their names."""
    source = importlib.metadata.distribution("google-genai").locate_file("google/genai/types.py")
    found = {}
    for node in ast.parse(Path(str(source)).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef) and node.name.endswith("Parameters"):
            fields = [each for each in node.body if isinstance(each, ast.AnnAssign)]
            found[node.name] = {ast.unparse(each.target): ast.unparse(each.annotation) for each in fields}
    return found


def _make_parameters(name: str) -> Any:
    """Make a class of arguments: dicts become configs, the rest stays as it is."""
    fields: dict[str, Any] = {}
    for field, annotation in _parameters()[name].items():
        kind = getattr(types, annotation.removeprefix("Optional[").removesuffix("]"), None)
        convert = partial(_to_config, kind) if isinstance(kind, type) else _keep
        fields[field] = (Annotated[Any, pydantic.BeforeValidator(convert)], None)
    return pydantic.create_model(name, __config__=pydantic.ConfigDict(validate_assignment=True), **fields)


def _to_config(kind: type, given: object) -> object:
    return LenientClass(kind)(**given) if isinstance(given, dict) else given


def _keep(given: object) -> object:
    return given


def _find_private(name: str) -> Any:
    """Return what stands for a private name."""
    if name == "_replay_api_client.ReplayApiClient":
        return ReplayApiClient
    if name in _STAND_INS:

        def stand_in(given: object) -> object:
            if not USAGE.collecting and not USAGE.over_api:
                USAGE.add(name)
            return _STAND_INS[name](given)

        return stand_in
    return Placeholder(name)


class AliasModule(ModuleType):
    """A module of google-genai: public names are gemwire's, private ones are placeholders."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__version__":
            raise AttributeError(name)
        module = self.__name__.removeprefix(PACKAGE).removeprefix(".")
        if not module and _is_module(name):
            return importlib.import_module(f"{PACKAGE}.{name}")
        private = (
            module.startswith("_") or (name.startswith("_") and name != "__version__") or name in _IMPORTED
        )
        if module == "types" and name in _parameters():
            found: Any = _make_parameters(name)
        elif private:
            found = _find_private(f"{module}.{name}")
        else:
            found = _find_public(module, name)
            if module == "types" and USAGE.collecting and isinstance(found, type):
                return found if issubclass(found, (Enum, TestTableItem)) else LenientClass(found)
        setattr(self, name, found)
        return found


def _find_public(module: str, name: str) -> Any:
    """Return what gemwire.genai has under a public name."""
    if name == "Client" and module in {"", "client"}:
        return Client
    if module == "types" and name in {"TestTableItem", "TestTableFile"}:
        return globals()[name]
    try:
        return getattr(importlib.import_module(f"gemwire.genai.{module}".rstrip(".")), name)
    except AttributeError:
        if module != "types" or not USAGE.collecting:
            raise
        # A table with one row of an unknown type keeps its other rows.
        return Placeholder(f"{module}.{name}", "missing")


def _is_module(name: str) -> bool:
    """Return whether google-genai's package has a module that gemwire or placeholders serve."""
    if name.startswith("_"):
        return True
    try:
        return importlib.util.find_spec(f"gemwire.genai.{name}") is not None
    except ModuleNotFoundError:
        return False


class AliasFinder(MetaPathFinder, Loader):
    """Finds google-genai's modules; its tests are files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module."""
        if fullname == PACKAGE:
            spec = ModuleSpec(fullname, self, is_package=True)
            spec.submodule_search_locations = [str(self._folder)]
            return spec
        name = fullname.removeprefix(f"{PACKAGE}.")
        if name == fullname or name.partition(".")[0] == "tests" or not _is_module(name):
            return None
        return ModuleSpec(fullname, self, is_package=name.startswith("_"))

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Make a module."""
        return AliasModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: names are looked up when they are used."""


def install(folder: Path) -> None:
    """Let ``google.genai`` be gemwire.genai from here on.

    Args:
        folder: Folder of the package, whose ``tests`` are google-genai's.
    """
    sys.meta_path.insert(0, AliasFinder(folder))
