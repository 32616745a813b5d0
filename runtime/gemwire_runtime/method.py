"""What the generated services are made of: methods as data, and the seam to a transport.

A generated service knows names and types only. It hands each call to a
*caller*, which owns everything else: deadlines, metadata, retries, errors.
``gemwire`` brings two callers, one for asyncio and one for threads; anything
with these methods will do.
"""

from __future__ import annotations

import enum
from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Protocol, TypeVar

from google.protobuf.message import Message

from gemwire_runtime.retry import ApiCoreRetry, Retry

_T = TypeVar("_T")
_Request = TypeVar("_Request", bound=Message)
_Response = TypeVar("_Response", bound=Message)
_ItemCo = TypeVar("_ItemCo", covariant=True)
_ResultCo = TypeVar("_ResultCo", covariant=True, bound=Message)
_UpdateCo = TypeVar("_UpdateCo", covariant=True, bound=Message)
_RequestContra = TypeVar("_RequestContra", contravariant=True, bound=Message)


#: The result of an asyncio method, to be awaited.
_Coroutine = Coroutine[Any, Any, _T]


class Default(enum.Enum):
    """The type of `DEFAULT`: "what the method table says"."""

    DEFAULT = enum.auto()

    def __repr__(self) -> str:
        return "DEFAULT"


DEFAULT: Final = Default.DEFAULT

#: Seconds, None for no deadline, or `DEFAULT`.
Timeout = float | Default | None
#: When a call is retried: a `Retry`, a retry object of google.api_core, None for never, or `DEFAULT`.
RetryOption = Retry | Default | ApiCoreRetry | None
#: Pairs in the order they are sent; values of keys that end in ``-bin`` are bytes.
Metadata = Sequence[tuple[str, str | bytes]]


class Kind(enum.Enum):
    """Which side of a call streams."""

    UNARY = "unary"
    SERVER_STREAM = "server_stream"
    CLIENT_STREAM = "client_stream"
    BIDI = "bidi"


@dataclass(frozen=True)
class HttpBinding:
    """One ``google.api.http`` rule: verb, path template and which field is the body."""

    verb: str
    template: str
    body: str = ""


@dataclass(frozen=True)
class RetryDefaults:
    """When and how a call is repeated unless its caller says otherwise.

    Attributes:
        codes: Names of the status codes after which it is.
        initial: Seconds, upper bound of the first pause.
        maximum: Seconds, upper bound of any pause.
        multiplier: Growth of the bound from one pause to the next.
    """

    codes: tuple[str, ...]
    initial: float
    maximum: float
    multiplier: float


