"""The blocks of code in the pages of the documentation, and the blocks that each continues."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+[ \t]+(.+?)[ \t]*$", re.MULTILINE)
#: The first line of a block that does not run by itself.
_CONTINUES = re.compile(r"# Continues (?:(the first block of this page)|(the block above)|\"(.+)\")\.\n")


@dataclass
class Block:
    """A block of code.

    Attributes:
        line: Line of the page before its first one.
        heading: Heading that it stands under.
        before: Blocks that it continues, in order.
    """

    page: str
    line: int
    language: str
    heading: str
    source: str
    before: list[Block] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.page}:{self.line + 1}"

    @property
    def program(self) -> str:
        """The block with all that it continues, each line where it is on the page."""
        made = ""
        for block in [*self.before, self]:
            made += "\n" * (block.line - made.count("\n")) + block.source
        return made


def list_pages() -> list[str]:
    """Return the README and the pages below docs/."""
    return ["README.md", *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md"))]


def read_blocks(page: str, language: str) -> Iterator[Block]:
    """Yield the blocks of a language.

    Raises:
        AssertionError: A block continues one that does not exist.
    """
    text = (ROOT / page).read_text(encoding="utf-8")
    made: list[Block] = []
    for found in FENCE.finditer(text):
        if found[1] != language:
            continue
        headings = _HEADING.findall(FENCE.sub("", text[: found.start()]))
        line = text.count("\n", 0, found.start(2))
        block = Block(page, line, language, headings[-1] if headings else "", found[2])
        if continues := _CONTINUES.match(found[2]):
            first, above, heading = continues.groups()
            candidates = made[:1] if first else [each for each in made if above or each.heading == heading]
            assert candidates, f"{block}: there is no such block above it"
            block.before = [*candidates[-1].before, candidates[-1]]
        made.append(block)
        yield block
