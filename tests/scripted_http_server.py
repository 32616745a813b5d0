"""A scriptable HTTP/1.1 server on loopback, down to the bytes: for what no well-behaved server does."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from eventually import comes


@dataclass(eq=False)
class Request:
    """One request that arrived."""

    verb: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int
    time: float = field(default_factory=time.monotonic)

    @property
    def path(self) -> str:
        return unquote(urlsplit(self.target).path)

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query))

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Wire:
    """The connection a handler writes its answer to."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def head(self, status: int = 200, /, **headers: Any) -> None:
        lines = [f"HTTP/1.1 {status} Whatever"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    def answer(self, status: int, body: bytes, /, **headers: Any) -> None:
        self.head(status, **{"content_type": "application/json", **headers, "content_length": len(body)})
        self.send(body)

    def events(self, **headers: Any) -> None:
        """The head of a stream, in chunks."""
        self.head(200, content_type="text/event-stream", transfer_encoding="chunked", **headers)

    def chunk(self, data: bytes) -> None:
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def end(self) -> None:
        self.send(b"0\r\n\r\n")

    def gone(self, within: float = 30.0) -> float | None:
        """Seconds until the other end closed; None if it did not."""
        began = time.monotonic()
        self.sock.settimeout(within)
        try:
            while self.sock.recv(4096):
                pass
        except TimeoutError:
            return None
        except OSError:
            pass
        return time.monotonic() - began


Handler = Callable[[Request, Wire], Any]


def reply(message: Any, status: int = 200, /, **headers: Any) -> Handler:
    """A handler that answers with JSON."""
    return lambda _, wire: wire.answer(status, json.dumps(message).encode(), **headers)


def failure(code: int, status: str, message: str = "no", *details: Any, **headers: Any) -> Handler:
    """A handler that answers as the API does when it fails."""
    error = {"code": code, "message": message, "status": status, "details": list(details)}
    return reply({"error": error}, code, **headers)


def stream(*trees: Any) -> Handler:
    """A handler that answers with events."""

    def handle(_: Request, wire: Wire) -> None:
        wire.events()
        for tree in trees:
            wire.chunk(b"data: " + json.dumps(tree).encode() + b"\r\n\r\n")
        wire.end()

    return handle


class WebServer:
    """Answers each request by its script: one handler for each, the last for all that follow.

    A handler that returns False closes the connection. Without a script the answer is ``{}``.

    Attributes:
        requests: What arrived, in order.
        connections: How many connections there were.
    """

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self._context = context
        self._script: list[Handler] = [reply({})]
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._stopped = False
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def on(self, *script: Handler) -> None:
        self._script = list(script)

    @property
    def open(self) -> int:
        """Connections that are open."""
        return len(self._sockets)

    def quiet(self) -> bool:
        """Whether all connections are closed, now or in a moment."""
        return comes(lambda: not self._sockets)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            if self._stopped:
                sock.close()
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(sock, self.connections))
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket, number: int) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sockets.add(sock)
        plain = sock
        try:
            if self._context:
                sock = self._context.wrap_socket(sock, server_side=True)
            with sock.makefile("rb") as file:
                while request := _read(file, number):
                    self.requests.append(request)
                    handler = self._script.pop(0) if len(self._script) > 1 else self._script[0]
                    if handler(request, Wire(sock)) is False:
                        break
        except (OSError, ValueError):
            pass
        finally:
            self._sockets.discard(plain)
            sock.close()

    def stop(self) -> None:
        self._stopped = True
        # Closing does not wake accept() up; a connection does.
        socket.create_connection(self._listener.getsockname()).close()
        self._thread.join()
        self._listener.close()
        for sock in list(self._sockets):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)


def _read(file: Any, number: int) -> Request | None:
    line = file.readline().decode("latin-1").split()
    if len(line) != 3:
        return None
    headers: dict[str, str] = {}
    while text := file.readline().decode("latin-1").strip():
        name, _, value = text.partition(":")
        headers[name.lower()] = value.strip()
    if headers.get("transfer-encoding") == "chunked":
        body = b""
        while size := int(file.readline(), 16):
            body += file.read(size)
            file.readline()
        file.readline()
    else:
        body = file.read(int(headers.get("content-length", 0)))
    return Request(line[0], line[1], headers, body, number)
