"""What the tests of calls begin with: a server on loopback, and clients of both flavours."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

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


@pytest.fixture(autouse=True, scope="session")
def _transport_of_clients(request: pytest.FixtureRequest) -> None:
    """Have clients use another transport by default: ``--transport h2``."""
    if request.config.getoption("--transport") != "h2":
        return
    from gemwire._clients.aio.service_client import AsyncServiceClient
    from gemwire._clients.sync.service_client import ServiceClient

    for kind, suffix in ((AsyncServiceClient, "_asyncio"), (ServiceClient, "")):
        _replace_default(kind, f"h2{suffix}", (None, f"grpc{suffix}"))


def _replace_default(kind: Any, label: str, replaced: tuple[str | None, ...]) -> None:
    find = kind.get_transport_class.__func__

    def get_transport_class(kind: Any, name: str | None = None) -> Any:
        return find(kind, label if name in replaced else name)

    kind.get_transport_class = classmethod(get_transport_class)
