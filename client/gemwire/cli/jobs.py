"""Jobs over files: what their commands have in common."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

import gemwire
from gemwire.cli import output

_CONCURRENCY = "Calls at a time, in all processes together; auto finds out what there is room for."
_PROCESSES = "Processes that make the calls; with --engine ray, actors."
_RETRY = "Send lines again that failed in earlier runs."
_PRICE = "Of a million tokens that"


class Engine(str, enum.Enum):
    """What makes the calls."""

    LOCAL = "local"
    RAY = "ray"


Concurrency = Annotated[str, typer.Option("--concurrency", "-c", help=_CONCURRENCY, metavar="N")]
Rpm = Annotated[float | None, typer.Option(help="Most calls in a minute.", metavar="N")]
Tpm = Annotated[float | None, typer.Option(help="Most tokens of requests in a minute.", metavar="N")]
Processes = Annotated[int, typer.Option(help=_PROCESSES, metavar="N")]
EngineName = Annotated[Engine, typer.Option(help="What makes the calls.")]
RayAddress = Annotated[str | None, typer.Option(help="Of the Ray cluster.", metavar="ADDRESS")]
Failures = Annotated[
    Path | None, typer.Option(help="File for lines that failed; beside the output.", metavar="FILE")
]
RetryFailures = Annotated[bool, typer.Option("--retry-failures", help=_RETRY)]
Retries = Annotated[int, typer.Option(help="How often a call is repeated at most.", metavar="N")]
Timeout = Annotated[
    float, typer.Option(help="Seconds that a call may take, with its retries.", metavar="SECONDS")
]
PriceIn = Annotated[
    float | None, typer.Option(help=f"{_PRICE} go in: the cost is told then.", metavar="NUMBER")
]
PriceOut = Annotated[float | None, typer.Option(help=f"{_PRICE} come out.", metavar="NUMBER")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No bar and no summary.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")]


def concurrency(given: str) -> int | gemwire.pipeline.Adaptive:
    """What ``--concurrency`` says.

    Raises:
        ValueError: It is neither a number nor auto.
    """
    if given == "auto":
        return gemwire.pipeline.Adaptive()
    if not given.isdecimal():
        raise ValueError(f"--concurrency: {given!r} is neither a whole number nor auto")
    return int(given)


def retry(retries: int) -> Any:
    """What ``--retries`` says.

    Raises:
        ValueError: It is negative.
    """
    if retries < 0:
        raise ValueError(f"--retries: {retries} is less than 0")
    return dataclasses.replace(gemwire.bulk.RETRY, max_attempts=retries + 1)


def prices(price_in: float | None, price_out: float | None) -> gemwire.bulk.Prices | None:
    """What ``--price-in`` and ``--price-out`` say.

    Raises:
        ValueError: One of them is missing, or is no price.
    """
    if price_in is None and price_out is None:
        return None
    if price_in is None or price_out is None:
        raise ValueError("--price-in and --price-out: give both, for what goes in and what comes out")
    return gemwire.bulk.Prices(price_in, price_out)


def run(
    job: Callable[[Callable[[Any], Any] | None], gemwire.bulk.Progress], *, quiet: bool, as_json: bool
) -> None:
    """Run a job, showing how far it is.

    Args:
        job: Runs it, from what is to be told of its progress to the last of it.
        quiet: Whether to say nothing.
        as_json: Whether to print a summary for programs.

    Raises:
        SystemExit: It was interrupted, or lines failed.
    """
    try:
        with _bar(shown=not quiet and not as_json and sys.stderr.isatty()) as tell:
            done = job(tell)
    except KeyboardInterrupt as error:
        output.complain(str(error) or "interrupted before anything was begun")
        raise SystemExit(130) from None
    if as_json:
        output.print_json({**dataclasses.asdict(done), "done": done.done, "rate": done.rate})
    elif not quiet:
        output.note(summary(done))
    if done.failures:
        raise SystemExit(1)


def summary(done: gemwire.bulk.Progress) -> str:
    """What a job did, in one line."""
    told = [f"{done.done:,} of {done.total:,} lines"]
    if done.before:
        told.append(f"{done.before:,} of them before")
    if done.failures:
        told.append(f"{done.failures:,} failed (--retry-failures sends them again)")
    if done.tokens_in or done.tokens_out:
        told.append(f"{done.tokens_in:,} tokens in, {done.tokens_out:,} out")
    if done.cost is not None:
        told.append(f"cost {done.cost:,.4f}")
    told.append(f"{done.elapsed:.1f} s, {done.rate:,.1f} lines/s")
    return ", ".join(told)


@contextmanager
def _bar(*, shown: bool) -> Iterator[Callable[[gemwire.bulk.Progress], None] | None]:
    if not shown:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[told]}"))
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, told="")

        def tell(now: gemwire.bulk.Progress) -> None:
            told = [f"{now.rate:,.1f}/s", f"{now.tokens_in:,}→{now.tokens_out:,} tokens"]
            if now.failures:
                told.append(f"{now.failures:,} failed")
            if now.cost is not None:
                told.append(f"cost {now.cost:,.4f}")
            if now.remaining is not None:
                # Rich would take the lines of earlier runs for this one's speed.
                told.append(f"{datetime.timedelta(seconds=round(now.remaining))} left")
            bar.update(task, total=now.total, completed=now.done, told=", ".join(told))

        yield tell
