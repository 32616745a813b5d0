"""Servers that cannot be reached and will not mend themselves: told at once, with the reason."""

from __future__ import annotations

import json
import logging
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from concurrent import futures
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import certificates
import grpc
import pytest
from eventually import PATIENCE
from scripted_grpc_server import Api, Loopback, in_thread
from scripted_http_server import Request, WebServer, Wire

from gemwire import Retry, errors

_PROGRAM = """
import asyncio, json, sys, time
from gemwire import errors, v1beta

CASES, TRANSPORTS = json.loads(sys.argv[1]), json.loads(sys.argv[2])

def failed(error, began):
    return {"error": type(error).__name__, "text": error.message, "hint": error.hint,
            "attempts": error.attempts, "seconds": time.monotonic() - began}

def arguments(host, transport):
    # Tokens and keys play no part: every call fails before one is sent, or succeeds.
    return {"client_options": {"api_endpoint": host, "api_key": "k3y"}, "transport": transport}

def call(host, kind):
    began = time.monotonic()
    try:
        with v1beta.GenerativeServiceClient(**arguments(host, kind)) as client:
            client.count_tokens(model="models/m", contents=[])
    except errors.APIError as error:
        return failed(error, began)

def stream(host, kind):
    began = time.monotonic()
    try:
        with v1beta.GenerativeServiceClient(**arguments(host, kind)) as client:
            list(client.stream_generate_content(model="models/m", contents=[]))
    except errors.APIError as error:
        return failed(error, began)

def bidi(host, kind):
    began = time.monotonic()
    try:
        with v1beta.GenerativeServiceClient(**arguments(host, kind)) as client:
            list(client.bidi_generate_content(iter([])))
    except errors.APIError as error:
        return failed(error, began)

async def call_async(host, kind):
    began = time.monotonic()
    try:
        async with v1beta.GenerativeServiceAsyncClient(**arguments(host, f"{kind}_asyncio")) as client:
            await client.count_tokens(model="models/m", contents=[])
    except errors.APIError as error:
        return failed(error, began)

async def bidi_async(host, kind):
    began = time.monotonic()
    try:
        async with v1beta.GenerativeServiceAsyncClient(**arguments(host, f"{kind}_asyncio")) as client:
            [message async for message in await client.bidi_generate_content(iter([]))]
    except errors.APIError as error:
        return failed(error, began)

def upload(host, kind):
    began = time.monotonic()
    try:
        with v1beta.FileServiceClient(**arguments(host, kind)) as client:
            client.transport.upload_file(b"x", mime_type="text/plain")
    except errors.APIError as error:
        return failed(error, began)

results = {}
for name, host in CASES.items():
    for kind in TRANSPORTS:
        if (name, kind) == ("no HTTP/2", "rest"):
            continue  # Nothing is wrong with it.
        results[f"{name} {kind} unary"] = call(host, kind)
        results[f"{name} {kind} async"] = asyncio.run(call_async(host, kind))
        if name == "expired":
            results[f"{name} {kind} stream"] = stream(host, kind)
            if kind == "grpc":
                results[f"{name} {kind} bidi"] = bidi(host, kind)
                results[f"{name} {kind} bidi async"] = asyncio.run(bidi_async(host, kind))
            else:
                results[f"{name} {kind} upload"] = upload(host, kind)
print(json.dumps(results))
"""


class _Raw:
    """A listener that treats every connection the same way."""

    def __init__(self, context: ssl.SSLContext | None, first: bytes = b"") -> None:
        self._context = context
        self._first = first
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while True:
            sock, _ = self._listener.accept()
            self.connections += 1
            with sock:
                sock.settimeout(5)
                try:
                    if sock.recv(5, socket.MSG_PEEK) == b"stop!":
                        return
                    if self._context:
                        sock = self._context.wrap_socket(sock, server_side=True)
                    sock.sendall(self._first)
                    while sock.recv(4096):
                        pass
                except OSError:
                    continue
                finally:
                    sock.close()

    def stop(self) -> None:
        with socket.create_connection(("127.0.0.1", self.port)) as sock:
            sock.sendall(b"stop!")
            self._thread.join(10)
        self._listener.close()


