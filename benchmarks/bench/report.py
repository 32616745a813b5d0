"""Writes RESULTS.md: the verdicts, the machine, the rows of each family, the plots."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path

from families import Family
from limits import Verdict
from measure import GEMWIRE, RAW, RAW_BESIDE_AIOHTTP, VARIANTS, Figure

_HOW = """\
One client process and one server process on loopback; the server answers with bytes that it made before.
Where CPU is measured each of the two has a core of its own. The variants take turns within each round, each
round in another order. A cell is the median over the rounds; in brackets is the median, over the rounds, of
the ratio to the raw stub within a round, and under "ratio, quartiles" are the quartiles of gemwire's. CPU is
that of the client with all its threads. [docs/performance.md](../docs/performance.md) says what each row does
and how to read it. google-genai is measured as pip installs it, and once more where aiohttp is installed,
which it then uses: in a process of its own, whose ratios are to the stub in that process.
"""


def number(value: float) -> str:
    """Three digits that count."""
    if value == 0:
        return "0"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a table; all columns but the first to the right."""
    lines = ["| " + " | ".join(head) + " |", "|" + "|".join(["---", *["---:"] * (len(head) - 1)]) + "|"]
    return lines + ["| " + " | ".join(row) + " |" for row in rows] + [""]


def cell(figure: Figure, variant: str) -> str:
    """A median, and its ratio to the raw stub's."""
    if variant not in figure.samples:
        return ""
    text = number(figure.value(variant))
    if RAW in figure.samples and variant != RAW and not figure.highest:
        ratio = figure.ratio(variant, RAW)
        text += "" if math.isnan(ratio) else f" ({ratio:.2f})"
    return text


def quartiles(figure: Figure) -> str:
    """Of gemwire's ratio, where there is one."""
    if RAW not in figure.samples or GEMWIRE not in figure.samples:
        return ""
    ratios = [ratio for ratio in figure.ratios(GEMWIRE, RAW) if not math.isnan(ratio)]
    if len(ratios) < 3:
        return ""
    low, _, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return f"{low:.2f}–{high:.2f}"


def family_tables(figures: Sequence[Figure]) -> list[str]:
    """Rows whose variants are the libraries in one table; others in tables of their own."""
    lines: list[str] = []
    groups: dict[tuple[str, ...], list[Figure]] = {}
    for figure in figures:
        own = [name for name in figure.samples if name not in {*VARIANTS, RAW_BESIDE_AIOHTTP}]
        columns = tuple(VARIANTS) if any(name in VARIANTS for name in figure.samples) else ()
        groups.setdefault((*columns, *own), []).append(figure)
    for variants, members in groups.items():
        present = [name for name in variants if any(name in figure.samples for figure in members)]
        spread = any(quartiles(figure) for figure in members)
        head = ["", *present, *(["ratio, quartiles"] if spread else [])]
        rows = []
        for figure in members:
            at = "" if figure.at is None else f", {figure.at:,.0f} {figure.axis}"
            label = f"{figure.row}{at}{figure.unit and ', '}{figure.unit}"
            cells = [cell(figure, name) for name in present]
            rows.append([label, *cells, *([quartiles(figure)] if spread else [])])
        lines += table(head, rows)
    return lines


def results(
    verdicts: Sequence[Verdict],
    families: Sequence[tuple[Family, Sequence[Figure]]],
    facts: dict[str, str],
    plots: Sequence[tuple[str, Path]],
    failures: Sequence[str],
) -> str:
    """The page."""
    lines = ["# Results", "", "Written by `./scripts/bench`.", ""]
    lines += table(["", ""], ([name, value] for name, value in facts.items()))
    head = ["", "measured", "bound", ""]
    judged = [v for v in verdicts if v.limit.bound is not None]
    also = [v for v in verdicts if v.limit.bound is None]
    lines += ["## What must hold", ""]
    lines += table(
        head, ([v.limit.work, v.measured, v.bound, v.word if v.passed else f"**{v.word}**"] for v in judged)
    )
    if also:
        lines += ["Under other conditions:", "", *table(head[:2], ([v.limit.work, v.measured] for v in also))]
    lines += ["## How it was measured", "", *_HOW.splitlines(), ""]
    if failures:
        lines += [
            "## What could not be measured",
            "",
            *(f"* `{text.splitlines()[0]}`" for text in failures),
            "",
        ]
    for family, figures in families:
        if figures:
            lines += [f"## {family.title}", "", *family_tables(figures)]
            lines += [
                line
                for name, path in plots
                if name == family.name
                for line in (f"![{path.stem}](plots/{path.name})", "")
            ]
    return "\n".join(lines).rstrip() + "\n"
