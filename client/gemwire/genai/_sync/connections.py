# Derived from genai/_aio/connections.py by scripts/unasync. DO NOT EDIT.
"""The transports of a client: gRPC, and HTTP for what gRPC cannot carry.

Contents of files, batches, and fields that the public protos lack (`gemwire_runtime.json_only`) go over
HTTP, by a transport that is made when it is first needed.
"""

from __future__ import annotations

import threading
from typing import Any

from gemwire._clients.sync.service_client import ServiceClient
from gemwire._transport.connection_settings import ConnectionSettings
from gemwire._transport.recording import Recording
from gemwire._transport.request_message import create_request
from gemwire._transport.serialized_message import SerializedMessage
from gemwire._transport.sync.grpc_transport import Transport
from gemwire_runtime import json_only

_LABELS = {"grpc": "grpc", "rest": "rest"}


class Connections:
    """The transports of one client, over the same settings.

    Attributes:
        transport: The transport of calls that gRPC can carry; of all calls if HTTP was asked for.
        caller: What makes the calls.
    """

    def __init__(
        self, transport: str | None, settings: ConnectionSettings, recording: Recording | None
    ) -> None:
        """Make the transport. Nothing is connected yet.

        Args:
            transport: Its name; None for gRPC, and HTTP if that is needed.
            settings: Its settings.
            recording: Records or replays the calls.

        Raises:
            ImportError: ``gemwire[http]`` is needed and not installed.
            ValueError: The settings do not suit the transport.
        """
        # A recording answers for all transports.
        self._name = "rest" if recording and recording.replays else transport
        self._settings = settings
        self._recording = recording
        self._lock = threading.Lock()
        self._closed = False
        self.transport = self._make(None if recording and recording.replays else transport)
        self._rest = self.transport if self._name == "rest" else None
        self.caller: Any = self.transport if self._rest else Route(self)

    def _make(self, name: str | None) -> Transport:
        kind = ServiceClient.get_transport_class(_LABELS.get(name, name) if name else None)
        made = kind.from_settings(self._settings)
        if self._recording:
            made.record(self._recording)
        return made

    def rest(self, what: str) -> Transport:
        """Return the HTTP transport.

        Args:
            what: What needs it, for errors.

        Raises:
            ImportError: ``gemwire[http]`` is not installed.
            ValueError: The client was made with ``transport='grpc'``, or its emulator has no HTTP address.
            RuntimeError: The client is closed.
        """
        if self._name == "grpc":
            raise ValueError(f"{what}: goes over HTTP, but the client was made with transport='grpc'")
        with self._lock:
            if self._closed:
                raise RuntimeError("this client is closed; make another")
            if self._rest is None:
                try:
                    self._rest = self._make("rest")
                except ImportError as error:
                    raise ImportError(
                        f"{what}: goes over HTTP, which needs: pip install 'gemwire[http]' ({error})"
                    ) from None
            return self._rest

    def files(self, what: str) -> Any:
        """Return what has `upload_file` and `download_file`. Raises as `rest`."""
        transport: Any = self.rest(what)
        if not self._recording:
            return transport
        from gemwire._transport.sync.recorder import RecordedFiles

        return RecordedFiles(None if self._recording.replays else transport, self._recording)

    def close(self) -> None:
        """End all calls and connections."""
        with self._lock:
            self._closed = True
        self.transport.close()
        if self._rest is not None and self._rest is not self.transport:
            self._rest.close()


class Route:
    """Makes calls over gRPC, or over HTTP where a request has fields that only JSON carries."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._transport = connections.transport
        self.bidi = self._transport.bidi

    def unary(self, method: Any, request: Any, flattened: Any = (), *rest: Any, **more: Any) -> Any:
        """See `Caller`; of the others too."""
        if method.may_hold_json_only:
            way, request = self._way(method, request, flattened)
            return way.unary(method, request, (), *rest, **more)
        return self._transport.unary(method, request, flattened, *rest, **more)

    def server_stream(self, method: Any, request: Any, flattened: Any = (), *rest: Any, **more: Any) -> Any:
        """Begin a call with many answers."""
        if method.may_hold_json_only:
            way, request = self._way(method, request, flattened)
            return way.server_stream(method, request, (), *rest, **more)
        return self._transport.server_stream(method, request, flattened, *rest, **more)

    def paged(self, method: Any, request: Any, flattened: Any = (), *rest: Any, **more: Any) -> Any:
        """Get the first page of a list; such requests are small, and hold nothing of the kind."""
        return self._transport.paged(method, request, flattened, *rest, **more)

    def operation(self, method: Any, request: Any, flattened: Any = (), *rest: Any, **more: Any) -> Any:
        """Begin a long-running operation; none takes fields of the kind."""
        return self._transport.operation(method, request, flattened, *rest, **more)

    def _way(self, method: Any, request: Any, flattened: Any) -> tuple[Any, Any]:
        message = create_request(method, request, flattened)
        if json_only.suspect(message.SerializeToString()):
            fields = json_only.paths(message.parse() if isinstance(message, SerializedMessage) else message)
            if fields:
                return self._connections.rest(", ".join(fields)), message
        return self._transport, message


def check_grpc(message: Any) -> None:
    """Refuse a message with fields that gRPC does not carry, where there is no other way.

    Raises:
        ValueError: It has some.
    """
    if fields := json_only.paths(message):
        raise ValueError(f"{', '.join(fields)}: live sessions are held over gRPC, which does not have it")
