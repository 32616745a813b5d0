# Derived from _clients/aio/service_client.py by scripts/unasync. DO NOT EDIT.
"""What all service clients have in common: how they are made, named, closed and pickled."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import google.auth.api_key

from gemwire._transport import credentials as creds
from gemwire._transport import endpoint
from gemwire._transport.sync.grpc_transport import GrpcTransport, Transport
from gemwire.options import CertSource, ClientInfo, ClientOptions
from gemwire_proto.longrunning.operations import Operations

if TYPE_CHECKING:
    from gemwire._clients.sync.raw_calls import Raw
    from gemwire_runtime.method import Caller

_Client = TypeVar("_Client", bound="ServiceClient")


def _rest() -> type[Any]:
    # Imported when asked for, as few need it and it brings a good deal.
    from gemwire._transport.sync.rest_transport import RestTransport

    return RestTransport


def _auto() -> type[Any]:
    from gemwire._transport.sync.auto_transport import AutoTransport

    return AutoTransport


_TRANSPORTS: dict[str, Callable[[], type[Any]]] = {
    "grpc": lambda: GrpcTransport,
    "rest": _rest,
    "auto": _auto,
}


class ServiceClient(Operations):
    """A client of one service. The four operations methods are there on each."""

    DEFAULT_ENDPOINT = endpoint.DEFAULT_HOST
    DEFAULT_MTLS_ENDPOINT = endpoint.mtls_host(endpoint.DEFAULT_HOST)

    def __init__(
        self,
        *,
        credentials: Any = None,
        transport: str | Transport | Callable[..., Any] | Any | None = None,
        client_options: ClientOptions | Mapping[str, Any] | Any | None = None,
        client_info: ClientInfo | Any | None = ClientInfo(),  # noqa: B008 - frozen
    ) -> None:
        """Decide where the calls go and whose they are. Nothing is connected before the first call.

        With GEMINI_EMULATOR_HOST set, all calls go there, in plaintext and without tokens; those over
        REST to GEMINI_EMULATOR_HTTP_HOST.

        Args:
            credentials: google-auth credentials. Default: GOOGLE_API_KEY, GEMINI_API_KEY, then
                application default credentials.
            transport: ``"grpc"``, ``"rest"`` for JSON over HTTP, ``"auto"`` for gRPC
                and, where that is blocked, REST; a transport class or anything that makes one, a
                transport, or a grpc channel to use as it is.
            client_options: `gemwire.ClientOptions`, a dict of its fields, or google.api_core's object.
            client_info: What the client says of itself; None for nothing.

        Raises:
            ValueError: Options exclude each other, or one is out of range.
            TypeError: An argument is of a wrong type.
            google.auth.exceptions.DefaultCredentialsError: There are no credentials.
            google.auth.exceptions.MutualTLSChannelError: Mutual TLS is not to be had as asked for.
        """
        options = ClientOptions.of(client_options)
        self._arguments: dict[str, Any] = {
            "credentials": credentials,
            "transport": transport,
            "client_options": options,
            "client_info": client_info,
        }
        # Of several things that are wrong, the one is told of that Google's clients tell of.
        endpoint.mtls_mode()
        self._universe_domain = endpoint.universe_domain(options.universe_domain)
        if options.api_key and credentials:
            raise ValueError("client_options.api_key and credentials are mutually exclusive")
        if options.api_key is not None:
            credentials = google.auth.api_key.Credentials(
                creds.check_api_key(options.api_key, "client_options.api_key")
            )
        self._api_endpoint: str = ""
        if isinstance(transport, Transport) or hasattr(transport, "unary_stream"):
            self._adopt(transport, credentials, options, client_info)
        else:
            self._transport = self._made(transport, credentials, options, client_info)
        self._caller = self._transport

    def _adopt(self, transport: Any, credentials: Any, options: ClientOptions, client_info: Any) -> None:
        """Take a transport, or a channel, that is there already."""
        if credentials or options.credentials_file:
            raise ValueError("When providing a transport instance, provide its credentials directly.")
        if options.scopes:
            raise ValueError("When providing a transport instance, provide its scopes directly.")
        if not isinstance(transport, Transport):
            transport = GrpcTransport(channel=transport, client_info=client_info)
        self._transport = transport
        self._api_endpoint = transport.host

    def _made(self, transport: Any, credentials: Any, options: ClientOptions, client_info: Any) -> Any:
        make = (
            self.get_transport_class(transport)
            if transport is None or isinstance(transport, str)
            else transport
        )
        if not callable(make):
            raise TypeError(
                f"transport: expected a name, a transport or a channel, got {type(transport).__name__}"
            )
        emulator: str | None = getattr(make, "emulator", endpoint.emulator)()
        if emulator:
            self._api_endpoint = emulator
            cert_source = None
        else:
            where = endpoint.resolve(self.DEFAULT_ENDPOINT, options)
            self._api_endpoint = where.host
            cert_source = where.cert_source
        # Only our own transports know these arguments; another gets what Google's would.
        more: dict[str, Any] = {}
        if _is_ours(make):
            more = {
                "plaintext": emulator is not None,
                "interceptors": options.interceptors,
                "log_content": options.log_content,
            }
        return make(
            credentials=credentials,
            credentials_file=options.credentials_file,
            host=self._api_endpoint,
            scopes=options.scopes,
            client_cert_source_for_mtls=cert_source,
            quota_project_id=options.quota_project_id,
            client_info=client_info,
            always_use_jwt_access=True,
            api_audience=options.api_audience,
            **more,
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._api_endpoint}>"

    def __reduce__(self) -> tuple[Any, ...]:
        given = self._arguments
        if given["credentials"] is not None or given["client_options"].api_key:
            raise TypeError(
                f"{type(self).__name__} was given credentials and does not pickle, so that no secret "
                "is written out; set GOOGLE_API_KEY or application default credentials where it is used"
            )
        if given["transport"] is not None and not isinstance(given["transport"], (str, type)):
            raise TypeError(
                f"{type(self).__name__} was given a transport and does not pickle; give its name instead"
            )
        return _remake, (type(self), given)

    @property
    def transport(self) -> Any:
        """The transport that makes the calls."""
        return self._transport

    @property
    def caller(self) -> Caller:
        """The object that the methods call; the transport, unless calls are recorded or replayed."""
        return self._caller

    @property
    def api_endpoint(self) -> str:
        """The host that is called."""
        return self._api_endpoint

    @property
    def universe_domain(self) -> str:
        """The cloud universe, ``googleapis.com`` for almost everyone."""
        return self._universe_domain

    @property
    def raw(self) -> Raw:
        """Calls with bytes in the place of messages, for gateways."""
        from gemwire._clients.sync.raw_calls import Raw

        return Raw(self._caller, self.SERVICE)

    def close(self) -> None:
        """End all calls and connections. A shared transport is closed for all its clients."""
        self._transport.close()

    def __enter__(self: _Client) -> _Client:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    @classmethod
    def get_transport_class(cls, label: str | None = None) -> type[Any]:
        """The transport class of a name.

        Args:
            label: ``"grpc"``, ``"rest"`` or ``"auto"``. Default: the first.

        Raises:
            KeyError: There is none of that name.
        """
        if label is None:
            return GrpcTransport
        if label not in _TRANSPORTS:
            raise KeyError(f"transport: {label!r} is none of {', '.join(map(repr, _TRANSPORTS))}")
        return _TRANSPORTS[label]()

    @classmethod
    def from_service_account_info(cls: type[_Client], info: Mapping[str, Any], **kwargs: Any) -> _Client:
        """A client with the credentials of a service account.

        Args:
            info: The account's key, as a dict.
            **kwargs: Arguments of the constructor.
        """
        kwargs["credentials"] = _service_account().from_service_account_info(info)
        return cls(**kwargs)

    @classmethod
    def from_service_account_file(cls: type[_Client], filename: str, **kwargs: Any) -> _Client:
        """A client with the credentials of a service account.

        Args:
            filename: The account's key file, JSON.
            **kwargs: Arguments of the constructor.
        """
        kwargs["credentials"] = _service_account().from_service_account_file(filename)
        return cls(**kwargs)

    from_service_account_json = from_service_account_file

    @classmethod
    def get_mtls_endpoint_and_cert_source(
        cls, client_options: ClientOptions | Mapping[str, Any] | Any | None = None
    ) -> tuple[str, CertSource | None]:
        """The host and certificate source that these options lead to; the universe is not looked at.

        Deprecated as in Google's clients: `api_endpoint` tells the host.

        Args:
            client_options: As for the constructor.

        Raises:
            google.auth.exceptions.MutualTLSChannelError: The environment is wrong.
        """
        warnings.warn(
            "get_mtls_endpoint_and_cert_source is deprecated. Use the api_endpoint property instead.",
            DeprecationWarning,
            stacklevel=2,
        )
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
        """The name ``billingAccounts/{billing_account}``."""
        return f"billingAccounts/{billing_account}"

    @staticmethod
    def parse_common_billing_account_path(path: str) -> dict[str, str]:
        """The variables of such a name; empty when ``path`` is none."""
        return _parsed(r"billingAccounts/(?P<billing_account>.+?)", path)

    @staticmethod
    def common_folder_path(folder: str) -> str:
        """The name ``folders/{folder}``."""
        return f"folders/{folder}"

    @staticmethod
    def parse_common_folder_path(path: str) -> dict[str, str]:
        """The variables of such a name; empty when ``path`` is none."""
        return _parsed(r"folders/(?P<folder>.+?)", path)

    @staticmethod
    def common_organization_path(organization: str) -> str:
        """The name ``organizations/{organization}``."""
        return f"organizations/{organization}"

    @staticmethod
    def parse_common_organization_path(path: str) -> dict[str, str]:
        """The variables of such a name; empty when ``path`` is none."""
        return _parsed(r"organizations/(?P<organization>.+?)", path)

    @staticmethod
    def common_project_path(project: str) -> str:
        """The name ``projects/{project}``."""
        return f"projects/{project}"

    @staticmethod
    def parse_common_project_path(path: str) -> dict[str, str]:
        """The variables of such a name; empty when ``path`` is none."""
        return _parsed(r"projects/(?P<project>.+?)", path)

    @staticmethod
    def common_location_path(project: str, location: str) -> str:
        """The name ``projects/{project}/locations/{location}``."""
        return f"projects/{project}/locations/{location}"

    @staticmethod
    def parse_common_location_path(path: str) -> dict[str, str]:
        """The variables of such a name; empty when ``path`` is none."""
        return _parsed(r"projects/(?P<project>.+?)/locations/(?P<location>.+?)", path)


def _service_account() -> Any:
    # It imports cryptography, which takes as long as gRPC itself, and most programs have a key.
    from google.oauth2 import service_account

    return service_account.Credentials


def _is_ours(make: Any) -> bool:
    return isinstance(make, type) and issubclass(make, Transport)


def _parsed(pattern: str, path: str) -> dict[str, str]:
    found = re.match(f"^{pattern}$", path)
    return found.groupdict() if found else {}


def _remake(kind: type[_Client], arguments: dict[str, Any]) -> _Client:
    return kind(**arguments)
