"""Concurrent mapping of a function over many items: back-pressure, order, errors, limits, progress.

    from gemwire import pipeline

    async for answer in pipeline.map(ask, questions, concurrency=64):
        ...

See docs/pipelines.md.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from typing import Any, Literal, Protocol, TypeVar, overload

from gemwire._arguments import check_choice, check_concurrency
from gemwire.limits import Limits
from gemwire.pipeline.adaptive import Adaptive, AdaptiveCaller
from gemwire.pipeline.callables import ThreadCaller, is_async, resolve_callable
from gemwire.pipeline.item_failed import ItemFailed
from gemwire.pipeline.progress import Progress, bar
from gemwire.pipeline.rate_limited import rate_limited
from gemwire.pipeline.results import Results
from gemwire.pipeline.source import SourceReader, check_source, source_length
from gemwire.pipeline.thread_source import in_thread
from gemwire.pipeline.worker_pool import WorkerPool

__all__ = ["Adaptive", "ItemFailed", "Progress", "Results", "bar", "in_thread", "map"]

_T = TypeVar("_T")
_R = TypeVar("_R")
_T_contra = TypeVar("_T_contra", contravariant=True)
_R_co = TypeVar("_R_co", covariant=True)


class _AsyncPrompt(Protocol[_T_contra, _R_co]):
    def generate(self, contents: _T_contra, /) -> Awaitable[_R_co]: ...


class _Prompt(Protocol[_T_contra, _R_co]):
    def generate(self, contents: _T_contra, /) -> _R_co: ...


@overload
def map(  # noqa: A001
    function: Callable[[_T], Awaitable[_R]] | _AsyncPrompt[_T, _R],
    source: AsyncIterable[_T] | Iterable[_T],
    *,
    concurrency: int | Adaptive,
    ordered: bool = False,
    on_error: Literal["raise", "skip"] = "raise",
    limits: Limits | None = None,
    progress: Callable[[Progress], object] | None = None,
) -> Results[_R]: ...
@overload
def map(  # noqa: A001
    function: Callable[[_T], Awaitable[_R]] | _AsyncPrompt[_T, _R],
    source: AsyncIterable[_T] | Iterable[_T],
    *,
    concurrency: int | Adaptive,
    ordered: bool = False,
    on_error: Literal["return"],
    limits: Limits | None = None,
    progress: Callable[[Progress], object] | None = None,
) -> Results[_R | ItemFailed]: ...
@overload
def map(  # noqa: A001
    function: Callable[[_T], _R] | _Prompt[_T, _R],
    source: AsyncIterable[_T] | Iterable[_T],
    *,
    concurrency: int | Adaptive,
    ordered: bool = False,
    on_error: Literal["raise", "skip"] = "raise",
    limits: Limits | None = None,
    progress: Callable[[Progress], object] | None = None,
) -> Results[_R]: ...
@overload
def map(  # noqa: A001
    function: Callable[[_T], _R] | _Prompt[_T, _R],
    source: AsyncIterable[_T] | Iterable[_T],
    *,
    concurrency: int | Adaptive,
    ordered: bool = False,
    on_error: Literal["return"],
    limits: Limits | None = None,
    progress: Callable[[Progress], object] | None = None,
) -> Results[_R | ItemFailed]: ...


def map(  # noqa: A001 - the name of Python's own function
    function: object,
    source: AsyncIterable[_T] | Iterable[_T],
    *,
    concurrency: int | Adaptive,
    ordered: bool = False,
    on_error: str = "raise",
    limits: Limits | None = None,
    progress: Callable[[Progress], object] | None = None,
) -> Results[Any]:
    """Call a function for each item of a source, several at a time.

    Nothing starts before the results are iterated. From then on, at most twice `concurrency` items are read
    whose results the consumer has not taken: a slow consumer pauses the reading, and with `ordered` so does
    a slow first item. However the loop is left, all work that was started is ended.

    Args:
        function: An async function of one item; a sync function, which is called in as many threads; or
            a prepared prompt, whose ``generate`` is called.
        source: Any iterable or async iterable. A sync one is read on the event loop; wrap one that blocks in
            `in_thread`.
        concurrency: Number of concurrent calls, up to 65,536; or `Adaptive`.
        ordered: Return results in the order of their items, rather than as they complete.
        on_error: What happens when the function raises: ``"raise"`` an `ItemFailed` and end everything,
            ``"return"`` it among the results, or ``"skip"`` the item.
        limits: Requests and tokens per minute that the calls keep to.
        progress: Called ten times a second with a `Progress`, on the event loop; see `bar`.

    Returns:
        The results, for ``async for``; or for plain ``for`` where no event loop runs.

    Raises:
        TypeError: An argument has a wrong type.
        ValueError: An argument is out of range.
    """
    check_source(source)
    called = resolve_callable(function)
    if not isinstance(concurrency, Adaptive):
        check_concurrency("concurrency", concurrency, expected="a whole number or Adaptive")
    check_choice("on_error", on_error, ("raise", "return", "skip"))
    if limits is not None and not isinstance(limits, Limits):
        raise TypeError(f"limits: expected gemwire.limits.Limits, got {type(limits).__name__}")
    if progress is not None and not callable(progress):
        raise TypeError(f"progress: expected a function of a Progress, got {type(progress).__name__}")

    def start() -> WorkerPool[_T, Any]:
        pool: WorkerPool[_T, Any] = WorkerPool(
            SourceReader(source),
            ordered=ordered,
            on_error=on_error,
            progress=progress,
            total=source_length(source),
        )
        call, close = called, None
        if not is_async(called):
            threads = concurrency.maximum if isinstance(concurrency, Adaptive) else concurrency
            call = thread_caller = ThreadCaller(called, threads)
            close = thread_caller.close
        if limits is not None:
            call = rate_limited(call, limits)
        if isinstance(concurrency, Adaptive):
            pool.start(AdaptiveCaller(call, concurrency, pool), concurrency.start, close)
        else:
            pool.start(call, concurrency, close)
        return pool

    return Results(start)
