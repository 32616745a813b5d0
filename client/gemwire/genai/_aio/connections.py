"""The transports of a client: gRPC, and HTTP for what gRPC cannot carry.

Contents of files, and fields and RPCs that the public protos lack (`gemwire_runtime.json_only`) go over HTTP.
Its transport is made when it is first needed.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from gemwire._transport.aio.transport import AsyncTransport
from gemwire._transport.connection import Connection
from gemwire._transport.connection_settings import ConnectionSettings

if TYPE_CHECKING:
    from gemwire._transport.aio.recorder import AsyncRecordedFiles
    from gemwire._transport.aio.rest_transport import RestAsyncIOTransport
    from gemwire._transport.recording import Recording


class AsyncConnections:
    """The transports of one client, with the same settings.

    Attributes:
        transport: The transport of all calls. The default one, and h2, send over HTTP what gRPC cannot carry.
    """

    transport: AsyncTransport

    def __init__(
        self, transport: str | None, settings: ConnectionSettings, recording: Recording | None
    ) -> None:
        """Make the transport. Nothing is connected yet."""
        self._name = transport
        self._settings = settings
        self._recording = recording
        self._lock = threading.Lock()
        self._closed = False
        self._rest: RestAsyncIOTransport | None = None
        if transport is None or (recording and recording.replays):
            from gemwire._transport.aio.grpc_transport import GrpcAsyncIOTransport

            self.transport = GrpcAsyncIOTransport.with_route(settings, self._route)
        elif transport == "h2":
            from gemwire._transport.aio.h2_transport import H2AsyncIOTransport

            self.transport = H2AsyncIOTransport.with_route(settings, self._route)
        elif transport == "rest":
            self.transport = self._rest = self._make_rest()
        else:
            from gemwire._clients.aio.service_client import AsyncServiceClient

            kind = AsyncServiceClient.get_transport_class(None if transport == "grpc" else transport)
            self.transport = kind.from_settings(settings)
        if recording:
            self.transport.record(recording)

    def _make_rest(self) -> RestAsyncIOTransport:
        from gemwire._transport.aio.rest_transport import RestAsyncIOTransport

        return RestAsyncIOTransport.from_settings(self._settings)

    def rest(self, what: str) -> RestAsyncIOTransport:
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

    def files(self, what: str) -> RestAsyncIOTransport | AsyncRecordedFiles:
        """Return what uploads and downloads files. Raises as `rest`."""
        if not self._recording:
            return self.rest(what)
        from gemwire._transport.aio.recorder import AsyncRecordedFiles

        return AsyncRecordedFiles(None if self._recording.replays else self.rest(what), self._recording)

    async def close(self) -> None:
        """End all calls and connections."""
        with self._lock:
            self._closed = True
        await self.transport.close()
        if self._rest is not None and self._rest is not self.transport:
            await self._rest.close()