@dataclass(frozen=True)
class Servers:
    """Addresses of servers with faults, by name; the file of the authority; the certificates."""

    hosts: dict[str, str]
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        roots = str(self.folder / "ca.pem")
        dropped = ("SSL_", "REQUESTS_", "GOOGLE_", "GEMINI_")
        kept = {
            key: value
            for key, value in os.environ.items()
            if not key.lower().endswith("_proxy") and not key.startswith(dropped)
        }
        return {**kept, "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": roots, "SSL_CERT_FILE": roots}


def _context(folder: Path, pair: tuple[bytes, bytes], **attributes: Any) -> ssl.SSLContext:
    path = folder / "pair.pem"
    path.write_bytes(pair[0] + pair[1])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    for name, value in attributes.items():
        setattr(context, name, value)
    return context


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    folder = tmp_path_factory.mktemp("unreachable")
    authority = certificates.Authority("ours")
    (folder / "ca.pem").write_bytes(authority.certificate)
    good = authority.issue("localhost")
    http2 = _context(folder, good)
    http2.set_alpn_protocols(["h2"])
    mutual = _context(folder, good, verify_mode=ssl.CERT_REQUIRED)
    mutual.load_verify_locations(folder / "ca.pem")
    mutual.set_alpn_protocols(["h2", "http/1.1"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old = _context(
            folder, good, minimum_version=ssl.TLSVersion.TLSv1, maximum_version=ssl.TLSVersion.TLSv1_1
        )
    old.set_ciphers("ALL:@SECLEVEL=0")
    contexts = {
        "expired": _context(folder, authority.issue("localhost", hours=(-48, -24))),
        "not yet valid": _context(folder, authority.issue("localhost", hours=(24, 48))),
        "wrong host": _context(folder, authority.issue("one.example", "two.example")),
        "self-signed": _context(folder, certificates.self_signed("localhost")),
        "unknown authority": _context(folder, certificates.Authority("theirs").issue("localhost")),
        "old TLS": old,
        "client certificate": mutual,
        "no HTTP/2": _context(folder, good),
    }
    listeners = {name: _Raw(context) for name, context in contexts.items()}
    listeners["plaintext"] = _Raw(None, b"\0\0\0\4\0\0\0\0\0")
    hosts = {name: f"localhost:{raw.port}" for name, raw in listeners.items()}
    # The resolver of the C library refuses such names by itself, without a server to ask.
    hosts["unknown host"] = "-unknown-.invalid:443"
    yield Servers(hosts, folder)
    for raw in listeners.values():
        raw.stop()


@pytest.fixture(scope="module")
def results(servers: Servers) -> dict[str, Any]:
    """What calls to each server led to, in a process that trusts the authority."""
    return _run(servers, servers.hosts)


def _run(servers: Servers, hosts: dict[str, str], *kinds: str, **variables: str) -> dict[str, Any]:
    ended = subprocess.run(
        [sys.executable, "-c", _PROGRAM, json.dumps(hosts), json.dumps(kinds or ("grpc", "rest"))],
        env={**servers.environment, **variables},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


_TRUST = {
    "grpc": "set GRPC_DEFAULT_SSL_ROOTS_FILE_PATH to a file",
    "rest": "set SSL_CERT_FILE or REQUESTS_CA_BUNDLE to a file",
}


@pytest.mark.parametrize("flavour", ["unary", "async"])
@pytest.mark.parametrize("kind", ["grpc", "rest"])
@pytest.mark.parametrize(
    ("case", "reason", "hint"),
    [
        (
            "expired",
            "its certificate has expired (CN=localhost for localhost, signed by CN=ours, valid ",
            "Renew",
        ),
        (
            "not yet valid",
            "its certificate is not valid yet (CN=localhost for localhost, ",
            "set the clock of this machine: it is 20",
        ),
        (
            "wrong host",
            "its certificate is for one.example, two.example, not for this",
            "another host",
        ),
        ("self-signed", "its certificate is self-signed, and not among the trusted ones (CN=loc", "{trust}"),
        ("unknown authority", "its certificate leads to CN=theirs, which is not trusted here (", "{trust}"),
        ("old TLS", "it speaks no version of TLS that this client accepts (1.2 and later)", "newer version"),
        ("client certificate", "it requires a client certificate", "client_cert_source"),
        ("plaintext", "it does not speak TLS on this port", "GEMINI_EMULATOR_HOST"),
        ("unknown host", "there is no host '-unknown-.invalid' (", "DNS"),
    ],
)
def test_what_does_not_mend_itself_is_told_at_once(
    servers: Servers, results: dict[str, Any], case: str, reason: str, hint: str, kind: str, flavour: str
) -> None:
    found = results[f"{case} {kind} {flavour}"]
    assert found["error"] == "Unavailable"
    assert found["text"].startswith(f"failed to connect to {servers.hosts[case]}: {reason}"), found
    assert hint.format(trust=_TRUST[kind]) in found["hint"]
    # One, unless the machine is so busy that the probe takes longer than the first pause.
    assert found["attempts"] <= 3
    assert found["seconds"] < 10


def test_a_server_without_http2(results: dict[str, Any]) -> None:
    for flavour in ("unary", "async"):
        found = results[f"no HTTP/2 grpc {flavour}"]
        assert found["text"].endswith("it does not offer HTTP/2, which gRPC needs (ALPN)")
        assert "transport='rest'" in found["hint"]


@pytest.mark.parametrize(
    "shape", ["grpc stream", "grpc bidi", "grpc bidi async", "rest stream", "rest upload"]
)
def test_other_shapes_of_calls(results: dict[str, Any], shape: str) -> None:
    assert "its certificate has expired" in results[f"expired {shape}"]["text"]


def test_no_key_in_errors(results: dict[str, Any]) -> None:
    assert "k3y" not in json.dumps(results)


def _tunnel(request: Request, wire: Wire) -> bool:
    import select

    host, _, port = request.target.rpartition(":")
    with socket.create_connection((host, int(port))) as other:
        wire.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        pair = {wire.sock: other, other: wire.sock}
        while True:
            for readable in select.select(list(pair), [], [], 5)[0]:
                if not (data := readable.recv(65536)):
                    return False
                pair[readable].sendall(data)


def test_by_way_of_a_proxy(servers: Servers) -> None:
    proxy = WebServer()
    proxy.on(_tunnel)
    url = f"http://user:p4ss@{proxy.address}"
    hosts = {"expired": servers.hosts["expired"]}
    found = _run(servers, hosts, https_proxy=url, HTTPS_PROXY=url)
    proxy.stop()
    assert {request.verb for request in proxy.requests} == {"CONNECT"}
    assert {request.headers["proxy-authorization"] for request in proxy.requests} == {"Basic dXNlcjpwNHNz"}
    for result in found.values():
        assert "its certificate has expired" in result["text"]
        assert "p4ss" not in json.dumps(result)


def test_a_proxy_that_does_not_exist(servers: Servers) -> None:
    url = "http://-proxy-.invalid:3128"
    hosts = {"unknown proxy": servers.hosts["expired"]}
    for result in _run(servers, hosts, https_proxy=url, HTTPS_PROXY=url).values():
        assert "there is no host the proxy '-proxy-.invalid'" in result["text"]
        assert result["hint"] == "Check the address of the proxy."


# What mends itself ---------------------------------------------------------------------------------


class _Retrying(logging.Handler):
    """Sees the first retry."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if "retrying in" in record.getMessage():
            self.seen.set()


@pytest.fixture
def retrying() -> Iterator[_Retrying]:
    handler, logger = _Retrying(), logging.getLogger("gemwire")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.setLevel(before)
    logger.removeHandler(handler)


_QUICK = Retry(codes=frozenset({grpc.StatusCode.UNAVAILABLE}), initial=0.05, maximum=0.05)


def test_a_server_that_comes_back_is_waited_for(
    api: Api, monkeypatch: pytest.MonkeyPatch, retrying: _Retrying
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        address = f"127.0.0.1:{reserved.getsockname()[1]}"
    monkeypatch.setenv("GEMINI_EMULATOR_HOST", address)
    servers: list[grpc.Server] = []

    def come_back() -> None:
        assert retrying.seen.wait(PATIENCE)
        handler = Loopback.__new__(Loopback)
        handler.journal, handler.live, handler._scripts = [], set(), {}
        server = grpc.server(futures.ThreadPoolExecutor(4), handlers=[handler])
        server.add_insecure_port(address)
        server.start()
        servers.append(server)

    with in_thread(come_back):
        client = api.client()
        api(client.count_tokens(model="models/m", retry=_QUICK, timeout=30))
    servers[0].stop(0).wait()


def test_a_name_that_cannot_be_resolved_for_now_is_tried_again(
    api: Api, monkeypatch: pytest.MonkeyPatch, retrying: _Retrying
) -> None:
    web = WebServer()
    monkeypatch.setenv("GEMINI_EMULATOR_HTTP_HOST", f"localhost:{web.address.rpartition(':')[2]}")
    resolve = socket.getaddrinfo
    failures: list[str] = []

    def flaky(host: Any, *arguments: Any, **options: Any) -> Any:
        if host == "localhost" and not (retrying.seen.is_set() and len(failures) > 3):
            failures.append(host)
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return resolve(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", flaky)
    client = api.client(transport="rest_asyncio" if api.is_async else "rest")
    api(client.count_tokens(model="models/m", retry=_QUICK, timeout=30))
    assert len(failures) > 3
    web.stop()


def test_a_certificate_that_is_renewed(api: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    authority = certificates.Authority("ours")
    (tmp_path / "ca.pem").write_bytes(authority.certificate)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    context = _context(tmp_path, authority.issue("localhost", hours=(-2, -1)))
    web = WebServer(context)
    client = api.client(
        transport="rest_asyncio" if api.is_async else "rest",
        client_options={"api_endpoint": f"localhost:{web.address.rpartition(':')[2]}", "api_key": "k"},
    )
    with pytest.raises(errors.Unavailable, match="has expired"):
        api(client.count_tokens(model="models/m"))
    (tmp_path / "pair.pem").write_bytes(b"".join(authority.issue("localhost")))
    context.load_cert_chain(tmp_path / "pair.pem")
    assert api(client.count_tokens(model="models/m")).total_tokens == 0
    api(client.close())
    web.stop()


def test_a_probe_that_hangs_delays_no_retry(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve, released = socket.getaddrinfo, threading.Event()

    def hanging(host: Any, *arguments: Any, **options: Any) -> Any:
        if threading.current_thread().name == "gemwire-probe":
            released.wait(2 * PATIENCE)
        return resolve(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    monkeypatch.setenv("GEMINI_EMULATOR_HOST", "127.0.0.1:1")
    retry = Retry(codes=_QUICK.codes, initial=0.01, maximum=0.01, max_attempts=6)
    began = time.monotonic()
    with pytest.raises(errors.Unavailable) as caught:
        api(api.client().count_tokens(model="models/m", timeout=60, retry=retry))
    released.set()
    assert caught.value.attempts == 6
    # Half a second for each of five pauses, and three for the reason of the final error; not three for each.
    assert time.monotonic() - began < 14


def test_the_timeout_holds_while_the_reason_is_looked_for(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve, released = socket.getaddrinfo, threading.Event()

    def hanging(host: Any, *arguments: Any, **options: Any) -> Any:
        if threading.current_thread().name == "gemwire-probe":
            released.wait(PATIENCE)
        return resolve(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    monkeypatch.setenv("GEMINI_EMULATOR_HOST", "127.0.0.1:1")
    client = api.client()
    began = time.monotonic()
    with pytest.raises((errors.Unavailable, errors.DeadlineExceeded)):
        api(client.count_tokens(model="models/m", timeout=0.5))
    released.set()
    assert time.monotonic() - began < 3
