"""One check of the way to a server: DNS, addresses, proxy and TLS.

It resolves the host, connects to each of its addresses, and makes the TLS handshake with the trust, client
certificate and proxy of the client's own connections.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from gemwire._transport.certificate_chain import Certificate, read_chain
from gemwire._transport.connection_probe import Outcome, Route
from gemwire._transport.locations import describe_unknown
from gemwire._transport.proxies import Proxy
from gemwire._transport.proxy_tunnel import ProxyTunnel
from gemwire._transport.tls_context import create_unverifying_context
from gemwire._transport.tls_faults import FAULTS, NO_HTTP2, describe_rejection

#: Seconds for the whole of a probe; resolving the host may take longer.
_TIMEOUT = 5.0
#: Seconds for a server to refuse a client certificate after the handshake.
_REFUSAL_TIMEOUT = 0.5
#: Seconds for a server that should speak no TLS to speak it all the same.
_PLAINTEXT_TIMEOUT = 0.5
_MAX_ADDRESSES = 8

#: What temporary failures of name servers give; all others are final.
_TEMPORARY = (socket.EAI_AGAIN, getattr(socket, "EAI_SYSTEM", None), getattr(socket, "EAI_MEMORY", None))


def probe(route: Route, seconds: float = _TIMEOUT) -> Outcome:
    """Connect to a server, and return what happened.

    A cause is reported only if all addresses that can be connected to have one.

    Args:
        route: The server and the way to it.
        seconds: Time for all of it, but for resolving the host.
    """
    via, target = urlsplit(route.proxy.url if route.proxy else ""), route.name
    host, port = (via.hostname or "", via.port or 80) if route.proxy else (route.host, route.port)
    if via.scheme not in ("", "http"):
        return Outcome(target, failure=f"connections by way of an {via.scheme} proxy are not examined")
    shown = f"the proxy {host!r}" if route.proxy else repr(host)
    where = "the address of the proxy" if route.proxy else "api_endpoint, and the DNS of this network"
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno in _TEMPORARY:
            return Outcome(target, failure=f"{shown} cannot be resolved now ({error.strerror})")
        hint = (not route.proxy and describe_unknown(host)) or f"Check {where}."
        return Outcome(target, f"there is no host {shown} ({error.strerror})", hint)
    except UnicodeError:
        return Outcome(target, f"{shown} is not a valid host name", f"Check {where}.")
    end = time.monotonic() + seconds
    addresses = list(dict.fromkeys((family, address) for family, *_, address in found))[:_MAX_ADDRESSES]
    outcomes: list[Outcome] = []
    for number, (family, address) in enumerate(addresses):
        left = max((end - time.monotonic()) / (len(addresses) - number), 0.01)
        outcome = _Attempt(route, family, address, time.monotonic() + left).run()
        if not outcome.cause and not outcome.failure:
            return outcome
        outcomes.append(outcome)
    return next((one for one in outcomes if one.cause), outcomes[0])


@dataclass(frozen=True)
class _Attempt:
    """A connection to one address, which ends at ``end``."""

    route: Route
    family: int
    address: tuple[object, ...]
    end: float

    def run(self) -> Outcome:
        """Connect, and return what happened."""
        blank = Outcome(self.route.name, address=str(self.address[0]))
        try:
            if self.route.create_context is None:
                return self._run_plaintext(blank)
            return self._run_tls(self.route.create_context(), blank)
        except OSError as error:
            text = error.strerror or str(error) or type(error).__name__
            return replace(blank, failure=f"{blank.address}: {text}")

    def _left(self) -> float:
        return max(self.end - time.monotonic(), 0.01)

    def handshake(self, context: ssl.SSLContext) -> ssl.SSLSocket:
        """Connect, by way of the proxy if there is one, and make the TLS handshake."""
        raw = self.connect()
        try:
            return context.wrap_socket(raw, server_hostname=self.route.host)
        except BaseException:
            raw.close()
            raise

    def connect(self) -> socket.socket:
        """Connect, by way of the proxy if there is one."""
        raw = socket.socket(self.family, socket.SOCK_STREAM)
        try:
            raw.settimeout(self._left())
            raw.connect(self.address)
            if self.route.proxy:
                _open_tunnel(raw, self.route.name, self.route.proxy)
            raw.settimeout(self._left())
            return raw
        except BaseException:
            raw.close()
            raise

    def _run_plaintext(self, blank: Outcome) -> Outcome:
        """Connect without TLS. A server that makes a handshake all the same is the wrong one."""
        brief = replace(self, end=min(self.end, time.monotonic() + _PLAINTEXT_TIMEOUT))
        chain: tuple[Certificate, ...] = ()
        raw = brief.connect()
        try:
            with create_unverifying_context().wrap_socket(raw, server_hostname=self.route.host) as connection:
                chain = read_chain(connection)
        except TimeoutError:
            # It waits for the rest of what it takes for a request.
            return blank
        except ssl.SSLError as error:
            if "ALERT" not in (error.reason or ""):
                return blank
        finally:
            raw.close()
        return replace(
            blank,
            cause="it speaks TLS, but this client connects unencrypted",
            hint="Name it by api_endpoint, and not as an emulator or with `plaintext`.",
            chain=chain,
        )

    def _run_tls(self, context: ssl.SSLContext, blank: Outcome) -> Outcome:
        try:
            with self.handshake(context) as connection:
                found = replace(blank, protocol=connection.version() or "", chain=read_chain(connection))
                if self.route.is_http2 and connection.selected_alpn_protocol() != "h2":
                    return replace(found, cause=NO_HTTP2[0], hint=NO_HTTP2[1])
                self._await_refusal(connection)
                return found
        except ssl.SSLCertVerificationError as error:
            chain = self._fetch_chain()
            cause, hint = describe_rejection(error, chain, self.route.trust_hint)
            return replace(blank, cause=cause, hint=hint, chain=chain)
        except ssl.SSLError as error:
            if fault := FAULTS.get(error.reason or ""):
                return replace(blank, cause=fault[0], hint=fault[1])
            return replace(
                blank, failure=f"{blank.address}: the TLS handshake failed ({error.reason or error})"
            )

    def _await_refusal(self, connection: ssl.SSLSocket) -> None:
        """Wait for a server to refuse the client certificate: with TLS 1.3 it does after the handshake."""
        connection.settimeout(min(self._left(), _REFUSAL_TIMEOUT))
        with contextlib.suppress(TimeoutError):
            # Nothing is sent: that would reset the connection, and the refusal be lost.
            connection.recv(1)

    def _fetch_chain(self) -> tuple[Certificate, ...]:
        """Return the certificates of a server that is not trusted."""
        try:
            with self.handshake(create_unverifying_context()) as connection:
                return read_chain(connection)
        except OSError:
            return ()


def _open_tunnel(raw: socket.socket, target: str, proxy: Proxy) -> None:
    """Ask a proxy for a connection to the server. Raises OSError if it refuses."""
    tunnel = ProxyTunnel(target, proxy)
    raw.sendall(tunnel.request)
    while not tunnel.receive(raw.recv(1)):
        pass
