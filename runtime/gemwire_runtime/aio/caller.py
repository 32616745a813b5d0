"""The interface between the generated services and a transport.

A generated service knows names and types only. It hands each call to a *caller*, which owns everything else:
deadlines, metadata, retries, errors. ``gemwire`` has one for asyncio and one for threads.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Iterable, Mapping
from typing import Any, Protocol, TypeVar

from google.protobuf.message import Message

from gemwire_runtime.method import Metadata, Method, RetryOption, Timeout
from gemwire_runtime.retry import Retry

_Request = TypeVar("_Request", bound=Message)
_Response = TypeVar("_Response", bound=Message)
_ItemCo = TypeVar("_ItemCo", covariant=True)
_ResultCo = TypeVar("_ResultCo", covariant=True, bound=Message)
_UpdateCo = TypeVar("_UpdateCo", covariant=True, bound=Message)
_RequestContra = TypeVar("_RequestContra", contravariant=True, bound=Message)


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
    ) -> Coroutine[Any, Any, _Response]: ...

    async def server_stream(
        self,
        method: Method[_Request, _Response],
        request: _Request | Mapping[str, object] | None,
        flattened: tuple[object, ...],
        retry: RetryOption,
        timeout: Timeout,
        metadata: Metadata,
        idle_timeout: float | None,
    ) -> AsyncStream[_Response]: ...

    async def bidi(
        self,
        method: Method[_Request, _Response],
        requests: AsyncIterable[_Request | Mapping[str, object]]
        | Iterable[_Request | Mapping[str, object]]
        | None,
        timeout: Timeout,
        metadata: Metadata,
        idle_timeout: float | None,
    ) -> AsyncBidiStream[_Request, _Response]: ...

    async def paged(
        self,
        method: Method[_Request, _Response],
        request: _Request | Mapping[str, object] | None,
        flattened: tuple[object, ...],
        retry: RetryOption,
        timeout: Timeout,
        metadata: Metadata,
    ) -> AsyncPager[Any, _Response]: ...

    async def operation(
        self,
        method: Method[_Request, Any],
        request: _Request | Mapping[str, object] | None,
        flattened: tuple[object, ...],
        retry: RetryOption,
        timeout: Timeout,
        metadata: Metadata,
    ) -> AsyncOperation[Any, Any]: ...
