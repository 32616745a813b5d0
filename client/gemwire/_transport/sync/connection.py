# Derived from _transport/aio/connection.py by scripts/unasync. DO NOT EDIT.
"""What a caller needs of a connection, whatever protocol it speaks."""

from __future__ import annotations

from typing import Any, Protocol

from gemwire._transport.connection_health import ConnectionHealth
from gemwire_runtime.method import Method


class Connection(Protocol):
    """What calls are made on: a gRPC channel, or an HTTP session."""

    @property
    def health(self) -> ConnectionHealth: ...
    def callable(self, method: Method[Any, Any]) -> Any: ...


class ConnectionPool(Protocol):
    """The connections of one client."""

    @property
    def closed(self) -> bool: ...
    def current(self) -> Connection: ...
    def replace(self, connection: Any) -> None: ...
    def close(self) -> None: ...
