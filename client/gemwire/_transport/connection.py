"""What a call needs of a connection, whatever protocol it speaks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from gemwire._transport.connection_health import ConnectionHealth
from gemwire_runtime.method import AnyMethod


class Connection(Protocol):
    """What calls are made on: a gRPC channel, or an HTTP session."""

    @property
    def health(self) -> ConnectionHealth: ...

    def callable(self, method: AnyMethod) -> Callable[..., Any]:
        """Return what makes the calls of a method, called as grpc's multicallables are."""
        ...


#: Returns the HTTP connection for what gRPC cannot carry: names of fields or of an RPC, for errors.
HttpRoute: TypeAlias = Callable[[str], Connection]


class ConnectionPool(Protocol):
    """The connections of one client."""

    @property
    def closed(self) -> bool: ...

    def current(self) -> Connection:
        """Return the connection for the running loop or process."""
        ...

    def replace(self, connection: Any, /) -> None:
        """Have new calls use another connection than a silent one."""

    def close(self) -> Any:
        """Close all connections; to be awaited in the asyncio flavour."""
