"""One run of a job: from what was finished before to what is finished now."""

from __future__ import annotations

import dataclasses
import errno
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gemwire.bulk.completion_bitmap import Finished
from gemwire.bulk.executor import Engine, JobStopped
from gemwire.bulk.files import Files
from gemwire.bulk.job_manifest import Identity
from gemwire.bulk.lines import lines, measure
from gemwire.bulk.lock import locked
from gemwire.bulk.npy_writer import Matrix
from gemwire.bulk.outcome import Outcome
from gemwire.bulk.output import JsonLines
from gemwire.bulk.progress import Prices, Progress
from gemwire.bulk.task import Task
from gemwire.bulk.writer import Writer

#: Seconds between two writes.
_WRITE = 0.2
#: Seconds that lines under way get after the first Ctrl-C, and that their end may take after that.
_GRACE = 10.0
_CLOSE = 2.0
#: Lines in a row that fail by what may be the service's fault, until that is taken for granted.
_AILING = 100
_FULL = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "the quota of the disk is used up"}


class Run:
    """One run of a job."""

    def __init__(
        self,
        files: Files,
        task: Task,
        engine: Callable[[], Engine],
        *,
        retry_failures: bool = False,
        prices: Prices | None = None,
        progress: Callable[[Progress], Any] | None = None,
    ) -> None:
        """Nothing is read or written.

        Args:
            files: Its files.
            task: What is done with a line.
            engine: Makes what does it.
            retry_failures: Whether lines that failed before are begun again.
            prices: Of tokens.
            progress: Is told how far the job is, some times a second and in the end.
        """
        self._files = files
        self._task = task
        self._engine = engine
        self._retry_failures = retry_failures
        self._prices = prices
        self._tell = progress
        self._interrupts = 0
        self._began = time.monotonic()

    def __call__(self) -> Progress:
        """Run it.

        Returns:
            What was done.

        Raises:
            ValueError: It cannot begin; nothing has changed.
            APIError: No line can be answered.
            JobStopped: It cannot go on.
            KeyboardInterrupt: Somebody pressed Ctrl-C; what was under way has been waited for.
        """
        files = self._files
        with locked(files.output.with_name(f"{files.output.name}.lock")):
            measured = measure(files.input)
            output = _output(files.output, measured.last)
            failures = JsonLines(files.failures)
            identity = Identity(
                files.output.with_name(f"{files.output.name}.job"),
                {
                    **self._task.identity(),
                    "input": {"bytes": measured.size, "sha256": measured.digest, "lines": measured.last},
                    "failures": files.failures.name,
                },
            )
            identity.check([files.output, files.failures])
            finished = Finished(measured.last)
            output.scan(finished)
            answered = finished.count
            if self._retry_failures:
                failures.clear()
            else:
                failures.scan(finished)
            self._progress = Progress(
                total=measured.filled, before=finished.count, failures=finished.count - answered
            )
            if finished.count >= measured.filled:
                return self._told()
            self._task.check()
            with self._writing(output, failures, identity):
                self._work(finished, output, failures)
            if self._progress.left:
                raise JobStopped(f"{files.input} has changed while it was read; {self._safe()}")
            return self._told()

    @contextmanager
    def _writing(self, output: JsonLines | Matrix, failures: JsonLines, identity: Identity) -> Iterator[None]:
        """Have the files open."""
        try:
            with self._writable():
                identity.write()
                output.open()
                failures.open()
            yield
        finally:
            output.close()
            failures.close()
            if not output.path.exists() and not failures.path.exists():
                identity.path.unlink(missing_ok=True)

    @contextmanager
    def _writable(self) -> Iterator[None]:
        """Tell in one sentence when something cannot be written."""
        try:
            yield
        except OSError as error:
            reason = _FULL.get(error.errno or 0) or error.strerror or str(error)
            raise JobStopped(
                f"{self._files.output} cannot be written: {reason}; {self._safe()}, and the same command "
                "continues once it can"
            ) from None

    def _work(self, finished: Finished, output: JsonLines | Matrix, failures: JsonLines) -> None:
        engine = self._engine()
        writer = Writer(finished, output, failures)
        ends = None
        with self._interruptible():
            try:
                engine.start(line for line in lines(self._files.input) if finished.lacks(line.number))
                while (outcomes := engine.take(_WRITE)) is not None:
                    with self._writable():
                        written = writer.write(outcomes)
                    self._count(written)
                    if hopeless := next((o.hopeless for o in outcomes if o.hopeless), None):
                        raise hopeless
                    if len(writer.held) >= _AILING:
                        raise JobStopped(
                            f"{len(writer.held)} lines in a row failed, the last with "
                            f"{writer.held[-1].ailing} They are not taken for finished; {self._safe()}, and "
                            "the same command continues"
                        )
                    if self._interrupts and ends is None:
                        engine.stop()
                        ends = time.monotonic() + _GRACE
                    if ends is not None and time.monotonic() > ends:
                        break
            finally:
                engine.close(_CLOSE)
            with self._writable():
                written = writer.stop() if self._interrupts else writer.finish()
            self._count(written)
            if self._interrupts:
                raise KeyboardInterrupt(f"interrupted; {self._safe()}, and the same command continues")

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Have the first Ctrl-C end the job in good order, and the second at once."""
        if threading.current_thread() is not threading.main_thread():
            yield  # Ctrl-C is heard in the main thread alone.
            return
        before = signal.getsignal(signal.SIGINT)

        def heard(number: int, frame: Any) -> None:
            self._interrupts += 1
            if self._interrupts > 1:
                raise KeyboardInterrupt(f"interrupted twice; {self._safe()}, and the same command continues")

        signal.signal(signal.SIGINT, heard)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _count(self, written: list[Outcome]) -> None:
        now = self._progress
        failed = sum(outcome.failed for outcome in written)
        self._progress = dataclasses.replace(
            now,
            answered=now.answered + len(written) - failed,
            failed=now.failed + failed,
            failures=now.failures + failed,
            tokens_in=now.tokens_in + sum(outcome.tokens_in for outcome in written),
            tokens_out=now.tokens_out + sum(outcome.tokens_out for outcome in written),
        )
        self._told()

    def _told(self) -> Progress:
        now = self._progress
        cost = None
        if self._prices:
            spent = now.tokens_in * self._prices.tokens_in + now.tokens_out * self._prices.tokens_out
            cost = spent / 1e6
        self._progress = dataclasses.replace(now, elapsed=time.monotonic() - self._began, cost=cost)
        if self._tell:
            self._tell(self._progress)
        return self._progress

    def _safe(self) -> str:
        return f"{self._progress.done:,} of {self._progress.total:,} lines are finished and safe"


def _output(path: Path, rows: int) -> JsonLines | Matrix:
    return Matrix(path, rows) if path.suffix == ".npy" else JsonLines(path)
