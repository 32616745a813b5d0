"""Every RPC of the API has a handler in the emulator, and docs/emulator.md lists exactly those."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections import Counter
from pathlib import Path
from typing import Any

from gemwire_emulator.dispatch import Dispatcher, Endpoint
from gemwire_emulator.server import LIVE_SERVICE, SERVICES, VERTEX_SERVICES, Emulator, Settings
from gemwire_emulator.state import State
from gemwire_runtime.method import Kind, Method, Service

_PAGE = Path(__file__).parents[2] / "docs" / "emulator.md"
_BEGIN, _END = "<!-- coverage: begin -->\n", "<!-- coverage: end -->\n"
_PACKAGES = ("v1beta", "v1", "interactions", "longrunning", "aiplatform_v1")
_KINDS = {Kind.UNARY: "", Kind.SERVER_STREAM: "streams", Kind.BIDI: "both stream"}


def tables() -> list[Service]:
    """The method tables of all services, found by what there is: none can be forgotten."""
    found = []
    for package in _PACKAGES:
        home = importlib.import_module(f"gemwire_proto.{package}")
        for module in pkgutil.iter_modules(home.__path__, f"{home.__name__}."):
            service = getattr(importlib.import_module(module.name), "SERVICE", None)
            if isinstance(service, Service):
                found.append(service)
    return [*found, LIVE_SERVICE]


@functools.cache
def endpoints() -> dict[str, Endpoint]:
    """The endpoints of the emulator's dispatcher by their paths."""
    from gemwire_emulator.admission import AdmissionController
    from gemwire_emulator.clock import Clock
    from gemwire_emulator.engines.canned import CannedReplies
    from gemwire_emulator.engines.instant import InstantEngine
    from gemwire_emulator.journal import Journal
    from gemwire_emulator.store import Store

    emulator = Emulator(Settings())
    emulator.state = State(Store(), Clock(), CannedReplies(InstantEngine()))
    dispatcher = Dispatcher(AdmissionController(emulator.state.clock, lambda _: 0), Journal())
    emulator._add_services(dispatcher)
    emulator.state.store.close()
    return dispatcher.endpoints


def _kind(method: Method[Any, Any]) -> str:
    if not endpoints()[method.path].served:
        return "UNIMPLEMENTED: for custom models"
    if method.http_only and method.websocket:
        return "over a WebSocket only"
    return "over HTTP only" if method.http_only else _KINDS[method.kind]


def table(services: list[Service]) -> str:
    """The table of the page."""
    lines = ["| Service | RPC | |", "|---|---|---|"]
    for service in sorted(services, key=lambda s: (not s.name.startswith("google.ai"), s.name)):
        name = service.name.removeprefix("google.ai.generativelanguage.")
        name = name.removeprefix("google.").removeprefix("cloud.").removeprefix("gemwire.")
        lines += [f"| {name} | {rpc} | {_kind(method)} |" for rpc, method in service.methods.items()]
    return "".join(f"{line}\n" for line in lines)


def test_every_rpc_has_a_handler() -> None:
    paths = {method.path for service in tables() for method in service.methods.values()}
    assert set(endpoints()) == paths
    assert {service.name for service in (*SERVICES, *VERTEX_SERVICES, LIVE_SERVICE)} == {
        service.name for service in tables()
    }


def test_there_are_as_many_as_the_api_has() -> None:
    counts: Counter[str] = Counter()
    for service in tables():
        package = service.name.rpartition(".")[0].removeprefix("google.")
        if over_grpc := sum(not m.http_only for m in service.methods.values()):
            counts[package] += over_grpc
    assert counts == {
        "ai.generativelanguage.v1beta": 58,
        "ai.generativelanguage.v1": 7,
        "longrunning": 5,
        "cloud.aiplatform.v1": 48,
    }


def test_the_page_lists_them() -> None:
    _, begin, rest = _PAGE.read_text(encoding="utf-8").partition(_BEGIN)
    shown, end, _ = rest.partition(_END)
    assert begin
    assert end
    wanted = table(tables())
    assert shown.strip() == wanted.strip(), f"docs/emulator.md needs this table:\n{wanted}"
