"""What a channel is made with."""

from __future__ import annotations

import itertools
import json
import time
from dataclasses import dataclass
from typing import Any

import grpc
from google.auth.exceptions import MutualTLSChannelError

from gemwire._transport.endpoint import is_loopback
from gemwire.options import CertSource

#: gRFC A105: the core opens further connections to a host when the streams of one are used up. At 10,
#: the most it does unless told otherwise, a fifth to a third of 1500 streams to a server with 100 on a
#: connection were refused (and tried again, 3.3 s in all); at 32 none (2.2 s). Unused, they cost nothing.
_CONNECTIONS = 32
_SERVICE_CONFIG = {"connectionScaling": {"maxConnectionsPerSubchannel": _CONNECTIONS}}

#: Measured in benchmarks/faults.py; what each is for stands beside it.
OPTIONS: tuple[tuple[str, Any], ...] = (
    # Images and batches of embeddings pass the 4 MB default; the service has limits of its own.
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    # Google's front ends are said to bear one ping in 30 seconds and to answer more of them with GOAWAY
    # (too_many_pings). A stream on a link that died is so noticed after 10 seconds where messages were
    # coming (the core pings then of its own accord, to measure the bandwidth), after at most 40 where none
    # were (70 once two pings brought nothing, the core then sends one a minute); without keepalive, never.
    # Calls with deadlines do not wait for that: see `Hearing`. The price: a server with gRPC's own default
    # limit, a ping in 5 minutes, ends a stream that was quiet for 120 seconds. With max_pings_without_data
    # at 0 it was 90, so that stays as it is.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # Without it the core waits a minute for a ping's answer, whatever keepalive_timeout_ms says.
    ("grpc.http2.ping_timeout_ms", 10_000),
    # A handshake that never ends is given up after 5 seconds instead of 20.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 5_000),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
    ("grpc.max_connections_per_subchannel_cap", _CONNECTIONS),
)


#: Seconds without an answer after which a channel is given up; doubled where that did not help.
_PATIENCE, _MOST_PATIENCE = 3.0, 60.0
_numbers = itertools.count(1)


def replacement() -> tuple[str, int]:
    """An option that no other channel has: channels with equal options share their connections."""
    return "gemwire.replacement", next(_numbers)


class Hearing:
    """Whether anything is heard from the other end of a channel.

    A connection can go silent without an end: a dead link, a middlebox that forgot it. Keepalive
    notices, but no sooner than the service tolerates pings. Calls with deadlines notice earlier:
    where those that began after another had ended at its deadline unanswered end so too, for some
    seconds, the channel is to be replaced. That a server is merely slow costs a connection.
    """

    __slots__ = ("patience", "silent_since")

    def __init__(self, patience: float = _PATIENCE, silent_since: float | None = None) -> None:
        """``silent_since`` is None while all is well, which is all that a good call looks at."""
        self.patience = patience
        self.silent_since = silent_since

    def heard(self) -> None:
        """An answer came."""
        self.patience, self.silent_since = _PATIENCE, None

    def unanswered(self, rpc_error: Any, began: float) -> bool:
        """Consider a failed attempt.

        Args:
            rpc_error: What grpc raised; None where a stream was idle for too long.
            began: When the attempt began.

        Returns:
            Whether the channel is to be replaced.
        """
        if rpc_error is not None and (
            rpc_error.code() is not grpc.StatusCode.DEADLINE_EXCEEDED or rpc_error.trailing_metadata()
        ):
            self.heard()
            return False
        now = time.monotonic()
        if self.silent_since is None:
            self.silent_since = now
        return began >= self.silent_since and now - self.silent_since >= self.patience

    def successor(self) -> Hearing:
        """For the channel that comes instead; it is given up later than this one unless it answers."""
        return Hearing(min(self.patience * 2, _MOST_PATIENCE), time.monotonic())


@dataclass(frozen=True)
class Target:
    """Where a channel leads and how it is secured.

    Attributes:
        address: host:port.
        plaintext: No TLS: an emulator.
        certificate: Client certificate and key, PEM, for mutual TLS.
        interceptors: The user's, passed through.
    """

    address: str
    plaintext: bool = False
    certificate: tuple[bytes, bytes] | None = None
    interceptors: tuple[Any, ...] = ()

    def __repr__(self) -> str:
        kind = "plaintext" if self.plaintext else "mTLS" if self.certificate else "TLS"
        return f"<Target {self.address} {kind}>"

    def options(self) -> tuple[tuple[str, Any], ...]:
        """What channels are made with. No proxy leads back to this machine, whatever the environment says."""
        direct = (("grpc.enable_http_proxy", 0),) if self.plaintext and is_loopback(self.address) else ()
        return (*OPTIONS, *direct)

    def credentials(self) -> grpc.ChannelCredentials:
        """TLS credentials, with the client certificate if there is one."""
        if self.certificate is None:
            return grpc.ssl_channel_credentials()
        chain, key = self.certificate
        return grpc.ssl_channel_credentials(certificate_chain=chain, private_key=key)


def certificate(source: CertSource | None) -> tuple[bytes, bytes] | None:
    """Run a certificate source.

    Raises:
        MutualTLSChannelError: It failed, or gave no pair of PEM texts.
    """
    if source is None:
        return None
    try:
        chain, key = source()
    except MutualTLSChannelError:
        raise
    except Exception as error:
        raise MutualTLSChannelError(f"client_cert_source failed: {error}") from error
    if not isinstance(chain, bytes) or not isinstance(key, bytes):
        raise MutualTLSChannelError("client_cert_source must return the certificate and the key as PEM bytes")
    return chain, key
