# Derived from _transport/aio/h2_transport.py by scripts/unasync. DO NOT EDIT.
"""gRPC over HTTP/2 connections of our own."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from gemwire._transport.connection import HttpRoute
from gemwire._transport.connection_settings import ConnectionSettings, TransportArguments
from gemwire._transport.h2_target import H2Target
from gemwire._transport.sync.transport import Transport

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from gemwire._transport.sync.h2.pool import H2ConnectionPool


class H2Transport(Transport):
    """gRPC over HTTP/2 without grpcio, which takes less CPU. Needs ``gemwire[h2]``.

    Calls, deadlines, retries, errors and streams are those of the gRPC transport.
    """

    kind = "h2"

    def __init__(self, **arguments: Unpack[TransportArguments]) -> None:
        """Find credentials and run the certificate source. Nothing is connected before the first call.

        Args:
            **arguments: See `TransportArguments`.

        Raises:
            ImportError: ``gemwire[h2]`` is not installed.
            ValueError: The host is invalid, or two credentials or gRPC interceptors were given.
            TypeError: An argument is of a wrong type, or a gRPC channel was given.
            google.auth.exceptions.DefaultCredentialsError: No credentials were found.
            google.auth.exceptions.MutualTLSChannelError: The certificate source failed.
        """
        if "channel" in arguments:
            raise TypeError("channel: this transport makes its own connections; leave it out")
        self.initialize(ConnectionSettings.of_transport(**arguments))

    def create_pool(self, settings: ConnectionSettings) -> H2ConnectionPool:
        """Return the HTTP/2 connections."""
        return _create_pool(H2Target.of(settings))

    @classmethod
    def with_route(cls, settings: ConnectionSettings, http: HttpRoute) -> H2Transport:
        """Make a transport that sends by ``http`` what gRPC cannot carry. Raises as `initialize`."""
        return cls.from_settings(settings, _create_pool(H2Target.of(settings, http)))


def _create_pool(target: H2Target) -> H2ConnectionPool:
    # It is imported when a server sends what needs it, which is late to learn that it is not there.
    if find_spec("hpack") is None:
        raise ImportError("transport='h2' needs: pip install 'gemwire[h2]' (there is no hpack)")
    from gemwire._transport.sync.h2.pool import H2ConnectionPool

    return H2ConnectionPool(target)
