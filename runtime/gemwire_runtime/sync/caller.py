# Derived from aio/caller.py by scripts/unasync. DO NOT EDIT.
"""The interface between the generated services and a transport.

A generated service knows names and types only. It hands each call to a *caller*, which owns everything else:
deadlines, metadata, retries, errors. ``gemwire`` has one for asyncio and one for threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
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


class Caller(Protocol):
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
