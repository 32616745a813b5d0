"""What is done with lines: made in every process that does it, and the same in each."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any, ClassVar, Protocol

from gemwire.bulk.lines import Line
from gemwire.bulk.outcome import Outcome
from gemwire.bulk.rate import Rate
from gemwire.errors import APIError

#: Finishes the lines of one call, or raises the error of it.
Answer = Callable[[list[Line]], Awaitable[list[Outcome]]]


class Task(Protocol):
    """What is done with every line of a job. It pickles."""

    #: How many lines go together.
    lines_per_call: ClassVar[int]

    def answering(self, rate: Rate) -> AbstractAsyncContextManager[Answer]:
        """A client of this process, and what finishes lines with it.

        Args:
            rate: How fast.
        """
        ...

    def identity(self) -> dict[str, Any]:
        """What must be the same for a job to be continued, as JSON has it."""
        ...

    def check(self) -> None:
        """Ask once whether lines can be answered at all.

        Raises:
            APIError: They cannot.
        """
        ...

    def failure(self, line: Line, error: APIError) -> Outcome:
        """The outcome of a line whose call failed."""
        ...


async def outcomes(
    task: Task, calls: Iterable[list[Line]] | AsyncIterable[list[Line]], concurrency: Any, rate: Rate
) -> AsyncIterator[list[Outcome]]:
    """Do a task for lines, some at a time. Ends at once with what says that the rest is hopeless.

    Args:
        task: It.
        calls: Lines that go together; see `together`.
        concurrency: Calls at a time; see `gemwire.pipeline.map`.
        rate: How fast.
    """
    from gemwire import pipeline

    async with task.answering(rate) as answer:
        # Errors go through it, so that it sees when there is no room.
        results: Any = pipeline.map(answer, calls, concurrency=concurrency, on_error="return")
        async with results:
            async for result in results:
                if not isinstance(result, pipeline.ItemFailed):
                    found: list[Outcome] = result
                elif isinstance(result.error, APIError):
                    found = [task.failure(line, result.error) for line in result.item]
                else:
                    raise result.error
                yield found
                if any(outcome.hopeless for outcome in found):
                    return


def together(lines: Iterable[Line], most: int) -> Iterator[list[Line]]:
    """Lines in lists, all but the last as long as they may be."""
    call: list[Line] = []
    for line in lines:
        call.append(line)
        if len(call) == most:
            yield call
            call = []
    if call:
        yield call
