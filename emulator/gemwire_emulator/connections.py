"""The TCP connections of gRPC calls, to break one or to send GOAWAY on it.

grpc offers neither, so both are done on the process's own sockets, which are found by the peer of a call.
GOAWAY is a frame of 17 bytes that C-core need not know of: to the server it looks as if the client moved to a
new connection by itself. On GOAWAY a client starts no more streams on the connection, finishes those that it
has, and closes it.

Replacing the server by another on the same port would send GOAWAY as well, but cancel calls that cross it on
the wire.
"""

from __future__ import annotations

import asyncio
import fcntl
import ipaddress
import logging
import os
import socket
import stat
import struct
import sys
import termios
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import unquote

_logger = logging.getLogger("gemwire_emulator")

#: Length 8, type 7, no flags, stream 0; last stream: any; NO_ERROR.
_GOAWAY = struct.pack(">HBBBIII", 0, 8, 7, 0, 0, 2**31 - 1, 0)
#: SO_NWRITE of macOS, the bytes in the send buffer, for which Python has no name.
_SO_NWRITE = 0x1024
#: Interval in seconds at which a send buffer is polled, and the maximum number of polls.
_POLL_INTERVAL = 0.002
_MAX_POLLS = 4000
#: Seconds that a client has to read pending messages before its connection breaks, which would discard them;
#: repeated on a busy machine, up to a maximum.
_READ_TIME = 0.05
_MAX_READ_TIMES = 20


class Connections:
    """The connections of one server.

    Attributes:
        port: Port of the server; set when it listens.
        tls_port: Its port for TLS, if there is one; 0 otherwise.
    """

    def __init__(self) -> None:
        """Create a registry without connections."""
        self.port = self.tls_port = 0
        # Peers that have made a call; before the first one a connection may not be ready for GOAWAY.
        self._peers: set[str] = set()

    def add(self, peer: str) -> None:
        """Register the connection of a call."""
        if peer not in self._peers:
            if len(self._peers) > 1000:
                self._remove_closed()
            self._peers.add(peer)

    async def sever(self, peer: str, *, flush: bool) -> bool:
        """Break a connection and all calls on it.

        Args:
            peer: Peer of a call on the connection, in gRPC's form.
            flush: Let the client read pending messages first.

        Returns:
            Whether the connection was found.
        """
        found = self._find(peer)
        if found is None:
            return False
        with found:
            if flush:
                await _wait_until_sent(found)
                await _wait_until_read()
            with suppress(OSError):  # The client has closed it.
                found.shutdown(socket.SHUT_RDWR)
        return True

    async def go_away(self, peer: str) -> None:
        """Send GOAWAY on a connection: the client makes its next calls over another one."""
        found = self._find(peer)
        if found is None:
            return
        with found:
            if _local_port(found) == self.tls_port:
                _logger.warning("GOAWAY was not sent to %s: its connection is over TLS", peer)
                return
            # The frame must not be written inside another one: C-core has no partial frame when the buffer is
            # empty and stays empty.
            if not await _wait_until_sent(found):
                _logger.warning("GOAWAY was not sent to %s, which does not read pending messages", peer)
                return
            with suppress(OSError):  # It is closed already.
                found.send(_GOAWAY)

    async def go_away_all(self) -> None:
        """Send GOAWAY on every connection that has made a call."""
        self._remove_closed()
        await asyncio.gather(*(self.go_away(peer) for peer in self._peers))

    def _remove_closed(self) -> None:
        ends = set()
        for found in self._sockets():
            with found:
                ends.add(_get_remote(found))
        self._peers = {peer for peer in self._peers if _parse_peer(peer) in ends}

    def _find(self, peer: str) -> socket.socket | None:
        wanted, chosen = _parse_peer(peer), None
        for found in self._sockets():
            if chosen is None and _get_remote(found) == wanted:
                chosen = found
            else:
                found.close()
        return chosen

    def _sockets(self) -> Iterator[socket.socket]:
        """Yield duplicates of the sockets that were accepted on the port; the caller closes them."""
        for number in [int(name) for name in os.listdir("/dev/fd")]:  # noqa: PTH208 - these are no files
            try:
                if not stat.S_ISSOCK(os.fstat(number).st_mode):
                    continue
                copy = os.dup(number)
            except OSError:
                continue  # Closed meanwhile.
            try:
                found = socket.socket(fileno=copy)
            except OSError:
                os.close(copy)
                continue
            if (
                _local_port(found) in {self.port, self.tls_port or self.port}
                and _get_remote(found) is not None
            ):
                yield found
            else:
                found.close()


def _local_port(found: socket.socket) -> int:
    try:
        address = found.getsockname()
    except OSError:
        return 0
    return int(address[1]) if found.family in (socket.AF_INET, socket.AF_INET6) else 0


def _get_remote(found: socket.socket) -> tuple[str, int] | None:
    """Return address and port of the remote end, None if there is none."""
    try:
        host, port = found.getpeername()[:2]
    except OSError:
        return None
    return _normalize(host), int(port)


def _parse_peer(peer: str) -> tuple[str, int] | None:
    """Parse ``ipv4:127.0.0.1:5`` or ``ipv6:%5B::1%5D:5``."""
    host, _, port = unquote(peer).partition(":")[2].rpartition(":")
    return (_normalize(host.strip("[]")), int(port)) if port.isdecimal() else None


def _normalize(host: str) -> str:
    """Return an address without zone, and an IPv4-mapped IPv6 address as IPv4."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    return str(getattr(address, "ipv4_mapped", None) or address)


async def _wait_until_read() -> None:
    """Give the client time to read. It mostly runs on this machine, and is late when this process is late."""
    loop = asyncio.get_running_loop()
    for _ in range(_MAX_READ_TIMES):
        began = loop.time()
        await asyncio.sleep(_READ_TIME)
        if loop.time() - began < 1.2 * _READ_TIME:
            return


async def _wait_until_sent(connection: socket.socket) -> bool:
    """Wait until the send buffer is empty and stays empty; return whether that happened in time."""
    empty = 0
    for _ in range(_MAX_POLLS):
        try:
            empty = 0 if _count_unsent(connection) else empty + 1
        except OSError:
            return True  # It is closed, and its buffer discarded.
        if empty == 2:
            return True
        await asyncio.sleep(_POLL_INTERVAL)
    return False


def _count_unsent(connection: socket.socket) -> int:
    if sys.platform == "darwin":
        return connection.getsockopt(socket.SOL_SOCKET, _SO_NWRITE)
    count: int = struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4)))[0]
    return count
