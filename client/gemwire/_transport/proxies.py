"""Proxies of the environment. gRPC's core reads it by rules of its own."""

from __future__ import annotations

import ipaddress
import os
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes, urlsplit
from urllib.request import getproxies, proxy_bypass

from gemwire._secret import Secret, hide_key, show_address
from gemwire._transport.endpoint import is_loopback

#: The first that is set counts; an empty value disables the proxy. The core ignores upper-case names.
_PROXIES = ("grpc_proxy", "https_proxy", "http_proxy")
_EXEMPT = ("no_grpc_proxy", "no_proxy")


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


def find_http_proxy(scheme: str, address: str) -> Proxy | None:
    """Return the proxy of HTTPS_PROXY, HTTP_PROXY or ALL_PROXY, unless NO_PROXY excludes the host.

    A plaintext server on this machine is called without a proxy.

    Args:
        scheme: Scheme of the requests.
        address: Host, or host:port, of the server.

    Raises:
        ValueError: Its address is invalid, or the kind of proxy is not supported.
    """
    if scheme == "http" and is_loopback(address):
        return None
    proxy = hide_key(getproxies().get(scheme) or getproxies().get("all"))
    if not proxy or proxy_bypass(urlsplit(f"//{address}").hostname or ""):
        return None
    return Proxy.of(proxy if "://" in proxy else Secret(f"http://{proxy}"), scheme)


def find_grpc_proxy(target: str, plaintext: bool = False) -> tuple[str, str]:
    """Return the URL of the proxy of gRPC's core to a target, empty for none, and the reason.

    Args:
        target: host:port.
        plaintext: Whether connections are unencrypted: on this machine such servers are called directly.
    """
    host = urlsplit(f"//{target}").hostname or ""
    if plaintext and is_loopback(target):
        return ("", "the emulator is on this machine")
    name = next((name for name in _PROXIES if name in os.environ), None)
    if name is None:
        reason = f"none of {', '.join(_PROXIES)} is set"
        ignored = [n.upper() for n in _PROXIES if os.environ.get(n.upper())]
        if ignored and os.name != "nt":
            reason += f"; grpc reads lower-case names only, and ignores {', '.join(ignored)}"
        return ("", reason)
    if not os.environ[name]:
        return ("", f"{name} is empty")
    exempt = next((name for name in _EXEMPT if name in os.environ), None)
    if exempt and any(_covers(entry.strip(), host) for entry in os.environ[exempt].split(",")):
        return ("", f"{exempt} exempts {host} from {name}")
    return Secret(os.environ[name]), f"{name} is set"


def find_h2_proxy(target: str, plaintext: bool) -> Proxy | None:
    """Return the proxy for our own HTTP/2 connections: that of gRPC's variables, else that of HTTP clients.

    gRPC's core ignores HTTPS_PROXY and ALL_PROXY in capitals, and what it cannot use; this function does not.

    Args:
        target: host:port.
        plaintext: Whether connections are unencrypted.

    Raises:
        ValueError: Its address is invalid, or it is no HTTP proxy that is called without TLS.
    """
    url, _ = find_grpc_proxy(target, plaintext)
    is_named = any(name in os.environ for name in _PROXIES)
    scheme = "http" if plaintext else "https"
    if is_named:
        proxy = Proxy.of(url if "://" in url else Secret(f"http://{url}"), scheme) if url else None
    else:
        proxy = find_http_proxy(scheme, target)
    if proxy and not proxy.url.lower().startswith("http://"):
        raise ValueError(
            f"environment: the proxy for {target} is called with TLS; this transport needs one with http://"
        )
    return proxy


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
