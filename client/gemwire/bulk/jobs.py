"""The public functions of jobs, and the checks of their arguments."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from gemwire._arguments import check_choice, check_integer, check_number
from gemwire.bulk.job_files import JobFiles
from gemwire.bulk.lines import is_pipe
from gemwire.bulk.progress import Prices, Progress
from gemwire.bulk.rate_limit import RateLimit
from gemwire.options import Retry

if TYPE_CHECKING:
    from gemwire.bulk.executor import Executor
    from gemwire.bulk.task import Task, Workload
    from gemwire.genai._types.generate_content import GenerateContentConfig
    from gemwire.pipeline import Adaptive

_Path: TypeAlias = "str | os.PathLike[str]"
_CODES: Any = ("UNAVAILABLE", "RESOURCE_EXHAUSTED")  # `Retry` converts names.
#: Default retry of jobs: patient, as no caller waits for a single line.
RETRY = Retry(codes=_CODES, max_attempts=5, initial=1.0, maximum=60.0, multiplier=2.0)


def generate(
    input: _Path,  # noqa: A002 - the word for it
    output: _Path,
    *,
    model: str,
    config: GenerateContentConfig | Mapping[str, Any] | None = None,
    concurrency: int | Adaptive = 32,
    requests_per_minute: float | None = None,
    tokens_per_minute: float | None = None,
    processes: int = 1,
    engine: str = "local",
    ray_address: str | None = None,
    failures: _Path | None = None,
    retry_failures: bool = False,
    retry: Retry = RETRY,
    timeout: float = 600.0,
    prices: Prices | Mapping[str, float] | None = None,
    progress: Callable[[Progress], object] | None = None,
    client: Mapping[str, Any] | None = None,
) -> Progress:
    """Generate content for each line of a file.

    Repeating the call continues where a run ended, however it ended: finished lines are not sent again. See
    docs/bulk.md for the formats of input and output.

    The call blocks until the job has ended; with asyncio, use ``await asyncio.to_thread(bulk.generate, …)``.

    Args:
        input: JSON lines file with requests; decompressed if its name ends in ``.gz``. A pipe, or ``-`` for
            standard input, is copied to a temporary file first.
        output: JSON lines file to write, or to continue. Not a pipe or a device.
        model: Model for lines that name none.
        config: Settings that all requests share: `gemwire.genai.types.GenerateContentConfig`, or a dict of
            its fields. Fields of a line take precedence.
        concurrency: Number of concurrent calls, shared by all processes; or `gemwire.pipeline.Adaptive`.
        requests_per_minute: Maximum calls per minute, shared by all processes.
        tokens_per_minute: Maximum input tokens per minute, shared by all processes.
        processes: Number of processes that make the calls; 1 for this one only. With Ray, of actors.
        engine: ``"local"`` for this machine, or ``"ray"`` for a Ray cluster.
        ray_address: Address of the cluster. Default: the one that Ray finds, or one that it starts here.
        failures: JSON lines file for failed lines of this job only. Default: beside the output,
            ``out.failures.jsonl`` for ``out.jsonl``.
        retry_failures: Whether to send lines again that failed in earlier runs.
        retry: When to retry a call. Default: 5 attempts if the service is overloaded or a quota is exceeded,
            with pauses of up to a minute.
        timeout: Seconds for a call with all its attempts.
        prices: Prices of tokens, for `Progress.cost`.
        progress: Called with a `Progress` several times a second.
        client: Arguments of `gemwire.genai.Client`, which is created in each process that makes calls.

    Returns:
        The final progress. Failed lines do not raise: ``failures`` is their number.

    Raises:
        ValueError: An argument or a file is invalid, output or failures belong to another job, or another
            process is writing to them. Nothing was sent or changed.
        TypeError: An argument has a wrong type.
        APIError: No line can be answered: the model does not exist, the key is invalid…
        JobStopped: The job cannot go on: the disk is full, the input was changed… Finished lines are saved.
        KeyboardInterrupt: Ctrl-C was pressed. Lines in progress got ten seconds; finished lines are saved.
        ImportError: An extra is not installed.
    """
    from gemwire.bulk.generate_task import GenerateTask
    from gemwire.bulk.runner import JobRunner
    from gemwire.bulk.task import Workload

    timeout = check_number("timeout", timeout, expected="seconds")
    task = GenerateTask.from_config(model, config, timeout, _check_retry(retry), client or {})
    files = _resolve_files(input, output, failures)
    work = Workload(task, concurrency, RateLimit(requests_per_minute, tokens_per_minute))
    create = _executor_factory(work, processes, engine, ray_address)
    if files.output.suffix == ".npy":
        raise ValueError("output: responses are not numbers; choose a name that ends in .jsonl")
    return JobRunner(
        files,
        task,
        create,
        retry_failures=retry_failures,
        prices=_resolve_prices(prices),
        progress=progress,
    ).run()


def embed(
    input: _Path,  # noqa: A002 - the word for it
    output: _Path,
    *,
    model: str,
    task_type: str | None = None,
    dimensions: int | None = None,
    field: str = "text",
    concurrency: int | Adaptive = 8,
    requests_per_minute: float | None = None,
    tokens_per_minute: float | None = None,
    processes: int = 1,
    engine: str = "local",
    ray_address: str | None = None,
    failures: _Path | None = None,
    retry_failures: bool = False,
    retry: Retry = RETRY,
    timeout: float = 600.0,
    progress: Callable[[Progress], object] | None = None,
    client: Mapping[str, Any] | None = None,
) -> Progress:
    """Embed each line of a file, as many lines in a call as the model takes: 100 of the Gemini API's.

    Args:
        input: File with a text in each line (``.txt``), or with JSON lines (``.jsonl``): strings, or objects
            with a text in ``field`` and optionally a ``key``. Decompressed if its name ends in ``.gz``.
        output: JSON lines file, or numpy array (``.npy``) with a row for each line of the input.
        model: Name of an embedding model.
        task_type: Intended use of the vectors, ``"RETRIEVAL_DOCUMENT"``, ``"RETRIEVAL_QUERY"``…
        dimensions: Length of a vector. Default: that of the model.
        field: Name of the text in a JSON object.
        concurrency: See `generate`, also for the following arguments.
        requests_per_minute: Maximum calls per minute.
        tokens_per_minute: Maximum tokens per minute, as estimated from the text.
        processes: See `generate`.
        engine: See `generate`.
        ray_address: See `generate`.
        failures: See `generate`.
        retry_failures: See `generate`.
        retry: See `generate`.
        timeout: See `generate`.
        progress: See `generate`.
        client: See `generate`. With ``vertexai=True``, Vertex AI embeds.

    Returns:
        The final progress.

    Raises:
        ValueError: See `generate`, also for `TypeError`, `APIError`, `JobStopped`, `KeyboardInterrupt` and
            `ImportError`.
    """
    from gemwire.bulk.embed_task import EmbedTask
    from gemwire.bulk.runner import JobRunner
    from gemwire.bulk.task import Workload

    files = _resolve_files(input, output, failures)
    task = EmbedTask(
        model=model,
        task_type=task_type,
        dimensions=dimensions,
        field=None if _is_plain_text(files.input) else field,
        binary=files.output.suffix == ".npy",
        timeout=check_number("timeout", timeout, expected="seconds"),
        retry=_check_retry(retry),
        client=client or {},
    )
    work = Workload(task, concurrency, RateLimit(requests_per_minute, tokens_per_minute))
    create = _executor_factory(work, processes, engine, ray_address)
    return JobRunner(files, task, create, retry_failures=retry_failures, progress=progress).run()


def _resolve_files(input: object, output: object, failures: object) -> JobFiles:  # noqa: A002
    source, target = _to_path("input", input), _to_path("output", output)
    return JobFiles.resolve(source, target, None if failures is None else _to_path("failures", failures))


def _to_path(name: str, value: object) -> Path:
    if not isinstance(value, (str, os.PathLike)):
        raise TypeError(f"{name}: expected a path, got {type(value).__name__}")
    return Path(value)


def _is_plain_text(path: Path) -> bool:
    name = path.name.removesuffix(".gz")
    if name.endswith(".txt"):
        return True
    if name.endswith((".jsonl", ".ndjson", ".json")) or is_pipe(path):
        return False
    raise ValueError(f"input: {path}: unknown format; name it .txt (lines of text) or .jsonl (JSON lines)")


def _check_retry(retry: object) -> Retry:
    if not isinstance(retry, Retry):
        raise TypeError(f"retry: expected gemwire.Retry, got {type(retry).__name__}")
    return retry


def _resolve_prices(prices: object) -> Prices | None:
    if prices is None or isinstance(prices, Prices):
        return prices
    if not isinstance(prices, Mapping):
        raise TypeError(f"prices: expected Prices or a dict, got {type(prices).__name__}")
    for name in prices:
        check_choice("prices", name, ("tokens_in", "tokens_out"))
    return Prices(**prices)


def _executor_factory(
    work: Workload, processes: int, engine: str, ray_address: str | None
) -> Callable[[], Executor]:
    """Check the arguments of an executor, and return the function that creates it."""
    check_choice("engine", engine, ("local", "ray"))
    if ray_address is not None and engine != "ray":
        raise ValueError("ray_address: requires engine='ray'")
    check_integer("processes", processes)
    if isinstance(work.concurrency, int) and work.concurrency < processes:
        raise ValueError(
            f"concurrency: {work.concurrency} is less than one for each of {processes} processes"
        )
    if engine == "ray":
        from gemwire.bulk.ray_executor import RayExecutor

        _check_pickles(work.task)
        return lambda: RayExecutor(work, processes, ray_address)
    if processes == 1:
        from gemwire.bulk.local_executor import LocalExecutor

        return lambda: LocalExecutor(work)
    from gemwire.bulk.process_executor import ProcessExecutor

    _check_pickles(work.task)
    return lambda: ProcessExecutor(work, processes)


def _check_pickles(task: Task) -> None:
    import pickle

    try:
        pickle.dumps(task)
    except Exception as error:
        raise TypeError(f"client: its arguments must be picklable to use other processes: {error}") from None
