"""Method tables of the generated services, and the interface between them and transports.

A generated service knows names and types only. It passes each call to a *caller*, which does everything else:
deadlines, metadata, retries, errors. ``gemwire`` has two callers, one for asyncio and one for threads; any
object with their methods will do.
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
_Coroutine = Coroutine[object, object, _T]


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
    """Method table of a service.

    Attributes:
        name: Full name of the service.
        host: Host that serves it by default (``google.api.default_host``), without a port.
        scopes: OAuth scopes to request by default (``google.api.oauth_scopes``).
        methods: RPCs by their proto name.
    """

    name: str
    host: str
    scopes: tuple[str, ...]
    methods: Mapping[str, AnyMethod]


class AsyncStream(Protocol[_ItemCo]):
    """Messages of one streaming call as they arrive; ``gemwire`` documents the guarantees."""

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
    async def result(self, timeout: float | None = None, polling: Retry = ...) -> _ResultCo: ...
    async def exception(self, timeout: float | None = None, polling: Retry = ...) -> Exception | None: ...
    async def cancel(self) -> bool: ...
    async def cancelled(self) -> bool: ...
    def add_done_callback(
        self, callback: Callable[[AsyncOperation[_ResultCo, _UpdateCo]], object]
    ) -> None: ...


class Stream(Protocol[_ItemCo]):
    """Messages of one streaming call as they arrive; ``gemwire`` documents the guarantees."""

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
    def result(self, timeout: float | None = None, polling: Retry = ...) -> _ResultCo: ...
    def exception(self, timeout: float | None = None, polling: Retry = ...) -> Exception | None: ...
    def cancel(self) -> bool: ...
    def cancelled(self) -> bool: ...
    def add_done_callback(self, callback: Callable[[Operation[_ResultCo, _UpdateCo]], object]) -> None: ...


class AsyncCaller(Protocol):
    """Interface that makes the calls of the generated asyncio methods.

    ``flattened`` has the values of ``method.flattened``, in that order, None for those not given.
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
    """Interface that makes the calls of the generated blocking methods; see `AsyncCaller`."""

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
