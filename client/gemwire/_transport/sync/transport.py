# Derived from _transport/aio/transport.py by scripts/unasync. DO NOT EDIT.
"""The base class of transports."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, TypeVar

from gemwire._transport import endpoint
from gemwire._transport.connection import ConnectionPool
from gemwire._transport.connection_settings import ConnectionSettings
from gemwire._transport.sync.caller import Caller

if TYPE_CHECKING:
    from gemwire._transport.recording import Recording

_Transport = TypeVar("_Transport", bound="Transport")


class Transport(Caller, ABC):
    """A caller with connections of its own. Clients that are given the same transport share them.

    Attributes:
        kind: Name of the transport, as clients take it.
        find_emulator: Returns the emulator that the environment sends this transport to, or None.
        settings: Where it connects to, and how.
        is_recorded: Whether its calls are recorded or replayed.
    """

    kind = ""
    is_recorded = False
    find_emulator = staticmethod(endpoint.find_emulator)
    settings: ConnectionSettings

    def initialize(self, settings: ConnectionSettings, pool: ConnectionPool | None = None) -> None:
        """Initialize the caller. Nothing is connected before the first call.

        Raises:
            ImportError: ``gemwire[http]`` is needed and not installed.
            ValueError: The settings do not suit the transport.
        """
        pool = pool or self.create_pool(settings)
        self.settings = settings
        super().__init__(pool, settings.authorization, settings.user_agent, self.host, settings.log_content)

    @abstractmethod
    def create_pool(self, settings: ConnectionSettings) -> ConnectionPool:
        """Return the connections of this transport. Raises as `initialize`."""

    def __repr__(self) -> str:
        if "settings" not in vars(self):
            return f"<{type(self).__name__}, not initialized>"
        return f"<{type(self).__name__} {self.host} {self.settings.authorization!r}>"

    @classmethod
    def from_settings(
        cls: type[_Transport], settings: ConnectionSettings, pool: ConnectionPool | None = None
    ) -> _Transport:
        """Make a transport of settings that were resolved before. Raises as `initialize`."""
        made = cls.__new__(cls)
        made.initialize(settings, pool)
        return made

    def record(self, recording: Recording) -> None:
        """Record the calls of this transport, or replay them instead of making them."""
        from gemwire._transport.sync.recorder import RecordingPool

        self.is_recorded = True
        self.pool = RecordingPool(self.pool, recording)

    @property
    def host(self) -> str:
        """Host and port."""
        return endpoint.with_port(self.settings.host)

    def close(self) -> None:
        """End all calls and close all connections, for all clients that share the transport."""
        self.pool.close()

    def __enter__(self: _Transport) -> _Transport:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
