"""The base class of service clients: construction, resource names, closing and pickling."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from gemwire._secret import hide_header, hide_text, without_frames
from gemwire._transport import credentials as creds
from gemwire._transport import endpoint
from gemwire._transport.aio.transport import AsyncTransport
from gemwire._transport.connection_settings import ConnectionSettings
from gemwire.options import (
    CertSource,
    ClientInfo,
    ClientOptions,
    ClientOptionsLike,
    UserAgentSource,
    hide_options,
)
from gemwire_proto.longrunning.operations import AsyncOperations

if TYPE_CHECKING:
    import google.auth.credentials
    import grpc.aio

    from gemwire._clients.aio.raw_calls import AsyncRawCalls
    from gemwire_runtime.aio.caller import AsyncCaller

_Client = TypeVar("_Client", bound="AsyncServiceClient")


class AsyncServiceClient(AsyncOperations):
    """A client of one service, with the methods of long-running operations."""

    DEFAULT_ENDPOINT = ""
    DEFAULT_MTLS_ENDPOINT = ""
    _api_endpoint = ""

    def __init_subclass__(cls) -> None:
        cls.DEFAULT_ENDPOINT = cls.SERVICE.host
        cls.DEFAULT_MTLS_ENDPOINT = endpoint.mtls_host(cls.SERVICE.host)

    def __init__(
        self,
        *,
        credentials: google.auth.credentials.Credentials | None = None,
        transport: str | AsyncTransport | grpc.aio.Channel | Callable[..., AsyncTransport] | None = None,
        client_options: ClientOptionsLike | None = None,
        client_info: UserAgentSource | None = ClientInfo(),  # noqa: B008 - frozen
    ) -> None:
        """Find credentials and the endpoint. Nothing is connected before the first call.

        If GEMINI_EMULATOR_HOST is set, all calls go there, in plaintext and without tokens; those over
        REST go to GEMINI_EMULATOR_HTTP_HOST.

        Args:
            credentials: google-auth credentials. Default: GOOGLE_API_KEY, GEMINI_API_KEY, then
                application default credentials.
            transport: ``"grpc_asyncio"``; ``"h2_asyncio"`` for gRPC without grpcio, which takes less CPU;
                ``"rest_asyncio"`` for JSON over HTTP; ``"auto"`` for gRPC and, where that is blocked, REST;
                a transport class or another callable that returns a transport; a transport; or a gRPC
                channel to use as it is.
            client_options: `gemwire.ClientOptions`, a dict of its fields, or google.api_core's object.
            client_info: Source of ``x-goog-api-client``; None to send none.

        Raises:
            ValueError: Options exclude each other, or one is out of range.
            TypeError: An argument is of a wrong type.
            google.auth.exceptions.DefaultCredentialsError: No credentials were found.
            google.auth.exceptions.MutualTLSChannelError: Mutual TLS is required but not available.
        """
        client_options, credentials = hide_options(client_options), hide_text(credentials)
        options = ClientOptions.of(client_options)
        self._arguments: dict[str, Any] = {
            "credentials": credentials,
            "transport": transport,
            "client_options": options,
            "client_info": client_info,
        }
        # In the order of Google's clients, so that of several errors the same one is raised.
        endpoint.mtls_mode()
        self._universe_domain = endpoint.universe_domain(options.universe_domain)
        if options.api_key and credentials:
            raise ValueError("client_options.api_key and credentials are mutually exclusive")
        if options.api_key is not None:
            creds.check_api_key(options.api_key, "client_options.api_key")
        if isinstance(transport, AsyncTransport) or hasattr(transport, "unary_stream"):
            self._transport = self._adopt(transport, credentials, options, client_info)
            self._api_endpoint = self._transport.host
        elif transport is None or isinstance(transport, str):
            kind = self.get_transport_class(transport)
            settings = ConnectionSettings.of_client(
                options,
                credentials,
                client_info,
                service=self.SERVICE,
                emulator=kind.find_emulator(),
            )
            self._transport = kind.from_settings(settings)
            self._api_endpoint = settings.host
        else:
            factory: Any = transport
            self._transport = self._call_factory(factory, credentials, options, client_info)
        self._caller = self._transport

    def _adopt(
        self,
        transport: Any,
        credentials: google.auth.credentials.Credentials | None,
        options: ClientOptions,
        client_info: UserAgentSource | None,
    ) -> AsyncTransport:
        """Use a transport, or a channel, that exists already."""
        if credentials or options.api_key or options.credentials_file:
            raise ValueError("When providing a transport instance, provide its credentials directly.")
        if options.scopes:
            raise ValueError("When providing a transport instance, provide its scopes directly.")
        if isinstance(transport, AsyncTransport):
            return transport
        from gemwire._transport.aio.grpc_transport import GrpcAsyncIOTransport

        return GrpcAsyncIOTransport(channel=transport, client_info=client_info)

    def _call_factory(
        self,
        factory: Callable[..., AsyncTransport],
        credentials: google.auth.credentials.Credentials | None,
        options: ClientOptions,
        client_info: UserAgentSource | None,
    ) -> AsyncTransport:
        """Make a transport by a class or another callable, with the arguments that Google's clients give."""
        if not callable(factory):
            raise TypeError(
                f"transport: expected a name, a transport or a channel, got {type(factory).__name__}"
            )
        kind = factory if isinstance(factory, type) and issubclass(factory, AsyncTransport) else None
        emulator = kind.find_emulator() if kind else endpoint.find_emulator()
        if emulator:
            host, cert_source = emulator.host, None
        else:
            found = endpoint.resolve(self.SERVICE, options)
            host, cert_source = found.host, found.cert_source
        self._api_endpoint = host
        if options.api_key:
            from google.auth.api_key import Credentials

            credentials = Credentials(options.api_key)
        arguments: dict[str, Any] = {
            "credentials": credentials,
            "credentials_file": options.credentials_file,
            "host": host,
            "scopes": options.scopes,
            "client_cert_source_for_mtls": cert_source,
            "quota_project_id": options.quota_project_id,
            "client_info": client_info,
            "always_use_jwt_access": True,
            "api_audience": options.api_audience,
        }
        if kind:  # Only our own transports know these.
            arguments["plaintext"] = emulator is not None
            arguments["interceptors"] = options.interceptors
            arguments["log_content"] = options.log_content
            arguments["max_response_size"] = options.max_response_size
        return factory(**arguments)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._api_endpoint}>"

    def __reduce__(self) -> tuple[Any, ...]:
        given = self._arguments
        if given["credentials"] is not None or given["client_options"].api_key:
            raise TypeError(
                f"{type(self).__name__} was given credentials and cannot be pickled, which would write out a "
                "secret; set GOOGLE_API_KEY or application default credentials where it is used"
            )
        if given["transport"] is not None and not isinstance(given["transport"], (str, type)):
            raise TypeError(
                f"{type(self).__name__} was given a transport and cannot be pickled; give its name instead"
            )
        return _unpickle, (type(self), given)

    @property
    def transport(self) -> AsyncTransport:
        """The transport that makes the calls."""
        return self._transport

    @property
    def caller(self) -> AsyncCaller:
        """The object that the methods call; the transport, unless calls are recorded or replayed."""
        return self._caller

    @property
    def api_endpoint(self) -> str:
        """The host that is called."""
        return self._api_endpoint

    @property
    def universe_domain(self) -> str:
        """The cloud universe; ``googleapis.com`` outside of sovereign clouds."""
        return self._universe_domain

    @property
    def raw(self) -> AsyncRawCalls:
        """Calls with serialized messages, for gateways."""
        from gemwire._clients.aio.raw_calls import AsyncRawCalls

        return AsyncRawCalls(self._transport, self.SERVICE)

    async def close(self) -> None:
        """End all calls and connections. A shared transport is closed for all its clients."""
        await self._transport.close()

    async def __aenter__(self: _Client) -> _Client:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    @classmethod
    def get_transport_class(cls, label: str | None = None) -> type[AsyncTransport]:
        """Return the transport class of a name.

        Args:
            label: ``"grpc_asyncio"``, ``"h2_asyncio"``, ``"rest_asyncio"`` or ``"auto"``. Default: the first.

        Raises:
            KeyError: There is no such transport.
        """
        # Imported on demand: a program needs one of these, and they import much.
        if label in (None, "grpc_asyncio"):
            from gemwire._transport.aio.grpc_transport import GrpcAsyncIOTransport

            return GrpcAsyncIOTransport
        if label == "h2_asyncio":
            from gemwire._transport.aio.h2_transport import H2AsyncIOTransport

            return H2AsyncIOTransport
        if label == "rest_asyncio":
            from gemwire._transport.aio.rest_transport import RestAsyncIOTransport

            return RestAsyncIOTransport
        if label == "auto":
            from gemwire._transport.aio.auto_transport import AutoAsyncIOTransport

            return AutoAsyncIOTransport
        raise KeyError(
            f"transport: {label!r} is not one of 'grpc_asyncio', 'h2_asyncio', 'rest_asyncio', 'auto'"
        )

    @classmethod
    def from_service_account_info(cls: type[_Client], info: Mapping[str, Any], **kwargs: Any) -> _Client:
        """Create a client with the credentials of a service account.

        Args:
            info: The account's key, as a dict.
            **kwargs: Arguments of the constructor.
        """
        info = {name: hide_header(name, value) for name, value in info.items()}
        kwargs["client_options"] = hide_options(kwargs.get("client_options"))
        kwargs["credentials"] = without_frames(_service_account().from_service_account_info, info)
        return cls(**kwargs)

    @classmethod
    def from_service_account_file(cls: type[_Client], filename: str, **kwargs: Any) -> _Client:
        """Create a client with the credentials of a service account.

        Args:
            filename: The account's key file, JSON.
            **kwargs: Arguments of the constructor.
        """
        kwargs["client_options"] = hide_options(kwargs.get("client_options"))
        kwargs["credentials"] = without_frames(_service_account().from_service_account_file, filename)
        return cls(**kwargs)

    from_service_account_json = from_service_account_file

    @classmethod
    def get_mtls_endpoint_and_cert_source(
        cls, client_options: ClientOptionsLike | None = None
    ) -> tuple[str, CertSource | None]:
        """Return the host and certificate source for these options; the universe domain is ignored.

        Deprecated as in Google's clients: use `api_endpoint`.

        Args:
            client_options: As for the constructor.

        Raises:
            google.auth.exceptions.MutualTLSChannelError: GOOGLE_API_USE_MTLS_ENDPOINT is invalid.
        """
        warnings.warn(
            "get_mtls_endpoint_and_cert_source is deprecated. Use the api_endpoint property instead.",
            DeprecationWarning,
            stacklevel=2,
        )
        client_options = hide_options(client_options)
        options = ClientOptions.of(client_options)
        mode = endpoint.mtls_mode(exact=True)
        source = endpoint.client_cert_source(options.client_cert_source)
        if options.api_endpoint is not None:
            return options.api_endpoint, source
        if mode == "always" or (mode == "auto" and source):
            return cls.DEFAULT_MTLS_ENDPOINT, source
        return cls.DEFAULT_ENDPOINT, source

    @staticmethod
    def common_billing_account_path(billing_account: str) -> str:
        """Return ``billingAccounts/{billing_account}``."""
        return f"billingAccounts/{billing_account}"

    @staticmethod
    def parse_common_billing_account_path(path: str) -> dict[str, str]:
        """Return the variables of ``billingAccounts/{billing_account}``; empty if ``path`` does not match."""
        return _parse_path("billingAccounts/{billing_account}", path)

    @staticmethod
    def common_folder_path(folder: str) -> str:
        """Return ``folders/{folder}``."""
        return f"folders/{folder}"

    @staticmethod
    def parse_common_folder_path(path: str) -> dict[str, str]:
        """Return the variables of ``folders/{folder}``; empty if ``path`` does not match."""
        return _parse_path("folders/{folder}", path)

    @staticmethod
    def common_organization_path(organization: str) -> str:
        """Return ``organizations/{organization}``."""
        return f"organizations/{organization}"

    @staticmethod
    def parse_common_organization_path(path: str) -> dict[str, str]:
        """Return the variables of ``organizations/{organization}``; empty if ``path`` does not match."""
        return _parse_path("organizations/{organization}", path)

    @staticmethod
    def common_project_path(project: str) -> str:
        """Return ``projects/{project}``."""
        return f"projects/{project}"

    @staticmethod
    def parse_common_project_path(path: str) -> dict[str, str]:
        """Return the variables of ``projects/{project}``; empty if ``path`` does not match."""
        return _parse_path("projects/{project}", path)

    @staticmethod
    def common_location_path(project: str, location: str) -> str:
        """Return ``projects/{project}/locations/{location}``."""
        return f"projects/{project}/locations/{location}"

    @staticmethod
    def parse_common_location_path(path: str) -> dict[str, str]:
        """Return the variables of ``projects/{project}/locations/{location}``; empty if there is no match."""
        return _parse_path("projects/{project}/locations/{location}", path)


def _service_account() -> Any:
    # Its import of cryptography takes as long as that of gRPC, and most programs use an API key.
    from google.oauth2 import service_account

    return service_account.Credentials


def _parse_path(template: str, path: str) -> dict[str, str]:
    found = re.match(re.sub(r"\{(\w+)\}", r"(?P<\1>.+?)", template) + "$", path)
    return found.groupdict() if found else {}


def _unpickle(kind: type[_Client], arguments: dict[str, Any]) -> _Client:
    return kind(**arguments)
