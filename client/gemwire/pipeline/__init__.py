"""Many items through one function, some at a time: back-pressure, order, errors, limits, progress.

    from gemwire import pipeline

    async for answer in pipeline.map(ask, questions, concurrency=64):
        ...

See docs/pipelines.md.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from typing import Any, Literal, Protocol, TypeVar, overload

from gemwire.limits import Limits
from gemwire.pipeline import function as _function
from gemwire.pipeline import source as _source
from gemwire.pipeline.adaptive import Adapted, Adaptive
from gemwire.pipeline.failure import ItemFailed
from gemwire.pipeline.limited import limited
from gemwire.pipeline.progress import Progress, bar
from gemwire.pipeline.results import Results
from gemwire.pipeline.run import Run
from gemwire.pipeline.threaded import in_thread

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
    progress: Callable[[Progress], Any] | None = None,
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
    progress: Callable[[Progress], Any] | None = None,
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
    progress: Callable[[Progress], Any] | None = None,
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
    progress: Callable[[Progress], Any] | None = None,
) -> Results[_R | ItemFailed]: ...


def map(  # noqa: A001 - the name that everybody knows
    function: Any,
    source: Any,
    *,
    concurrency: int | Adaptive,
    ordered: bool = False,
    on_error: str = "raise",
    limits: Limits | None = None,
    progress: Callable[[Progress], Any] | None = None,
) -> Results[Any]:
    """Call a function for each item of a source, some at a time.

    Nothing begins before the results are iterated. Then at most twice `concurrency` items are read that the
    consumer has not taken the results of: a slow consumer stops the reading, and when `ordered` so does a
    slow first item. However the loop is left, everything that was begun ends.

    Args:
        function: An async function of one item; a sync function, which is called in as many threads; or
            a prepared prompt, whose ``generate`` is called.
        source: Any iterable or async iterable. A sync one is read on the event loop; `in_thread` reads
            one that blocks.
        concurrency: How many items are in the function at once; or `Adaptive`.
        ordered: Whether results come in the order of their items, rather than as soon as they are there.
        on_error: What happens when the function raises: ``"raise"`` an `ItemFailed` and end everything,
            ``"return"`` it as a value among the others, or ``"skip"`` the item.
        limits: Requests and tokens per minute that the calls keep to.
        progress: Called ten times a second with a `Progress`, on the event loop; `bar` makes one.

    Returns:
        The results: for ``async for``; for plain ``for`` where no event loop runs.

    Raises:
        TypeError: An argument is of a wrong type.
        ValueError: An argument is out of range.
    """
    _source.check(source)
    called = _function.of(function)
    if not isinstance(concurrency, Adaptive):
        if isinstance(concurrency, bool) or not isinstance(concurrency, int):
            raise TypeError(f"concurrency: expected a whole number or Adaptive, got {concurrency!r}")
        if concurrency < 1:
            raise ValueError(f"concurrency: {concurrency} is less than 1")
    if on_error not in {"raise", "return", "skip"}:
        raise ValueError(f"on_error: {on_error!r} is none of 'raise', 'return', 'skip'")
    if limits is not None and not isinstance(limits, Limits):
        raise TypeError(f"limits: expected gemwire.limits.Limits, got {type(limits).__name__}")
    if progress is not None and not callable(progress):
        raise TypeError(f"progress: expected a function of a Progress, got {type(progress).__name__}")

    def begin() -> Run:
        run = Run(
            _source.Reader(source),
            ordered=ordered,
            on_error=on_error,
            progress=progress,
            total=_source.length(source),
        )
        perform, end = called, None
        if not _function.is_async(called):
            threads = concurrency.maximum if isinstance(concurrency, Adaptive) else concurrency
            perform = threaded = _function.Threaded(called, threads)
            end = threaded.close
        if limits is not None:
            perform = limited(perform, limits)
        if isinstance(concurrency, Adaptive):
            run.start(Adapted(perform, concurrency, run), concurrency.start, end)
        else:
            run.start(perform, concurrency, end)
        return run

    return Results(begin)
