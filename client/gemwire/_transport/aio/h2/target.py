"""Where the calls of a client go."""

from __future__ import annotations

from dataclasses import dataclass

from gemwire._transport.connection import HttpRoute


@dataclass(frozen=True)
class H2Target:
    """Address and security of a server.

    Attributes:
        address: host:port.
        user_agent: Value of ``user-agent``.
        plaintext: Whether to use no TLS, as an emulator does.
        certificate: Client certificate and key, PEM, for mutual TLS.
        max_response_size: Bytes that a response may have.
        http: The HTTP route of what gRPC cannot carry; None to refuse it.
    """

    address: str
    user_agent: str
    plaintext: bool = False
    certificate: tuple[bytes, bytes] | None = None
    max_response_size: int | None = None
    http: HttpRoute | None = None

    @property
    def scheme(self) -> str:
        """Value of ``:scheme``."""
        return "http" if self.plaintext else "https"
