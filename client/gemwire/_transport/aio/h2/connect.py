"""Opening of connections on asyncio: addresses, proxy, TLS, and the server's settings."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

from gemwire._transport.aio.h2.protocol import H2Protocol
from gemwire._transport.h2_target import H2Target
from gemwire._transport.happy_eyeballs import NEXT_ADDRESS_DELAY, Address, order_addresses
from gemwire._transport.proxies import Proxy
from gemwire._transport.proxy_tunnel import ProxyTunnel
from gemwire._transport.tls_faults import NO_HTTP2


async def open_connection(target: H2Target, on_change: Callable[[H2Protocol], None]) -> H2Protocol:
    """Connect to a server, and wait for its settings.

    Args:
        target: The server.
        on_change: See `H2Protocol`.

    Raises:
        OSError: No connection can be made.
        ValueError: The environment names a proxy that cannot be used.
    """
    loop = asyncio.get_running_loop()
    proxy = target.find_proxy()
    via = urlsplit(proxy.url if proxy else f"//{target.address}")
    found = await loop.getaddrinfo(via.hostname, via.port or 80, type=socket.SOCK_STREAM)
    raw = await _connect(order_addresses(found))
    try:
        if proxy:
            await _open_tunnel(raw, target.address, proxy)
        secure = not target.plaintext
        transport, protocol = await loop.create_connection(
            lambda: H2Protocol(on_change),
            sock=raw,
            ssl=target.tls_context if secure else None,
            server_hostname=target.host if secure else None,
        )
    except BaseException:
        raw.close()
        raise
    try:
        _check_protocol(transport.get_extra_info("ssl_object"))
        await protocol.ready
    except BaseException:
        protocol.close()
        raise
    return protocol


def _check_protocol(session: ssl.SSLObject | None) -> None:
    if session is not None and session.selected_alpn_protocol() != "h2":
        raise ConnectionError(NO_HTTP2[0])


async def _connect(addresses: list[Address]) -> socket.socket:
    """Connect to the first address that accepts, starting one attempt after another (RFC 8305)."""
    attempts: set[asyncio.Task[socket.socket]] = set()
    last: BaseException = OSError("the host has no address")
    try:
        while addresses or attempts:
            if addresses:
                attempts.add(asyncio.ensure_future(_connect_to(addresses.pop(0))))
            delay = NEXT_ADDRESS_DELAY if addresses else None
            ended, attempts = await asyncio.wait(attempts, timeout=delay, return_when=asyncio.FIRST_COMPLETED)
            for attempt in ended:
                error = attempt.exception()
                if error is None:
                    return attempt.result()
                last = error
    finally:
        for attempt in attempts:
            attempt.cancel()
            attempt.add_done_callback(_close_late)
    raise last


async def _connect_to(address: Address) -> socket.socket:
    raw = socket.socket(address[0], socket.SOCK_STREAM)
    try:
        raw.setblocking(False)
        await asyncio.get_running_loop().sock_connect(raw, address[1])
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        raw.close()
        raise
    return raw


def _close_late(attempt: asyncio.Task[socket.socket]) -> None:
    """Close a socket that was connected when another one had been."""
    with suppress(asyncio.CancelledError, OSError):
        attempt.result().close()


async def _open_tunnel(raw: socket.socket, target: str, proxy: Proxy) -> None:
    """Ask a proxy for a connection to the server."""
    loop = asyncio.get_running_loop()
    tunnel = ProxyTunnel(target, proxy)
    await loop.sock_sendall(raw, tunnel.request)
    while not tunnel.receive(await loop.sock_recv(raw, 1)):
        pass
