"""The target of HTTP requests: its address, trusted certificates and proxy."""

from __future__ import annotations

import os
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from google.auth.exceptions import MutualTLSChannelError

from gemwire._transport.connection_settings import ConnectionSettings
from gemwire._transport.endpoint import EMULATOR, HTTP_EMULATOR, is_loopback, with_brackets
from gemwire.options import MAX_RESPONSE_SIZE


@dataclass(frozen=True)
class HttpTarget:
    """The address and security of an HTTP server.

    Attributes:
        scheme: ``https`` or ``http``.
        address: host or host:port.
        certificate: Client certificate and key, PEM, for mutual TLS.
        max_response_size: Bytes that a response, or an event of a stream, may have.
    """

    scheme: str
    address: str
    certificate: tuple[bytes, bytes] | None = None
    max_response_size: int = MAX_RESPONSE_SIZE

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
        if settings.plaintext and settings.authorization.is_secret and not is_loopback(host):
            raise ValueError(
                f"url_scheme: over http, {host!r} would be sent the credentials unencrypted; use https"
            )
        return cls(
            "http" if settings.plaintext else "https",
            with_brackets(host),
            settings.certificate,
            settings.max_response_size,
        )

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"{self.scheme}://{self.address}"

    def tls(self) -> ssl.SSLContext | None:
        """Return the TLS context, with the client certificate if there is one; None without TLS.

        Trusted authorities are those in REQUESTS_CA_BUNDLE, else in SSL_CERT_FILE and SSL_CERT_DIR, else
        those of the system, else, if it has none, certifi's.

        Raises:
            OSError: A variable names a file that does not exist.
            google.auth.exceptions.MutualTLSChannelError: The client certificate cannot be used.
        """
        if self.scheme != "https":
            return None
        context = _create_context(os.environ.get("REQUESTS_CA_BUNDLE"))
        if self.certificate:
            _load_certificate(context, *self.certificate)
        return context

    def proxy(self) -> str | None:
        """Return the proxy of HTTPS_PROXY, HTTP_PROXY or ALL_PROXY, unless NO_PROXY excludes the host.

        A plaintext server on this machine is called without a proxy.

        Raises:
            ValueError: The kind of proxy is not supported.
        """
        host = urlsplit(self.origin).hostname or ""
        if self.scheme == "http" and is_loopback(self.address):
            return None
        proxies = getproxies()
        proxy = proxies.get(self.scheme) or proxies.get("all")
        if not proxy or proxy_bypass(host):
            return None
        proxy = proxy if "://" in proxy else f"http://{proxy}"
        scheme = urlsplit(proxy).scheme
        if scheme not in ("http", "https"):
            raise ValueError(
                f"environment: the proxy for {self.scheme} is of kind {scheme!r}; "
                "only HTTP proxies are supported"
            )
        return proxy


def _create_context(bundle: str | None) -> ssl.SSLContext:
    if bundle:
        if Path(bundle).is_dir():
            return ssl.create_default_context(capath=bundle)
        try:
            return ssl.create_default_context(cafile=bundle)
        except FileNotFoundError:
            raise FileNotFoundError(f"REQUESTS_CA_BUNDLE: there is no file {bundle}") from None
    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    if paths.cafile is None and paths.capath is None and not context.cert_store_stats()["x509_ca"]:
        import certifi

        context.load_verify_locations(certifi.where())
    return context


def _load_certificate(context: ssl.SSLContext, chain: bytes, key: bytes) -> None:
    # ssl reads certificates from files only; this one is readable by its owner only, and deleted at once.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "client.pem")
        path.touch(mode=0o600)
        path.write_bytes(chain + b"\n" + key)
        try:
            context.load_cert_chain(path)
        except ssl.SSLError as error:
            raise MutualTLSChannelError(
                f"client_cert_source gave no usable certificate and key: {error}"
            ) from None
