"""The pytest fixture ``gemini_emulator``; pytest finds it by itself where gemwire is installed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from gemwire.testing import RunningEmulator


@pytest.fixture(scope="session")
def _gemini_emulator_server() -> Iterator[RunningEmulator]:
    from gemwire.testing import RunningEmulator

    running = RunningEmulator()
    yield running
    running.stop()


@pytest.fixture
def gemini_emulator(_gemini_emulator_server: RunningEmulator) -> Iterator[RunningEmulator]:
    """An emulator without state, to which clients made in the test go; see `gemwire.testing`."""
    from gemwire.testing import environment

    _gemini_emulator_server.reset()
    with environment(_gemini_emulator_server.address):
        yield _gemini_emulator_server
