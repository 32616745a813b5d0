"""The guides hold: links lead somewhere, examples compile and import what is there."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from doc_blocks import FENCE, ROOT, list_pages, read_blocks

GUIDES = [ROOT / page for page in list_pages()]
PAGES = [*GUIDES, *sorted({*ROOT.glob("*.md")} - {*GUIDES}), *sorted((ROOT / "protos").glob("*.md"))]
#: Where links of the README begin, which is read on PyPI as well: a relative link leads nowhere there.
_REPOSITORY = "https://github.com/gemwire/gemwire/blob/main/"

#: Modules of `gemwire` that the examples know by these names.
_MODULES = frozenset({"aiplatform_v1", "bulk", "embeddings", "errors", "otel", "pipeline", "v1", "v1beta"})
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
    return FENCE.sub("", path.read_text(encoding="utf-8"))


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
def test_links_lead_somewhere(page: Path) -> None:
    dead = []
    for link in _LINK.findall(prose(page)):
        target, _, fragment = link.partition("#")
        if target.startswith(_REPOSITORY):
            goal = ROOT / target.removeprefix(_REPOSITORY)
        elif re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        else:
            goal = page.parent / target if target else page
        if not goal.exists() or (fragment and goal.suffix == ".md" and fragment not in anchors(goal)):
            dead.append(link)
    assert not dead


def test_links_of_the_readme_work_on_pypi() -> None:
    links = _LINK.findall(prose(ROOT / "README.md"))
    assert len(links) > 20
    assert not [link for link in links if not link.startswith("https://")]


@pytest.mark.parametrize("page", GUIDES, ids=name)
def test_examples_compile_and_import_what_there_is(page: Path) -> None:
    missing = []
    for block in read_blocks(name(page), "python"):
        tree = ast.parse(block.source, str(block))
        wanted = [*imports(tree), *attributes(tree)]
        missing += [f"{block}: {module} {what or ''}" for module, what in wanted if not exists(module, what)]
    assert not missing


def test_there_are_examples() -> None:
    assert sum(1 for page in list_pages() for _ in read_blocks(page, "python")) > 10


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_nothing_is_of_one_machine(page: Path) -> None:
    lines = page.read_text(encoding="utf-8").splitlines()
    assert not [
        f"{number}: {line}"
        for number, line in enumerate(lines, 1)
        if _MACHINE.search(line) or str(ROOT) in line
    ]
