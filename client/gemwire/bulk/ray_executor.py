"""The engine of jobs on a Ray cluster: blocks of lines as a dataset, actors that hold a client each.

The driver reads the input and writes the output, so nothing else needs the files. gemwire has to be
installed on every node.
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
from gemwire.bulk.lines import Line
from gemwire.bulk.outcome import Outcome
from gemwire.bulk.process_executor import shares
from gemwire.bulk.rate import Rate
from gemwire.bulk.task import Task, outcomes, together
from gemwire.errors import APIError

#: What a client looks at, and the nodes of a cluster may not have.
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
#: Times that a block is begun again after its node or actor died; many, as it takes some to see that one has.
_RETRIES = 30
#: Calls of a block, for each that an actor makes at a time: what a block's last calls wait for costs little.
_CALLS = 2
_CPUS = 0.5


class RayEngine:
    """Does the lines of a job on a cluster."""

    def __init__(self, task: Task, concurrency: Any, rate: Rate, actors: int, address: str | None) -> None:
        """Nothing runs yet.

        Args:
            task: What is done with a line.
            concurrency: Calls at a time, in all.
            rate: How fast, all together.
            actors: How many.
            address: Of the cluster; None for what Ray finds or starts.

        Raises:
            ImportError: Ray is not installed.
        """
        import ray.data  # noqa: F401 - said before anything begins

        self._task = task
        # All alike, as one class makes them: what is left of the division goes to nobody.
        self._concurrency = shares(concurrency, actors)[-1]
        self._rate = rate.share(actors)
        self._actors = actors
        self._address = address
        self._lines: Iterator[Line] = iter(())
        self._found: queue.SimpleQueue[list[Outcome] | BaseException | None] = queue.SimpleQueue()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="gemwire-bulk-ray", daemon=True)

    def start(self, lines: Iterator[Line]) -> None:
        """See `Engine`."""
        self._lines = lines
        _connect(self._address)
        self._thread.start()

    def take(self, timeout: float) -> list[Outcome] | None:
        """See `Engine`."""
        end = time.monotonic() + timeout
        taken: list[Outcome] = []
        while (left := end - time.monotonic()) > 0:
            try:
                found = self._found.get(timeout=left)
            except queue.Empty:
                break
            if found is None or isinstance(found, BaseException):
                if taken:
                    self._found.put(found)
                    break
                if found is None:
                    return None
                raise found
            taken += found
        return taken

    def stop(self) -> None:
        """See `Engine`. What is under way is not waited for: Ray would begin more."""
        self._stopped = True

    def close(self, wait: float) -> None:
        """See `Engine`."""
        self.stop()
        if self._thread.ident is not None:
            self._thread.join(wait)

    def _run(self) -> None:
        from ray.exceptions import RayError

        try:
            while not self._stopped and (wave := self._wave()):
                for found in self._results(wave):
                    self._found.put(found)
                    if self._stopped:
                        break
            self._found.put(None)
        except RayError as error:
            reason = str(getattr(error, "cause", None) or error).strip().splitlines()
            self._found.put(JobStopped(f"Ray gave up: {reason[-1] if reason else type(error).__name__}"))
        except BaseException as error:
            self._found.put(error)

    def _wave(self) -> list[bytes]:
        """The next blocks."""
        wave: list[bytes] = []
        size = 0
        calls = self._concurrency if isinstance(self._concurrency, int) else self._concurrency.maximum
        most = calls * _CALLS * self._task.lines_per_call
        block: list[Line] = []
        room = _BLOCK
        for line in self._lines:
            block.append(line)
            room -= len(line.data)
            if len(block) == most or room <= 0:
                wave.append(pickle.dumps(block))
                size += len(wave[-1])
                block, room = [], _BLOCK
                if size > _WAVE:
                    break
        if block:
            wave.append(pickle.dumps(block))
        return wave

    def _results(self, wave: list[bytes]) -> Iterator[list[Outcome]]:
        import pyarrow as pa  # type: ignore[import-untyped]
        import ray.data

        environment = {name: os.environ[name] for name in _VARIABLES if name in os.environ}
        # A table is a block, and a block is what is given out, and begun again when its node dies.
        dataset = ray.data.from_arrow([pa.table({"lines": [block]}) for block in wave])
        answers = dataset.map_batches(
            Actor,
            fn_constructor_args=(self._task, self._concurrency, self._rate, environment),
            batch_format="pyarrow",
            batch_size=None,
            compute=ray.data.ActorPoolStrategy(size=self._actors, max_tasks_in_flight_per_actor=3),
            num_cpus=_CPUS,
            # Blocks overlap, so that nobody waits for the last calls of one.
            max_concurrency=2,
            max_restarts=-1,
            max_task_retries=_RETRIES,
            scheduling_strategy="SPREAD",
        )
        batches: Any = answers.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0)
        for batch in batches:
            for packed in batch.column("outcomes").to_pylist():
                yield pickle.loads(packed)  # noqa: S301 - of our own actors


class Actor:
    """One client on some node, and the lines that are with it."""

    def __init__(self, task: Task, concurrency: Any, rate: Rate, environment: dict[str, str]) -> None:
        """Nothing is connected yet.

        Args:
            task: What is done with a line.
            concurrency: Calls at a time.
            rate: This actor's share of what is allowed.
            environment: Variables of the driver's environment, for clients.
        """
        os.environ.update(environment)
        self._task = task
        self._concurrency = concurrency
        self._rate = rate
        self._calls: asyncio.Queue[list[Line]] = asyncio.Queue()
        self._waiting: dict[int, asyncio.Future[Outcome]] = {}
        self._working: asyncio.Task[None] | None = None
        self._hopeless: APIError | None = None

    async def __call__(self, batch: Any) -> dict[str, Any]:
        """Do blocks of lines."""
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        blocks = batch.column("lines").to_pylist()
        lines: list[Line] = [line for block in blocks for line in pickle.loads(block)]  # noqa: S301
        loop = asyncio.get_running_loop()
        futures = {line.number: loop.create_future() for line in lines}
        self._waiting.update(futures)
        for call in together(lines, self._task.lines_per_call):
            self._calls.put_nowait(call)
        done = asyncio.gather(*futures.values())
        await asyncio.wait((done, self._working), return_when=asyncio.FIRST_COMPLETED)
        if self._working.done():
            self._working.result()  # Raises what ended it, unless it was that the rest is hopeless.
            for number, future in futures.items():
                if not future.done():
                    future.set_result(Outcome(number, hopeless=self._hopeless))
        return {"outcomes": [pickle.dumps(await done)]}

    async def _work(self) -> None:
        async for some in outcomes(self._task, self._source(), self._concurrency, self._rate):
            for outcome in some:
                self._hopeless = outcome.hopeless or self._hopeless
                future = self._waiting.pop(outcome.number, None)
                if future is not None and not future.done():
                    future.set_result(outcome)

    async def _source(self) -> AsyncIterator[list[Line]]:
        while True:
            yield await self._calls.get()


def _connect(address: str | None) -> None:
    """Be connected to a cluster, and have it say nothing."""
    import ray
    import ray.data

    if not ray.is_initialized():
        # What is started here reports to nobody.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            _look(address)
            ray.init(address=address, logging_level=logging.WARNING, log_to_driver=False)
        except (OSError, ValueError) as error:
            raise JobStopped(f"there is no Ray cluster at {address or 'this machine'}: {error}") from None
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.WARNING)


def _look(address: str | None) -> None:
    """See whether anybody is there: where nobody is, Ray ends the whole process.

    Raises:
        OSError: Nobody is.
    """
    host, _, port = (address or "").rpartition("://")[2].rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
