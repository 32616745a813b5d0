"""CONNECT: the request, and the answers of proxies."""

from __future__ import annotations

import pytest

from gemwire._transport.proxies import Proxy
from gemwire._transport.proxy_tunnel import ProxyTunnel


def _tunnel(login: str = "") -> ProxyTunnel:
    return ProxyTunnel("host.example:443", Proxy.of(f"http://{login}proxy.example:3128", "https"))


def _receive(tunnel: ProxyTunnel, answer: bytes) -> list[bool]:
    return [tunnel.receive(bytes((byte,))) for byte in answer]


def test_the_request() -> None:
    assert _tunnel().request == b"CONNECT host.example:443 HTTP/1.1\r\nHost: host.example:443\r\n\r\n"


def test_the_password_is_sent() -> None:
    assert b"\r\nproxy-authorization: Basic dXNlcjpwYXNz\r\n" in _tunnel("user:pass@").request


def test_it_is_open_when_the_head_has_ended() -> None:
    seen = _receive(_tunnel(), b"HTTP/1.1 200 Connection established\r\nVia: a\r\n\r\n")
    assert seen[-1]
    assert not any(seen[:-1])


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "the proxy answered HTTP 407 Proxy Auth"),
        (b"HTTP/1.1 403 Forbidden\r\nA: b\r\n\r\n", "the proxy answered HTTP 403 Forbidden"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "the proxy answered HTTP"),
        (b"x" * 20_000, "the proxy closed the connection"),
    ],
)
def test_what_is_no_tunnel(answer: bytes, told: str) -> None:
    with pytest.raises(ConnectionError, match=told):
        _receive(_tunnel(), answer)


def test_the_end_of_the_connection() -> None:
    with pytest.raises(ConnectionError, match="the proxy closed the connection"):
        _tunnel().receive(b"")
