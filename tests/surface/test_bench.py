"""``scripts/bench`` measures, writes its page and judges; a limit that does not hold makes it fail."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_BENCH = Path(__file__).parents[2] / "benchmarks" / "bench"
_LIBRARIES = ("raw stub", "gemwire", "gemwire.genai", "google-ai-generativelanguage", "google-genai")
#: Runs it with all bounds at a value of ours; the lines stay.
_WITH_BOUND = """
import dataclasses, runpy, sys
bench, bound, *sys.argv[1:] = sys.argv[1:]
sys.path.insert(0, bench)
import limits
limits.TABLE = tuple(
    dataclasses.replace(limit, bound=0.0 if limit.least else float(bound)) for limit in limits.TABLE
)
runpy.run_path(bench, run_name="__main__")
"""


def _bench(*arguments: str, bound: float | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(_BENCH), *arguments]
    if bound is not None:
        command = [sys.executable, "-c", _WITH_BOUND, str(_BENCH), str(bound), *arguments]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=110)


def _verdicts(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in done.stdout.splitlines() if line.startswith(("pass  ", "FAIL  "))]


def test_a_row_is_measured_written_and_judged(tmp_path: Path) -> None:
    """With bounds that anything keeps."""
    done = _bench("--short", "--only", "sync_calls", "--write", str(tmp_path), bound=1e9)
    assert done.returncode == 0, done.stderr
    assert [line.partition(":")[0] for line in _verdicts(done)] == [
        "pass  sync stream per chunk vs raw sync stub",
        "pass  sync unary, h2 vs raw stub",
        "pass  sync stream per chunk, h2 vs raw stub",
    ]
    page = (tmp_path / "RESULTS.md").read_text("utf-8")
    assert "| sync stream per chunk vs raw sync stub |" in page
    assert "at most 1e+09 | pass |" in page
    for name in ("processor", "versions", *_LIBRARIES[:3]):
        assert f"| {name} |" in page, name
    row = next(line for line in page.splitlines() if line.startswith("| sync unary, µs CPU a call |"))
    raw, ours = row.split("|")[2:4]
    assert 1 < float(raw.replace(",", "")) < 1e6
    assert 0.1 < float(ours.partition("(")[2].strip(" )")) < 100


def test_a_line_that_does_not_hold_fails() -> None:
    """With bounds that nothing keeps."""
    done = _bench("--short", "--only", "sync_calls", bound=1e-9)
    assert done.returncode == 1, done.stderr
    rows = ("sync stream per chunk vs raw sync stub", "sync unary, h2", "sync stream per chunk, h2")
    for line, row in zip(_verdicts(done), rows, strict=True):
        assert line.startswith(f"FAIL  {row}")
        assert line.endswith(", at most 1e-09")


def test_what_cannot_be_measured_fails(tmp_path: Path) -> None:
    """A script that breaks is told, and the others are measured all the same."""
    program = _WITH_BOUND.replace("import limits\n", "import limits, families\n").replace(
        "runpy.run_path",
        "broken, whole = (f for f in families.FAMILIES if f.name in {'payloads', 'sync_calls'})\n"
        "efforts = {'short': families.Effort(1, ('--no-such-option',))}\n"
        "families.FAMILIES = (dataclasses.replace(whole, efforts=efforts), broken)\n"
        "runpy.run_path",
    )
    command = [sys.executable, "-c", program, str(_BENCH), "1e9", "--short", "--write", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode == 1
    assert "--no-such-option" in done.stderr
    assert "What could not be measured" in (tmp_path / "RESULTS.md").read_text("utf-8")


@pytest.mark.slow
def test_all_libraries_are_compared() -> None:
    """Where they are installed: calls, streams and imports of each."""
    pytest.importorskip("google.genai")
    done = _bench("--short", "--only", "calls", "--only", "imports", bound=1e9)
    assert done.returncode == 0, done.stderr
    heads = [line for line in done.stdout.splitlines() if line.startswith("|  |")]
    assert len(heads) == 2
    for head in heads:
        assert [name.strip() for name in head.split("|")[2:7]] == list(_LIBRARIES)
    assert len(_verdicts(done)) == 14