@dataclass(frozen=True, eq=False)
class Method(Generic[_Request, _Response]):
    """One RPC as data.

    Attributes:
        service: Full name of the service.
        name: Name of the RPC, ``GenerateContent``.
        snake: Name of the Python method, ``generate_content``.
        kind: Which side streams.
        request: Class of the request, or of each message sent.
        response: Class of the response, or of each message received.
        flattened: Request fields that the Python method takes as arguments.
        routing: Request fields, dotted, that go into ``x-goog-request-params``.
        http: The REST bindings; empty when there are none.
        timeout: Seconds for a whole call; None for no deadline.
        retry: When a call is repeated; None for never.
        idempotent: Whether it changes nothing on the server, so that a call may be sent twice.
        http_only: Whether the service has the RPC over HTTP alone.
        may_hold_json_only: Whether a request can hold, at any depth, a field that the service has in JSON
            alone. gRPC cannot carry such a field; `gemwire_runtime.json_only` finds it.
        items: Response field that holds a page's items, for paged methods.
        result: Class of a long-running operation's result.
        progress: Class of a long-running operation's metadata.
        path: What gRPC calls the method: ``/service/name``.
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


@dataclass(frozen=True, eq=False)
class Service:
    """A service's method table.

    Attributes:
        name: Full name of the service.
        host: Host that serves it by default (``google.api.default_host``), without a port.
        scopes: OAuth scopes to ask for where the user gives none (``google.api.oauth_scopes``).
        methods: Its RPCs by their proto name.
    """

    name: str
    host: str
    scopes: tuple[str, ...]
    methods: Mapping[str, AnyMethod]


class AsyncStream(Protocol[_ItemCo]):
    """Messages of one streaming call as they arrive; see ``gemwire`` for what it promises."""

    @property
    def attempts(self) -> int: ...
    def __aiter__(self) -> AsyncIterator[_ItemCo]: ...
    async def __aenter__(self) -> AsyncStream[_ItemCo]: ...
    async def __aexit__(self, *exc_info: object) -> None: ...
    def cancel(self) -> bool: ...
    async def initial_metadata(self) -> Metadata: ...
    async def trailing_metadata(self) -> Metadata: ...


class AsyncBidiStream(AsyncStream[_ItemCo], Protocol[_RequestContra, _ItemCo]):
    """Both directions of one streaming call."""

    async def __aenter__(self) -> AsyncBidiStream[_RequestContra, _ItemCo]: ...
    async def write(self, request: _RequestContra | Mapping[str, object], /) -> None: ...
    async def done_writing(self) -> None: ...
    async def read(self) -> _ItemCo | None: ...


class AsyncPager(Protocol[_ItemCo, _ResultCo]):
    """The items of a paged list, fetched page by page; iterating again starts over."""

    def __aiter__(self) -> AsyncIterator[_ItemCo]: ...
    @property
    def pages(self) -> AsyncIterator[_ResultCo]: ...
    @property
    def next_page_token(self) -> str: ...


class AsyncOperation(Protocol[_ResultCo, _UpdateCo]):
    """A long-running operation of the server."""

    @property
    def name(self) -> str: ...
    @property
    def operation(self) -> Message: ...
    @property
    def metadata(self) -> _UpdateCo | None: ...
    async def done(self) -> bool: ...
    async def running(self) -> bool: ...
    async def result(self, timeout: float | None = None, polling: Any = ...) -> _ResultCo: ...
    async def exception(self, timeout: float | None = None, polling: Any = ...) -> Exception | None: ...
    async def cancel(self) -> bool: ...
    async def cancelled(self) -> bool: ...
    def add_done_callback(self, callback: Callable[[Any], object]) -> None: ...


class Stream(Protocol[_ItemCo]):
    """Messages of one streaming call as they arrive; see ``gemwire`` for what it promises."""

    @property
    def attempts(self) -> int: ...
    def __iter__(self) -> Iterator[_ItemCo]: ...
    def __enter__(self) -> Stream[_ItemCo]: ...
    def __exit__(self, *exc_info: object) -> None: ...
    def cancel(self) -> bool: ...
    def initial_metadata(self) -> Metadata: ...
    def trailing_metadata(self) -> Metadata: ...


class BidiStream(Stream[_ItemCo], Protocol[_RequestContra, _ItemCo]):
    """Both directions of one streaming call."""

    def __enter__(self) -> BidiStream[_RequestContra, _ItemCo]: ...
    def write(self, request: _RequestContra | Mapping[str, object], /) -> None: ...
    def done_writing(self) -> None: ...
    def read(self) -> _ItemCo | None: ...


class Pager(Protocol[_ItemCo, _ResultCo]):
    """The items of a paged list, fetched page by page; iterating again starts over."""

    def __iter__(self) -> Iterator[_ItemCo]: ...
    @property
    def pages(self) -> Iterator[_ResultCo]: ...
    @property
    def next_page_token(self) -> str: ...


class Operation(Protocol[_ResultCo, _UpdateCo]):
    """A long-running operation of the server."""

    @property
    def name(self) -> str: ...
    @property
    def operation(self) -> Message: ...
    @property
    def metadata(self) -> _UpdateCo | None: ...
    def done(self) -> bool: ...
    def running(self) -> bool: ...
    def result(self, timeout: float | None = None, polling: Any = ...) -> _ResultCo: ...
    def exception(self, timeout: float | None = None, polling: Any = ...) -> Exception | None: ...
    def cancel(self) -> bool: ...
    def cancelled(self) -> bool: ...
    def add_done_callback(self, callback: Callable[[Any], object]) -> None: ...


class AsyncCaller(Protocol):
    """Makes calls for the generated asyncio methods.

    ``flattened`` holds the values of ``method.flattened``, in that order, None where not given.
    """

    def unary(
        self,
        method: Method[_Request, _Response],
        request: _Request | Mapping[str, object] | None,
        flattened: tuple[object, ...],
        retry: RetryOption,
        timeout: Timeout,
        metadata: Metadata,
    ) -> _Coroutine[_Response]: ...

    def server_stream(
        self,
        method: Method[_Request, _Response],
        request: _Request | Mapping[str, object] | None,
        flattened: tuple[object, ...],
        retry: RetryOption,
        timeout: Timeout,
        metadata: Metadata,
        idle_timeout: float | None,
    ) -> _Coroutine[AsyncStream[_Response]]: ...

    def bidi(
        self,
        method: Method[_Request, _Response],
        requests: AsyncIterable[_Request | Mapping[str, object]]
        | Iterable[_Request | Mapping[str, object]]
        | None,
        timeout: Timeout,
        metadata: Metadata,
        idle_timeout: float | None,
    ) -> _Coroutine[AsyncBidiStream[_Request, _Response]]: ...

    def paged(
        self,
        method: Method[_Request, _Response],
        request: _Request | Mapping[str, object] | None,
        flattened: tuple[object, ...],
        retry: RetryOption,
        timeout: Timeout,
        metadata: Metadata,
    ) -> _Coroutine[AsyncPager[Any, _Response]]: ...

    def operation(
        self,
        method: Method[_Request, Any],
        request: _Request | Mapping[str, object] | None,
        flattened: tuple[object, ...],
        retry: RetryOption,
        timeout: Timeout,
        metadata: Metadata,
    ) -> _Coroutine[AsyncOperation[Any, Any]]: ...


class Caller(Protocol):
    """Makes calls for the generated blocking methods; see `AsyncCaller`."""

    def unary(
        self,
        method: Method[_Request, _Response],
        request: _Request | Mapping[str, object] | None,
        flattened: tuple[object, ...],
        retry: RetryOption,
        timeout: Timeout,
        metadata: Metadata,
    ) -> _Response: ...

    def server_stream(
        self,
        method: Method[_Request, _Response],
        request: _Request | Mapping[str, object] | None,
        flattened: tuple[object, ...],
        retry: RetryOption,
        timeout: Timeout,
        metadata: Metadata,
        idle_timeout: float | None,
    ) -> Stream[_Response]: ...

    def bidi(
        self,
        method: Method[_Request, _Response],
        requests: Iterable[_Request | Mapping[str, object]] | None,
        timeout: Timeout,
        metadata: Metadata,
        idle_timeout: float | None,
    ) -> BidiStream[_Request, _Response]: ...

    def paged(
        self,
        method: Method[_Request, _Response],
        request: _Request | Mapping[str, object] | None,
        flattened: tuple[object, ...],
        retry: RetryOption,
        timeout: Timeout,
        metadata: Metadata,
    ) -> Pager[Any, _Response]: ...

    def operation(
        self,
        method: Method[_Request, Any],
        request: _Request | Mapping[str, object] | None,
        flattened: tuple[object, ...],
        retry: RetryOption,
        timeout: Timeout,
        metadata: Metadata,
    ) -> Operation[Any, Any]: ...
