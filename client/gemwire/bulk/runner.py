"""The run of a job: it resumes from the files, executes the remaining lines and writes the results."""

from __future__ import annotations

import dataclasses
import errno
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from gemwire.bulk.completion_bitmap import CompletionBitmap
from gemwire.bulk.executor import Executor, JobStopped
from gemwire.bulk.job_files import JobFiles
from gemwire.bulk.job_manifest import JobManifest
from gemwire.bulk.jsonl_writer import JsonlWriter
from gemwire.bulk.line_result import LineResult
from gemwire.bulk.lines import read_lines, summarize
from gemwire.bulk.lock import hold_lock
from gemwire.bulk.npy_writer import NpyWriter
from gemwire.bulk.progress import Prices, Progress
from gemwire.bulk.result_writer import ResultWriter
from gemwire.bulk.task import Task

#: Seconds between two writes.
_WRITE_INTERVAL = 0.2
#: Seconds that lines in progress get after the first Ctrl-C, and that ending the executor may take.
_GRACE_PERIOD = 10.0
_CLOSE_TIMEOUT = 2.0
#: Consecutive failures that the service may have caused after which the job stops.
_MAX_SERVICE_ERRORS = 100
_DISK_FULL = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "the disk quota is exceeded"}


class JobRunner:
    """One run of a job."""

    def __init__(
        self,
        files: JobFiles,
        task: Task,
        create_executor: Callable[[], Executor],
        *,
        retry_failures: bool = False,
        prices: Prices | None = None,
        progress: Callable[[Progress], object] | None = None,
    ) -> None:
        """Create a run; the keyword arguments are those of `gemwire.bulk.generate`."""
        self._files = files
        self._task = task
        self._create_executor = create_executor
        self._retry_failures = retry_failures
        self._prices = prices
        self._on_progress = progress
        self._interrupts = 0
        self._started = time.monotonic()

    def run(self) -> Progress:
        """Run the job.

        Returns:
            The final progress.

        Raises:
            ValueError: The job cannot start; nothing has changed.
            APIError: No line can be processed.
            JobStopped: The job cannot go on.
            KeyboardInterrupt: Ctrl-C was pressed; lines in progress were waited for.
        """
        files = self._files
        with hold_lock(files.output.with_name(f"{files.output.name}.lock")):
            summary = summarize(files.input)
            output: JsonlWriter | NpyWriter = JsonlWriter(files.output)
            if files.output.suffix == ".npy":
                output = NpyWriter(files.output, summary.last)
            failures = JsonlWriter(files.failures)
            manifest = JobManifest(
                files.output.with_name(f"{files.output.name}.job"),
                {
                    **self._task.manifest(),
                    "input": {"bytes": summary.size, "sha256": summary.digest, "lines": summary.last},
                    "failures": files.failures.name,
                },
            )
            manifest.check([files.output, files.failures])
            finished = CompletionBitmap(summary.last)
            output.scan(finished)
            answered = finished.count
            if self._retry_failures:
                failures.clear()
            else:
                failures.scan(finished)
            self._progress = Progress(
                total=summary.nonblank, before=finished.count, failures=finished.count - answered
            )
            if not self._progress.left:
                return self._report()
            self._task.check()
            with self._open_files(output, failures, manifest):
                self._execute(finished, output, failures)
            if self._progress.left:
                raise JobStopped(f"{files.input} was changed during the run; {self._saved()}")
            return self._report()

    @contextmanager
    def _open_files(
        self, output: JsonlWriter | NpyWriter, failures: JsonlWriter, manifest: JobManifest
    ) -> Iterator[None]:
        try:
            with self._write_errors():
                manifest.write()
                output.open()
                failures.open()
            yield
        finally:
            output.close()
            failures.close()
            if not output.path.exists() and not failures.path.exists():
                manifest.path.unlink(missing_ok=True)

    @contextmanager
    def _write_errors(self) -> Iterator[None]:
        """Raise JobStopped in place of an OSError."""
        try:
            yield
        except OSError as error:
            reason = _DISK_FULL.get(error.errno or 0) or error.strerror or str(error)
            raise JobStopped(
                f"cannot write to {self._files.output}: {reason}; {self._saved()}. Run the same command "
                "again once this is fixed"
            ) from None

    def _execute(
        self, finished: CompletionBitmap, output: JsonlWriter | NpyWriter, failures: JsonlWriter
    ) -> None:
        executor = self._create_executor()
        writer = ResultWriter(finished, output, failures)
        deadline = None
        with self._handle_interrupts():
            try:
                lines = read_lines(self._files.input)
                executor.start(line for line in lines if finished.is_missing(line.number))
                while (results := executor.poll(_WRITE_INTERVAL)) is not None:
                    with self._write_errors():
                        written = writer.write(results)
                    self._count(written)
                    if fatal := next((result.fatal for result in results if result.fatal), None):
                        raise fatal
                    if len(writer.held) >= _MAX_SERVICE_ERRORS:
                        raise JobStopped(
                            f"{len(writer.held)} consecutive lines failed, the last with "
                            f"{writer.held[-1].service_error} They do not count as done; {self._saved()}. "
                            "Run the same command again to continue"
                        )
                    if self._interrupts and deadline is None:
                        executor.stop()
                        deadline = time.monotonic() + _GRACE_PERIOD
                    if deadline is not None and time.monotonic() > deadline:
                        break
            finally:
                executor.close(_CLOSE_TIMEOUT)
            with self._write_errors():
                if self._interrupts:
                    # Failures that are held back are left to the next run.
                    writer.sync()
                else:
                    self._count(writer.finish())
            if self._interrupts:
                self._report()
                raise KeyboardInterrupt(
                    f"interrupted; {self._saved()}. Run the same command again to continue"
                )

    @contextmanager
    def _handle_interrupts(self) -> Iterator[None]:
        """End the job in good order at the first Ctrl-C, and at once at the second."""
        if threading.current_thread() is not threading.main_thread():
            yield  # Signals are handled in the main thread only.
            return
        previous = signal.getsignal(signal.SIGINT)

        def interrupt(number: int, frame: FrameType | None) -> None:
            self._interrupts += 1
            if self._interrupts > 1:
                raise KeyboardInterrupt(
                    f"interrupted twice; {self._saved()}. Run the same command again to continue"
                )

        signal.signal(signal.SIGINT, interrupt)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, previous)

    def _count(self, written: list[LineResult]) -> None:
        progress = self._progress
        failed = sum(result.failed for result in written)
        self._progress = dataclasses.replace(
            progress,
            answered=progress.answered + len(written) - failed,
            failed=progress.failed + failed,
            failures=progress.failures + failed,
            tokens_in=progress.tokens_in + sum(result.tokens_in for result in written),
            tokens_out=progress.tokens_out + sum(result.tokens_out for result in written),
        )
        self._report()

    def _report(self) -> Progress:
        progress, cost = self._progress, None
        if self._prices:
            cost = progress.tokens_in * self._prices.tokens_in + progress.tokens_out * self._prices.tokens_out
            cost /= 1e6
        self._progress = dataclasses.replace(progress, elapsed=time.monotonic() - self._started, cost=cost)
        if self._on_progress:
            self._on_progress(self._progress)
        return self._progress

    def _saved(self) -> str:
        return f"{self._progress.done:,} of {self._progress.total:,} lines are done and saved"
