"""Methods as data: the method tables of the generated services."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, NoReturn, TypeVar

from google.protobuf.message import Message

from gemwire_runtime.field_errors import describe_unknown
from gemwire_runtime.retry import ApiCoreRetry, Retry

_Request = TypeVar("_Request", bound=Message)
_Response = TypeVar("_Response", bound=Message)


class Default(enum.Enum):
    """Type of `DEFAULT`, which stands for the value of the method table."""

    DEFAULT = enum.auto()

    def __repr__(self) -> str:
        return "DEFAULT"


DEFAULT: Final = Default.DEFAULT

#: Seconds, None for no deadline, or `DEFAULT`.
Timeout = float | Default | None
#: Retries of a call: a `Retry`, a retry object of google.api_core, None for never, or `DEFAULT`.
RetryOption = Retry | Default | ApiCoreRetry | None
#: Pairs in the order they are sent; values of keys that end in ``-bin`` are bytes.
Metadata = Sequence[tuple[str, str | bytes]]


class Kind(enum.Enum):
    """Kind of an RPC: which side of a call streams."""

    UNARY = "unary"
    SERVER_STREAM = "server_stream"
    CLIENT_STREAM = "client_stream"
    BIDI = "bidi"


@dataclass(frozen=True)
class HttpBinding:
    """One ``google.api.http`` rule: verb, path template and name of the body field."""

    verb: str
    template: str
    body: str = ""


@dataclass(frozen=True)
class RetryDefaults:
    """Default retry policy of an RPC.

    Attributes:
        codes: Names of the status codes to retry on.
        initial: Upper bound of the first backoff, in seconds.
        maximum: Upper bound of any backoff, in seconds.
        multiplier: Factor by which the bound grows from one backoff to the next.
    """

    codes: tuple[str, ...]
    initial: float
    maximum: float
    multiplier: float


@dataclass(frozen=True, eq=False)
class Method(Generic[_Request, _Response]):
    """Entry of a method table: one RPC.

    Attributes:
        service: Full name of the service.
        name: Name of the RPC, ``GenerateContent``.
        snake: Name of the Python method, ``generate_content``.
        kind: Which side streams.
        request: Class of the request, or of each message sent.
        response: Class of the response, or of each message received.
        flattened: Request fields that the Python method takes as arguments.
        routing: Request fields, dotted, that go into ``x-goog-request-params``.
        http: REST bindings; empty if there are none.
        websocket: Path of the WebSocket that the RPC has over HTTP; empty if it has none.
        timeout: Default deadline of a whole call, in seconds; None for no deadline.
        retry: Default retry policy; None for no retries.
        idempotent: Whether the RPC changes nothing on the server, so that a call may be sent twice.
        http_only: Whether the service offers the RPC over HTTP only.
        may_hold_json_only: Whether a request can hold, at any depth, a field that the service knows in
            JSON only. gRPC cannot carry such a field; `gemwire_runtime.json_only` finds it.
        items: Response field that holds a page's items, for paged methods.
        result: Class of a long-running operation's result.
        progress: Class of a long-running operation's metadata.
        path: Path of the RPC in gRPC: ``/service/name``.
    """

    service: str
    name: str
    snake: str
    kind: Kind
    request: type[_Request]
    response: type[_Response]
    flattened: tuple[str, ...] = ()
    routing: tuple[str, ...] = ()
    http: tuple[HttpBinding, ...] = ()
    websocket: str = ""
    timeout: float | None = None
    retry: RetryDefaults | None = None
    idempotent: bool = False
    http_only: bool = False
    may_hold_json_only: bool = False
    items: str | None = None
    result: type[Message] | None = None
    progress: type[Message] | None = None
    path: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", f"/{self.service}/{self.name}")

    def __repr__(self) -> str:
        return f"<Method {self.path}>"


#: A method of any types.
AnyMethod = Method[Any, Any]


def refuse_arguments(method: AnyMethod, given: Iterable[str]) -> NoReturn:
    """Raise the error of arguments that a generated method does not take.

    Raises:
        TypeError: Always; it says how to give the fields of the request.
    """
    known = method.request.DESCRIPTOR.fields_by_name
    for name in given:
        if name not in known:
            text = describe_unknown(method.request.DESCRIPTOR.name, name, list(known))
            raise TypeError(f"{method.snake}: there is no argument {name!r}, and {text}")
    fields = ", ".join(f"{name!r}: …" for name in (*method.flattened, *given))
    raise TypeError(f"{method.snake}: set {', '.join(given)} in the request: request={{{fields}}}")


@dataclass(frozen=True, eq=False)
class Service:
    """Method table of a service.

    Attributes:
        name: Full name of the service.
        host: Host that serves it by default (``google.api.default_host``), without a port.
        scopes: OAuth scopes to request by default (``google.api.oauth_scopes``).
        methods: RPCs by their proto name.
        regional: Whether each location has a host of its own, derived from ``host``.
        environment_key: Whether GOOGLE_API_KEY and GEMINI_API_KEY hold keys of it.
    """

    name: str
    host: str
    scopes: tuple[str, ...]
    methods: Mapping[str, AnyMethod]
    regional: bool = False
    environment_key: bool = True
