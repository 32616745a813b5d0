"""Interop servers on other people's HTTP/2, all with the same behaviour, over TLS.

They know nothing of the API: requests are bytes, replies are files of a folder.

* GenerateContent fails with the status ``x-status`` and the message ``x-message-bin``, or where the request
  has another size than ``x-size``; an empty request has an empty reply, others have ``unary``.
* StreamGenerateContent replies with ``stream-0`` to ``stream-3``.
* BidiGenerateContent returns ``x-grpc-test-echo-initial``, ``x-grpc-test-echo-trailing-bin``, and the sizes
  of the requests as ``x-received``. It answers each request with the next of ``bidi-0`` to ``bidi-3``; with
  ``x-silent`` it answers none and does not end.
* Each prints its port, and ``cancelled`` for each call that the client ends.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import certificates
import node_packages
import pytest
from eventually import comes

_SERVERS = Path(__file__).parent / "rpc" / "transport" / "h2" / "servers"
_NODE = Path(__file__).parent / "interop" / "node"
_NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; worker_processes 1;
events {{}}
http {{
  access_log off; client_max_body_size 0; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port} ssl http2;
    ssl_certificate {folder}/chain.pem; ssl_certificate_key {folder}/key.pem;
    location / {{ grpc_pass grpc://127.0.0.1:{behind}; }}
  }}
}}
"""
_HAPROXY = """
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend front
  bind 127.0.0.1:{port} ssl crt {folder}/both.pem alpn h2
  default_backend back
backend back
  server one 127.0.0.1:{behind} proto h2
"""


class OtherServer:
    """A running server.

    Attributes:
        address: Host and port.
        cancelled: Number of calls that a client ended.
        is_late: Whether a bidirectional call, or the end of one, may reach it only after seconds.
    """

    def __init__(self, port: int) -> None:
        self.address = f"localhost:{port}"
        self.cancelled = 0
        self.is_late = False

    def read(self, process: subprocess.Popen[str]) -> None:
        """Count what the server prints."""
        assert process.stdout is not None
        for line in process.stdout:
            self.cancelled += line == "cancelled\n"


def prepare(folder: Path, authority: certificates.Authority, replies: dict[str, bytes]) -> None:
    """Put a certificate and the replies into the folder of a server."""
    chain, key = authority.issue("localhost")
    for name, data in ({"chain.pem": chain, "key.pem": key, "both.pem": chain + key} | replies).items():
        (folder / name).write_bytes(data)


@contextlib.contextmanager
def _running(*command: str | Path) -> Iterator[OtherServer]:
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            server = OtherServer(int(process.stdout.readline()))
            threading.Thread(target=server.read, args=(process,), daemon=True).start()
            yield server
        finally:
            process.kill()


@contextlib.contextmanager
def _run_grpcio(folder: Path) -> Iterator[OtherServer]:
    with _running(sys.executable, _SERVERS / "python_grpc.py", folder, "tls") as server:
        yield server


@contextlib.contextmanager
def _run_python_h2(folder: Path) -> Iterator[OtherServer]:
    with _running(sys.executable, _SERVERS / "python_h2.py", folder) as server:
        yield server


@contextlib.contextmanager
def _run_grpc_js(folder: Path) -> Iterator[OtherServer]:
    modules = node_packages.install(_NODE)
    with _running(node_packages.BIN / "node", _SERVERS / "grpc_js.mjs", folder, modules) as server:
        yield server


@contextlib.contextmanager
def _run_grpc_go(folder: Path) -> Iterator[OtherServer]:
    go = _find("go", "golang-go and golang-google-grpc-dev")
    environment = os.environ | {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode"}
    program = folder / "server"
    built = subprocess.run(
        [go, "build", "-o", program, _SERVERS / "grpc_go.go"],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=300,
    )
    if "cannot find package" in built.stderr:
        pytest.skip("grpc-go is not there: golang-google-grpc-dev of Debian has it")
    assert built.returncode == 0, built.stderr
    with _running(program, folder) as server:
        yield server


def _find(program: str, packages: str) -> str:
    found = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        pytest.skip(f"there is no {program}: {packages} of Debian has it")
    return found


@contextlib.contextmanager
def _behind(folder: Path, configuration: str, command: Callable[[Path], list[str]]) -> Iterator[OtherServer]:
    """A reverse proxy in front of grpcio's server, which speaks no TLS."""
    with _running(sys.executable, _SERVERS / "python_grpc.py", folder, "plain") as server:
        behind = int(server.address.rpartition(":")[2])
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        path = folder / "proxy.conf"
        path.write_text(configuration.format(folder=folder, port=port, behind=behind), "utf-8")
        with subprocess.Popen(command(path), stderr=subprocess.PIPE, text=True) as process:
            try:
                assert comes(lambda: _is_listening(port) or process.poll() is not None)
                assert process.poll() is None, process.stderr and process.stderr.read()
                server.address = f"localhost:{port}"
                yield server
            finally:
                process.terminate()


def _is_listening(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@contextlib.contextmanager
def _run_nginx(folder: Path) -> Iterator[OtherServer]:
    nginx = _find("nginx", "nginx")
    with _behind(folder, _NGINX, lambda path: [nginx, "-c", str(path), "-p", str(folder)]) as server:
        # nginx 1.22 does not pass such a call on, not that of grpcio either, before further frames arrive.
        server.is_late = True
        yield server


@contextlib.contextmanager
def _run_haproxy(folder: Path) -> Iterator[OtherServer]:
    haproxy = _find("haproxy", "haproxy")
    with _behind(folder, _HAPROXY, lambda path: [haproxy, "-db", "-f", str(path)]) as server:
        yield server


RUNNING = {
    "grpcio": _run_grpcio,
    "grpc-js": _run_grpc_js,
    "grpc-go": _run_grpc_go,
    "python-h2": _run_python_h2,
    "nginx": _run_nginx,
    "haproxy": _run_haproxy,
}
