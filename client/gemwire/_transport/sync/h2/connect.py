"""Opening of connections for threads: addresses, proxy, TLS, and the server's settings."""

from __future__ import annotations

import errno
import os
import selectors
import socket
import ssl
import time
from collections.abc import Iterable
from urllib.parse import urlsplit

from gemwire._transport.call_error import CallError
from gemwire._transport.h2_target import H2Target
from gemwire._transport.happy_eyeballs import NEXT_ADDRESS_DELAY, Address, order_addresses
from gemwire._transport.proxies import Proxy
from gemwire._transport.proxy_tunnel import ProxyTunnel
from gemwire._transport.reconnect_backoff import CONNECT_TIMEOUT
from gemwire._transport.sync.h2.connection import H2Connection
from gemwire._transport.sync.h2.tls import TlsSession
from gemwire._transport.tls_faults import NO_HTTP2
from gemwire_runtime.status_code import StatusCode

_CONNECTING = (0, errno.EINPROGRESS, errno.EWOULDBLOCK)
_READ_SIZE = 16 << 10


def open_connection(target: H2Target, expiry: float | None) -> H2Connection:
    """Connect to a server, and wait for its settings.

    Args:
        target: The server.
        expiry: Deadline of the call that needs the connection (``time.monotonic()``); None for none.

    Raises:
        CallError: The deadline of the call is over.
        OSError: No connection can be made.
        ValueError: The environment names a proxy that cannot be used.
    """
    end = time.monotonic() + CONNECT_TIMEOUT
    limit = end if expiry is None else min(expiry, end)
    try:
        return _open(target, limit)
    except TimeoutError:
        if limit == end:
            raise TimeoutError(f"no connection within {CONNECT_TIMEOUT:g} s") from None
        text = "Deadline Exceeded while waiting for a connection"
        raise CallError(StatusCode.DEADLINE_EXCEEDED, text) from None


def _open(target: H2Target, limit: float) -> H2Connection:
    proxy = target.find_proxy()
    via = urlsplit(proxy.url if proxy else f"//{target.address}")
    raw = _connect(socket.getaddrinfo(via.hostname, via.port or 80, type=socket.SOCK_STREAM), limit)
    try:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if proxy:
            _open_tunnel(raw, target.address, proxy, limit)
        tls = None if target.plaintext else _shake_hands(raw, target, limit)
    except BaseException:
        raw.close()
        raise
    connection = H2Connection(raw, tls)
    is_in_time = connection.wait_until_ready(limit)
    if failure := connection.core.failure:
        raise ConnectionError(failure)
    if not is_in_time:
        connection.close()
        raise TimeoutError
    return connection


def _left(limit: float) -> float:
    """Return the seconds that are left, or raise TimeoutError."""
    left = limit - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _connect(found: Iterable[tuple[object, ...]], limit: float) -> socket.socket:
    """Connect to the first address that accepts, starting one attempt after another (RFC 8305)."""
    addresses = order_addresses(found)
    last = OSError("the host has no address")
    with selectors.DefaultSelector() as selector:
        try:
            while addresses or selector.get_map():
                if addresses:
                    try:
                        selector.register(_start_connecting(addresses.pop(0)), selectors.EVENT_WRITE)
                    except OSError as error:
                        last = error
                        continue
                seconds = _left(limit)
                for key, _ in selector.select(min(seconds, NEXT_ADDRESS_DELAY) if addresses else seconds):
                    raw = key.fileobj
                    assert isinstance(raw, socket.socket)  # noqa: S101 - registered above
                    selector.unregister(raw)
                    code = raw.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    if not code:
                        return raw
                    raw.close()
                    last = OSError(code, os.strerror(code))
        finally:
            for key in selector.get_map().values():
                if isinstance(key.fileobj, socket.socket):
                    key.fileobj.close()
    raise last


def _start_connecting(address: Address) -> socket.socket:
    raw = socket.socket(address[0], socket.SOCK_STREAM)
    raw.setblocking(False)
    code = raw.connect_ex(address[1])
    if code not in _CONNECTING:
        raw.close()
        raise OSError(code, os.strerror(code))
    return raw


def _open_tunnel(raw: socket.socket, target: str, proxy: Proxy, limit: float) -> None:
    """Ask a proxy for a connection to the server."""
    tunnel = ProxyTunnel(target, proxy)
    raw.settimeout(_left(limit))
    raw.sendall(tunnel.request)
    while not tunnel.receive(raw.recv(1)):
        raw.settimeout(_left(limit))


def _shake_hands(raw: socket.socket, target: H2Target, limit: float) -> TlsSession:
    """Make the TLS handshake, which has to agree on HTTP/2."""
    tls = TlsSession(target.tls_context, target.host)
    received, is_done = b"", False
    while not is_done:
        try:
            outgoing, is_done = tls.shake_hands(received)
        except ssl.SSLError:
            # The server learns why.
            raw.sendall(tls.encrypt(b""))
            raise
        raw.settimeout(_left(limit))
        raw.sendall(outgoing)
        if not is_done and not (received := raw.recv(_READ_SIZE)):
            raise ConnectionError("the server closed the connection during the TLS handshake")
    if tls.protocol != "h2":
        raise ConnectionError(NO_HTTP2[0])
    return tls
