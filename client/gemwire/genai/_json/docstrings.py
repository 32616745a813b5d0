"""Descriptions of parameters in docstrings of the Google, NumPy and Sphinx styles."""

from __future__ import annotations

import inspect
import re

_SECTIONS = r"(?:Args|Arguments|Params|Parameters|Other Parameters|Keyword Args|Keyword Arguments|Attributes)"
_GOOGLE = re.compile(rf"{_SECTIONS}:\s*$")
_NUMPY = re.compile(rf"{_SECTIONS}\s*$")
_RULE = re.compile(r"-{3,}\s*$")
_GOOGLE_ENTRY = re.compile(r"\*{0,2}(\w+)\s*(?:\(.*?\))?\s*:(?:\s+(.*))?$")
_NUMPY_ENTRY = re.compile(r"(\*{0,2}\w+(?:\s*,\s*\*{0,2}\w+)*)\s*(?::.*)?$")
_SPHINX_ENTRY = re.compile(
    r"[:@](param|parameter|arg|argument|key|keyword|type)\s+(?:.*\s)?\*{0,2}(\w+)\s*:\s*(.*)$"
)


def parse_docstring(docstring: str | None) -> tuple[str, dict[str, str]]:
    """Return a docstring without its descriptions of parameters, and these by parameter."""
    lines = inspect.cleandoc(docstring or "").splitlines()
    text: list[str] = []
    found: dict[str, str] = {}
    at = 0
    while at < len(lines):
        end, entries = _parse_section(lines, at)
        found |= {name: " ".join(words.split()) for name, words in entries.items()}
        if end == at:
            text.append(lines[at])
            end += 1
        at = end
    whole = re.sub(r"\n{3,}", "\n\n", "\n".join(text)).strip()
    return whole, {name: words for name, words in found.items() if words}


def _parse_section(lines: list[str], at: int) -> tuple[int, dict[str, str]]:
    """Parse the section that begins at a line; return its end, or ``at`` if none begins, and its entries."""
    line = lines[at].strip()
    if _SPHINX_ENTRY.match(line):
        return _parse_sphinx(lines, at)
    if _GOOGLE.match(line):
        return _parse_google(lines, at)
    if _NUMPY.match(line) and at + 1 < len(lines) and _RULE.match(lines[at + 1].strip()):
        return _parse_numpy(lines, at)
    return at, {}


def _parse_sphinx(lines: list[str], at: int) -> tuple[int, dict[str, str]]:
    match = _SPHINX_ENTRY.match(lines[at].strip())
    assert match is not None  # noqa: S101 - `_parse_section` has matched it
    field, name, words = match.groups()
    end = at + 1
    while end < len(lines) and _get_indentation(lines[end]) > _get_indentation(lines[at]):
        words += " " + lines[end].strip()
        end += 1
    return end, {} if field == "type" else {name: words}


def _parse_google(lines: list[str], at: int) -> tuple[int, dict[str, str]]:
    end = _find_block_end(lines, at + 1, _get_indentation(lines[at]) + 1)
    block = [line for line in lines[at + 1 : end] if line.strip()]
    found: dict[str, str] = {}
    name = ""
    for line in block:
        match = (
            _GOOGLE_ENTRY.match(line.strip())
            if _get_indentation(line) == _get_indentation(block[0])
            else None
        )
        if match:
            name = match[1]
            found[name] = match[2] or ""
        elif name:
            found[name] += " " + line.strip()
    return (end, found) if found else (at, {})


def _parse_numpy(lines: list[str], at: int) -> tuple[int, dict[str, str]]:
    found: dict[str, str] = {}
    end = at + 2
    while end < len(lines):
        match = _NUMPY_ENTRY.match(lines[end].strip())
        if not match or (end + 1 < len(lines) and _RULE.match(lines[end + 1].strip())):
            break
        after = _find_block_end(lines, end + 1, _get_indentation(lines[end]) + 1)
        words = " ".join(line.strip() for line in lines[end + 1 : after])
        found |= {name.strip().lstrip("*"): words for name in match[1].split(",")}
        end = after
    return (end, found) if found else (at, {})


def _find_block_end(lines: list[str], at: int, indentation: int) -> int:
    """Return the first line from ``at`` on that is indented less; empty lines belong to the block."""
    while at < len(lines) and (not lines[at].strip() or _get_indentation(lines[at]) >= indentation):
        at += 1
    return at


def _get_indentation(line: str) -> int:
    return len(line) - len(line.lstrip()) if line.strip() else -1
