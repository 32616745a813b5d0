"""Which host to call, and with which client certificate.

AIP-4114 (mutual TLS) and the universe rules of Google's generated clients. The
decision is a pure function of the options, the environment and what
certificates there are; its table is in docs/authentication.md and in
tests/unit/transport/test_endpoint.py.
"""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from google.auth.exceptions import MutualTLSChannelError
from google.auth.transport import mtls

from gemwire.options import CertSource, ClientOptions

DEFAULT_UNIVERSE = "googleapis.com"
DEFAULT_HOST = "generativelanguage.googleapis.com"
DEFAULT_PORT = 443

_HOST = re.compile(r"[A-Za-z0-9._:%\[\]-]+")
_SHAPE = re.compile(r"(\[[0-9A-Fa-f:.]*:[^\[\]]*\]|[^:\[\]]+):[^:\[\]]*")


class EmptyUniverseError(ValueError):
    """The universe domain is an empty string."""

    def __init__(self) -> None:
        super().__init__("Universe Domain cannot be an empty string.")


@dataclass(frozen=True)
class Endpoint:
    """Where a client connects to.

    Attributes:
        host: As `client.api_endpoint` shows it: without a port unless one was given.
        universe_domain: The cloud universe.
        cert_source: Gives the client certificate and key; None for ordinary TLS.
        reason: Why this host, for `gemwire doctor` and the log.
    """

    host: str
    universe_domain: str
    cert_source: CertSource | None
    reason: str

    @property
    def target(self) -> str:
        """Host and port, as grpc wants it."""
        return with_port(self.host)


def with_port(host: str) -> str:
    """``host`` with port 443 unless it names one; a bare IPv6 address is put in brackets."""
    if host.startswith("["):
        return host if "]:" in host else f"{host}:{DEFAULT_PORT}"
    if host.count(":") > 1:
        return f"[{host}]:{DEFAULT_PORT}"
    return host if ":" in host else f"{host}:{DEFAULT_PORT}"


def check_host(host: str, argument: str) -> str:
    """Refuse what is no ``host`` or ``host:port``.

    Raises:
        TypeError: It is not a string.
        ValueError: It has a scheme, a path, spaces, a bad port, or is empty.
    """
    if not isinstance(host, str):
        raise TypeError(f"{argument}: expected 'host' or 'host:port', got {type(host).__name__}")
    if not host:
        raise ValueError(f"{argument}: the endpoint is empty; leave it out for the default")
    if "://" in host:
        raise ValueError(f"{argument}: {host!r} has a scheme; give the host alone: {urlsplit(host).netloc!r}")
    if "/" in host:
        raise ValueError(
            f"{argument}: {host!r} has a path; give the host alone: {host.split('/', maxsplit=1)[0]!r}"
        )
    if not _HOST.fullmatch(host):
        raise ValueError(f"{argument}: {host!r} has characters that no host name has")
    if not _SHAPE.fullmatch(with_port(host)):
        raise ValueError(f"{argument}: {host!r} is no host; an IPv6 address with a port is [address]:port")
    try:
        port = urlsplit("//" + with_port(host)).port
    except ValueError:
        port = 0
    if not port:
        raise ValueError(f"{argument}: {host!r} has a bad port; it must be a number from 1 to 65535")
    return host


def mtls_host(host: str) -> str:
    """The mutual-TLS form of a Google host: ``x.googleapis.com`` → ``x.mtls.googleapis.com``."""
    name, colon, port = host.partition(":")
    lowered = name.lower()
    if ".mtls." not in lowered:
        for suffix in (".sandbox.googleapis.com", ".googleapis.com"):
            if lowered.endswith(suffix):
                return f"{name[: -len(suffix)]}.mtls{suffix}{colon}{port}"
    return host


def mtls_mode(*, exact: bool = False) -> str:
    """GOOGLE_API_USE_MTLS_ENDPOINT: ``never``, ``auto`` or ``always``.

    Args:
        exact: Do not fold upper case, as `get_mtls_endpoint_and_cert_source` does not.

    Raises:
        MutualTLSChannelError: The variable has another value.
    """
    mode = os.environ.get("GOOGLE_API_USE_MTLS_ENDPOINT", "auto")
    mode = mode if exact else mode.lower()
    if mode not in ("never", "auto", "always"):
        raise MutualTLSChannelError(
            "Environment variable `GOOGLE_API_USE_MTLS_ENDPOINT` must be `never`, `auto` or `always`"
        )
    return mode


def client_cert_source(provided: CertSource | None) -> CertSource | None:
    """The certificate to present: the one provided, the machine's default, or none.

    GOOGLE_API_USE_CLIENT_CERTIFICATE decides whether there is one at all; unset, the presence of
    a workload certificate configuration does (google-auth reads both).
    """
    if not _use_client_cert():
        return None
    if provided:
        return provided
    if mtls.has_default_client_cert_source():
        source: Any = mtls.default_client_cert_source()
        return cast("CertSource", source)
    return None


