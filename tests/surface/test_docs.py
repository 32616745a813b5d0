"""The guides hold: links lead somewhere, examples compile and import what is there."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GUIDES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "protos").glob("*.md")),
]

#: Modules of `gemwire` that the examples know by these names.
_MODULES = frozenset({"aiplatform_v1", "bulk", "embeddings", "errors", "otel", "pipeline", "v1", "v1beta"})
_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)
#: `[text](target)`, a target in `<>` or with a title included.
_LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_HEADING = re.compile(r"^#+[ \t]+(.+?)[ \t]*$", re.MULTILINE)
#: Places that exist on one machine only: below a home, a work or a temporary folder, or a drive.
_MACHINE = re.compile(
    r"(?<![\w./:*}-])(?:/(?:home|Users|root|work|tmp|mnt|private|var/folders)/\w|[A-Z]:\\\w)"
)


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def prose(path: Path) -> str:
    """A page without its blocks of code."""
    return _FENCE.sub("", path.read_text(encoding="utf-8"))


def blocks(path: Path) -> Iterator[tuple[int, str]]:
    """The Python blocks of a page, each with the line that it begins on."""
    text = path.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        if found[1] in {"python", "py"}:
            yield text.count("\n", 0, found.start(2)) + 1, found[2]


def anchors(path: Path) -> set[str]:
    """The fragments that GitHub makes of a page's headings."""
    titles = (re.sub(r"[`*]", "", title).lower() for title in _HEADING.findall(prose(path)))
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}


def imports(tree: ast.AST) -> Iterator[tuple[str, str | None]]:
    """What a block imports of our packages: a module, and a name of it."""
    found: list[tuple[str, str | None]]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found = [(alias.name, None) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found = [(node.module, alias.name) for alias in node.names]
        else:
            continue
        yield from ((m, n) for m, n in found if m.split(".")[0] in {"gemwire", "gemwire_proto"})


def exists(module: str, attribute: str | None) -> bool:
    try:
        home = importlib.import_module(module)
        if attribute is None or hasattr(home, attribute):
            return True
        importlib.import_module(f"{module}.{attribute}")
    except ModuleNotFoundError:
        return False
    return True


def attributes(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """The names that a block takes of the modules of `gemwire` that it imports: ``v1beta.Content``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in _MODULES:
            yield f"gemwire.{node.value.id}", node.attr


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_relative_links_lead_somewhere(page: Path) -> None:
    dead = []
    for link in _LINK.findall(prose(page)):
        target, _, fragment = link.partition("#")
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        goal = page.parent / target if target else page
        if not goal.exists() or (fragment and goal.suffix == ".md" and fragment not in anchors(goal)):
            dead.append(link)
    assert not dead


@pytest.mark.parametrize("page", GUIDES, ids=name)
def test_examples_compile_and_import_what_there_is(page: Path) -> None:
    missing = []
    for line, source in blocks(page):
        tree = ast.parse(source, f"{name(page)}:{line}")
        wanted = [*imports(tree), *attributes(tree)]
        missing += [f"{line}: {module} {what or ''}" for module, what in wanted if not exists(module, what)]
    assert not missing


def test_there_are_examples() -> None:
    assert sum(1 for page in GUIDES for _ in blocks(page)) > 10


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_nothing_is_of_one_machine(page: Path) -> None:
    lines = page.read_text(encoding="utf-8").splitlines()
    assert not [
        f"{number}: {line}"
        for number, line in enumerate(lines, 1)
        if _MACHINE.search(line) or str(ROOT) in line
    ]
