"""The tests of both flavours over grpc, once more over our own HTTP/2 connections."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_TRANSPORT = Path(__file__).parents[1]
#: Interceptors are grpcio's, and so are channels. The sync client has a connection for each call at a time: a
#: hedge gets through where another connection is silent. uvloop warns of connections that it closes with a
#: loop, and does not end where warnings are errors, as they are here. grpc.aio sorts metadata, and
#: h2 keeps its order.
_LEFT_OUT = (
    "(uvloop and close)",
    "interceptors",
    "the_callers_metadata_goes_along_as_with_google",
    "one_client_in_several_runs",
    "one_sync_client_in_threads",
    "nothing_comes_through",
)
_MODULES = (
    "calls",
    "credentials",
    "hedging",
    "json_only",
    "loop_end",
    "observability",
    "operations",
    "paging",
    "retry",
    "secrets",
    "streams",
    "undecodable",
)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("module", _MODULES)
def test_the_same_holds(module: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--transport", "h2"]
    selected = " and ".join(f"not {name}" for name in _LEFT_OUT)
    path = str(_TRANSPORT / f"test_{module}.py")
    done = subprocess.run(
        [*command, "-k", selected, path], capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout
