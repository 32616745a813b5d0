"""Finds out why a connection fails, by making another one and looking.

gRPC's core and HTTP clients report the last address that they tried, and retrying does not mend an expired
certificate. A probe runs only after a connection failed, in a thread of its own; what it does is in
`connection_check`, which is not imported before.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gemwire._transport import fork

if TYPE_CHECKING:
    import ssl

    from gemwire._transport.certificate_chain import Certificate
    from gemwire._transport.proxies import Proxy

#: Seconds that a call waits for a probe.
PATIENCE = 3.0
#: A probe is not repeated for so many seconds, and for ten times as long as it took.
_FRESH = 1.0


@dataclass(frozen=True)
class Route:
    """The target of a client's connections.

    Attributes:
        host: Name or address of the server.
        port: Its port.
        create_context: Returns the TLS context, as the client's own connections verify; None for plaintext.
        proxy: An HTTP proxy in between; None for none.
        is_http2: Whether the server has to offer HTTP/2.
        trust_hint: How to trust another authority.
    """

    host: str
    port: int
    create_context: Callable[[], ssl.SSLContext] | None
    proxy: Proxy | None = None
    is_http2: bool = False
    trust_hint: str = ""

    def __repr__(self) -> str:
        return f"<Route {self.name}>"

    @property
    def name(self) -> str:
        """Host and port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True)
class Outcome:
    """Result of a probe.

    Attributes:
        target: Host and port of the server.
        cause: Why no connection can be made, if waiting does not mend that; else empty.
        hint: What to do about the cause.
        failure: What failed for now; empty if a connection was made or there is a cause.
        address: The address that was connected to.
        protocol: The version of TLS; empty if none was agreed on.
        chain: The certificates that the server showed.
    """

    target: str
    cause: str = ""
    hint: str = ""
    failure: str = ""
    address: str = ""
    protocol: str = ""
    chain: tuple[Certificate, ...] = ()


class ConnectionProbe:
    """The probes of one target. All calls that fail at the same time share one."""

    def __init__(self, find_route: Callable[[], Route]) -> None:
        """Initialize; ``find_route`` reads the environment when a probe starts."""
        self._find_route = find_route
        self._lock = threading.Lock()
        self._generation = fork.generation()
        self._latest: Future[Outcome] | None = None
        self._fresh_until = 0.0

    def start(self) -> Future[Outcome]:
        """Start a probe, or return one that runs or has just ended. Its future cannot be cancelled."""
        if self._generation != fork.generation():
            # Neither a lock that was held nor a thread survives a fork.
            self._lock, self._latest, self._generation = threading.Lock(), None, fork.generation()
        with self._lock:
            latest = self._latest
            if latest and (not latest.done() or time.monotonic() < self._fresh_until):
                return latest
            started: Future[Outcome] = Future()
            started.set_running_or_notify_cancel()
            self._latest = started
            threading.Thread(target=self._run, args=(started,), name="gemwire-probe", daemon=True).start()
        return started

    def _run(self, started: Future[Outcome]) -> None:
        from gemwire._transport.connection_check import probe

        began = time.monotonic()
        try:
            outcome = probe(self._find_route())
        except Exception as error:
            outcome = Outcome("", failure=f"{type(error).__name__}: {error}")
        now = time.monotonic()
        self._fresh_until = now + max(_FRESH, 10 * (now - began))
        started.set_result(outcome)
