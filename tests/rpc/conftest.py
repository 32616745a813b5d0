"""What the tests of calls begin with: a server on loopback, and clients of both flavours."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from scripted_grpc_server import Api, Loopback


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No credentials, endpoints or proxies of this machine."""
    for name in list(os.environ):
        if name.startswith(("GOOGLE_", "GEMINI_", "CLOUDSDK_")):
            monkeypatch.delenv(name)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """The server, and every client's way to it."""
    loopback = Loopback()
    monkeypatch.setenv("GEMINI_EMULATOR_HOST", loopback.address)
    yield loopback
    loopback.stop()


@pytest.fixture(params=["async", "sync"])
def api(request: pytest.FixtureRequest) -> Iterator[Api]:
    """Each flavour in turn."""
    made = Api(request.param)
    yield made
    made.close()
