"""The target of HTTP requests: its address, trusted certificates and proxy."""

from __future__ import annotations

import functools
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from gemwire._transport.connection_probe import ConnectionProbe, Route
from gemwire._transport.connection_settings import ConnectionSettings
from gemwire._transport.endpoint import DEFAULT_PORT, EMULATOR, HTTP_EMULATOR, is_loopback, with_brackets
from gemwire._transport.proxies import Proxy, find_http_proxy
from gemwire._transport.rest.given_clients import NO_CLIENTS, GivenClients
from gemwire._transport.tls_context import HTTP_ROOTS, create_http_context
from gemwire.options import MAX_RESPONSE_SIZE


@dataclass(frozen=True)
class HttpTarget:
    """The address and security of an HTTP server.

    Attributes:
        scheme: ``https`` or ``http``.
        address: host or host:port.
        certificate: Client certificate and key, PEM, for mutual TLS.
        max_response_size: Bytes that a response, or an event of a stream, may have.
        path: Path before that of each call.
        clients: HTTP clients of the program's own.
    """

    scheme: str
    address: str
    certificate: tuple[bytes, bytes] | None = None
    max_response_size: int = MAX_RESPONSE_SIZE
    path: str = ""
    clients: GivenClients = NO_CLIENTS

    def __repr__(self) -> str:
        return f"<HttpTarget {self.origin}{' mTLS' if self.certificate else ''}>"

    @classmethod
    def of(cls, settings: ConnectionSettings) -> HttpTarget:
        """Return the target of a client's calls over HTTP.

        Raises:
            ValueError: There is no HTTP address, or credentials would be sent to another machine unencrypted.
        """
        host = settings.http_host
        if host is None:
            raise ValueError(
                f"{EMULATOR} is set, but calls over HTTP do not go there: set {HTTP_EMULATOR} to the "
                "emulator's HTTP address as well, or unset both to call the service"
            )
        exposed = settings.plaintext and settings.authorization.is_secret and not is_loopback(host)
        if exposed and not settings.allows_plaintext:
            raise ValueError(
                f"url_scheme: over http, {host!r} would be sent the credentials unencrypted; use https"
            )
        return cls(
            "http" if settings.plaintext else "https",
            with_brackets(host),
            settings.certificate,
            settings.max_response_size,
            settings.http_path,
            settings.http_clients,
        )

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"{self.scheme}://{self.address}"

    @property
    def base(self) -> str:
        """What comes before the path of a call."""
        return self.origin + self.path

    def tls(self) -> ssl.SSLContext | None:
        """Return the TLS context; None without TLS. Raises as `create_http_context`."""
        return create_http_context(self.certificate) if self.scheme == "https" else None

    @functools.cached_property
    def probe(self) -> ConnectionProbe | None:
        """The probe that finds out why connections to it fail.

        None where the program's own HTTP client connects: it may go another way, such as its own proxy.
        """
        return None if self.clients != NO_CLIENTS else ConnectionProbe(self.find_route)

    def find_route(self) -> Route:
        """Return the way to it, as a probe goes it. Raises ValueError for an unsupported proxy."""
        address = urlsplit(self.origin)
        is_secure = self.scheme == "https"
        return Route(
            address.hostname or "",
            address.port or (DEFAULT_PORT if is_secure else 80),
            functools.partial(create_http_context, self.certificate) if is_secure else None,
            proxy=self.proxy(),
            trust_hint=f"set SSL_CERT_FILE or {HTTP_ROOTS} to a file with its authority.",
        )

    def proxy(self) -> Proxy | None:
        """Return the proxy in between; see `find_http_proxy`."""
        return find_http_proxy(self.scheme, self.address)
