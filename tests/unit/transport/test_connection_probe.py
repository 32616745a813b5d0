"""Probes of several addresses, and shared ones."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import certificates
import pytest
from eventually import PATIENCE, comes
from scripted_http_server import WebServer

from gemwire._secret import Secret
from gemwire._transport.connection_check import probe
from gemwire._transport.connection_probe import ConnectionProbe, Outcome, Route
from gemwire._transport.proxies import Proxy
from gemwire._transport.tls_context import create_grpc_context


def _resolves(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[str, int]) -> None:
    found = [
        (socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))
        for host, port in addresses
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)


@pytest.fixture
def trust(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> certificates.Authority:
    authority = certificates.Authority("ours")
    (tmp_path / "ca.pem").write_bytes(authority.certificate)
    monkeypatch.setenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", str(tmp_path / "ca.pem"))
    return authority


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[tuple[bytes, bytes]], int]]:
    servers: list[WebServer] = []

    def start(pair: tuple[bytes, bytes]) -> int:
        path = tmp_path / "pair.pem"
        path.write_bytes(pair[0] + pair[1])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        servers.append(WebServer(context))
        return int(servers[-1].address.rpartition(":")[2])

    yield start
    for server in servers:
        server.stop()


def _route(port: int, host: str = "localhost", **more: Any) -> Route:
    return Route(host, port, lambda: create_grpc_context(None), trust_hint="trust it.", **more)


def test_the_fault_of_a_certificate_counts_more_than_an_address_without_a_server(
    trust: certificates.Authority, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = serve(trust.issue("localhost", hours=(-2, -1)))
    for addresses in ([("::1", 1), ("127.0.0.1", port)], [("127.0.0.1", port), ("::1", 1)]):
        _resolves(monkeypatch, *addresses)
        assert probe(_route(port)).cause.startswith("its certificate has expired (")


def test_one_address_that_works_is_enough(
    trust: certificates.Authority, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = serve(trust.issue("other")), serve(trust.issue("localhost"))
    _resolves(monkeypatch, ("127.0.0.1", bad), ("127.0.0.1", 1), ("127.0.0.1", good))
    outcome = probe(_route(good))
    assert (outcome.cause, outcome.failure, outcome.address) == ("", "", "127.0.0.1")
    assert outcome.protocol == "TLSv1.3"
    (leaf,) = outcome.chain
    assert (leaf.subject, leaf.issuer, leaf.names) == ("CN=localhost", "CN=ours", ("localhost",))
    assert leaf.not_before < leaf.not_after


def test_nobody_there_is_no_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    _resolves(monkeypatch, ("127.0.0.1", 1))
    outcome = probe(Route("localhost", 1, lambda: create_grpc_context(None)))
    assert (outcome.cause, outcome.failure) == ("", "127.0.0.1: Connection refused")


@pytest.mark.parametrize("code", [socket.EAI_AGAIN, socket.EAI_SYSTEM])
def test_a_resolver_that_fails_for_now_is_no_cause(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(code, "not now")

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    outcome = probe(_route(443))
    assert (outcome.cause, outcome.failure) == ("", "'localhost' cannot be resolved now (not now)")


@pytest.mark.parametrize("host", ["-unknown-.invalid", "a" * 64 + ".example"])
def test_a_host_that_does_not_exist(host: str) -> None:
    outcome = probe(_route(443, host))
    assert repr(host) in outcome.cause
    assert outcome.hint


def test_a_server_that_says_nothing(trust: certificates.Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        outcome = probe(_route(port, "127.0.0.1"), seconds=0.2)
    assert outcome.cause == ""
    assert outcome.failure.startswith("127.0.0.1: ")


def test_an_address_of_the_sixth_version_is_named_in_brackets() -> None:
    assert _route(443, "::1").name == "[::1]:443"
    proxy = Proxy.of(Secret("http://user:secret@proxy"), "https")
    assert "secret" not in repr(_route(443, proxy=proxy)) + repr(proxy)


def test_a_proxy_of_another_kind_is_not_examined() -> None:
    proxy = Proxy.of(Secret("https://proxy:1"), "https")
    assert "https proxy" in probe(_route(443, proxy=proxy)).failure


def test_calls_that_fail_together_share_a_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, goes_on = [], threading.Event()

    def find_route() -> Route:
        asked.append(1)
        goes_on.wait(PATIENCE)
        return _route(1, "127.0.0.1")

    shared = ConnectionProbe(find_route)
    first = [shared.start() for _ in range(100)]
    assert not first[0].cancel()
    goes_on.set()
    assert {one.result(PATIENCE).failure for one in first} == {"127.0.0.1: Connection refused"}
    assert shared.start() is first[0]
    assert len(asked) == 1
    assert comes(lambda: shared.start() is not first[0])


def test_a_probe_that_fails_itself_explains_nothing() -> None:
    def find_route() -> Route:
        raise ValueError("environment: of kind 'socks5'")

    outcome = ConnectionProbe(find_route).start().result(PATIENCE)
    assert outcome == Outcome("", failure="ValueError: environment: of kind 'socks5'")
