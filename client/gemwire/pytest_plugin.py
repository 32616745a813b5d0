"""The pytest fixture ``gemini_emulator``, which pytest discovers where gemwire is installed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from gemwire.testing import RunningEmulator

_FIXTURE = "gemini_emulator"


@pytest.fixture(scope="session")
def gemini_emulator_options() -> dict[str, Any]:
    """Return the settings of the emulator; override it in conftest.py. See `gemwire.testing.emulator`.

    Every test starts with these settings: ``{"snapshot": "prepared.db", "seed": 7}``.
    """
    return {}


@pytest.fixture(scope="session")
def _gemini_emulator_server(gemini_emulator_options: dict[str, Any]) -> Iterator[RunningEmulator]:
    from gemwire.testing import RunningEmulator

    running = RunningEmulator(**gemini_emulator_options)
    yield running
    running.stop()


@pytest.fixture
def gemini_emulator(_gemini_emulator_server: RunningEmulator) -> Iterator[RunningEmulator]:
    """Return an emulator in its initial state, to which the test's clients connect; see `gemwire.testing`."""
    from gemwire.testing import environment

    _gemini_emulator_server.reset()
    with environment(_gemini_emulator_server):
        yield _gemini_emulator_server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Set the emulator up before the other fixtures of a test, which may create clients.

    Autouse fixtures stay in front, since they may clear environment variables.
    """
    for item in items:
        names: list[str] = getattr(item, "fixturenames", [])
        if _FIXTURE in names:
            autouse = _get_autouse_fixtures(item)
            first = [name for name in names if name in autouse]
            rest = [name for name in names if name not in autouse and name != _FIXTURE]
            names[:] = [*first, _FIXTURE, *rest]


def _get_autouse_fixtures(item: pytest.Item) -> set[str]:
    """Return the autouse fixtures of a test."""
    info: object = getattr(item, "_fixtureinfo", None)
    named = {name for mark in item.iter_markers("usefixtures") for name in mark.args}
    initial: tuple[str, ...] = getattr(info, "initialnames", ())
    return set(initial) - set(getattr(info, "argnames", ())) - named - {_FIXTURE}
