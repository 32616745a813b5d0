"""The tests of asyncio clients over grpc.aio, once more over our own HTTP/2 transport."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_TRANSPORT = Path(__file__).parents[1]
#: Interceptors are grpcio's.
_SELECTED = "not interceptors"


_MODULES = ("calls", "streams", "retry", "operations", "paging", "undecodable")


@pytest.mark.timeout(300)
def test_the_same_holds() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--transport", "h2"]
    paths = [str(_TRANSPORT / f"test_{module}.py") for module in _MODULES]
    done = subprocess.run(
        [*command, "-k", _SELECTED, *paths], capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout
