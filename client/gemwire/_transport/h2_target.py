"""Where the HTTP/2 connections of a client go."""

from __future__ import annotations

from dataclasses import dataclass, field

from gemwire._transport.connection import HttpRoute
from gemwire._transport.connection_settings import ConnectionSettings
from gemwire._transport.endpoint import with_port
from gemwire.options import MAX_RESPONSE_SIZE


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
    certificate: tuple[bytes, bytes] | None = field(default=None, repr=False)
    max_response_size: int = MAX_RESPONSE_SIZE
    http: HttpRoute | None = None

    @classmethod
    def of(cls, settings: ConnectionSettings, http: HttpRoute | None = None) -> H2Target:
        """Return the target of a client; ``http``: see the attribute.

        Raises:
            ValueError: The client has interceptors, which are grpc's.
        """
        if settings.interceptors:
            raise ValueError("client_options.interceptors: those are grpc's, and this transport is not")
        return cls(
            with_port(settings.host),
            settings.user_agent or "gemwire",
            settings.plaintext,
            settings.certificate,
            settings.max_response_size,
            http,
        )

    @property
    def scheme(self) -> str:
        """Value of ``:scheme``."""
        return "http" if self.plaintext else "https"
