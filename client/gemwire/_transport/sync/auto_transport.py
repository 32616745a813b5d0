# Derived from _transport/aio/auto_transport.py by scripts/unasync. DO NOT EDIT.
"""gRPC, and REST where a network lets no HTTP/2 through."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from gemwire._transport import endpoint
from gemwire._transport.channel_handle import ChannelHandle
from gemwire._transport.connection_health import ConnectionHealth
from gemwire._transport.rest.http_errors import HttpError
from gemwire._transport.rest.tls_and_proxy import HttpTarget
from gemwire._transport.rest.transcode import bindings
from gemwire._transport.sync.channel_pool import ChannelPool
from gemwire._transport.sync.concurrency import sleep
from gemwire._transport.sync.connection import Connection
from gemwire._transport.sync.connectivity import PROBE_LINGER, can_connect
from gemwire._transport.sync.grpc_transport import GrpcTransport
from gemwire._transport.sync.http_loop import HttpChannels
from gemwire._transport.sync.rest_transport import bracketed, http_engine
from gemwire_runtime.method import Kind, Method

_logger = logging.getLogger("gemwire")

#: Seconds that the first connection may take before REST is tried; a third of the call's time if less.
_PATIENCE = 3.0


class AutoTransport(GrpcTransport):
    """gRPC unless it is blocked, then REST: decided by the first connection. Needs ``gemwire[http]``.

    Where no HTTP/2 connection comes about, and the call gets an answer over REST, this transport keeps
    to REST and says so once in the log. No call is sent twice: one goes over REST only when there was
    no connection that gRPC could have sent it on. Methods without an HTTP form always use gRPC.
    """

    kind = "auto"

    def __init__(
        self, *, host: str = endpoint.DEFAULT_HOST, plaintext: bool = False, **arguments: Any
    ) -> None:
        """As for gRPC; a channel cannot be given.

        Args:
            host: Host, or host:port.
            plaintext: No TLS and no tokens: emulators, REST at GEMINI_EMULATOR_HTTP_HOST.
            **arguments: Those of the gRPC transport.

        Raises:
            ImportError: ``gemwire[http]`` is not installed.
            ValueError: As for gRPC.
            TypeError: As for gRPC.
            google.auth.exceptions.DefaultCredentialsError: There are no credentials.
            google.auth.exceptions.MutualTLSChannelError: The certificate source failed.
        """
        http_engine()
        if arguments.get("channel") is not None:
            raise TypeError("channel: this transport makes its own")
        super().__init__(host=host, plaintext=plaintext, **arguments)
        both = endpoint.either_emulator() if plaintext else (host, host)
        http_host = both[1] if both else None
        target = None
        if http_host is not None:
            scheme = "http" if plaintext else "https"
            target = HttpTarget(scheme, bracketed(http_host), self._certificate)
        assert isinstance(self.pool, ChannelPool)  # noqa: S101 - made a moment ago
        self.pool = AutoChannels(self.pool, target, self._host)

    @staticmethod
    def emulator() -> str | None:
        """GEMINI_EMULATOR_HOST; raises ValueError where only the one for REST is set."""
        both = endpoint.either_emulator()
        return both[0] if both else None


class AutoChannels:
    """The channels of gRPC until they turn out to be blocked."""

    def __init__(self, channels: ChannelPool, target: HttpTarget | None, host: str) -> None:
        """Without a ``target`` there is nothing to fall back to."""
        self._grpc = channels
        self._http = HttpChannels(target) if target else None
        self._host = host
        self._connected = False
        self._probed = 0.0
        self.over_rest = False

    @property
    def closed(self) -> bool:
        return self._grpc.closed

    def current(self) -> Connection:
        """The binding of gRPC once that has been seen to work, else one that decides."""
        binding = self._grpc.current()
        return binding if self._http is None or self._connected else AutoBinding(self, binding, self._http)

    def replace(self, binding: Any) -> None:
        """Give new calls another channel; over REST there is nothing to do, see `HttpChannels.replace`."""
        if not self.over_rest:
            self._grpc.replace(binding.grpc if isinstance(binding, AutoBinding) else binding)

    def reaches(self, binding: ChannelHandle, timeout: float | None) -> bool:
        """Whether gRPC gets a connection. Nothing of a call is sent meanwhile."""
        patience = _PATIENCE if timeout is None else min(_PATIENCE, timeout / 3)
        if can_connect(binding.channel, patience):
            self._connected = True
        self._probed = time.monotonic()
        return self._connected

    def settle(self) -> None:
        """Keep to REST: it was answered, where gRPC had no connection."""
        if not self.over_rest:
            self.over_rest = True
            _logger.warning(
                "%s took no HTTP/2 connection but answers HTTP/1.1: a proxy or firewall seems to block gRPC. "
                "This client keeps to REST from now on; ask for transport='rest' to begin with it",
                self._host,
            )

    def close(self) -> None:
        """End all calls and connections."""
        if (still := self._probed + PROBE_LINGER - time.monotonic()) > 0:
            sleep(still)
        self._grpc.close()
        if self._http:
            self._http.close()


class AutoBinding:
    """What the first calls go over, and all where it has become REST."""

    def __init__(self, channels: AutoChannels, grpc_binding: ChannelHandle, http: HttpChannels) -> None:
        self.channels = channels
        self.grpc = grpc_binding
        self.http = http

    @property
    def health(self) -> ConnectionHealth:
        return self.grpc.health

    def callable(self, method: Method[Any, Any]) -> Any:
        """What makes the calls of a method."""
        over_grpc = self.grpc.callable(method)
        if not bindings(method):
            return over_grpc
        if self.channels.over_rest:
            return self.http.current().callable(method)
        if method.kind is Kind.UNARY:
            return AutoUnary(self, method, over_grpc)
        return lambda request, **rest: AutoStreamCall(self, method, over_grpc, request, **rest)


class _Decision:
    """Takes one call to where it can go."""

    def __init__(self, binding: AutoBinding, method: Method[Any, Any], over_grpc: Any) -> None:
        self._binding = binding
        self._method = method
        self._over_grpc = over_grpc

    def decide(self, make: Callable[[Any, float | None], Any], timeout: float | None) -> Any:
        """Make a call over gRPC if that has a connection, else over REST, else over gRPC for its error.

        Args:
            make: Makes the call, up to its first answer: over what, and with how many seconds.
            timeout: Seconds for everything.
        """
        began = time.monotonic()

        def left() -> float | None:
            return None if timeout is None else max(began + timeout - time.monotonic(), 0)

        channels = self._binding.channels
        if channels.reaches(self._binding.grpc, timeout):
            return make(self._over_grpc, left())
        try:
            answer = make(self._binding.http.current().callable(self._method), left())
        except HttpError as error:
            if error.of_api:
                channels.settle()
            if error.delivered:
                # It may have been carried out: not to be sent by another way.
                raise
        except ValueError:
            # Metadata or names that have no HTTP form: then gRPC it is.
            pass
        else:
            channels.settle()
            return answer
        return make(self._over_grpc, left())


class AutoUnary(_Decision):
    """Makes calls with one answer."""

    def __call__(self, request: Any, *, timeout: float | None, metadata: Any) -> Any:
        """Make one."""

        def make(over: Any, left: float | None) -> Any:
            return over(request, timeout=left, metadata=metadata)

        return self.decide(make, timeout)


class AutoStreamCall(_Decision):
    """One streaming call, begun when its first message is asked for."""

    def __init__(
        self,
        binding: AutoBinding,
        method: Method[Any, Any],
        over_grpc: Any,
        request: Any,
        *,
        timeout: float | None,
        metadata: Any,
    ) -> None:
        super().__init__(binding, method, over_grpc)
        self._request = request
        self._timeout = timeout
        self._metadata = metadata
        self._call: Any = None
        self._arriving: Any = None
        self._cancelled = False

    def __getattr__(self, name: str) -> Any:
        # All else is the call's own: metadata, and what `Canceller` knows of grpc's.
        if name.startswith("__") or self.__dict__.get("_call") is None:
            raise AttributeError(name)
        return getattr(self._call, name)

    def __iter__(self) -> AutoStreamCall:
        return self

    def __next__(self) -> Any:
        if self._arriving is None:
            return self.decide(self._first, self._timeout)
        return self._arriving.__next__()

    def _first(self, over: Any, left: float | None) -> Any:
        call = self._call = over(self._request, timeout=left, metadata=self._metadata)
        if self._cancelled:
            call.cancel()
        arriving = call.__iter__()
        first = arriving.__next__()
        self._arriving = arriving
        return first

    def cancel(self) -> bool:
        """End it. Returns whether there was something left to end."""
        if self._call is None:
            done, self._cancelled = self._cancelled, True
            return not done
        return bool(self._call.cancel())

    def done(self) -> bool:
        """Whether it has ended."""
        return self._cancelled if self._call is None else bool(self._call.done())

    def is_active(self) -> bool:
        """Whether it goes on."""
        return not self._cancelled if self._call is None else bool(self._call.is_active())
