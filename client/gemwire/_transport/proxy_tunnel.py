"""Tunnels of HTTP proxies: CONNECT (RFC 9110, section 9.3.6), without I/O."""

from __future__ import annotations

from gemwire._transport.proxies import Proxy

#: Bytes that the head of a proxy's answer may have.
_MAX_HEAD = 1 << 14


class ProxyTunnel:
    """The request for a connection to a server, and the proxy's answer.

    Attributes:
        request: What to send first.
    """

    def __init__(self, target: str, proxy: Proxy) -> None:
        """``target``: host and port of the server."""
        fields = {"Host": target, **proxy.headers}
        lines = [f"CONNECT {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
        self.request = "\r\n".join((*lines, "", "")).encode("latin-1", "replace")
        self._head = b""

    def receive(self, byte: bytes) -> bool:
        """Take one byte of the answer, as what follows its head belongs to the server.

        Returns:
            Whether the tunnel is open.

        Raises:
            ConnectionError: The proxy refused, or closed the connection.
        """
        self._head += byte
        if not byte or len(self._head) > _MAX_HEAD:
            raise ConnectionError("the proxy closed the connection")
        if not self._head.endswith(b"\r\n\r\n"):
            return False
        status = self._head.partition(b"\r\n")[0].decode("latin-1").split(" ", 2)
        if status[1:2] != ["200"]:
            raise ConnectionError(f"the proxy answered HTTP {' '.join(status[1:])}")
        return True
