"""Every branch of the core of h2 is taken by its own tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_branch_of_the_core_is_covered(tmp_path: Path) -> None:
    environment = os.environ | {"COVERAGE_FILE": str(tmp_path / "coverage")}
    tests = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "tests/unit/transport/h2"]
    measure = ["run", "--branch", "--source=gemwire._transport.h2", *tests]
    for command in (measure, ["report", "--show-missing", "--skip-covered", "--fail-under=100"]):
        done = subprocess.run(
            [sys.executable, "-m", "coverage", *command],
            cwd=_ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=500,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