def _use_client_cert() -> bool:
    if hasattr(mtls, "should_use_client_cert"):
        return bool(mtls.should_use_client_cert())
    return os.environ.get("GOOGLE_API_USE_CLIENT_CERTIFICATE", "").lower() == "true"


def universe_domain(option: str | None) -> str:
    """Option, then GOOGLE_CLOUD_UNIVERSE_DOMAIN, then ``googleapis.com``.

    Raises:
        EmptyUniverseError: The first of them that is set is empty.
        TypeError: The option is not a string.
    """
    if not isinstance(option, (str, type(None))):
        raise TypeError(f"client_options.universe_domain: expected a string, got {type(option).__name__}")
    for candidate in (option, os.environ.get("GOOGLE_CLOUD_UNIVERSE_DOMAIN")):
        if candidate is not None:
            if not candidate.strip():
                raise EmptyUniverseError
            return candidate.strip()
    return DEFAULT_UNIVERSE


def resolve(default_host: str, options: ClientOptions) -> Endpoint:
    """Decide on host and certificate.

    Args:
        default_host: Where the service is, as its proto says.
        options: The client's options.

    Raises:
        MutualTLSChannelError: The environment is wrong, or mutual TLS is wanted outside googleapis.com.
        ValueError: `api_endpoint` is no host, or the universe is empty.
    """
    mode = mtls_mode()
    source = client_cert_source(options.client_cert_source)
    universe = universe_domain(options.universe_domain)
    if options.api_endpoint is not None:
        check_host(options.api_endpoint, "client_options.api_endpoint")
        return Endpoint(options.api_endpoint, universe, source, "api_endpoint was given")
    if mode == "always" or (mode == "auto" and source is not None):
        if universe.lower() != DEFAULT_UNIVERSE:
            raise MutualTLSChannelError(
                f"mTLS is not supported in any universe other than {DEFAULT_UNIVERSE}."
            )
        why = (
            "GOOGLE_API_USE_MTLS_ENDPOINT is always" if mode == "always" else "there is a client certificate"
        )
        return Endpoint(mtls_host(default_host), universe, source, why)
    host = default_host.removesuffix(DEFAULT_UNIVERSE) + universe
    return Endpoint(host, universe, source, "the default")


_EMULATOR = "GEMINI_EMULATOR_HOST"
_HTTP_EMULATOR = "GEMINI_EMULATOR_HTTP_HOST"


def emulator() -> str | None:
    """GEMINI_EMULATOR_HOST: where every gRPC client of this process goes instead, in plaintext.

    Raises:
        ValueError: It is no host:port, or not on this machine without GEMINI_EMULATOR_ALLOW_REMOTE=true.
    """
    return _emulator(_EMULATOR)


def http_emulator() -> str | None:
    """GEMINI_EMULATOR_HTTP_HOST: the same for REST clients.

    Raises:
        ValueError: As `emulator`; or only the gRPC clients are sent to an emulator.
    """
    host = _emulator(_HTTP_EMULATOR)
    if host is None and os.environ.get(_EMULATOR):
        raise ValueError(
            f"{_EMULATOR} is set, and a REST client does not speak gRPC: set {_HTTP_EMULATOR} to the "
            "emulator's HTTP address as well, or unset both to call the service"
        )
    return host


def emulated() -> bool:
    """Whether some clients are sent to an emulator."""
    return bool(os.environ.get(_EMULATOR) or os.environ.get(_HTTP_EMULATOR))


def either_emulator() -> tuple[str, str | None] | None:
    """Both, for clients that may go from gRPC to REST; the second is None where there is none to go to.

    Raises:
        ValueError: As `emulator`; or only the REST clients are sent to an emulator.
    """
    host, http_host = _emulator(_EMULATOR), _emulator(_HTTP_EMULATOR)
    if host is None and http_host is not None:
        raise ValueError(
            f"{_HTTP_EMULATOR} is set, and this client calls over gRPC first: set {_EMULATOR} to the "
            "emulator's gRPC address as well"
        )
    return None if host is None else (host, http_host)


def _emulator(variable: str) -> str | None:
    host = os.environ.get(variable)
    if not host:
        return None
    name = f"environment variable {variable}"
    check_host(host, name)
    remote = os.environ.get("GEMINI_EMULATOR_ALLOW_REMOTE", "").lower() == "true"
    if not (is_loopback(host) or remote):
        raise ValueError(
            f"{name}: {host!r} is another machine, and calls to an emulator are not encrypted; "
            "set GEMINI_EMULATOR_ALLOW_REMOTE=true to send them there all the same"
        )
    return host


def is_loopback(host: str) -> bool:
    """Whether a host, or host:port, is this machine by its name."""
    name = (urlsplit("//" + with_port(host)).hostname or "").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
