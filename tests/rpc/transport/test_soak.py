"""benchmarks/soak.py in short: full load under random faults. Two minutes in all when slow tests are run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "benchmarks"))

import faults
import soak


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("transport", "seconds"),
    [
        ("grpc_asyncio", 4),
        ("rest", 4),
        *(pytest.param(transport, 30, marks=pytest.mark.slow) for transport in faults.TRANSPORTS),
    ],
)
def test_soak(transport: str, seconds: int) -> None:
    faults.warm_up()
    report = soak.soak(transport, seconds, seed=7)
    print(report.row())
    assert not report.wrong, report.row()
    # How many there are in that time depends on what else the machine does.
    assert report.faults
