"""An emulator that tests can treat badly."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from emulator_calls import Refusal
from populated_emulator import BY_NAME, Populated


@pytest.fixture(scope="module")
def populated_once() -> Iterator[Populated]:
    made = Populated()
    yield made
    made.channel.close()
    made.emulator.stop()


@pytest.fixture
def populated(populated_once: Populated) -> Iterator[Populated]:
    """Provide an emulator, and check that it still responds after the tests."""
    populated_once.renew()
    yield populated_once
    assert not isinstance(populated_once.send(BY_NAME["ListModels"], b""), Refusal)
