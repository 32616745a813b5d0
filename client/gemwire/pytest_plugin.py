"""The pytest fixture ``gemini_emulator``; pytest finds it by itself where gemwire is installed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from gemwire.testing import RunningEmulator

_FIXTURE = "gemini_emulator"


@pytest.fixture(scope="session")
def gemini_emulator_options() -> dict[str, Any]:
    """Settings of the emulator, for a project to define in its conftest.py; see `gemwire.testing.emulator`.

    Every test begins with what they say: ``{"snapshot": "prepared.db", "seed": 7}``.
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
    """An emulator as it was at its start, to which clients made in the test go; see `gemwire.testing`."""
    from gemwire.testing import environment

    _gemini_emulator_server.reset()
    with environment(_gemini_emulator_server):
        yield _gemini_emulator_server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Set the emulator up before all fixtures that a test names: they may make clients.

    Fixtures that are used by themselves stay in front, since such ones clear environments.
    """
    for item in items:
        names: list[str] = getattr(item, "fixturenames", [])
        if _FIXTURE in names:
            automatic = _automatic(item)
            first = [name for name in names if name in automatic]
            rest = [name for name in names if name not in automatic and name != _FIXTURE]
            names[:] = [*first, _FIXTURE, *rest]


def _automatic(item: pytest.Item) -> set[str]:
    """The fixtures with ``autouse`` of a test."""
    info: Any = getattr(item, "_fixtureinfo", None)
    named = {name for mark in item.iter_markers("usefixtures") for name in mark.args}
    initial: tuple[str, ...] = getattr(info, "initialnames", ())
    return set(initial) - set(getattr(info, "argnames", ())) - named - {_FIXTURE}
