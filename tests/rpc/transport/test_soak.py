"""benchmarks/soak.py for half a minute each: full load under random faults."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "benchmarks"))

import faults
import soak


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("transport", soak.TRANSPORTS)
@pytest.mark.parametrize("flavour", faults.FLAVOURS)
def test_soak(flavour: str, transport: str) -> None:
    faults.warm_up()
    report = soak.soak(flavour, transport, 30, seed=7)
    print(report.row())
    assert not report.wrong, report.row()
    assert sum(report.faults.values()) >= 5
