# Derived from genai/_aio/connections.py by scripts/unasync. DO NOT EDIT.
"""The transports of a client: gRPC, and HTTP for what gRPC cannot carry.

Contents of files, and fields and RPCs that the public protos lack (`gemwire_runtime.json_only`) go over HTTP.
Its transport is made when it is first needed.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from gemwire._transport.connection import Connection
from gemwire._transport.connection_settings import ConnectionSettings
from gemwire._transport.sync.transport import Transport

if TYPE_CHECKING:
    from gemwire._transport.recording import Recording
    from gemwire._transport.sync.recorder import RecordedFiles
    from gemwire._transport.sync.rest_transport import RestTransport


class Connections:
    """The transports of one client, with the same settings.

    Attributes:
        transport: The transport of all calls. The default one, and h2, send over HTTP what gRPC cannot carry.
    """

    transport: Transport

    def __init__(
        self, transport: str | None, settings: ConnectionSettings, recording: Recording | None
    ) -> None:
        """Make the transport. Nothing is connected yet."""
        self._name = transport
        self._settings = settings
        self._recording = recording
        self._lock = threading.Lock()
        self._closed = False
        self._rest: RestTransport | None = None
        if transport is None or (recording and recording.replays):
            from gemwire._transport.sync.grpc_transport import GrpcTransport

            self.transport = GrpcTransport.with_route(settings, self._route)
        elif transport == "h2":
            from gemwire._transport.sync.h2_transport import H2Transport

            self.transport = H2Transport.with_route(settings, self._route)
        elif transport == "rest":
            self.transport = self._rest = self._make_rest()
        else:
            from gemwire._clients.sync.service_client import ServiceClient

            kind = ServiceClient.get_transport_class(None if transport == "grpc" else transport)
            self.transport = kind.from_settings(settings)
        if recording:
            self.transport.record(recording)

    def _make_rest(self) -> RestTransport:
        from gemwire._transport.sync.rest_transport import RestTransport

        return RestTransport.from_settings(self._settings)

    def rest(self, what: str) -> RestTransport:
        """Return the HTTP transport."""
        if self._name == "grpc":
            raise ValueError(f"{what}: goes over HTTP, but the client was made with transport='grpc'")
        with self._lock:
            if self._closed:
                raise RuntimeError("this client is closed; create another")
            if self._rest is None:
                try:
                    self._rest = self._make_rest()
                except ImportError as error:
                    raise ImportError(
                        f"{what}: goes over HTTP, which needs: pip install 'gemwire[http]' ({error})"
                    ) from None
            return self._rest

    def _route(self, what: str) -> Connection:
        """Return the HTTP connection for what gRPC cannot carry. Raises as `rest`."""
        return self.rest(what).http.current()

    def files(self, what: str) -> RestTransport | RecordedFiles:
        """Return what uploads and downloads files. Raises as `rest`."""
        if not self._recording:
            return self.rest(what)
        from gemwire._transport.sync.recorder import RecordedFiles

        return RecordedFiles(None if self._recording.replays else self.rest(what), self._recording)

    def close(self) -> None:
        """End all calls and connections."""
        with self._lock:
            self._closed = True
        self.transport.close()
        if self._rest is not None and self._rest is not self.transport:
            self._rest.close()
