"""The arguments of a client, and the connection settings that follow from them and the environment."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gemwire._transport import credentials as creds
from gemwire._transport import endpoint
from gemwire._transport.connection_settings import ConnectionSettings
from gemwire.genai._backends.base import Backend, VertexTarget
from gemwire.genai._backends.gemini import GEMINI
from gemwire.genai._types.http_options import HttpOptions
from gemwire.genai.http_options import find_http_clients, resolve_address
from gemwire.options import ClientInfo, ClientOptions

if TYPE_CHECKING:
    import google.auth.credentials

    from gemwire._transport.recording import Recording

_EMULATORS = {
    None: endpoint.find_dual_emulator,
    "grpc": endpoint.find_emulator,
    "h2": endpoint.find_dual_emulator,
    "rest": endpoint.find_http_emulator,
    "auto": endpoint.find_dual_emulator,
}


@dataclass(frozen=True)
class ClientArguments:
    """The arguments of `Client`, checked.

    Attributes:
        http_options: Where calls go, and their defaults.
        api_key: The API key that was given.
        credentials: The google-auth credentials that were given.
        transport: Name of the transport; None for gRPC, and HTTP for what gRPC cannot carry, as with h2.
        recording: Records or replays calls.
        vertex: Where Vertex AI is called; None for the Gemini API.
    """

    http_options: HttpOptions
    api_key: str | None = field(default=None, repr=False)
    credentials: google.auth.credentials.Credentials | None = None
    transport: str | None = None
    recording: Recording | None = None
    vertex: VertexTarget | None = None

    @functools.cached_property
    def backend(self) -> Backend:
        """The service to call."""
        if self.vertex is None:
            return GEMINI
        # Programs that call the Gemini API load nothing of Vertex AI.
        from gemwire.genai._backends.vertex import build_backend

        version = self.http_options.api_version
        return build_backend(self.vertex, version, over_http=self.transport != "grpc")

    def resolve(self) -> tuple[str | None, ConnectionSettings]:
        """Return the name of the transport, and the connection settings."""
        backend = self.backend
        address = resolve_address(self.http_options, backend.base_url_variable, backend.versions)
        host, plaintext, transport = address.host, address.plaintext, self.transport
        if transport not in _EMULATORS:
            raise KeyError(f"transport: {transport!r} is not one of 'grpc', 'h2', 'rest', 'auto'")
        if address.path or address.elsewhere:
            if transport not in {None, "rest"}:
                what = "has a path" if address.path else "is another machine without TLS"
                raise ValueError(
                    f"http_options.base_url: {what}, which goes over HTTP only; leave transport out"
                )
            transport = "rest"
        named, clients = find_http_clients(self.http_options)
        if named:
            if transport not in {None, "rest"}:
                raise ValueError(f"http_options.{named}: is for HTTP only; leave transport out")
            transport = "rest"
        if self.api_key is not None:
            creds.check_api_key(self.api_key, "api_key")
            if self.credentials:
                raise ValueError("api_key and credentials are mutually exclusive")
        if plaintext and transport == "auto":
            raise ValueError(
                "http_options.base_url: with transport='auto' it must begin with https://, because an "
                "unencrypted server has different ports for gRPC and HTTP"
            )
        key, location = self.api_key, None
        if self.vertex is not None:
            location = self.vertex.location or None
            if self.vertex.is_express and key is None and (found := creds.find_environment_key()):
                key = found[1]
        options = ClientOptions(api_key=key, api_endpoint=host, location=location)
        if self.recording and self.recording.replays:
            # Nothing is sent: no credentials need to be found.
            return transport, ConnectionSettings(host or backend.service.host, creds.ApiKey(()))
        emulator = _EMULATORS[transport]()
        if emulator or not plaintext or host is None:
            settings = ConnectionSettings.of_client(
                options,
                self.credentials,
                ClientInfo(),
                service=backend.service,
                emulator=emulator,
            )
            path = "" if emulator else address.path
            return transport, replace(settings, http_path=path, http_clients=clients)
        over_grpc = transport in {"grpc", "h2"}
        if over_grpc and not self.credentials and (found := creds.find_environment_key()):
            options = replace(options, api_key=self.api_key or found[1])
        settings = ConnectionSettings.build(
            options,
            self.credentials,
            ClientInfo(),
            service=backend.service,
            host=host,
            http_host=host,
            plaintext=True,
            # Without TLS, gRPC sends an API key to a proxy on this machine, but no token.
            anonymous=over_grpc,
        )
        settings = replace(
            settings,
            http_path=address.path,
            allows_plaintext=address.elsewhere,
            http_clients=clients,
        )
        return transport or "rest", settings
