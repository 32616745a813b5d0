# Derived from _transport/aio/connection.py by scripts/unasync. DO NOT EDIT.
"""The connections of a client, as its transport closes them."""

from __future__ import annotations

from typing import Protocol

from gemwire._transport.connection import ConnectionSource


class ConnectionPool(ConnectionSource, Protocol):
    """The connections of one client."""

    def close(self) -> None: ...
