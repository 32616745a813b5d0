"""Client options, client info and retries. All frozen, all pickle."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import grpc

from gemwire_runtime.retry import Hedge as Hedge
from gemwire_runtime.retry import Retry as Retry

CertSource = Callable[[], "tuple[bytes, bytes]"]
_VERSION = "0.1.0"


@dataclass(frozen=True)
class ClientOptions:
    """Options of a client; a dict with the same keys, or google.api_core's object, does as well.

    Attributes:
        api_endpoint: Host, or host:port, to use instead of the default. Port 443 unless given.
        client_cert_source: Returns a client certificate and its key, both PEM, for mutual TLS. Used
            when GOOGLE_API_USE_CLIENT_CERTIFICATE allows it.
        client_encrypted_cert_source: Understood for compatibility; excludes `client_cert_source`.
        quota_project_id: Project to bill and to count quota against (``x-goog-user-project``).
        credentials_file: Path of a credentials file; excludes credentials and `api_key`.
        scopes: OAuth scopes to ask for.
        api_key: API key; excludes credentials and `credentials_file`.
        api_audience: Audience of the tokens of a Google Distributed Cloud account, instead of the host.
        universe_domain: Domain of the cloud universe; default ``googleapis.com``.
        interceptors: grpc client interceptors (of grpc.aio for the asyncio clients), used as they are.
        log_content: Whether the logger ``gemwire`` may show requests and responses at DEBUG.
    """

    api_endpoint: str | None = None
    client_cert_source: CertSource | None = dataclasses.field(default=None, repr=False)
    client_encrypted_cert_source: Callable[[], Any] | None = dataclasses.field(default=None, repr=False)
    quota_project_id: str | None = None
    credentials_file: str | None = None
    scopes: tuple[str, ...] | None = None
    api_key: str | None = dataclasses.field(default=None, repr=False)
    api_audience: str | None = None
    universe_domain: str | None = None
    interceptors: tuple[Any, ...] = ()
    log_content: bool = False

    def __post_init__(self) -> None:
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

    @classmethod
    def of(cls, options: Any) -> ClientOptions:
        """Take options in any of the forms in which they are given.

        Args:
            options: None, a `ClientOptions`, a mapping, or an object with the same attributes.

        Raises:
            ValueError: A key of a mapping is no option.
            TypeError: It is none of these.
        """
        if options is None:
            return cls()
        if isinstance(options, cls):
            return options
        names = [f.name for f in dataclasses.fields(cls)]
        if isinstance(options, Mapping):
            given = cast("Mapping[str, Any]", options)
            for key in given:
                if key not in names:
                    raise ValueError(
                        f"ClientOptions does not accept an option {key!r}; it accepts {', '.join(names)}"
                    )
            return cls(**given)
        if hasattr(options, "api_endpoint"):
            return cls(**{n: v for n in names if (v := getattr(options, n, None)) is not None})
        raise TypeError(f"client_options: expected ClientOptions or a dict, got {type(options).__name__}")


@dataclass(frozen=True)
class ClientInfo:
    """What a client says of itself in ``x-goog-api-client``.

    Attributes:
        user_agent: Product and version of the program, put first.
        client_library_version: Version of a library built on gemwire.
    """

    user_agent: str | None = None
    client_library_version: str = _VERSION

    def to_user_agent(self) -> str:
        """The header's value."""
        import platform

        import google.protobuf

        tokens = [
            f"gl-python/{platform.python_version()}",
            f"grpc/{grpc.__version__}",
            f"gax/{_VERSION}",
            f"gapic/{self.client_library_version}",
            f"pb/{google.protobuf.__version__}",
        ]
        return " ".join([self.user_agent, *tokens] if self.user_agent else tokens)
