"""gRPC over HTTP/2 connections of our own: for asyncio so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemwire._transport.connection import HttpRoute
from gemwire._transport.connection_settings import ConnectionSettings, TransportArguments
from gemwire._transport.sync.transport import Transport

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from gemwire._transport.connection import ConnectionPool


class H2Transport(Transport):
    """Refused: the connections of ``h2_asyncio`` belong to an event loop."""

    kind = "h2"

    def __init__(self, **arguments: Unpack[TransportArguments]) -> None:
        """Raise ValueError."""
        self.initialize(ConnectionSettings.of_transport(**arguments))

    def create_pool(self, settings: ConnectionSettings) -> ConnectionPool:
        """Raise ValueError."""
        raise ValueError("transport: 'h2' is for asyncio clients so far; use 'grpc' or an async client")

    @classmethod
    def with_route(cls, settings: ConnectionSettings, http: HttpRoute) -> H2Transport:
        """Raise ValueError."""
        return cls.from_settings(settings)
