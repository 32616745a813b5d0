"""The proxy of gRPC's core, which reads it from the environment by rules of its own."""

from __future__ import annotations

import ipaddress
import os
from typing import NamedTuple
from urllib.parse import urlsplit

from gemwire._transport.endpoint import is_loopback

#: The first that is set counts; an empty value disables the proxy. The core ignores upper-case names.
_PROXIES = ("grpc_proxy", "https_proxy", "http_proxy")
_EXEMPT = ("no_grpc_proxy", "no_proxy")


class GrpcProxy(NamedTuple):
    """The proxy to a target.

    Attributes:
        url: Its URL, with its credentials; empty for none.
        reason: Why this one, or none.
    """

    url: str
    reason: str


def find_grpc_proxy(target: str, plaintext: bool = False) -> GrpcProxy:
    """Return the proxy to a target, and the reason.

    Args:
        target: host:port.
        plaintext: Whether connections are unencrypted: on this machine such servers are called directly.
    """
    host = urlsplit(f"//{target}").hostname or ""
    if plaintext and is_loopback(target):
        return GrpcProxy("", "the emulator is on this machine")
    name = next((name for name in _PROXIES if name in os.environ), None)
    if name is None:
        reason = f"none of {', '.join(_PROXIES)} is set"
        ignored = [n.upper() for n in _PROXIES if os.environ.get(n.upper())]
        if ignored and os.name != "nt":
            reason += f"; grpc reads lower-case names only, and ignores {', '.join(ignored)}"
        return GrpcProxy("", reason)
    if not os.environ[name]:
        return GrpcProxy("", f"{name} is empty")
    exempt = next((name for name in _EXEMPT if name in os.environ), None)
    if exempt and any(_covers(entry.strip(), host) for entry in os.environ[exempt].split(",")):
        return GrpcProxy("", f"{exempt} exempts {host} from {name}")
    return GrpcProxy(os.environ[name], f"{name} is set")


def mask_credentials(proxy: str) -> str:
    """Return the address of a proxy without its user and password."""
    scheme, separator, rest = proxy.rpartition("://")
    user, at, address = rest.rpartition("@")
    return f"{scheme}{separator}{'***@' if user or at else ''}{address}"


def _covers(entry: str, host: str) -> bool:
    domain = entry.lower().removeprefix(".")
    if not domain:
        return False
    if f".{host.lower()}".endswith(f".{domain}"):
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False
