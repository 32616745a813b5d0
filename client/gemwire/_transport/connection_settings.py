"""The settings of a client's connections, built once and shared by all its transports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypedDict

from gemwire._transport import credentials as creds
from gemwire._transport import endpoint
from gemwire._transport.certificate_source import load_certificate
from gemwire._transport.metadata import build_user_agent
from gemwire._transport.rest.given_clients import NO_CLIENTS, GivenClients
from gemwire.options import MAX_RESPONSE_SIZE, CertSource, ClientInfo, ClientOptions, UserAgentSource
from gemwire_proto.families import FAMILIES
from gemwire_runtime.method import Service

if TYPE_CHECKING:
    import google.auth.credentials


#: What a transport serves that was made without a client.
_ANY_SERVICE = Service("", FAMILIES[0].host, (), {})


class TransportArguments(TypedDict, total=False):
    """Arguments that all transports take, those of Google's and a few more.

    Attributes:
        host: Host, or host:port. Default: that of the service.
        credentials: google-auth credentials. Default: those of the environment.
        credentials_file: File to load them from instead.
        scopes: OAuth scopes.
        client_cert_source_for_mtls: Returns the client certificate and key.
        quota_project_id: Project to bill.
        client_info: Source of ``x-goog-api-client``; None to send none.
        always_use_jwt_access: Whether service accounts sign their own tokens. Default: True.
        api_audience: Audience of the tokens of a Google Distributed Cloud account. Default: ``host``.
        plaintext: Whether to connect without TLS and send no tokens, as to an emulator.
        interceptors: gRPC client interceptors; REST takes none.
        log_content: Whether logs may contain requests and responses.
        max_response_size: Bytes that a response may have; see `gemwire.ClientOptions`.
    """

    host: str
    credentials: google.auth.credentials.Credentials | None
    credentials_file: str | None
    scopes: Sequence[str] | None
    client_cert_source_for_mtls: CertSource | None
    quota_project_id: str | None
    client_info: UserAgentSource | None
    always_use_jwt_access: bool
    api_audience: str | None
    plaintext: bool
    interceptors: Sequence[object]
    log_content: bool
    max_response_size: int


@dataclass(frozen=True)
class ConnectionSettings:
    """Where a client connects to, as whom, and how.

    Attributes:
        host: Host, or host:port, as it was given: without a port unless one was.
        authorization: The API key or token to send. All transports of a client share it.
        http_host: Host, or host:port, for calls over HTTP; None if an emulator has no HTTP address.
        plaintext: Whether connections are unencrypted: an emulator or a proxy on this machine.
        certificate: Client certificate and private key, PEM, for mutual TLS.
        user_agent: Value of ``x-goog-api-client``; None to send none.
        interceptors: The user's gRPC client interceptors.
        log_content: Whether logs may contain requests and responses.
        max_response_size: Bytes that a response may have; see `gemwire.ClientOptions`.
        http_path: Path before that of each call over HTTP, as gateways have it.
        allows_plaintext: Whether the program said that another machine is called unencrypted.
        http_clients: HTTP clients of the program's own.
    """

    host: str
    authorization: creds.Authorization
    http_host: str | None = None
    plaintext: bool = False
    certificate: tuple[bytes, bytes] | None = field(default=None, repr=False)
    user_agent: str | None = None
    interceptors: tuple[object, ...] = ()
    log_content: bool = False
    max_response_size: int = MAX_RESPONSE_SIZE
    http_path: str = ""
    allows_plaintext: bool = False
    http_clients: GivenClients = NO_CLIENTS

    @classmethod
    def build(
        cls,
        options: ClientOptions,
        credentials: google.auth.credentials.Credentials | None,
        client_info: UserAgentSource | None,
        *,
        service: Service,
        host: str,
        http_host: str | None,
        cert_source: CertSource | None = None,
        plaintext: bool = False,
        anonymous: bool = False,
        always_use_jwt_access: bool = True,
    ) -> ConnectionSettings:
        """Find the credentials and run the certificate source. Nothing is connected.

        If ``anonymous``, only an API key that was given in code is sent, and that only to this machine.
        """
        authorization: creds.Authorization = creds.ApiKey(())
        if not anonymous or (creds.is_key_given(credentials, options) and endpoint.is_loopback(host)):
            authorization = creds.resolve(
                credentials,
                options,
                service,
                host,
                always_use_jwt_access=always_use_jwt_access,
            )
        return cls(
            host,
            authorization,
            http_host,
            plaintext,
            load_certificate(cert_source),
            None if client_info is None else build_user_agent(client_info),
            tuple(options.interceptors),
            options.log_content,
            options.max_response_size,
        )

    @classmethod
    def of_client(
        cls,
        options: ClientOptions,
        credentials: google.auth.credentials.Credentials | None,
        client_info: UserAgentSource | None,
        *,
        service: Service,
        emulator: endpoint.Emulator | None,
    ) -> ConnectionSettings:
        """Resolve the settings of a service client by its options and the environment. See `build`."""
        if emulator:
            endpoint.service_host(service, options.location)
            host, http_host, cert_source = emulator.host, emulator.http_host, None
        else:
            found = endpoint.resolve(service, options)
            host, http_host, cert_source = found.host, found.host, found.cert_source
        return cls.build(
            options,
            credentials,
            client_info,
            service=service,
            host=host,
            http_host=http_host,
            cert_source=cert_source,
            plaintext=emulator is not None,
            anonymous=emulator is not None,
        )

    @classmethod
    def of_transport(
        cls,
        *,
        host: str = _ANY_SERVICE.host,
        credentials: google.auth.credentials.Credentials | None = None,
        credentials_file: str | None = None,
        scopes: Sequence[str] | None = None,
        client_cert_source_for_mtls: CertSource | None = None,
        quota_project_id: str | None = None,
        client_info: UserAgentSource | None = ClientInfo(),  # noqa: B008 - frozen
        always_use_jwt_access: bool = True,
        api_audience: str | None = None,
        plaintext: bool = False,
        interceptors: Sequence[object] = (),
        log_content: bool = False,
        max_response_size: int = MAX_RESPONSE_SIZE,
    ) -> ConnectionSettings:
        """Resolve the settings of a transport made without a client; see `TransportArguments`."""
        endpoint.check_host(host, "host")
        options = ClientOptions(
            credentials_file=credentials_file,
            scopes=scopes,
            quota_project_id=quota_project_id,
            api_audience=api_audience,
            interceptors=interceptors,
            log_content=log_content,
            max_response_size=max_response_size,
        )
        return cls.build(
            options,
            credentials,
            client_info,
            service=_ANY_SERVICE,
            host=host,
            http_host=host,
            cert_source=client_cert_source_for_mtls,
            plaintext=plaintext,
            anonymous=plaintext,
            always_use_jwt_access=always_use_jwt_access,
        )
