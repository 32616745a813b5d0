"""The interface of tasks, which process lines, and the loop that runs one in a process."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeAlias

from gemwire.bulk.line_result import LineResult
from gemwire.bulk.lines import Line
from gemwire.bulk.rate_limit import RateLimit
from gemwire.errors import APIError

if TYPE_CHECKING:
    from gemwire.pipeline import Adaptive

#: Makes one call for some lines. Raises the error of the call.
LineHandler: TypeAlias = Callable[[list[Line]], Awaitable[list[LineResult]]]


class Task(Protocol):
    """Task for each line of a job. It can be pickled."""

    #: Maximum number of lines in a call.
    lines_per_call: ClassVar[int]

    def open(self, rate: RateLimit) -> AbstractAsyncContextManager[LineHandler]:
        """Open a client, and return the function that processes lines at this rate limit."""
        ...

    def manifest(self) -> dict[str, object]:
        """Return what must not change for a job to be continued, as JSON."""
        ...

    def check(self) -> None:
        """Raise unless lines can be processed at all.

        Raises:
            APIError: No line can be processed.
        """
        ...

    def failed_result(self, line: Line, error: APIError) -> LineResult:
        """Return the result of a line whose call failed."""
        ...


async def run_task(
    task: Task,
    chunks: Iterable[list[Line]] | AsyncIterable[list[Line]],
    concurrency: int | Adaptive,
    rate: RateLimit,
) -> AsyncIterator[list[LineResult]]:
    """Run a task for chunks of lines, and yield their results as they complete. Ends after a fatal error."""
    from gemwire import pipeline

    async with (
        task.open(rate) as handler,
        # Call errors are raised in the pipeline, so that adaptive concurrency sees them.
        pipeline.map(handler, chunks, concurrency=concurrency, on_error="return") as outcomes,
    ):
        async for outcome in outcomes:
            if not isinstance(outcome, pipeline.ItemFailed):
                results = outcome
            elif isinstance(outcome.error, APIError):
                results = [task.failed_result(line, outcome.error) for line in outcome.item]
            else:
                raise outcome.error
            yield results
            if any(result.fatal for result in results):
                return


def chunk_lines(lines: Iterable[Line], size: int) -> Iterator[list[Line]]:
    """Split lines into lists of a size; the last one may be shorter."""
    chunk: list[Line] = []
    for line in lines:
        chunk.append(line)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
