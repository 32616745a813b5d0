"""The TCP connections behind gRPC calls: to break one, or to ask a client to leave it.

grpc has no words for either, so both are done to the process's own sockets,
which are found by the peer of a call. GOAWAY is a frame of seventeen bytes
that C-core need not know of: to the server it is as if the client went on to
a new connection by itself. A client that was told so starts no more streams
on the old one, finishes those that it has there, and closes it.

Stopping the server for a successor on the same port would send GOAWAY too,
but calls that cross it on the wire are cancelled then.
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

#: Length 8, type 7, no flags, stream 0; the last stream that is served: any; NO_ERROR.
_GOAWAY = struct.pack(">HBBBIII", 0, 8, 7, 0, 0, 2**31 - 1, 0)
#: SO_NWRITE of macOS: bytes in the send buffer. Python does not name it.
_SO_NWRITE = 0x1024
#: Seconds between two looks at a send buffer, and how many are taken.
_LOOK = 0.002
_LOOKS = 4000
#: Seconds that a client has to take what came before its connection breaks: what a program has not yet
#: read of a stream is lost with the connection. On a busy machine again, but not for ever.
_READING = 0.05
_READINGS = 20


class Connections:
    """Those that came to one server.

    Attributes:
        port: The server's; set when it listens.
    """

    def __init__(self) -> None:
        """None yet."""
        self.port = 0
        # Peers that have made a call: before that, a connection may not be ready for GOAWAY.
        self._peers: set[str] = set()

    def used(self, peer: str) -> None:
        """A call came over a connection."""
        if peer not in self._peers:
            if len(self._peers) > 1000:
                self._forget_closed()
            self._peers.add(peer)

    async def sever(self, peer: str, *, flush: bool) -> bool:
        """Break a connection, and with it all calls on it.

        Args:
            peer: Of a call on it, as gRPC writes it.
            flush: Let the client read what was sent before.

        Returns:
            Whether it was found.
        """
        found = self._find(peer)
        if found is None:
            return False
        with found:
            if flush:
                await _quiet(found)
                await _read_by_now()
            with suppress(OSError):  # The client was faster.
                found.shutdown(socket.SHUT_RDWR)
        return True

    async def go_away(self, peer: str) -> None:
        """Ask the client of a connection to make its next calls over another one."""
        found = self._find(peer)
        if found is None:
            return
        with found:
            # A frame between two others, never inside one: C-core has nothing half written when the buffer is
            # empty and stays so.
            if not await _quiet(found):
                _logger.warning("GOAWAY was not sent to %s, which does not read what was sent before", peer)
                return
            with suppress(OSError):  # It is gone already.
                found.send(_GOAWAY)

    async def go_away_all(self) -> None:
        """The same for every connection that has made a call."""
        self._forget_closed()
        await asyncio.gather(*(self.go_away(peer) for peer in self._peers))

    def _forget_closed(self) -> None:
        ends = set()
        for found in self._sockets():
            with found:
                ends.add(_end(found))
        self._peers = {peer for peer in self._peers if _end_of(peer) in ends}

    def _find(self, peer: str) -> socket.socket | None:
        wanted, chosen = _end_of(peer), None
        for found in self._sockets():
            if chosen is None and _end(found) == wanted:
                chosen = found
            else:
                found.close()
        return chosen

    def _sockets(self) -> Iterator[socket.socket]:
        """This process's sockets that were accepted on the port, as duplicates for the caller to close."""
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
            if _local_port(found) == self.port and _end(found) is not None:
                yield found
            else:
                found.close()


def _local_port(found: socket.socket) -> int:
    try:
        address = found.getsockname()
    except OSError:
        return 0
    return int(address[1]) if found.family in (socket.AF_INET, socket.AF_INET6) else 0


def _end(found: socket.socket) -> tuple[str, int] | None:
    """Address and port of the other end; None where there is none."""
    try:
        host, port = found.getpeername()[:2]
    except OSError:
        return None
    return _plain(host), int(port)


def _end_of(peer: str) -> tuple[str, int] | None:
    """The same of ``ipv4:127.0.0.1:5`` or ``ipv6:%5B::1%5D:5``."""
    host, _, port = unquote(peer).partition(":")[2].rpartition(":")
    return (_plain(host.strip("[]")), int(port)) if port.isdecimal() else None


def _plain(host: str) -> str:
    """An address without zone; one of IPv4 on a socket of IPv6 as what it is."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    return str(getattr(address, "ipv4_mapped", None) or address)


async def _read_by_now() -> None:
    """Give a client its time. Its machine is mostly this one: where this side wakes up late, so does it."""
    loop = asyncio.get_running_loop()
    for _ in range(_READINGS):
        began = loop.time()
        await asyncio.sleep(_READING)
        if loop.time() - began < 1.2 * _READING:
            return


async def _quiet(connection: socket.socket) -> bool:
    """Wait until everything sent has reached the other machine, and nothing more waits to be sent."""
    empty = 0
    for _ in range(_LOOKS):
        try:
            empty = 0 if _unsent(connection) else empty + 1
        except OSError:
            return True  # It is gone, and with it what was unsent.
        if empty == 2:
            return True
        await asyncio.sleep(_LOOK)
    return False


def _unsent(connection: socket.socket) -> int:
    if sys.platform == "darwin":
        return connection.getsockopt(socket.SOL_SOCKET, _SO_NWRITE)
    count: int = struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4)))[0]
    return count
