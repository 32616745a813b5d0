"""``embed-file``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import gemwire
from gemwire.cli import job_options as jobs
from gemwire.cli import service
from gemwire.cli.options import Model

_INPUT = "Lines of text (.txt), or JSON lines (.jsonl): strings, or objects with a text."
_OUTPUT = "JSON lines file (.jsonl), or numpy array (.npy)."
_TASK = "Intended use of the vectors, such as RETRIEVAL_DOCUMENT."


def embed_file(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help=_INPUT)],
    target: Annotated[Path, typer.Argument(metavar="OUTPUT", help=_OUTPUT)],
    model: Model = "gemini-embedding-001",
    task_type: Annotated[str | None, typer.Option(help=_TASK, metavar="TYPE")] = None,
    dimensions: Annotated[int | None, typer.Option(help="Length of the vectors.", metavar="N")] = None,
    field: Annotated[str, typer.Option(help="Name of the text in an object.", metavar="NAME")] = "text",
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
    """Embed each line of a file. Run the same command again to resume."""
    calls, retry = jobs.parse_concurrency(concurrency), jobs.retry_policy(retries)
    jobs.run_job(
        lambda progress: gemwire.bulk.embed(
            source,
            target,
            model=model,
            task_type=task_type,
            dimensions=dimensions,
            field=field,
            concurrency=calls,
            requests_per_minute=rpm,
            tokens_per_minute=tpm,
            processes=processes,
            engine=engine.value,
            ray_address=ray_address,
            failures=failures,
            retry_failures=retry_failures,
            retry=retry,
            timeout=timeout,
            progress=progress,
            client=service.client_arguments(),
        ),
        quiet=quiet,
        as_json=as_json,
    )
