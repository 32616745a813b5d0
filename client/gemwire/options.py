"""Client options, client info and retries. All are frozen and can be pickled."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

from gemwire._arguments import check_integer
from gemwire._secret import hide_address, hide_key, hide_text, type_name
from gemwire_runtime.retry import Hedge as Hedge
from gemwire_runtime.retry import Retry as Retry

_VERSION = "0.1.0"

#: Bytes. Google's clients have no limit, and a small compressed response can be of gigabytes.
MAX_RESPONSE_SIZE = 256 << 20

#: Returns a client certificate and its private key, PEM.
CertSource = Callable[[], "tuple[bytes, bytes]"]


class UserAgentSource(Protocol):
    """A `ClientInfo`, or google.api_core's."""

    def to_user_agent(self) -> str:
        """Return the value of ``x-goog-api-client``."""
        ...


class ForeignClientOptions(Protocol):
    """The client options of google.api_core, or any object with such attributes."""

    api_endpoint: str | None


class _HidingSecrets(type):
    """Hides the secrets among the arguments of a constructor, whose variables a traceback shows."""

    if not TYPE_CHECKING:  # To type checkers the constructor is what it was.

        def __call__(cls, *values, **options):
            named = _hide(dict(zip(cls.__match_args__, values, strict=False)))
            values, options = (*named.values(), *values[len(named) :]), _hide(options)
            return super().__call__(*values, **options)


@dataclass(frozen=True)
class ClientOptions(metaclass=_HidingSecrets):
    """Options of a client. A dict with the same keys or google.api_core's object can be given instead.

    Attributes:
        api_endpoint: Host, or host:port, to call instead of the service's own. Default port: 443.
        client_cert_source: Returns a client certificate and its private key, both PEM, for mutual TLS. Used
            if GOOGLE_API_USE_CLIENT_CERTIFICATE allows it.
        client_encrypted_cert_source: Accepted for compatibility; excludes `client_cert_source`.
        quota_project_id: Project to bill and to count quota against (``x-goog-user-project``).
        credentials_file: Path of a credentials file; excludes credentials and `api_key`.
        scopes: OAuth scopes to request.
        api_key: API key; excludes credentials and `credentials_file`.
        api_audience: Audience of the tokens of a Google Distributed Cloud account. Default: the host.
        universe_domain: Domain of the cloud universe. Default: ``googleapis.com``.
        location: Location whose host is called, for Vertex AI: a region such as ``us-central1``, ``us``,
            ``eu`` or ``global``. `api_endpoint` comes before it. Default: ``global``.
        interceptors: gRPC client interceptors (of grpc.aio for asyncio clients), passed to the channel.
        log_content: Whether the logger ``gemwire`` may show requests and responses at DEBUG.
        max_response_size: Bytes that a response, or a message of a stream, may have once it is decompressed;
            a larger one is `ResourceExhausted`. At most 2147483647, as in gRPC. Default: 256 MiB. Downloads
            of files have no limit.
    """

    api_endpoint: str | None = None
    client_cert_source: CertSource | None = dataclasses.field(default=None, repr=False)
    client_encrypted_cert_source: Callable[[], object] | None = dataclasses.field(default=None, repr=False)
    quota_project_id: str | None = None
    credentials_file: str | None = None
    scopes: Sequence[str] | None = None
    api_key: str | None = dataclasses.field(default=None, repr=False)
    api_audience: str | None = None
    universe_domain: str | None = None
    location: str | None = None
    interceptors: Sequence[object] = ()
    log_content: bool = False
    max_response_size: int = MAX_RESPONSE_SIZE

    def __post_init__(self) -> None:
        name = "client_options.max_response_size"
        check_integer(name, self.max_response_size, maximum=(1 << 31) - 1, expected="a number of bytes")
        if self.client_cert_source and self.client_encrypted_cert_source:
            raise ValueError("client_cert_source and client_encrypted_cert_source are mutually exclusive")
        if self.api_key and self.credentials_file:
            raise ValueError("api_key and credentials_file are mutually exclusive")
        for name in ("scopes", "interceptors"):
            value = getattr(self, name)
            if isinstance(value, str):
                raise TypeError(f"client_options.{name}: expected a sequence, got the string {value!r}")
            if value is not None and not isinstance(value, tuple):
                object.__setattr__(self, name, tuple(value))

    def __reduce__(self) -> tuple[type[ClientOptions], tuple[object, ...]]:
        if self.api_key:
            raise TypeError(
                "ClientOptions with an api_key cannot be pickled, which would write out a secret; set "
                "GOOGLE_API_KEY where it is used, or make the options there"
            )
        return type(self), tuple(getattr(self, name) for name in self.__match_args__)

    def __copy__(self) -> ClientOptions:
        return self

    def __deepcopy__(self, memo: object) -> ClientOptions:
        return self

    @classmethod
    def of(cls, options: ClientOptionsLike | None) -> ClientOptions:
        """Convert options from any of the forms that clients accept.

        Args:
            options: None, a `ClientOptions`, a mapping, or an object with the same attributes.

        Raises:
            ValueError: A key of the mapping is not an option.
            TypeError: The options have none of these forms.
        """
        options = hide_options(options)
        if options is None:
            return cls()
        if isinstance(options, cls):
            return options
        if not isinstance(options, Mapping):
            raise TypeError(f"client_options: expected ClientOptions or a dict, got {type_name(options)}")
        given = cast("Mapping[str, Any]", options)
        for key in given:
            if key not in cls.__match_args__:
                names = ", ".join(cls.__match_args__)
                raise ValueError(f"ClientOptions does not accept an option {key!r}; it accepts {names}")
        return cls(**given)


#: What clients take as options.
ClientOptionsLike = ClientOptions | Mapping[str, object] | ForeignClientOptions


def hide_options(options: ClientOptionsLike | None) -> ClientOptionsLike | None:
    """Return the options with their secrets hidden, as `ClientOptions` or a dict; nothing is checked.

    A function that takes options replaces its argument by these first: a traceback would show it.
    """
    if options is None or isinstance(options, ClientOptions):
        return options
    if not isinstance(options, Mapping) and hasattr(options, "api_endpoint"):
        found = {name: getattr(options, name, None) for name in ClientOptions.__match_args__}
        options = {name: value for name, value in found.items() if value is not None}
    return _hide(options) if isinstance(options, Mapping) else hide_text(options)


def _hide(options: Mapping[str, object]) -> dict[str, object]:
    hidden = dict(options)
    if "api_key" in hidden:
        hidden["api_key"] = hide_key(hidden["api_key"])
    if "api_endpoint" in hidden:
        hidden["api_endpoint"] = hide_address(hidden["api_endpoint"])
    return hidden


@dataclass(frozen=True)
class ClientInfo:
    """The contents of ``x-goog-api-client``.

    Attributes:
        user_agent: Product and version of the program, sent first.
        client_library_version: Version of a library built on gemwire.
    """

    user_agent: str | None = None
    client_library_version: str = _VERSION

    def to_user_agent(self) -> str:
        """Return the value of the header."""
        import platform
        from importlib import metadata

        import google.protobuf

        tokens = [
            f"gl-python/{platform.python_version()}",
            f"grpc/{metadata.version('grpcio')}",
            f"gax/{_VERSION}",
            f"gapic/{self.client_library_version}",
            f"pb/{google.protobuf.__version__}",
        ]
        return " ".join([self.user_agent, *tokens] if self.user_agent else tokens)
