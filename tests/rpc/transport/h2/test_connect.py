"""Connections of our own: TLS, mutual TLS, proxies, and hosts with several addresses."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import certificates
import grpc
import pytest
from scripted_grpc_server import Api, Loopback

from gemwire import errors, v1beta


class ConnectProxy:
    """An HTTP proxy that opens tunnels.

    Attributes:
        heads: The heads of the requests that came.
    """

    def __init__(self, password: str = "", address: str = "") -> None:
        """``address``: where tunnels lead to, whatever is asked for."""
        self._login = f"Basic {b64encode(password.encode()).decode()}" if password else ""
        self._address = address
        self.heads: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._sockets.append(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            received = client.recv(1)
            if not received:
                return
            head += received
        self.heads.append(head.decode())
        if self._login and f"proxy-authorization: {self._login}" not in head.decode():
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
            client.close()
            return
        host, _, port = (self._address or head.decode().split()[1]).rpartition(":")
        server = socket.create_connection((host, int(port)))
        self._sockets.append(server)
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        threading.Thread(target=self._pipe, args=(server, client), daemon=True).start()
        self._pipe(client, server)

    @staticmethod
    def _pipe(source: socket.socket, goal: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                goal.sendall(data)
            goal.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        for each in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> certificates.Authority:
    """An authority that clients trust."""
    made = certificates.Authority("ours")
    (tmp_path / "roots.pem").write_bytes(made.certificate)
    monkeypatch.setenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", str(tmp_path / "roots.pem"))
    return made


@pytest.fixture
def secure(authority: certificates.Authority) -> Iterator[Loopback]:
    chain, key = authority.issue("localhost")
    server = Loopback(grpc.ssl_server_credentials([(key, chain)]))
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("grpc_proxy", "https_proxy", "http_proxy", "all_proxy", "no_proxy", "no_grpc_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def connect(api: Api, address: str, **options: Any) -> Any:
    return api.client(
        transport="h2_asyncio" if api.is_async else "h2",
        client_options={"api_endpoint": address, "api_key": "k3y", **options},
    )


def ask(api: Api, client: Any, **arguments: Any) -> Any:
    return api(client.generate_content(model="models/m", contents=[], **arguments))


def test_tls(api: Api, secure: Loopback) -> None:
    secure.on("StreamGenerateContent", [v1beta.GenerateContentResponse()] * 3)
    client = connect(api, secure.address)
    ask(api, client)
    assert len(api.list(api(client.stream_generate_content(model="models/m", contents=[])))) == 3
    assert secure.calls("GenerateContent")[0].values("x-goog-api-key") == ["k3y"]


def test_long_messages_over_tls(api: Api, secure: Loopback) -> None:
    text = "x" * 3_000_000
    answer = v1beta.GenerateContentResponse(candidates=[{"content": {"parts": [{"text": text}]}}])
    secure.on("GenerateContent", answer)
    contents = [{"parts": [{"text": text}]}]
    found = api(connect(api, secure.address).generate_content(model="models/m", contents=contents))
    assert found == answer
    assert secure.journal[0].request.contents[0].parts[0].text == text


def test_a_client_certificate(
    api: Api, authority: certificates.Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_API_USE_CLIENT_CERTIFICATE", "true")
    chain, key = authority.issue("localhost")
    credentials = grpc.ssl_server_credentials([(key, chain)], authority.certificate, require_client_auth=True)
    server = Loopback(credentials)
    try:
        client = connect(api, server.address, client_cert_source=lambda: authority.issue("a client"))
        ask(api, client)
        other = certificates.Authority("other")
        client = connect(api, server.address, client_cert_source=lambda: other.issue("a client"))
        with pytest.raises(errors.Unavailable) as caught:
            ask(api, client, timeout=3)
        assert "it may require a client certificate" in caught.value.hint
    finally:
        server.stop()


def test_an_authority_that_is_not_trusted(
    api: Api, secure: Loopback, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "other.pem").write_bytes(certificates.Authority("other").certificate)
    monkeypatch.setenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", str(tmp_path / "other.pem"))
    with pytest.raises(errors.Unavailable, match="which is not trusted here") as caught:
        ask(api, connect(api, secure.address), timeout=20)
    assert "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH" in caught.value.hint
    assert not secure.journal


def test_a_server_without_http2(api: Api, authority: certificates.Authority, tmp_path: Path) -> None:
    chain, key = authority.issue("localhost")
    (tmp_path / "server.pem").write_bytes(chain + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    context.set_alpn_protocols(["http/1.1"])
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                raw, _ = listener.accept()
                with contextlib.suppress(OSError), context.wrap_socket(raw, server_side=True) as connection:
                    connection.recv(1)

    threading.Thread(target=serve, daemon=True).start()
    try:
        address = f"localhost:{listener.getsockname()[1]}"
        with pytest.raises(errors.Unavailable, match="does not offer HTTP/2"):
            ask(api, connect(api, address), timeout=20)
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@pytest.mark.parametrize("variable", ["grpc_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy"])
def test_a_proxy(api: Api, secure: Loopback, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    proxy = ConnectProxy("user:pass word")
    try:
        monkeypatch.setenv(variable, f"http://user:pass%20word@{proxy.address}")
        ask(api, connect(api, secure.address))
        assert len(secure.journal) == 1
        assert proxy.heads[0].startswith(f"CONNECT {secure.address} HTTP/1.1\r\nHost: {secure.address}\r\n")
        monkeypatch.setenv("no_proxy", "localhost")
        ask(api, connect(api, secure.address))
        assert len(proxy.heads) == 1
    finally:
        proxy.close()


def test_a_proxy_that_refuses(api: Api, secure: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = ConnectProxy("user:right")
    try:
        monkeypatch.setenv("https_proxy", f"http://user:wr0ng@{proxy.address}")
        with pytest.raises(errors.Unavailable, match="the proxy answered HTTP 407") as caught:
            ask(api, connect(api, secure.address), timeout=5, retry=None)
        assert "wr0ng" not in str(caught.value)
        assert not secure.journal
    finally:
        proxy.close()


@pytest.mark.parametrize("kind", ["https", "socks5"])
def test_kinds_of_proxies_that_are_refused(
    api: Api, secure: Loopback, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setenv("https_proxy", f"{kind}://127.0.0.1:1")
    with pytest.raises(errors.Unavailable, match="environment: the proxy for") as caught:
        ask(api, connect(api, secure.address), timeout=5, retry=None)
    assert "http" in caught.value.message


def _resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[str, int]) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)


def test_the_next_address_is_tried_when_one_refuses(
    api: Api, secure: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = int(secure.address.rpartition(":")[2])
    with socket.create_server(("127.0.0.1", 0)) as closed:
        refusing = closed.getsockname()
    _resolve_to(monkeypatch, refusing, ("127.0.0.1", port))
    ask(api, connect(api, secure.address), timeout=20)
    assert len(secure.journal) == 1


def test_the_next_address_is_tried_when_one_is_silent(
    api: Api, secure: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = int(secure.address.rpartition(":")[2])
    with socket.create_server(("127.0.0.1", 0), backlog=0) as silent:
        # Its queue is full: further attempts get no answer.
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(silent.getsockname())
        _resolve_to(monkeypatch, silent.getsockname(), ("127.0.0.1", port))
        began = time.monotonic()
        ask(api, connect(api, secure.address), timeout=20)
        assert time.monotonic() - began < 4
        for each in waiting:
            each.close()


def test_an_ipv6_address(api: Api, authority: certificates.Authority) -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    server = grpc.server(futures.ThreadPoolExecutor(2))
    try:
        port = server.add_insecure_port("[::1]:0")
    except RuntimeError:
        pytest.skip("no IPv6 here")
    server.start()
    try:
        with pytest.raises(errors.Unavailable, match="does not speak TLS"):
            ask(api, connect(api, f"[::1]:{port}"), timeout=10)
    finally:
        server.stop(0)
