"""Options and targets of gRPC channels."""

from __future__ import annotations

import functools
import itertools
import json
from dataclasses import dataclass
from urllib.parse import urlsplit

import grpc

from gemwire._transport.connection import HttpRoute
from gemwire._transport.connection_probe import ConnectionProbe, Route
from gemwire._transport.connection_settings import ConnectionSettings
from gemwire._transport.endpoint import DEFAULT_PORT, is_loopback, with_port
from gemwire.options import MAX_RESPONSE_SIZE

#: gRFC A105: the core opens further connections to a host when the streams of one are used up. With the
#: default limit of 10, a fifth to a third of 1500 streams to a server that allows 100 per connection were
#: refused (and retried, 3.3 s in all); with 32 none (2.2 s). Unused connections cost nothing.
_CONNECTIONS = 32
_SERVICE_CONFIG = {"connectionScaling": {"maxConnectionsPerSubchannel": _CONNECTIONS}}

#: Measured in benchmarks/faults.py.
OPTIONS: tuple[tuple[str, object], ...] = (
    # Images and batches of embeddings exceed the 4 MB default; the service enforces its own limits.
    ("grpc.max_send_message_length", -1),
    # Google's front ends are said to tolerate one ping in 30 seconds and to answer more of them with GOAWAY
    # (too_many_pings). On a dead link, a stream fails after 10 seconds if messages were arriving (the core
    # then pings by itself to measure the bandwidth) and after at most 40 if none were (70 once two pings
    # went unanswered, as the core then sends one a minute); without keepalive, never. Calls with deadlines
    # notice earlier: see `ConnectionHealth`. The price: a server with gRPC's own default limit, one ping in
    # 5 minutes, ends a stream that was quiet for 120 seconds. With max_pings_without_data at 0 it was 90, so
    # that stays as it is.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # Without this the core waits a minute for a ping's reply, whatever keepalive_timeout_ms says.
    ("grpc.http2.ping_timeout_ms", 10_000),
    # A handshake that hangs fails after 5 seconds instead of 20.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 5_000),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
    ("grpc.max_connections_per_subchannel_cap", _CONNECTIONS),
)


_numbers = itertools.count(1)


def replacement() -> tuple[str, int]:
    """Return a unique option: channels with equal options share their connections."""
    return "gemwire.replacement", next(_numbers)


@dataclass(frozen=True)
class Target:
    """Address and security of a channel.

    Attributes:
        address: host:port.
        plaintext: Whether to use no TLS, as an emulator does.
        certificate: Client certificate and key, PEM, for mutual TLS.
        interceptors: The user's interceptors.
        http: The HTTP route of what gRPC cannot carry; None to refuse it.
        max_response_size: Bytes that a message may have, decompressed.
    """

    address: str
    plaintext: bool = False
    certificate: tuple[bytes, bytes] | None = None
    interceptors: tuple[object, ...] = ()
    http: HttpRoute | None = None
    max_response_size: int = MAX_RESPONSE_SIZE

    @classmethod
    def of(cls, settings: ConnectionSettings, http: HttpRoute | None = None) -> Target:
        """Return what the channels of a client are opened with; ``http``: see the attribute."""
        return cls(
            with_port(settings.host),
            settings.plaintext,
            settings.certificate,
            settings.interceptors,
            http,
            settings.max_response_size,
        )

    def __repr__(self) -> str:
        kind = "plaintext" if self.plaintext else "mTLS" if self.certificate else "TLS"
        return f"<Target {self.address} {kind}>"

    def options(self) -> tuple[tuple[str, object], ...]:
        """Return the channel options. Loopback addresses bypass the proxies that the environment names."""
        direct = (("grpc.enable_http_proxy", 0),) if self.plaintext and is_loopback(self.address) else ()
        return (*OPTIONS, ("grpc.max_receive_message_length", self.max_response_size), *direct)

    @functools.cached_property
    def probe(self) -> ConnectionProbe:
        """The probe that finds out why connections to it fail."""
        return ConnectionProbe(self.find_route)

    def find_route(self) -> Route:
        """Return the way to it: what the core does, as a probe does it."""
        # Only a probe needs these, and they take time to import.
        from gemwire._transport.proxies import Proxy, find_grpc_proxy
        from gemwire._transport.tls_context import GRPC_ROOTS, create_grpc_context

        address = urlsplit(f"//{self.address}")
        proxy, _ = find_grpc_proxy(self.address, self.plaintext)
        return Route(
            address.hostname or "",
            address.port or DEFAULT_PORT,
            None if self.plaintext else functools.partial(create_grpc_context, self.certificate),
            # The core connects directly where it does not know the kind of a proxy.
            proxy=Proxy.of(proxy, "https") if proxy.startswith("http://") else None,
            is_http2=True,
            trust_hint=f"set {GRPC_ROOTS} to a file with its authority.",
        )

    def credentials(self) -> grpc.ChannelCredentials:
        """Return TLS credentials, with the client certificate if there is one."""
        if self.certificate is None:
            return grpc.ssl_channel_credentials()
        chain, key = self.certificate
        return grpc.ssl_channel_credentials(certificate_chain=chain, private_key=key)
