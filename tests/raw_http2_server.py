"""A gRPC server that sends the frames it is given: what no gRPC library would send."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterable

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _PING = 0x0, 0x1, 0x3, 0x4, 0x6
_END_STREAM, _ACK, _END_HEADERS = 0x1, 0x1, 0x4


def frame_message(data: bytes, announced: int | None = None) -> bytes:
    """A message as gRPC frames it; ``announced`` is the length to state in place of its own."""
    return b"\0" + struct.pack(">I", len(data) if announced is None else announced) + data


class RawServer:
    """Answers each call with the same bytes and an OK status, if with any.

    Attributes:
        address: Host and port.
        calls: Number of calls that arrived.
        cancelled: Number of calls that the client reset.
    """

    def __init__(self, body: Iterable[bytes], *, ends: bool = True) -> None:
        """``body`` is sent as one DATA frame for each item; without ``ends`` the call stays open."""
        self._body = list(body)
        self._ends = ends
        self.calls = self.cancelled = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections: list[socket.socket] = []
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> RawServer:
        return self

    def __exit__(self, *exc_info: object) -> None:
        for opened in (self._listener, *self._connections):
            # Closing alone does not wake a thread that reads.
            with contextlib.suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
            opened.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        received = connection.makefile("rb")
        try:
            received.read(len(_PREFACE))
            connection.sendall(_frame(_SETTINGS))
            while head := received.read(9):
                size, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
                stream = int.from_bytes(head[5:], "big")
                payload = received.read(size)
                if kind == _SETTINGS and not flags & _ACK:
                    connection.sendall(_frame(_SETTINGS, _ACK))
                elif kind == _PING and not flags & _ACK:
                    connection.sendall(_frame(_PING, _ACK, 0, payload))
                elif kind == _RST_STREAM:
                    self.cancelled += 1
                elif kind == _HEADERS:
                    self.calls += 1
                    connection.sendall(self._response(stream))
        except (OSError, ValueError):
            return

    def _response(self, stream: int) -> bytes:
        head = _encode({":status": "200", "content-type": "application/grpc"})
        sent = _frame(_HEADERS, _END_HEADERS, stream, head)
        sent += b"".join(_frame(_DATA, 0, stream, data) for data in self._body)
        if self._ends:
            sent += _frame(_HEADERS, _END_HEADERS | _END_STREAM, stream, _encode({"grpc-status": "0"}))
        return sent


def _frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def _encode(headers: dict[str, str]) -> bytes:
    """Header fields in HPACK: literals that are not indexed."""
    parts = []
    for name, value in headers.items():
        parts.append(b"\0" + bytes((len(name),)) + name.encode() + bytes((len(value),)) + value.encode())
    return b"".join(parts)
