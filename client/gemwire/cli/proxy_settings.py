"""The proxy of grpc: what its core reads from the environment, by its rules."""

from __future__ import annotations

import ipaddress
import os
from urllib.parse import urlsplit

#: The first that is set counts; an empty value disables the proxy. grpc ignores upper-case names.
_PROXIES = ("grpc_proxy", "https_proxy", "http_proxy")
_EXEMPT = ("no_grpc_proxy", "no_proxy")


def find_proxy(target: str, emulator: bool = False) -> dict[str, str]:
    """Return the proxy to a target, without its credentials, and the reason.

    Args:
        target: host:port.
        emulator: Whether the target is an emulator: clients use no proxy for one on this machine.
    """
    host = urlsplit(f"//{target}").hostname or ""
    if emulator and _is_loopback(host):
        return {"value": "none", "reason": "the emulator is on this machine"}
    name = next((name for name in _PROXIES if name in os.environ), None)
    if name is None:
        reason = f"none of {', '.join(_PROXIES)} is set"
        ignored = [n.upper() for n in _PROXIES if os.environ.get(n.upper())]
        if ignored and os.name != "nt":
            reason += f"; grpc reads lower-case names only, and ignores {', '.join(ignored)}"
        return {"value": "none", "reason": reason}
    if not os.environ[name]:
        return {"value": "none", "reason": f"{name} is empty"}
    exempt = next((name for name in _EXEMPT if name in os.environ), None)
    if exempt and any(_covers(entry.strip(), host) for entry in os.environ[exempt].split(",")):
        return {"value": "none", "reason": f"{exempt} exempts {host} from {name}"}
    return {"value": mask_credentials(os.environ[name]), "reason": f"{name} is set"}


def mask_credentials(proxy: str) -> str:
    """Return the address of a proxy without its user and password."""
    scheme, separator, rest = proxy.rpartition("://")
    user, at, address = rest.rpartition("@")
    return f"{scheme}{separator}{'***@' if user or at else ''}{address}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


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
