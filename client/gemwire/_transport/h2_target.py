"""Where the HTTP/2 connections of a client go."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from functools import cached_property, partial
from urllib.parse import urlsplit

from gemwire._transport.connection import HttpRoute
from gemwire._transport.connection_probe import ConnectionProbe, Route
from gemwire._transport.connection_settings import ConnectionSettings
from gemwire._transport.endpoint import DEFAULT_PORT, with_port
from gemwire._transport.proxies import Proxy, find_h2_proxy
from gemwire._transport.tls_context import GRPC_ROOTS, create_h2_context
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

    @property
    def host(self) -> str:
        """Name or address of the server, without the port."""
        return urlsplit(f"//{self.address}").hostname or ""

    @cached_property
    def tls_context(self) -> ssl.SSLContext:
        """The context of its connections. Raises as `create_h2_context`."""
        return create_h2_context(self.certificate)

    def find_proxy(self) -> Proxy | None:
        """Return the proxy that the environment names. Raises as `find_h2_proxy`."""
        return find_h2_proxy(self.address, self.plaintext)

    @cached_property
    def probe(self) -> ConnectionProbe:
        """The probe that finds out why connections to it fail."""
        return ConnectionProbe(self.find_route)

    def find_route(self) -> Route:
        """Return the way to it, for a probe."""
        return Route(
            self.host,
            urlsplit(f"//{self.address}").port or DEFAULT_PORT,
            None if self.plaintext else partial(create_h2_context, self.certificate),
            self.find_proxy(),
            is_http2=True,
            trust_hint=f"set {GRPC_ROOTS} to a file with its authority.",
        )
