"""``batch``: a file of requests, a file of answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import gemwire
from gemwire.cli import jobs, protojson
from gemwire.cli.content import Model, System

_INPUT = "Lines of JSON: texts, prompts, requests, or the API's batch format."
_CONFIG = "JSON file with what all requests have in common: temperature, tools, a schema…"


def batch(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help=_INPUT)],
    target: Annotated[Path, typer.Argument(metavar="OUTPUT", help="Lines of JSON, a response each.")],
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
    """Answer every line of a file, each once; the same command again continues."""
    common = _config(config) if config else {}
    if system:
        common = {**common, "system_instruction": system}
    given: dict[str, Any] = {
        "model": model,
        "config": common,
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
        "prices": jobs.prices(price_in, price_out),
    }
    jobs.run(
        lambda tell: gemwire.bulk.generate(source, target, progress=tell, **given),
        quiet=quiet,
        as_json=as_json,
    )


def _config(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"--config {path}: {getattr(error, 'strerror', None) or error}") from None
    value = protojson.loads(text, f"--config {path}")
    if not isinstance(value, dict):
        raise ValueError(f"--config {path}: a config is a JSON object")  # noqa: TRY004
    return value
