"""``batch``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import gemwire
from gemwire.cli import job_options as jobs
from gemwire.cli import protojson
from gemwire.cli.options import Model, System

_INPUT = "JSON lines file: strings, prompts, requests, or the API's batch format."
_CONFIG = "JSON file with settings that all requests share: temperature, tools, a schema…"


def batch(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help=_INPUT)],
    target: Annotated[Path, typer.Argument(metavar="OUTPUT", help="JSON lines file with the responses.")],
    model: Model = "gemini-2.5-flash",
    system: System = None,
    config: Annotated[Path | None, typer.Option(help=_CONFIG, metavar="FILE")] = None,
    concurrency: jobs.Concurrency = "32",
    rpm: jobs.Rpm = None,
    tpm: jobs.Tpm = None,
    processes: jobs.Processes = 1,
    engine: jobs.EngineName = jobs.Engine.LOCAL,
    ray_address: jobs.RayAddress = None,
    failures: jobs.Failures = None,
    retry_failures: jobs.RetryFailures = False,
    retries: jobs.Retries = 4,
    timeout: jobs.Timeout = 600,
    price_in: jobs.PriceIn = None,
    price_out: jobs.PriceOut = None,
    quiet: jobs.Quiet = False,
    as_json: jobs.AsJson = False,
) -> None:
    """Generate content for each line of a file. Run the same command again to resume."""
    settings = protojson.read_object(config, "--config") if config else {}
    if system:
        settings = {**settings, "system_instruction": system}
    calls, retry = jobs.parse_concurrency(concurrency), jobs.retry_policy(retries)
    prices = jobs.parse_prices(price_in, price_out)
    jobs.run_job(
        lambda progress: gemwire.bulk.generate(
            source,
            target,
            model=model,
            config=settings,
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
            prices=prices,
            progress=progress,
        ),
        quiet=quiet,
        as_json=as_json,
    )
