"""A gRPC channel with its multicallables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gemwire._transport import fork
from gemwire._transport.connection_health import ConnectionHealth
from gemwire_runtime.method import Kind, Method

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

_FACTORIES = {
    Kind.UNARY: "unary_unary",
    Kind.SERVER_STREAM: "unary_stream",
    Kind.CLIENT_STREAM: "stream_unary",
    Kind.BIDI: "stream_stream",
}


class ChannelHandle:
    """A channel of grpc or grpc.aio, its multicallables and its health.

    Attributes:
        channel: The channel.
        health: Its health.
        generation: The process it was made in; see `fork`.
        loop: The event loop that a channel of grpc.aio belongs to.
    """

    __slots__ = ("__weakref__", "_callables", "channel", "generation", "health", "loop")

    def __init__(
        self, channel: Any, health: ConnectionHealth | None = None, loop: AbstractEventLoop | None = None
    ) -> None:
        self.channel = channel
        self.health = health or ConnectionHealth()
        self.generation = fork.generation()
        self.loop = loop
        self._callables: dict[Method[Any, Any], Any] = {}

    def callable(self, method: Method[Any, Any]) -> Any:
        """Return the multicallable of a method."""
        found = self._callables.get(method)
        if found is None:
            found = self._callables[method] = getattr(self.channel, _FACTORIES[method.kind])(
                method.path,
                request_serializer=method.request.SerializeToString,
                response_deserializer=method.response.FromString,
            )
        return found
