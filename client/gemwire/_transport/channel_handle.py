"""A gRPC channel with its multicallables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gemwire._transport import fork, json_only
from gemwire._transport.channel_options import Target
from gemwire._transport.connection_health import ConnectionHealth
from gemwire._transport.undecodable import build_deserializer
from gemwire_runtime.method import AnyMethod, Kind

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
    """

    __slots__ = ("__weakref__", "_callables", "_http", "_intercepted", "channel", "generation", "health")

    def __init__(self, channel: Any, target: Target | None, health: ConnectionHealth | None = None) -> None:
        """``target`` is None for a channel of the user's own."""
        self.channel = channel
        self.health = health or ConnectionHealth(target.probe if target else None)
        self.generation = fork.generation()
        # Interceptors expect messages.
        self._intercepted = target is None or bool(target.interceptors)
        self._http = target.http if target else None
        self._callables: dict[AnyMethod, Callable[..., Any]] = {}

    def callable(self, method: AnyMethod) -> Callable[..., Any]:
        """Return the multicallable of a method.

        Requests that gRPC cannot carry go over HTTP, or it raises ValueError; see `json_only`.

        Raises:
            ValueError: The RPC is available over HTTP only, and there is no HTTP route.
        """
        found = self._callables.get(method)
        if found is None:
            found = self._callables[method] = self._create(method)
        return found

    def _create(self, method: AnyMethod) -> Callable[..., Any]:
        if method.http_only:
            return json_only.route_method(method, self._http)
        # Bidirectional streams check each message that is written.
        checked = method.may_hold_json_only and method.kind in (Kind.UNARY, Kind.SERVER_STREAM)
        as_bytes = checked and not self._intercepted
        multicallable: Callable[..., Any] = getattr(self.channel, _FACTORIES[method.kind])(
            method.path,
            request_serializer=None if as_bytes else method.request.SerializeToString,
            response_deserializer=build_deserializer(method),
        )
        if checked:
            return json_only.route_requests(method, multicallable, self._http, as_bytes=as_bytes)
        return multicallable
