"""Measures gemwire beside the raw stub and Google's packages.

Without an option everything is measured, in some 20 minutes, and benchmarks/RESULTS.md is written. With
--check what has a limit is measured, in less than half of that. Each limit has a line, pass or FAIL; the exit
status is 1 where one fails, or where something could not be measured.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.util
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import limits
import machine
import plots
from families import FAMILIES, Family
from measure import HERE, Figure
from report import family_tables, results
from run import AIOHTTP_HOME, run

_Grouped = Sequence[tuple[Family, Sequence[Figure]]]


def facts(began: float, load: str) -> dict[str, str]:
    """What a reader must know of the run."""
    now = datetime.datetime.now(datetime.timezone.utc)
    found = {
        "on": f"{now:%Y-%m-%d}, in {(time.monotonic() - began) / 60:.0f} minutes",
        **machine.description(),
    }
    found |= {name: f"{value:.0f}" for name, value in machine.speed().items()}
    found["load average before, after"] = f"{load}; {machine.load()}"
    found["versions"] = ", ".join(f"{k} {v}" for k, v in machine.versions(AIOHTTP_HOME).items())
    return found


def write(
    folder: Path,
    grouped: _Grouped,
    verdicts: list[limits.Verdict],
    known: dict[str, str],
    failures: list[str],
) -> None:
    """The page and its plots."""
    drawn = []
    if importlib.util.find_spec("matplotlib"):
        (folder / "plots").mkdir(parents=True, exist_ok=True)
        for family, figures in grouped:
            for row, points in plots.curves(figures).items():
                drawn.append((family.name, plots.draw(row, points, folder / "plots")))
    (folder / "RESULTS.md").write_text(results(verdicts, grouped, known, drawn, failures), "utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument(
        "--check", action="store_const", const="check", dest="kind", help="only what has a limit"
    )
    kinds.add_argument(
        "--short", action="store_const", const="short", dest="kind", help="a quick look at some"
    )
    names = [family.name for family in FAMILIES]
    parser.add_argument("--only", action="append", choices=names, metavar="ROWS", help=", ".join(names))
    parser.add_argument(
        "--write", type=Path, help="folder for RESULTS.md and plots/; benchmarks/ for a full run"
    )
    parser.set_defaults(kind="full")
    options = parser.parse_args()
    began, load = time.monotonic(), machine.load()
    chosen = [family for family in FAMILIES if not options.only or family.name in options.only]
    by_family, failures = run(chosen, options.kind)
    grouped = [(family, list(by_family[family.name].values())) for family in chosen]
    found = {figure.key: figure for _, figures in grouped for figure in figures}
    verdicts = limits.verdicts(found)
    if options.only or options.kind == "short":
        verdicts = [verdict for verdict in verdicts if verdict.value is not None]
    folder = options.write or (HERE.parent if options.kind == "full" and not options.only else None)
    if folder:
        write(folder, grouped, verdicts, facts(began, load), failures)
    if options.kind != "check":
        for family, figures in grouped:
            print("\n".join([f"## {family.title}", "", *family_tables(figures)]))
    for verdict in verdicts:
        print(verdict)
    for failure in failures:
        print(f"FAIL  {failure}", file=sys.stderr)
    return int(bool(failures) or not all(verdict.passed for verdict in verdicts))


if __name__ == "__main__":
    sys.exit(main())
