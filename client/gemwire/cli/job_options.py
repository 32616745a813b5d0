"""The options of jobs over files, and how a job is run and its progress shown."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

import gemwire
from gemwire.cli import output

_CONCURRENCY = "Concurrent calls, shared by all processes; auto adapts to the capacity of the service."
_PROCESSES = "Processes that make the calls; with --engine ray, actors."
_RETRY = "Send lines again that failed in earlier runs. Otherwise failed lines count as done."


class Engine(str, enum.Enum):
    """Where calls are made: on this machine, or on a Ray cluster."""

    LOCAL = "local"
    RAY = "ray"


Concurrency = Annotated[str, typer.Option("--concurrency", "-c", help=_CONCURRENCY, metavar="N")]
Rpm = Annotated[float | None, typer.Option(help="Maximum calls per minute.", metavar="N")]
Tpm = Annotated[float | None, typer.Option(help="Maximum input tokens per minute.", metavar="N")]
Processes = Annotated[int, typer.Option(help=_PROCESSES, metavar="N")]
EngineName = Annotated[Engine, typer.Option(help="Run on this machine, or on a Ray cluster.")]
RayAddress = Annotated[str | None, typer.Option(help="Address of the Ray cluster.", metavar="ADDRESS")]
Failures = Annotated[
    Path | None, typer.Option(help="File for failed lines. Default: beside the output.", metavar="FILE")
]
RetryFailures = Annotated[bool, typer.Option("--retry-failures", help=_RETRY)]
Retries = Annotated[int, typer.Option(help="Maximum retries of a call.", metavar="N")]
Timeout = Annotated[
    float, typer.Option(help="Timeout of a call with its retries, in seconds.", metavar="SECONDS")
]
PriceIn = Annotated[
    float | None, typer.Option(help="Price of a million input tokens, to report the cost.", metavar="NUMBER")
]
PriceOut = Annotated[float | None, typer.Option(help="Price of a million output tokens.", metavar="NUMBER")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress bar and no summary.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")]
_OnProgress: TypeAlias = Callable[[gemwire.bulk.Progress], None]


def parse_concurrency(value: str) -> int | gemwire.pipeline.Adaptive:
    """Return the value of ``--concurrency``.

    Raises:
        ValueError: It is neither a number nor auto.
    """
    if value == "auto":
        return gemwire.pipeline.Adaptive()
    if not value.isdecimal():
        raise ValueError(f"--concurrency: expected a whole number or auto, got {value!r}")
    return int(value)


def retry_policy(retries: int) -> gemwire.Retry:
    """Return the retry policy of ``--retries``.

    Raises:
        ValueError: The number is negative.
    """
    if retries < 0:
        raise ValueError(f"--retries: {retries} is less than 0")
    return dataclasses.replace(gemwire.bulk.RETRY, max_attempts=retries + 1)


def parse_prices(price_in: float | None, price_out: float | None) -> gemwire.bulk.Prices | None:
    """Return the prices of ``--price-in`` and ``--price-out``.

    Raises:
        ValueError: One of them is missing, or is invalid.
    """
    if price_in is None and price_out is None:
        return None
    if price_in is None or price_out is None:
        raise ValueError("--price-in and --price-out must be given together")
    return gemwire.bulk.Prices(price_in, price_out)


def run_job(
    job: Callable[[_OnProgress | None], gemwire.bulk.Progress], *, quiet: bool, as_json: bool
) -> None:
    """Run a job, show its progress and print a summary.

    Args:
        job: Runs the job; its argument is called with the progress.
        quiet: Whether to print nothing.
        as_json: Whether to print the summary as JSON.

    Raises:
        SystemExit: The job was interrupted, or lines failed.
    """
    try:
        with _progress_bar(enabled=not quiet and not as_json and sys.stderr.isatty()) as update:
            progress = job(update)
    except KeyboardInterrupt as error:
        output.print_error(str(error) or "interrupted before the job started")
        raise SystemExit(130) from None
    if as_json:
        more = {"done": progress.done, "rate": progress.rate}
        output.print_json({**dataclasses.asdict(progress), **more})
    elif not quiet:
        output.note(_summarize(progress))
    if progress.failures:
        raise SystemExit(1)


def _summarize(progress: gemwire.bulk.Progress) -> str:
    parts = [f"{progress.done:,} of {progress.total:,} lines done"]
    if progress.before:
        parts.append(f"{progress.before:,} in earlier runs")
    if progress.failures:
        parts.append(f"{progress.failures:,} failed (--retry-failures sends them again)")
    if progress.tokens_in or progress.tokens_out:
        parts.append(f"{progress.tokens_in:,} input tokens, {progress.tokens_out:,} output tokens")
    if progress.cost is not None:
        parts.append(f"cost {progress.cost:,.4f}")
    parts.append(f"{progress.elapsed:.1f} s, {progress.rate:,.1f} lines/s")
    return ", ".join(parts)


@contextmanager
def _progress_bar(*, enabled: bool) -> Iterator[_OnProgress | None]:
    if not enabled:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[details]}"))
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, details="")

        def update(progress: gemwire.bulk.Progress) -> None:
            parts = [f"{progress.rate:,.1f}/s", f"{progress.tokens_in:,}→{progress.tokens_out:,} tokens"]
            if progress.failures:
                parts.append(f"{progress.failures:,} failed")
            if progress.cost is not None:
                parts.append(f"cost {progress.cost:,.4f}")
            if progress.remaining is not None:
                # Rich would include the lines of earlier runs in the speed.
                parts.append(f"{datetime.timedelta(seconds=round(progress.remaining))} left")
            bar.update(task, total=progress.total, completed=progress.done, details=", ".join(parts))

        yield update
