"""gRPC by way of grpc.aio."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc.aio

from gemwire._transport import credentials as creds
from gemwire._transport import endpoint
from gemwire._transport.aio import channel_pool
from gemwire._transport.aio.transport import AsyncTransport
from gemwire._transport.channel_options import Target
from gemwire._transport.connection import ConnectionPool, HttpRoute
from gemwire._transport.connection_settings import ConnectionSettings, TransportArguments
from gemwire._transport.metadata import build_user_agent
from gemwire.options import ClientInfo
from gemwire_proto.families import FAMILIES

if TYPE_CHECKING:
    from typing_extensions import Unpack


class GrpcAsyncIOTransport(AsyncTransport):
    """gRPC by way of grpc.aio."""

    kind = "grpc_asyncio"
    build_metadata = staticmethod(channel_pool.build_metadata)

    def __init__(
        self, *, channel: grpc.aio.Channel | None = None, **arguments: Unpack[TransportArguments]
    ) -> None:
        """Find credentials and run the certificate source. Nothing is connected before the first call.

        Args:
            channel: A channel to use as it is; no credentials are looked up or sent.
            **arguments: See `TransportArguments`.

        Raises:
            ValueError: The host is invalid, or two credentials were given.
            TypeError: An argument is of a wrong type.
            google.auth.exceptions.DefaultCredentialsError: No credentials were found.
            google.auth.exceptions.MutualTLSChannelError: The certificate source failed.
        """
        if channel is None:
            self.initialize(ConnectionSettings.of_transport(**arguments))
            return
        if not isinstance(channel, grpc.aio.Channel):
            raise TypeError(f"channel: expected a grpc.aio.Channel, got {type(channel).__name__}")
        client_info = arguments.get("client_info", ClientInfo())
        settings = ConnectionSettings(
            endpoint.check_host(arguments.get("host", FAMILIES[0].host), "host"),
            creds.ApiKey(()),
            user_agent=None if client_info is None else build_user_agent(client_info),
            log_content=arguments.get("log_content", False),
        )
        self.initialize(settings, channel_pool.ChannelPool(None, channel))

    def create_pool(self, settings: ConnectionSettings) -> ConnectionPool:
        """Return the gRPC channels."""
        return channel_pool.ChannelPool(Target.of(settings))

    @classmethod
    def with_route(cls, settings: ConnectionSettings, http: HttpRoute) -> GrpcAsyncIOTransport:
        """Make a transport that sends by ``http`` what gRPC cannot carry."""
        return cls.from_settings(settings, channel_pool.ChannelPool(Target.of(settings, http)))
