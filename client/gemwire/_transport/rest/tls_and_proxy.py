"""The target of HTTP requests: its address, trusted certificates and proxy."""

from __future__ import annotations

import os
import ssl
import tempfile
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit
from urllib.request import getproxies, proxy_bypass

from google.auth.exceptions import MutualTLSChannelError

from gemwire._secret import Secret, hide_key, show_address
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

    def proxy(self) -> Proxy | None:
        """Return the proxy of HTTPS_PROXY, HTTP_PROXY or ALL_PROXY, unless NO_PROXY excludes the host.

        A plaintext server on this machine is called without a proxy.

        Raises:
            ValueError: Its address is invalid, or the kind of proxy is not supported.
        """
        host = urlsplit(self.origin).hostname or ""
        if self.scheme == "http" and is_loopback(self.address):
            return None
        proxy = hide_key(getproxies().get(self.scheme) or getproxies().get("all"))
        if not proxy or proxy_bypass(host):
            return None
        return Proxy.of(proxy if "://" in proxy else Secret(f"http://{proxy}"), self.scheme)


@dataclass(frozen=True)
class Proxy:
    """An HTTP proxy.

    Attributes:
        url: Its address, without user and password.
        headers: Header fields that are for the proxy: the user and password.
    """

    url: str
    headers: Mapping[str, str]

    @classmethod
    def of(cls, address: str, scheme: str) -> Proxy:
        """Return the proxy at an address that may hold a user and a password.

        Args:
            address: URL of the proxy, a `Secret`.
            scheme: Scheme of the requests it is for, for errors.

        Raises:
            ValueError: It is not the address of an HTTP proxy.
        """
        url = show_address(address)
        kind = url.partition("://")[0].lower()
        if kind not in ("http", "https"):
            raise ValueError(
                f"environment: the proxy for {scheme} is of kind {kind!r}; only HTTP proxies are supported"
            )
        try:
            is_valid = bool(urlsplit(url).hostname) and urlsplit(url).port != 0
        except ValueError:
            is_valid = False
        if not is_valid:
            raise ValueError(f"environment: the proxy for {scheme} has no valid address: {url!r}")
        login = Secret(address.partition("://")[2].rpartition("@")[0])
        value = Secret(f"Basic {b64encode(unquote_to_bytes(login)).decode()}")
        return cls(url, {"proxy-authorization": value} if login else {})


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
