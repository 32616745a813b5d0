"""The jobs that there are, and what they are told."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from gemwire.bulk.files import Files
from gemwire.bulk.progress import Prices, Progress
from gemwire.options import Retry

if TYPE_CHECKING:
    from gemwire.bulk.executor import Engine
    from gemwire.bulk.task import Task
    from gemwire.pipeline import Adaptive

_Path: TypeAlias = "str | os.PathLike[str]"
_ENGINES = ("local", "ray")
_CODES: Any = ("UNAVAILABLE", "RESOURCE_EXHAUSTED")
#: When calls of jobs are repeated, unless one says otherwise: nobody waits for a single one of them.
RETRY = Retry(codes=_CODES, max_attempts=5, initial=1.0, maximum=60.0, multiplier=2.0)


def generate(
    input: _Path,  # noqa: A002 - what it is
    output: _Path,
    *,
    model: str,
    config: Any = None,
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
    progress: Callable[[Progress], Any] | None = None,
    client: Mapping[str, Any] | None = None,
) -> Progress:
    """Generate content for every line of a file.

    The same call again continues where a run ended, however it ended: no line that is finished is sent again.
    See docs/bulk.md for what a line may be, and what is written.

    It blocks until the job has ended; in asyncio, ``await asyncio.to_thread(bulk.generate, …)``.

    Args:
        input: File of JSON lines; compressed if its name ends in ``.gz``.
        output: File of JSON lines to write, or to continue.
        model: Name of the model, unless a line names another.
        config: What all requests have in common: `gemwire.genai.types.GenerateContentConfig`, or a dict of
            its fields. What a line says itself counts for more.
        concurrency: Calls under way at a time, in all processes together; or `gemwire.pipeline.Adaptive`.
        requests_per_minute: Calls begun in any minute at most, in all processes together.
        tokens_per_minute: The same for the tokens of their requests.
        processes: Processes that make the calls, on this machine; 1 for this one. With Ray, actors.
        engine: ``"local"``, or ``"ray"`` for a Ray cluster.
        ray_address: Of the cluster. Default: the one that Ray finds, or one that it starts on this machine.
        failures: File of JSON lines for those that failed. Default: beside the output, ``out.failures.jsonl``
            for ``out.jsonl``.
        retry_failures: Whether lines that failed in earlier runs are sent again.
        retry: When a call is repeated. Default: 5 attempts where the service is overloaded or a quota is used
            up, with pauses of up to a minute.
        timeout: Seconds for a call with all its attempts.
        prices: What tokens cost, so that `Progress.cost` says what the run did.
        progress: Is called with a `Progress` some times a second.
        client: Arguments of `gemwire.genai.Client`, made in every process that makes calls.

    Returns:
        What was done. Lines that failed raise nothing: ``failures`` says how many there are.

    Raises:
        ValueError: Something is wrong with the arguments or the files, the output is of another job, or
            another process is at it. Nothing was sent or changed.
        TypeError: An argument is of a wrong type.
        APIError: No line can be answered: there is no such model, the key is wrong…
        JobStopped: It could not go on: the disk is full, for instance. What is finished is safe.
        KeyboardInterrupt: Ctrl-C. What was under way has been waited for, shortly; what is finished is safe.
        ImportError: An extra is not installed.
    """
    from gemwire.bulk.generating import Generating
    from gemwire.bulk.runner import Run

    task = Generating.of(model, config, _seconds(timeout), _retry(retry), client or {})
    files = _files(input, output, failures)
    made = _engine(task, concurrency, requests_per_minute, tokens_per_minute, processes, engine, ray_address)
    if files.output.suffix == ".npy":
        raise ValueError("output: answers are not numbers; give it a name that ends in .jsonl")
    return Run(files, task, made, retry_failures=retry_failures, prices=_prices(prices), progress=progress)()


def embed(
    input: _Path,  # noqa: A002 - what it is
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
    progress: Callable[[Progress], Any] | None = None,
    client: Mapping[str, Any] | None = None,
) -> Progress:
    """Make an embedding of every line of a file, up to 100 in a call.

    Args:
        input: File of texts, a line each (``.txt``), or of JSON lines (``.jsonl``): texts, or objects with
            one in ``field``, and a ``key`` if they like. Compressed if its name ends in ``.gz``.
        output: File of JSON lines, or a matrix of numpy's (``.npy``) in which a row is a line of the input.
        model: Name of an embedding model.
        task_type: What the vectors are for, ``"RETRIEVAL_DOCUMENT"``, ``"RETRIEVAL_QUERY"``…
        dimensions: Values of a vector. Default: the model's.
        field: Where the text is in a JSON object.
        concurrency: As for `generate`, as all that follows. A call has up to 100 lines.
        requests_per_minute: Calls.
        tokens_per_minute: Tokens, as far as one can guess them.
        processes: …
        engine: …
        ray_address: …
        failures: …
        retry_failures: …
        retry: …
        timeout: …
        progress: …
        client: …

    Returns:
        What was done.

    Raises:
        ValueError: As `generate`, as all that follows.
        TypeError: …
        APIError: …
        JobStopped: …
        KeyboardInterrupt: …
        ImportError: …
    """
    from gemwire.bulk.embedding import Embedding
    from gemwire.bulk.runner import Run

    files = _files(input, output, failures)
    task = Embedding(
        model=model,
        task_type=task_type,
        dimensions=dimensions,
        field=None if _is_text(files.input) else field,
        rows=files.output.suffix == ".npy",
        timeout=_seconds(timeout),
        retry=_retry(retry),
        client=client or {},
    )
    made = _engine(task, concurrency, requests_per_minute, tokens_per_minute, processes, engine, ray_address)
    return Run(files, task, made, retry_failures=retry_failures, progress=progress)()


def _files(input: Any, output: Any, failures: Any) -> Files:  # noqa: A002
    given = {"input": input, "output": output, "failures": failures}
    for name, value in given.items():
        if not isinstance(value, (str, os.PathLike)) and (value is not None or name != "failures"):
            raise TypeError(f"{name}: expected a path, got {type(value).__name__}")
    target = Path(output)
    if target.name in {"", "-"}:
        raise ValueError("output: a job writes a file, which tells it what is finished")
    # out.jsonl → out.failures.jsonl, out.npy → out.npy.failures.jsonl: two jobs may share a stem.
    beside = target.with_name(f"{target.name.removesuffix('.jsonl')}.failures.jsonl")
    return Files(Path(input), target, beside if failures is None else Path(failures))


def _is_text(path: Path) -> bool:
    name = path.name.removesuffix(".gz")
    if name.endswith(".txt"):
        return True
    if name.endswith((".jsonl", ".ndjson", ".json")):
        return False
    raise ValueError(f"input: {path}: is it lines of text (.txt) or of JSON (.jsonl)? Its name does not tell")


def _seconds(timeout: Any) -> float:
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
        raise TypeError(f"timeout: expected seconds, got {timeout!r}")
    if not timeout > 0:
        raise ValueError(f"timeout: {timeout} is not a number of seconds")
    return float(timeout)


def _retry(retry: Any) -> Retry:
    if not isinstance(retry, Retry):
        raise TypeError(f"retry: expected gemwire.Retry, got {type(retry).__name__}")
    return retry


def _prices(prices: Any) -> Prices | None:
    if prices is None or isinstance(prices, Prices):
        return prices
    if not isinstance(prices, Mapping):
        raise TypeError(f"prices: expected Prices or a dict, got {type(prices).__name__}")
    unknown = prices.keys() - {"tokens_in", "tokens_out"}
    if unknown:
        raise ValueError(f"prices: {min(map(str, unknown))!r} is neither tokens_in nor tokens_out")
    return Prices(**prices)


def _engine(
    task: Task,
    concurrency: Any,
    requests_per_minute: float | None,
    tokens_per_minute: float | None,
    processes: int,
    engine: str,
    ray_address: str | None,
) -> Callable[[], Engine]:
    """What makes the engine, when all else is known to be right."""
    from gemwire.bulk.rate import Rate
    from gemwire.pipeline import Adaptive

    if engine not in _ENGINES:
        raise ValueError(f"engine: {engine!r} is none of {', '.join(map(repr, _ENGINES))}")
    if ray_address is not None and engine != "ray":
        raise ValueError("ray_address: is of a Ray cluster; set engine='ray'")
    if isinstance(processes, bool) or not isinstance(processes, int):
        raise TypeError(f"processes: expected a whole number, got {processes!r}")
    if processes < 1:
        raise ValueError(f"processes: {processes} is less than 1")
    if not isinstance(concurrency, Adaptive):
        if isinstance(concurrency, bool) or not isinstance(concurrency, int):
            raise TypeError(f"concurrency: expected a whole number or Adaptive, got {concurrency!r}")
        if concurrency < processes:
            named = "less than 1" if processes == 1 else f"less than one for each of {processes} processes"
            raise ValueError(f"concurrency: {concurrency} is {named}")
    rate = Rate(requests_per_minute, tokens_per_minute)
    if engine == "ray":
        from gemwire.bulk.ray_executor import RayEngine

        _check_pickles(task)
        return lambda: RayEngine(task, concurrency, rate, processes, ray_address)
    if processes == 1:
        from gemwire.bulk.local_executor import LocalEngine

        return lambda: LocalEngine(task, concurrency, rate)
    from gemwire.bulk.process_executor import ProcessEngine

    _check_pickles(task)
    return lambda: ProcessEngine(task, concurrency, rate, processes)


def _check_pickles(task: Task) -> None:
    import pickle

    try:
        pickle.dumps(task)
    except Exception as error:
        raise TypeError(f"client: what other processes are to be given must pickle: {error}") from None
