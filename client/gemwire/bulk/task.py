"""The interface of tasks, which process lines, and the loop that runs one in a process."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from gemwire._arguments import check_concurrency
from gemwire.bulk.line_result import LineResult, invalid_result
from gemwire.bulk.lines import Line
from gemwire.bulk.parse_line import line_key
from gemwire.bulk.rate_limit import RateLimit
from gemwire.errors import APIError, Unimplemented

if TYPE_CHECKING:
    from gemwire.pipeline import Adaptive

#: Makes one call for some lines. Raises the error of the call.
LineHandler: TypeAlias = Callable[[list[Line]], Awaitable[list[LineResult]]]


class Task(Protocol):
    """Task for each line of a job. It can be pickled."""

    @property
    def lines_per_call(self) -> int:
        """Maximum number of lines in a call."""
        ...

    @property
    def client(self) -> Mapping[str, Any]:
        """Arguments of `gemwire.genai.Client`."""
        ...

    @property
    def model(self) -> str:
        """Full name of the model."""
        ...

    def open(self, rate: RateLimit) -> AbstractAsyncContextManager[LineHandler]:
        """Open a client, and return the function that processes lines at this rate limit."""
        ...

    def manifest(self) -> dict[str, object]:
        """Return what must not change for a job to be continued, as JSON."""
        ...

    def failed_result(self, line: Line, error: APIError) -> LineResult:
        """Return the result of a line whose call failed."""
        ...


@dataclass(frozen=True)
class Workload:
    """Work of a job, or of one of several processes that share it.

    Attributes:
        task: Task for each line.
        concurrency: Number of concurrent calls.
        rate: Rate limit.
    """

    task: Task
    concurrency: int | Adaptive
    rate: RateLimit

    def __post_init__(self) -> None:
        from gemwire.pipeline import Adaptive

        if not isinstance(self.concurrency, Adaptive):
            check_concurrency("concurrency", self.concurrency, expected="a whole number or Adaptive")

    @property
    def max_concurrency(self) -> int:
        """Upper bound of the concurrency."""
        return self.concurrency if isinstance(self.concurrency, int) else self.concurrency.maximum

    def split(self, processes: int) -> list[Workload]:
        """Return the share of each of several processes, the smallest last."""
        from gemwire.pipeline import Adaptive

        whole, rate = self.concurrency, self.rate.divide(processes)
        if isinstance(whole, int):
            each, rest = divmod(whole, processes)
            return [Workload(self.task, each + (index < rest), rate) for index in range(processes)]
        minimum = max(1, whole.minimum // processes)
        maximum = max(minimum, whole.maximum // processes)
        start = min(max(minimum, whole.start // processes), maximum)
        return [Workload(self.task, Adaptive(start, minimum, maximum, whole.repeats), rate)] * processes

    async def run(
        self, chunks: Iterable[list[Line]] | AsyncIterable[list[Line]]
    ) -> AsyncIterator[list[LineResult]]:
        """Run the task for chunks of lines, and yield results as they complete. Ends after a fatal error."""
        from gemwire import pipeline

        async with (
            self.task.open(self.rate) as handler,
            # Call errors are raised in the pipeline, so that adaptive concurrency sees them.
            pipeline.map(handler, chunks, concurrency=self.concurrency, on_error="return") as outcomes,
        ):
            async for outcome in outcomes:
                if isinstance(outcome, pipeline.ItemFailed):
                    results = [_failed_result(self.task, line, outcome.error) for line in outcome.item]
                else:
                    results = outcome
                yield results
                if any(result.fatal for result in results):
                    return


def _failed_result(task: Task, line: Line, error: BaseException) -> LineResult:
    """Return the result of a line whose call failed in any way. What one line meets must not end the job."""
    if isinstance(error, APIError):
        return task.failed_result(line, error)
    message = f"{type(error).__name__}: {error}"
    result = invalid_result(line.number, line_key(line), message, crashed=True)
    # It may meet all lines.
    return result._replace(service_error=f"{message}.")


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


def check_model(task: Task) -> None:
    """Raise APIError unless the model of a task exists and its credentials may use it."""
    from gemwire.genai.client import Client

    if not task.model.startswith(("models/", "tunedModels/")):
        return
    with Client(**task.client) as client:
        try:
            client.models.get(model=task.model)
        except Unimplemented:
            return  # A gateway without ModelService: the first line is the check.
