"""The endpoint of a client: its host and client certificate.

Follows AIP-4114 (mutual TLS) and the universe rules of Google's generated clients. The
decision is a pure function of the options, the environment and the certificates of the
machine; its table is in docs/authentication.md and in tests/unit/transport/test_endpoint.py.
"""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass
from typing import NamedTuple, cast
from urllib.parse import urlsplit

from gemwire._secret import hide_address, show_address
from gemwire.options import CertSource, ClientOptions
from gemwire_runtime.method import Service

DEFAULT_UNIVERSE = "googleapis.com"
DEFAULT_PORT = 443

_LOCATION = re.compile(r"[a-z]+(-[a-z0-9]+)*")
#: Locations of several regions, whose hosts keep data within them.
_MULTI_REGIONS = frozenset({"us", "eu"})
_HOST = re.compile(r"[A-Za-z0-9._:%\[\]-]+")
_SHAPE = re.compile(r"(\[[0-9A-Fa-f:.]*:[^\[\]]*\]|[^:\[\]]+):[^:\[\]]*")


class EmptyUniverseError(ValueError):
    """The universe domain is an empty string."""

    def __init__(self) -> None:
        super().__init__("Universe Domain cannot be an empty string.")


@dataclass(frozen=True)
class Endpoint:
    """The host that a client connects to.

    Attributes:
        host: As `client.api_endpoint` shows it: without a port unless one was given.
        universe_domain: The cloud universe.
        cert_source: Returns the client certificate and key; None for ordinary TLS.
        reason: Why this host, for `gemwire doctor`.
    """

    host: str
    universe_domain: str
    cert_source: CertSource | None
    reason: str

    @property
    def target(self) -> str:
        """Host and port, in gRPC's form."""
        return with_port(self.host)


def with_port(host: str) -> str:
    """Return ``host`` with port 443 unless it names one; a bare IPv6 address is put in brackets."""
    if host.startswith("["):
        return host if "]:" in host else f"{host}:{DEFAULT_PORT}"
    if host.count(":") > 1:
        return f"[{host}]:{DEFAULT_PORT}"
    return host if ":" in host else f"{host}:{DEFAULT_PORT}"


def with_brackets(host: str) -> str:
    """Return ``host`` in the form of URLs: a bare IPv6 address is put in brackets."""
    return f"[{host}]" if host.count(":") > 1 and not host.startswith("[") else host


def check_host(host: str, argument: str) -> str:
    """Return ``host`` if it is a valid ``host`` or ``host:port``."""
    if not isinstance(host, str):
        raise TypeError(f"{argument}: expected 'host' or 'host:port', got {type(host).__name__}")
    if not host:
        raise ValueError(f"{argument}: the endpoint is empty; leave it out for the default")
    shown = show_address(host)
    if "://" in host:
        name = shown.rpartition("://")[2]
        raise ValueError(f"{argument}: {shown!r} has a scheme; give the host alone: {name!r}")
    if "/" in host:
        raise ValueError(f"{argument}: it has a path; give the host alone: {shown!r}")
    if shown != host:
        raise ValueError(
            f"{argument}: besides the host {shown!r}, it has characters that no host name may have"
        )
    if not _HOST.fullmatch(host):
        raise ValueError(f"{argument}: {host!r} has characters that no host name may have")
    if not _SHAPE.fullmatch(with_port(host)):
        raise ValueError(f"{argument}: {host!r} is not a host; an IPv6 address with a port is [address]:port")
    try:
        port = urlsplit("//" + with_port(host)).port
    except ValueError:
        port = 0
    if not port:
        raise ValueError(f"{argument}: {host!r} has a bad port; it must be a number from 1 to 65535")
    return host


def mtls_host(host: str) -> str:
    """Return the mutual-TLS form of a Google host: ``x.googleapis.com`` → ``x.mtls.googleapis.com``."""
    name, colon, port = host.partition(":")
    lowered = name.lower()
    if ".mtls." not in lowered:
        for suffix in (".sandbox.googleapis.com", ".googleapis.com"):
            if lowered.endswith(suffix):
                return f"{name[: -len(suffix)]}.mtls{suffix}{colon}{port}"
    return host


def mtls_mode(*, exact: bool = False) -> str:
    """Return GOOGLE_API_USE_MTLS_ENDPOINT: ``never``, ``auto`` or ``always``.

    Args:
        exact: Whether to compare case-sensitively, as `get_mtls_endpoint_and_cert_source` does.

    Raises:
        MutualTLSChannelError: The variable has another value.
    """
    mode = os.environ.get("GOOGLE_API_USE_MTLS_ENDPOINT", "auto")
    mode = mode if exact else mode.lower()
    if mode not in ("never", "auto", "always"):
        from google.auth.exceptions import MutualTLSChannelError

        raise MutualTLSChannelError(
            "Environment variable `GOOGLE_API_USE_MTLS_ENDPOINT` must be `never`, `auto` or `always`"
        )
    return mode


def client_cert_source(provided: CertSource | None) -> CertSource | None:
    """Return the source of the client certificate: the provided one, the machine's default, or None.

    GOOGLE_API_USE_CLIENT_CERTIFICATE decides whether one is presented at all; if unset, the presence of
    a workload certificate configuration does (google-auth reads both).
    """
    if not _use_client_cert():
        return None
    if provided:
        return provided
    from google.auth.transport import mtls

    if mtls.has_default_client_cert_source():
        return cast("CertSource", mtls.default_client_cert_source())
    return None


