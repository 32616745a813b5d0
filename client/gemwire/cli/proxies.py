"""The proxy that grpc goes through: what its core reads of the environment, by its rules."""

from __future__ import annotations

import ipaddress
import os
from urllib.parse import urlsplit

#: The first that is set counts, if it is empty for none. In capitals they mean nothing to grpc.
_PROXIES = ("grpc_proxy", "https_proxy", "http_proxy")
_EXEMPT = ("no_grpc_proxy", "no_proxy")


def found(target: str, emulator: bool = False) -> dict[str, str]:
    """The proxy to a target, without its password, and why.

    Args:
        target: host:port.
        emulator: Whether that is an emulator: clients use no proxy to one on this machine.
    """
    host = urlsplit(f"//{target}").hostname or ""
    if emulator and _on_this_machine(host):
        return {"value": "none", "reason": "the emulator is on this machine"}
    name = next((name for name in _PROXIES if name in os.environ), None)
    if name is None:
        reason = f"none of {', '.join(_PROXIES)} is set"
        shouted = [n.upper() for n in _PROXIES if os.environ.get(n.upper())]
        if shouted and os.name != "nt":
            reason += f"; grpc reads them in lower case only, so {', '.join(shouted)} does not count"
        return {"value": "none", "reason": reason}
    if not os.environ[name]:
        return {"value": "none", "reason": f"{name} is empty"}
    exempt = next((name for name in _EXEMPT if name in os.environ), None)
    if exempt and any(_covers(entry.strip(), host) for entry in os.environ[exempt].split(",")):
        return {"value": "none", "reason": f"{exempt} exempts {host} from {name}"}
    return {"value": masked(os.environ[name]), "reason": f"{name} is set"}


def masked(proxy: str) -> str:
    """A proxy's address without what says who may use it."""
    scheme, separator, rest = proxy.rpartition("://")
    who, at, address = rest.rpartition("@")
    return f"{scheme}{separator}{'***@' if who or at else ''}{address}"


def _on_this_machine(host: str) -> bool:
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
