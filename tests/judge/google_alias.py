"""`google.genai` as its tests import it, with gemwire.genai behind its public names.

Private names stand for nothing: a test that uses one while it runs fails with `PrivateNameError`. The tests' own
frame is private as well (the client that replays, the parameters of a table's rows) and is made here.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import pydantic

from gemwire import genai
from gemwire.genai import types

PACKAGE = "google.genai"
#: Names of public modules that google-genai imports there from private ones.
_IMPORTED = frozenset({"ApiClient", "BaseApiClient", "ReplayApiClient"})


class PrivateNameError(BaseException):
    """A test used a name that is private to google-genai. No ``except Exception`` of a test hides it."""


class Usage:
    """What the tests are doing.

    Attributes:
        collecting: Whether modules are imported; placeholders may be passed on then.
        over_api: Whether the running test calls the API; `to_contents` and its like then stand in.
        names: Private names that the running test has used.
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
        """Note the use of a private name, or of one that gemwire lacks.

        Raises:
            PrivateNameError: A test is running.
        """
        if not self.collecting:
            self.names.append(f"{kind}: {name}")
            raise PrivateNameError(self.names[-1])


USAGE = Usage()


class PrivateBase:
    """What a class inherits from that names a private class as its base."""

    def __init__(self, *_: object, **__: object) -> None:
        USAGE.add(f"a base class of {type(self).__name__}")


class Placeholder:
    """A private name. It may be named, patched into a decorator or inherited from, but not be used."""

    def __init__(self, name: str, kind: str = "private") -> None:
        self._name, self._kind = name, kind

    def __repr__(self) -> str:
        return f"<{self._kind} {self._name}>"

    def _use(self, what: str = "") -> Placeholder:
        USAGE.add(self._name, self._kind)
        return Placeholder(self._name + what, self._kind)

    def __getattr__(self, name: str) -> Placeholder:
        if name.startswith("__"):
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

    def __eq__(self, other: object) -> bool:
        self._use()
        return self is other

    __hash__ = object.__hash__


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
def _parameters() -> dict[str, list[str]]:
    """Return the fields of google-genai's classes of arguments, by their names."""
    (folder,) = Path(importlib.util.find_spec("google.auth").origin).parents[1:2]  # type: ignore[union-attr,arg-type]
    tree = ast.parse((folder / "genai" / "types.py").read_text(encoding="utf-8"))
    return {
        node.name: [each.target.id for each in node.body if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)]
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name.endswith("Parameters")
    }


def _find_private(name: str) -> Any:
    """Return what stands for a private name."""
    module, _, attribute = name.rpartition(".")
    if module == "types" and attribute in _parameters():
        fields: dict[str, Any] = {field: (Any, None) for field in _parameters()[attribute]}
        return pydantic.create_model(attribute, __config__=pydantic.ConfigDict(extra="forbid"), **fields)
    if name == "_replay_api_client.ReplayApiClient":
        return ReplayApiClient
    if name in _STAND_INS:
        return lambda *given: _STAND_INS[name](*given) if USAGE.collecting or USAGE.over_api else USAGE.add(name)
    return Placeholder(name)


class AliasModule(ModuleType):
    """A module of google-genai: public names are gemwire's, private ones are placeholders."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__version__":
            raise AttributeError(name)
        inner = self.__name__.removeprefix(PACKAGE).removeprefix(".")
        if not inner and _find_module(name) is not None:
            return importlib.import_module(f"{PACKAGE}.{name}")
        private = inner.startswith("_") or name.startswith("_") or name in _IMPORTED
        made = inner == "types" and name in _parameters()
        found = _find_private(f"{inner}.{name}") if made or (private and name != "__version__") else _find_public(inner, name)
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


def _find_module(name: str) -> str | None:
    """Return the name of the module if google-genai's package has one that gemwire or a placeholder serves."""
    if name.startswith("_"):
        return name
    try:
        return name if importlib.util.find_spec(f"gemwire.genai.{name}") else None
    except ModuleNotFoundError:
        return None


class AliasFinder(MetaPathFinder, Loader):
    """Finds google-genai's modules; its tests are files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Find a module."""
        if fullname == PACKAGE:
            spec = ModuleSpec(fullname, self, is_package=True)
            spec.submodule_search_locations = [str(self._folder)]
            return spec
        name = fullname.removeprefix(f"{PACKAGE}.")
        if name == fullname or name.partition(".")[0] == "tests" or not _find_module(name):
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
