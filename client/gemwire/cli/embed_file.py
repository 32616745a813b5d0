"""``embed-file``: a file of texts, a file of vectors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import gemwire
from gemwire.cli import jobs
from gemwire.cli.content import Model

_INPUT = "Lines of text (.txt), or of JSON (.jsonl): texts, or objects with one."
_OUTPUT = "Lines of JSON (.jsonl), or a matrix of numpy's (.npy)."
_TASK = "What the vectors are for, such as RETRIEVAL_DOCUMENT."


def embed_file(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help=_INPUT)],
    target: Annotated[Path, typer.Argument(metavar="OUTPUT", help=_OUTPUT)],
    model: Model = "gemini-embedding-001",
    task_type: Annotated[str | None, typer.Option(help=_TASK, metavar="TYPE")] = None,
    dimensions: Annotated[int | None, typer.Option(help="Length of the vectors.", metavar="N")] = None,
    field: Annotated[str, typer.Option(help="Where the text is in an object.", metavar="NAME")] = "text",
    concurrency: jobs.Concurrency = "8",
    rpm: jobs.Rpm = None,
    tpm: jobs.Tpm = None,
    processes: jobs.Processes = 1,
    engine: jobs.EngineName = jobs.Engine.LOCAL,
    ray_address: jobs.RayAddress = None,
    failures: jobs.Failures = None,
    retry_failures: jobs.RetryFailures = False,
    retries: jobs.Retries = 4,
    timeout: jobs.Timeout = 600,
    quiet: jobs.Quiet = False,
    as_json: jobs.AsJson = False,
) -> None:
    """Embed every line of a file, each once; the same command again continues."""
    given: dict[str, Any] = {
        "model": model,
        "task_type": task_type,
        "dimensions": dimensions,
        "field": field,
        "concurrency": jobs.concurrency(concurrency),
        "requests_per_minute": rpm,
        "tokens_per_minute": tpm,
        "processes": processes,
        "engine": engine.value,
        "ray_address": ray_address,
        "failures": failures,
        "retry_failures": retry_failures,
        "retry": jobs.retry(retries),
        "timeout": timeout,
    }
    jobs.run(
        lambda tell: gemwire.bulk.embed(source, target, progress=tell, **given), quiet=quiet, as_json=as_json
    )
