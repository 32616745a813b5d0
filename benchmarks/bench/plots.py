"""Draws how costs grow: one small SVG for each curve, both axes logarithmic."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from measure import AIOHTTP, GEMWIRE, GEMWIRE_GENAI, GOOGLE, GOOGLE_GENAI, RAW, RAW_BESIDE_AIOHTTP, Figure

#: The same for a library in all plots.
_COLOURS = {
    RAW: "#777777",
    GEMWIRE: "#1565c0",
    GEMWIRE_GENAI: "#42a5f5",
    GOOGLE: "#ef6c00",
    GOOGLE_GENAI: "#c62828",
    AIOHTTP: "#e57373",
}


def curves(figures: Iterable[Figure]) -> dict[str, list[Figure]]:
    """Figures with a place on an axis, by row, those with two points at least."""
    found: dict[str, list[Figure]] = {}
    for figure in figures:
        if figure.at is not None:
            found.setdefault(figure.row, []).append(figure)
    # What is zero nearly everywhere, as failures are, is for the table.
    drawn = {row: points for row, points in found.items() if len(points) > 1 and not points[0].highest}
    return {row: sorted(points, key=lambda p: p.at or 0) for row, points in drawn.items()}


def draw(row: str, points: list[Figure], folder: Path) -> Path:
    """One plot.

    Args:
        row: Its title.
        points: Along the axis.
        folder: Where it goes.
    """
    import matplotlib as mpl

    mpl.use("svg")
    # Text as text, and nothing that differs from run to run: small files, small differences.
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "gemwire", "font.size": 9})
    import matplotlib.pyplot as plt

    shown, axes = plt.subplots(figsize=(6, 3.4))
    variants = dict.fromkeys(name for point in points for name in point.samples)
    for name in variants:
        having = [point for point in points if name in point.samples]
        values = [point.value(name) for point in having]
        if name == RAW_BESIDE_AIOHTTP:
            continue
        axes.plot([p.at for p in having], values, "o-", label=name, color=_COLOURS.get(name), markersize=3)
    memory = points[0].unit == "MB"
    axes.set_xscale("log")
    if memory:
        axes.set_ylim(bottom=0)
    else:
        axes.set_yscale("log")
    axes.set_xlabel(points[0].axis)
    axes.set_ylabel(points[0].unit)
    axes.set_title(row, fontsize=10)
    axes.minorticks_off()
    axes.grid(visible=True, alpha=0.3)
    axes.legend(fontsize=7)
    path = folder / (re.sub(r"[^a-z0-9]+", "-", row.lower()).strip("-") + ".svg")
    shown.savefig(path, bbox_inches="tight", metadata={"Date": None})
    plt.close(shown)
    return path
