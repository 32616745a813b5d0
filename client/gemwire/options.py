"""What a caller can set: client options, client info, retries. All frozen, all pickle."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

import grpc

CertSource = Callable[[], "tuple[bytes, bytes]"]


class UserAgentSource(Protocol):
    """A `ClientInfo`, or google.api_core's."""

    def to_user_agent(self) -> str:
        """Return the value of ``x-goog-api-client``."""
        ...


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


#: gRFC A6 has the same; the window of latencies is `_transport.hedges.WINDOW`.
_MOST_HEDGED, _MOST_SAMPLES = 5, 256


@dataclass(frozen=True)
class Hedge:
    """When a call that is slow is sent once more beside itself; the first answer counts.

    For methods that change nothing on the server, with one answer: generating, embedding,
    counting, reading. As gRFC A6 has it: an attempt that fails with a status that is repeated lets
    the next begin at once, any other failure ends the call, and the losers are cancelled. A server
    is paid for each attempt that it carries out.

    Attributes:
        delay: Seconds after which another attempt begins; 0 for all at once. With `percentile`, what
            holds until there are enough samples.
        percentile: Between 0 and 1: the delay is this percentile of how long the last calls took
            that were hedged so, of the same method and model on this client. Without enough
            samples and without `delay` there is no hedge.
        max_attempts: Attempts side by side, the first included; 2 to 5.
        budget: Hedges as a share of calls, above 0 and at most 1. All calls of a client share
            what they did not use, up to 50 hedges, and begin with one.
        minimum_samples: Calls that `percentile` takes; 1 to 256.
    """

    delay: float | None = None
    percentile: float | None = None
    max_attempts: int = 2
    budget: float = 0.1
    minimum_samples: int = 20

    def __post_init__(self) -> None:
        if self.delay is None and self.percentile is None:
            raise ValueError("Hedge: neither delay nor percentile says when; give one")
        if self.delay is not None and not 0 <= self.delay < float("inf"):
            raise ValueError(f"Hedge.delay: {self.delay} is not a number of seconds")
        if self.percentile is not None and not 0 < self.percentile < 1:
            raise ValueError(f"Hedge.percentile: {self.percentile} is not between 0 and 1")
        if not 2 <= self.max_attempts <= _MOST_HEDGED:
            raise ValueError(f"Hedge.max_attempts: {self.max_attempts} is not 2 to {_MOST_HEDGED}")
        if not 0 < self.budget <= 1:
            raise ValueError(f"Hedge.budget: {self.budget} is not a share above 0 and at most 1")
        if not 1 <= self.minimum_samples <= _MOST_SAMPLES:
            raise ValueError(f"Hedge.minimum_samples: {self.minimum_samples} is not 1 to {_MOST_SAMPLES}")


@dataclass(frozen=True)
class Retry:
    """When and how a call is repeated.

    A pause is drawn evenly between nothing and a bound that grows from call to call ("full
    jitter"). The call's timeout spans all attempts: a pause that would end after it is not begun.
    RESOURCE_EXHAUSTED is repeated when the server says after which time to come again, whether
    it is among `codes` or not.

    Attributes:
        codes: Statuses after which the call is repeated.
        max_attempts: Attempts in all, hedges included; None for as many as the timeout allows.
        initial: Seconds, upper bound of the first pause.
        maximum: Seconds, upper bound of any pause.
        multiplier: Growth of the bound from one pause to the next.
        hedge: When another attempt begins beside a slow one; None for never.
    """

    codes: frozenset[grpc.StatusCode] = frozenset({grpc.StatusCode.UNAVAILABLE})
    max_attempts: int | None = None
    initial: float = 1.0
    maximum: float = 10.0
    multiplier: float = 1.3
    hedge: Hedge | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "codes", frozenset(_status_code(c) for c in _iterable(self.codes)))
        if self.max_attempts is not None and self.max_attempts < 1:
            raise ValueError(f"Retry.max_attempts: {self.max_attempts} is less than 1")
        for name in ("initial", "maximum"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"Retry.{name}: {getattr(self, name)} is not a number of seconds")
        if not self.multiplier >= 1:
            raise ValueError(f"Retry.multiplier: {self.multiplier} is less than 1")
        hedge: Any = self.hedge
        if hedge is not None and not isinstance(hedge, Hedge):
            raise TypeError(f"Retry.hedge: expected gemwire.Hedge or None, got {type(hedge).__name__}")
        if hedge is not None and self.max_attempts == 1:
            raise ValueError("Retry.max_attempts: 1 leaves nothing to hedge with; it counts hedges too")


def _iterable(codes: Any) -> Iterable[Any]:
    return (codes,) if isinstance(codes, (str, grpc.StatusCode)) else codes


def _status_code(code: Any) -> grpc.StatusCode:
    if isinstance(code, grpc.StatusCode):
        return code
    try:
        return grpc.StatusCode[code]
    except KeyError:
        raise ValueError(
            f"Retry.codes: {code!r} is no status code; use names such as 'UNAVAILABLE'"
        ) from None
