"""The lowest and the newest protobuf that gemwire supports; ``scripts/matrix`` alone tries all of them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(300)  # The first run on a machine downloads two environments.
def test_lowest_and_newest_protobuf() -> None:
    done = subprocess.run(
        [_ROOT / "scripts" / "matrix", "--short"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    tried = re.findall(r"^== protobuf (\d+)\.", done.stdout, re.MULTILINE)
    assert tried == ["5", "7"]
    # Were tests skipped there, the messages would only seem to be supported.
    results = re.findall(r"^(\d+) passed in", done.stdout, re.MULTILINE)
    assert len(results) == 2
    assert min(map(int, results)) > 800
