"""gRPC over a transport of our own: HTTP/2 straight on asyncio."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemwire._transport.aio.grpc_transport import AsyncTransport
from gemwire._transport.aio.h2.pool import H2ConnectionPool
from gemwire._transport.aio.h2.target import H2Target
from gemwire._transport.connection_settings import ConnectionSettings, TransportArguments
from gemwire._transport.endpoint import with_port

if TYPE_CHECKING:
    from typing_extensions import Unpack


class H2AsyncIOTransport(AsyncTransport):
    """gRPC over HTTP/2 on asyncio, without grpcio's core. Needs ``hpack``."""

    kind = "h2_asyncio"

    def __init__(self, **arguments: Unpack[TransportArguments]) -> None:
        """Find credentials and run the certificate source. Nothing is connected before the first call.

        Args:
            **arguments: See `TransportArguments`.

        Raises:
            ValueError: The host is invalid, or two credentials or gRPC interceptors were given.
            TypeError: An argument is of a wrong type.
            google.auth.exceptions.DefaultCredentialsError: No credentials were found.
            google.auth.exceptions.MutualTLSChannelError: The certificate source failed.
        """
        self.initialize(ConnectionSettings.of_transport(**arguments))

    def create_pool(self, settings: ConnectionSettings) -> H2ConnectionPool:
        """Return the HTTP/2 connections."""
        if settings.interceptors:
            raise ValueError("client_options.interceptors: those are grpc's, and this transport is not")
        return H2ConnectionPool(
            H2Target(
                with_port(settings.host),
                settings.user_agent or "gemwire",
                settings.plaintext,
                settings.certificate,
                settings.max_response_size,
            )
        )
