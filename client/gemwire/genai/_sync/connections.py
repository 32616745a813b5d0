# Derived from genai/_aio/connections.py by scripts/unasync. DO NOT EDIT.
"""How a client's calls reach the API: over gRPC, or over HTTP, each over what can carry it.

Bytes of files, batches, and fields that the public protos lack (`gemwire_runtime.json_only_fields`) go
over HTTP. What that takes is made when the first of them is there.
"""

from __future__ import annotations

import threading
from typing import Any

import google.auth.api_key

from gemwire._clients.sync import v1beta
from gemwire._transport import credentials as creds
from gemwire._transport import endpoint
from gemwire._transport.request_message import create_request
from gemwire._transport.serialized_message import SerializedMessage
from gemwire._transport.sync.grpc_transport import GrpcTransport
from gemwire.options import ClientOptions
from gemwire_runtime import json_only_fields


class Connections:
    """The transports of one client.

    Attributes:
        transport: What calls go over, unless something only HTTP can carry is to be sent.
        caller: What makes the calls, and decides that.
    """

    def __init__(
        self, credentials: Any, options: ClientOptions, transport: str | None, plaintext: bool
    ) -> None:
        """Nothing is connected yet.

        Args:
            credentials: google-auth credentials.
            options: Key and host.
            transport: Name of a transport: it is pinned. None for gRPC, and HTTP where that is needed.
            plaintext: Whether the host, which is this machine, speaks without encryption.

        Raises:
            ImportError: ``gemwire[http]`` is not installed, and asked for.
            ValueError: Options exclude each other, or one is out of range.
            TypeError: An argument is of a wrong type.
        """
        if transport is None:
            # A client of both kinds must not call the service with one while the other has an emulator.
            emulated = endpoint.either_emulator()
            if plaintext and not emulated:
                transport = "rest"
        self._transport = transport
        self._plaintext = plaintext
        self._credentials = credentials
        self._options = options
        self._lock = threading.Lock()
        self._closed = False
        self.transport = self._made(transport)
        self._rest = self.transport if transport == "rest" else None
        self.caller: Any = self.transport if self._rest else Route(self)

    def _made(self, name: str | None) -> Any:
        kind, credentials = self._unencrypted(name) if self._plaintext else (name, self._credentials)
        client = v1beta.GenerativeServiceClient(
            credentials=credentials, client_options=self._options, transport=kind
        )
        return client.transport

    def _unencrypted(self, name: str | None) -> tuple[Any, Any]:
        """A kind of transport that uses no TLS, and its credentials."""
        kind = v1beta.GenerativeServiceClient.get_transport_class(name)
        if kind is GrpcTransport:
            found = None if self._credentials or self._options.api_key else creds.environment_key()
            # Without TLS a transport looks for no credentials; a key for a proxy on this machine it takes.
            given = google.auth.api_key.Credentials(found[1]) if found else self._credentials
            more: dict[str, Any] = {"plaintext": True}
        elif name == "rest":
            given, more = self._credentials, {"url_scheme": "http"}
        else:
            raise ValueError(
                f"http_options.base_url: with transport={name!r} it must begin with https://, as nobody "
                "knows where a server without encryption speaks what"
            )

        class Unencrypted(kind):  # type: ignore[misc, valid-type]
            def __init__(self, **arguments: Any) -> None:
                super().__init__(**{**arguments, **more})

        return Unencrypted, given

    def rest(self, what: str) -> Any:
        """The transport for what only HTTP carries.

        Args:
            what: That, for errors.

        Raises:
            ImportError: ``gemwire[http]`` is not installed.
            ValueError: gRPC was asked for; or only gRPC has an emulator.
            RuntimeError: The client is closed.
        """
        if self._transport == "grpc":
            raise ValueError(f"{what}: goes over HTTP, and the client was made with transport='grpc'")
        with self._lock:
            if self._closed:
                raise RuntimeError("this client is closed; make another")
            if self._rest is None:
                try:
                    self._rest = self._made("rest")
                except ImportError as error:
                    raise ImportError(
                        f"{what}: goes over HTTP, which needs: pip install 'gemwire[http]' ({error})"
                    ) from None
            return self._rest

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
        if json_only_fields.used():
            way, request = self._way(method, request, flattened)
            return way.unary(method, request, (), *rest, **more)
        return self._transport.unary(method, request, flattened, *rest, **more)

    def server_stream(self, method: Any, request: Any, flattened: Any = (), *rest: Any, **more: Any) -> Any:
        """Begin a call with many answers."""
        if json_only_fields.used():
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
        fields = json_only_fields.within(
            message.parse() if isinstance(message, SerializedMessage) else message
        )
        return (self._connections.rest(", ".join(fields)) if fields else self._transport), message


def check_grpc(message: Any) -> None:
    """Refuse a message with fields that gRPC does not carry, where there is no other way.

    Raises:
        ValueError: It has some.
    """
    if fields := json_only_fields.within(message):
        raise ValueError(f"{', '.join(fields)}: live sessions are held over gRPC, which does not have it")
