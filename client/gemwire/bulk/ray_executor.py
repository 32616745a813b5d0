"""The executor on a Ray cluster: blocks of lines are a dataset, and actors hold a client each.

The driver reads the input and writes the output, so the nodes need no files. gemwire must be installed on
every node.
"""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import queue
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

from gemwire.bulk.executor import JobStopped
from gemwire.bulk.line_result import LineResult
from gemwire.bulk.lines import Line
from gemwire.bulk.task import Workload, chunk_lines
from gemwire.errors import APIError

#: Variables that clients read, and that the nodes of a cluster may lack.
_VARIABLES = (
    "GEMINI_API_KEY",
    "GEMINI_EMULATOR_ALLOW_REMOTE",
    "GEMINI_EMULATOR_HOST",
    "GEMINI_EMULATOR_HTTP_HOST",
    "GOOGLE_API_KEY",
    "GOOGLE_GEMINI_BASE_URL",
)
#: Bytes of lines that are in the cluster at a time, and in a block.
_WAVE = 64 << 20
_BLOCK = 4 << 20
#: How often a block is retried after its node or actor died; many, as Ray may take several to notice.
_RETRIES = 30
#: Calls of a block per concurrent call of an actor: waiting for the last calls of a block costs little then.
_CALLS_PER_BLOCK = 2
_CPUS = 0.5


class RayExecutor:
    """Runs a task on a Ray cluster."""

    def __init__(self, work: Workload, actors: int, address: str | None) -> None:
        """Create an idle executor; without an address, of the cluster that Ray finds or starts."""
        import ray.data  # noqa: F401 - raises before anything starts

        # Actors of one class are all alike, so the remainder of the division is not used.
        self._share = work.split(actors)[-1]
        self._actors = actors
        self._address = address
        self._lines: Iterator[Line] = iter(())
        self._results: queue.SimpleQueue[list[LineResult] | BaseException | None] = queue.SimpleQueue()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="gemwire-bulk-ray", daemon=True)

    def start(self, lines: Iterator[Line]) -> None:
        """See `Executor`."""
        self._lines = lines
        _connect(self._address)
        self._thread.start()

    def poll(self, timeout: float) -> list[LineResult] | None:
        """See `Executor`."""
        end = time.monotonic() + timeout
        results: list[LineResult] = []
        while (remaining := end - time.monotonic()) > 0:
            try:
                received = self._results.get(timeout=remaining)
            except queue.Empty:
                break
            if received is None or isinstance(received, BaseException):
                if results:
                    self._results.put(received)
                    break
                if received is None:
                    return None
                raise received
            results += received
        return results

    def stop(self) -> None:
        """See `Executor`. Lines in progress are abandoned: Ray would start more."""
        self._stopped = True

    def close(self, timeout: float) -> None:
        """See `Executor`."""
        self.stop()
        if self._thread.ident is not None:
            self._thread.join(timeout)

    def _run(self) -> None:
        from ray.exceptions import RayError

        try:
            while not self._stopped and (wave := self._next_wave()):
                for results in self._process(wave):
                    self._results.put(results)
                    if self._stopped:
                        break
            self._results.put(None)
        except RayError as error:
            reason = str(getattr(error, "cause", None) or error).strip().splitlines()
            self._results.put(JobStopped(f"Ray failed: {reason[-1] if reason else type(error).__name__}"))
        except BaseException as error:
            self._results.put(error)

    def _next_wave(self) -> list[bytes]:
        """Return the next blocks, pickled."""
        wave: list[bytes] = []
        size = 0
        max_lines = self._share.max_concurrency * _CALLS_PER_BLOCK * self._share.task.lines_per_call
        block: list[Line] = []
        room = _BLOCK
        for line in self._lines:
            block.append(line)
            room -= len(line.data)
            if len(block) == max_lines or room <= 0:
                wave.append(pickle.dumps(block))
                size += len(wave[-1])
                block, room = [], _BLOCK
                if size > _WAVE:
                    break
        if block:
            wave.append(pickle.dumps(block))
        return wave

    def _process(self, wave: list[bytes]) -> Iterator[list[LineResult]]:
        import pyarrow as pa  # type: ignore[import-untyped]
        import ray.data

        environment = {name: os.environ[name] for name in _VARIABLES if name in os.environ}
        # A table is a block, which is the unit that is assigned, and retried when its node dies.
        dataset = ray.data.from_arrow([pa.table({"lines": [block]}) for block in wave])
        answers = dataset.map_batches(
            LineActor,
            fn_constructor_args=(self._share, environment),
            batch_format="pyarrow",
            batch_size=None,
            compute=ray.data.ActorPoolStrategy(size=self._actors, max_tasks_in_flight_per_actor=3),
            num_cpus=_CPUS,
            # Blocks overlap, so that an actor never waits for the last calls of one.
            max_concurrency=2,
            max_restarts=-1,
            max_task_retries=_RETRIES,
            scheduling_strategy="SPREAD",
        )
        batches: Any = answers.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0)
        for batch in batches:
            for packed in batch.column("results").to_pylist():
                yield pickle.loads(packed)  # noqa: S301 - of our own actors


class LineActor:
    """Actor with a client, which processes blocks of lines."""

    def __init__(self, work: Workload, environment: dict[str, str]) -> None:
        """Create an idle actor; ``environment`` are the driver's variables for clients."""
        os.environ.update(environment)
        self._work = work
        self._chunks: asyncio.Queue[list[Line]] = asyncio.Queue()
        self._pending: dict[int, asyncio.Future[LineResult]] = {}
        self._running: asyncio.Task[None] | None = None
        self._fatal: APIError | None = None

    async def __call__(self, batch: Any) -> dict[str, list[bytes]]:
        """Process blocks of lines."""
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        blocks = batch.column("lines").to_pylist()
        lines: list[Line] = [line for block in blocks for line in pickle.loads(block)]  # noqa: S301
        loop = asyncio.get_running_loop()
        futures: dict[int, asyncio.Future[LineResult]] = {line.number: loop.create_future() for line in lines}
        self._pending.update(futures)
        for chunk in chunk_lines(lines, self._work.task.lines_per_call):
            self._chunks.put_nowait(chunk)
        done = asyncio.gather(*futures.values())
        await asyncio.wait((done, self._running), return_when=asyncio.FIRST_COMPLETED)
        if self._running.done():
            self._running.result()  # Raises the error that ended it, except for a fatal one of a line.
            for number, future in futures.items():
                if not future.done():
                    future.set_result(LineResult(number, fatal=self._fatal))
        return {"results": [pickle.dumps(await done)]}

    async def _run(self) -> None:
        async for results in self._work.run(self._source()):
            for result in results:
                self._fatal = result.fatal or self._fatal
                future = self._pending.pop(result.number, None)
                if future is not None and not future.done():
                    future.set_result(result)

    async def _source(self) -> AsyncIterator[list[Line]]:
        while True:
            yield await self._chunks.get()


def _connect(address: str | None) -> None:
    """Connect to a cluster, and turn its progress output off."""
    import ray
    import ray.data

    if not ray.is_initialized():
        # A cluster that is started here reports no usage statistics.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            _check_reachable(address)
            ray.init(address=address, logging_level=logging.WARNING, log_to_driver=False)
        except (OSError, ValueError) as error:
            raise JobStopped(f"no Ray cluster found at {address or 'this machine'}: {error}") from None
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.WARNING)


def _check_reachable(address: str | None) -> None:
    """Raise OSError if nothing listens at the address: Ray would end the whole process."""
    host, _, port = (address or "").rpartition("://")[2].rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
