# Derived from _transport/aio/grpc_transport.py by scripts/unasync. DO NOT EDIT.
"""A transport: where calls go, whose they are, and the making of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import google.auth.api_key
import grpc

from gemwire._transport import credentials as creds
from gemwire._transport import endpoint
from gemwire._transport.channel_options import Target, certificate
from gemwire._transport.metadata import user_agent
from gemwire._transport.sync.caller import Caller
from gemwire._transport.sync.channel_pool import ChannelPool
from gemwire.options import CertSource, ClientInfo, ClientOptions

_Transport = TypeVar("_Transport", bound="Transport")


class Transport(Caller):
    """What all transports are: a caller with a host, that can be closed."""

    kind = ""
    #: Where the environment sends clients with this transport instead; None for nowhere else.
    emulator: Callable[[], str | None] = staticmethod(endpoint.emulator)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._host} {self._authorization!r}>"

    @property
    def host(self) -> str:
        """Host and port."""
        return self._host

    def close(self) -> None:
        """End all calls and connections. A transport that several clients share is closed for all."""
        self.pool.close()

    def __enter__(self: _Transport) -> _Transport:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class GrpcTransport(Transport):
    """gRPC by way of grpc. Clients make one; give several the same to share its connections."""

    kind = "grpc"

    def __init__(
        self,
        *,
        host: str = endpoint.DEFAULT_HOST,
        credentials: Any = None,
        credentials_file: str | None = None,
        scopes: Any = None,
        channel: grpc.Channel | None = None,
        client_cert_source_for_mtls: CertSource | None = None,
        quota_project_id: str | None = None,
        client_info: ClientInfo | None = ClientInfo(),  # noqa: B008 - frozen
        always_use_jwt_access: bool = True,
        api_audience: str | None = None,
        plaintext: bool = False,
        interceptors: tuple[Any, ...] = (),
        log_content: bool = False,
    ) -> None:
        """The certificate source runs here, once; credentials are found here; nothing is connected yet.

        Args:
            host: Host, or host:port.
            credentials: google-auth credentials. Default: those of the environment.
            credentials_file: File to load them from instead.
            scopes: OAuth scopes.
            channel: A channel to use as it is; then no credentials are looked up or sent.
            client_cert_source_for_mtls: Gives the client certificate and key.
            quota_project_id: Project to bill.
            client_info: What to say of the caller; None to say nothing.
            always_use_jwt_access: Whether a service account signs its own tokens.
            api_audience: Audience of the tokens of a Google Distributed Cloud account. Default: ``host``.
            plaintext: No TLS and no tokens: an emulator.
            interceptors: grpc client interceptors.
            log_content: Whether the log may show requests and responses.

        Raises:
            ValueError: The host is none, or two credentials were given.
            TypeError: An argument is of a wrong type.
            google.auth.exceptions.DefaultCredentialsError: There are no credentials.
            google.auth.exceptions.MutualTLSChannelError: The certificate source failed.
        """
        self._host = endpoint.with_port(endpoint.check_host(host, "host"))
        options = ClientOptions(
            credentials_file=credentials_file,
            scopes=scopes,
            quota_project_id=quota_project_id,
            api_audience=api_audience,
        )
        if channel is not None or (plaintext and not unencrypted_key(credentials, host)):
            authorization: creds.Authorization = creds.ApiKey(())
        else:
            authorization = creds.resolve(
                credentials,
                options,
                endpoint.DEFAULT_HOST,
                host,
                always_use_jwt_access=always_use_jwt_access,
            )
        self._credentials = credentials
        if channel is not None and not isinstance(channel, grpc.Channel):
            raise TypeError(f"channel: expected a grpc.Channel, got {type(channel).__name__}")
        self._certificate = certificate(client_cert_source_for_mtls) if channel is None else None
        target = None
        if channel is None:
            target = Target(self._host, plaintext, self._certificate, interceptors)
        agent = None if client_info is None else user_agent(client_info)
        super().__init__(ChannelPool(target, channel), authorization, agent, self._host, log_content)


def unencrypted_key(credentials: Any, host: str) -> bool:
    """Whether a key is to be sent without encryption: an emulator on this machine may want to see one."""
    return isinstance(credentials, google.auth.api_key.Credentials) and endpoint.is_loopback(host)
