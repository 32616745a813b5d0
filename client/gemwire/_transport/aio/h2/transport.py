"""gRPC over a transport of our own: HTTP/2 straight on asyncio."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from gemwire._transport.aio.grpc_transport import AsyncTransport
from gemwire._transport.aio.h2.channel import H2Target
from gemwire._transport.aio.h2.pool import H2ConnectionPool
from gemwire._transport.connection import HttpRoute
from gemwire._transport.connection_settings import ConnectionSettings, TransportArguments
from gemwire._transport.endpoint import with_port
from gemwire._transport.rest.tls_and_proxy import HttpTarget

if TYPE_CHECKING:
    from typing_extensions import Unpack

_Transport = TypeVar("_Transport", bound="H2AsyncIOTransport")


class H2AsyncIOTransport(AsyncTransport):
    """gRPC over HTTP/2 on asyncio, without grpcio's core."""

    kind = "h2_asyncio"

    def __init__(self, **arguments: Unpack[TransportArguments]) -> None:
        """Find credentials. Nothing is connected before the first call.

        Args:
            **arguments: See `TransportArguments`.

        Raises:
            ValueError: The host is invalid, two credentials were given, or interceptors, which are grpcio's.
            TypeError: An argument is of a wrong type.
        """
        self.connect_with(ConnectionSettings.of_transport(**arguments), None)

    @classmethod
    def from_settings(
        cls: type[_Transport], settings: ConnectionSettings, http: HttpRoute | None = None
    ) -> _Transport:
        """See `AsyncTransport.from_settings`; ``http``: the route of what gRPC cannot carry."""
        made = cls.__new__(cls)
        made.connect_with(settings, http)
        return made

    def connect_with(self, settings: ConnectionSettings, http: HttpRoute | None) -> None:
        """Initialize the transport; see `AsyncTransport.initialize`."""
        if settings.interceptors:
            raise ValueError("interceptors: those of grpc need transport='grpc_asyncio'")
        server = HttpTarget(
            "http" if settings.plaintext else "https",
            with_port(settings.host),
            settings.certificate,
            settings.max_response_size,
        )
        target = H2Target(server, settings.user_agent or "gemwire", http)
        self.initialize(settings, H2ConnectionPool(target))