def _use_client_cert() -> bool:
    from google.auth.transport import mtls

    if hasattr(mtls, "should_use_client_cert"):
        return bool(mtls.should_use_client_cert())
    return os.environ.get("GOOGLE_API_USE_CLIENT_CERTIFICATE", "").lower() == "true"


def universe_domain(option: str | None) -> str:
    """Return the option, else GOOGLE_CLOUD_UNIVERSE_DOMAIN, else ``googleapis.com``."""
    if not isinstance(option, (str, type(None))):
        raise TypeError(f"client_options.universe_domain: expected a string, got {type(option).__name__}")
    for candidate in (option, os.environ.get("GOOGLE_CLOUD_UNIVERSE_DOMAIN")):
        if candidate is not None:
            if not candidate.strip():
                raise EmptyUniverseError
            return candidate.strip()
    return DEFAULT_UNIVERSE


def is_location(text: str) -> bool:
    """Return whether a text has the form of a location."""
    return _LOCATION.fullmatch(text) is not None


def service_host(service: Service, location: str | None) -> str:
    """Return the host that serves a location: that of the service where there is none.

    Args:
        service: The service.
        location: A region such as ``us-central1``, ``us``, ``eu`` or ``global``.

    Raises:
        ValueError: It is no location, or the service has none.
        TypeError: It is not a string.
    """
    if location is None:
        return service.host
    if not isinstance(location, str):
        raise TypeError(f"client_options.location: expected a string, got {type(location).__name__}")
    if not service.regional:
        raise ValueError(f"client_options.location: {service.name} is the same everywhere; leave it out")
    if not is_location(location):
        raise ValueError(
            f"client_options.location: {location!r} is not a location; give a region such as "
            "'us-central1', or 'global'"
        )
    if location == "global":
        return service.host
    if location in _MULTI_REGIONS:
        name, _, domain = service.host.partition(".")
        return f"{name}.{location}.rep.{domain}"
    return f"{location}-{service.host}"


def resolve(service: Service, options: ClientOptions) -> Endpoint:
    """Resolve the host and the client certificate."""
    mode = mtls_mode()
    source = client_cert_source(options.client_cert_source)
    universe = universe_domain(options.universe_domain)
    default_host = service_host(service, options.location)
    if options.api_endpoint is not None:
        check_host(options.api_endpoint, "client_options.api_endpoint")
        return Endpoint(options.api_endpoint, universe, source, "api_endpoint was given")
    if mode == "always" or (mode == "auto" and source is not None):
        if universe.lower() != DEFAULT_UNIVERSE:
            from google.auth.exceptions import MutualTLSChannelError

            raise MutualTLSChannelError(
                f"mTLS is not supported in any universe other than {DEFAULT_UNIVERSE}."
            )
        why = (
            "GOOGLE_API_USE_MTLS_ENDPOINT is always" if mode == "always" else "there is a client certificate"
        )
        # Hosts of multi-regions have no form for mutual TLS; the certificate is presented all the same.
        host = default_host if ".rep." in default_host else mtls_host(default_host)
        return Endpoint(host, universe, source, why)
    host = default_host.removesuffix(DEFAULT_UNIVERSE) + universe
    why = f"client_options.location is {options.location}" if options.location else "the default"
    return Endpoint(host, universe, source, why)


EMULATOR = "GEMINI_EMULATOR_HOST"
HTTP_EMULATOR = "GEMINI_EMULATOR_HTTP_HOST"


class Emulator(NamedTuple):
    """The addresses of an emulator.

    Attributes:
        host: host:port of the transport's own protocol.
        http_host: host:port for HTTP; None if it has none.
    """

    host: str
    http_host: str | None


def find_emulator() -> Emulator | None:
    """Return the emulator that gRPC clients of this process call, by GEMINI_EMULATOR_HOST."""
    host = _emulator_host(EMULATOR)
    return Emulator(host, None) if host else None


def find_http_emulator() -> Emulator | None:
    """Return the emulator that REST clients call, by GEMINI_EMULATOR_HTTP_HOST."""
    host = _emulator_host(HTTP_EMULATOR)
    if host is None and os.environ.get(EMULATOR):
        raise ValueError(
            f"{EMULATOR} is set, but a REST client does not speak gRPC: set {HTTP_EMULATOR} to the "
            "emulator's HTTP address as well, or unset both to call the service"
        )
    return Emulator(host, host) if host else None


def find_dual_emulator() -> Emulator | None:
    """Return the emulator that clients call which use both gRPC and HTTP."""
    host, http_host = _emulator_host(EMULATOR), _emulator_host(HTTP_EMULATOR)
    if host is None and http_host is not None:
        raise ValueError(
            f"{HTTP_EMULATOR} is set, but this client calls over gRPC first: set {EMULATOR} to the "
            "emulator's gRPC address as well"
        )
    return Emulator(host, http_host) if host else None


def is_emulated() -> bool:
    """Return whether the environment names an emulator."""
    return bool(os.environ.get(EMULATOR) or os.environ.get(HTTP_EMULATOR))


def _emulator_host(variable: str) -> str | None:
    host = hide_address(os.environ.get(variable))
    if not host:
        return None
    name = f"environment variable {variable}"
    check_host(host, name)
    allows_remote = os.environ.get("GEMINI_EMULATOR_ALLOW_REMOTE", "").lower() == "true"
    if not (is_loopback(host) or allows_remote):
        raise ValueError(
            f"{name}: {host!r} is another machine, and calls to an emulator are not encrypted; "
            "set GEMINI_EMULATOR_ALLOW_REMOTE=true to allow it"
        )
    return host


def is_loopback(host: str) -> bool:
    """Return whether a host, or host:port, names this machine."""
    name = (urlsplit("//" + with_port(host)).hostname or "").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
