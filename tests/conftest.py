"""Settings of all tests."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings

# How fast an example is says how busy the machine is; and CI tries the same examples every time.
settings.register_profile(
    "tests", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("tests")

# Tests start hundreds of processes: each would compile whatever it imports, which is most of its time.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# A shell that starts a run in the background ignores SIGINT, and so would every process that the tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the suite."""
    parser.addoption(
        "--transport",
        choices=["grpc", "h2"],
        default="grpc",
        help="transport of clients in tests/rpc",
    )


def pytest_collection_finish() -> None:
    """Leave the half a million objects of modules and tests out of later garbage collections."""
    gc.freeze()


@pytest.fixture
def new_threads() -> Callable[[str], list[str]]:
    """List the threads that began during the test, by a part of their names.

    Earlier tests on the same worker may have left some that end later, such as servers of a session.
    """
    before = set(threading.enumerate())
    return lambda name: [each.name for each in set(threading.enumerate()) - before if name in each.name]
