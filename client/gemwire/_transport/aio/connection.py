"""The connections of a client, as its transport closes them."""

from __future__ import annotations

from typing import Protocol

from gemwire._transport.connection import ConnectionSource


class ConnectionPool(ConnectionSource, Protocol):
    """The connections of one client."""

    async def close(self) -> None: ...
