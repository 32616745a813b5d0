"""Runs the families, each in processes of its own, in turns, and joins what they measured."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from families import Effort, Family
from measure import AIOHTTP, GOOGLE_GENAI, RAW, RAW_BESIDE_AIOHTTP, Figure

#: By family, then by row and point.
Figures = dict[str, dict["tuple[str, float | None]", Figure]]
#: Where scripts/bench puts aiohttp: beside the packages, not among them.
AIOHTTP_HOME = Path(sys.prefix, "aiohttp")
#: For one process of a family, which takes a minute or two.
MOST_SECONDS = 1200


def environment(aiohttp: bool) -> dict[str, str]:
    """What a family's process sees."""
    found = {k: v for k, v in os.environ.items() if not k.startswith(("GEMINI_", "GOOGLE_", "PYTHONPATH"))}
    # Nobody's proxy stands between a client and this machine.
    found["NO_PROXY"] = found["no_proxy"] = "127.0.0.1,localhost"
    if aiohttp:
        found["PYTHONPATH"] = str(AIOHTTP_HOME)
    return found


def launch(family: Family, effort: Effort, aiohttp: bool = False) -> list[Figure]:
    """One process of a family, and its figures.

    Raises:
        RuntimeError: The script failed, or did not end.
    """
    command = [
        sys.executable,
        str(family.path),
        "--json",
        *effort.arguments,
        *(["--aiohttp"] if aiohttp else []),
    ]
    told = " ".join(command)
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            env=environment(aiohttp),
            check=False,
            timeout=MOST_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"{told} took more than {MOST_SECONDS} s") from None
    if done.returncode:
        raise RuntimeError(f"{told} failed with {done.returncode}:\n{done.stderr[-4000:]}")
    try:
        found = json.loads(done.stdout)
    except ValueError:
        raise RuntimeError(f"{told} printed no JSON:\n{done.stdout[-4000:]}") from None
    if family.read:
        return family.read(found)
    figures = [Figure(**figure) for figure in found]
    if aiohttp:
        for figure in figures:
            renamed = {GOOGLE_GENAI: AIOHTTP, RAW: RAW_BESIDE_AIOHTTP}
            figure.samples = {renamed[name]: values for name, values in figure.samples.items()}
    return figures


def run(families: Sequence[Family], kind: str) -> tuple[Figures, list[str]]:
    """All figures, and what failed.

    Args:
        families: Which ones.
        kind: ``full``, ``check`` or ``short``.
    """
    figures: Figures = {family.name: {} for family in families}
    failures: list[str] = []
    has_aiohttp = AIOHTTP_HOME.is_dir() and importlib.util.find_spec("aiohttp") is None
    efforts = [(family, family.efforts[kind]) for family in families if kind in family.efforts]
    turns = [
        (family, effort, False)
        for number in range(max((effort.launches for _, effort in efforts), default=0))
        for family, effort in efforts
        if number < effort.launches
    ]
    if kind == "full" and has_aiohttp:
        turns += [(family, effort, True) for family, effort in efforts if family.aiohttp]
    for number, (family, effort, aiohttp) in enumerate(turns, 1):
        began = time.perf_counter()
        try:
            found = launch(family, effort, aiohttp)
        except RuntimeError as error:
            failures.append(str(error))
            found = []
        for figure in found:
            figures[family.name].setdefault(figure.key, figure.empty()).join(figure)
        label = f"{family.name}{' with aiohttp' if aiohttp else ''}"
        took = time.perf_counter() - began
        print(f"[{number}/{len(turns)}] {label}: {took:.0f} s", file=sys.stderr, flush=True)
    return figures, failures
