"""The run of a job: it resumes from the files, executes the remaining lines and writes the results."""

from __future__ import annotations

import dataclasses
import errno
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import FrameType

from gemwire.bulk.completion_bitmap import CompletionBitmap
from gemwire.bulk.executor import Executor, JobStopped
from gemwire.bulk.job_files import JobFiles
from gemwire.bulk.job_manifest import JobManifest
from gemwire.bulk.jsonl_writer import JsonlWriter
from gemwire.bulk.line_result import LineResult
from gemwire.bulk.lines import InputChanged, JobInput, Line
from gemwire.bulk.npy_writer import NpyWriter
from gemwire.bulk.progress import Prices, Progress
from gemwire.bulk.result_writer import ResultWriter
from gemwire.bulk.task import Task, check_model

#: Seconds between two writes.
_WRITE_INTERVAL = 0.2
#: Seconds that lines in progress get after the first Ctrl-C, and that ending the executor may take.
_GRACE_PERIOD = 10.0
_CLOSE_TIMEOUT = 2.0
#: Consecutive failures that the service may have caused after which the job stops.
_MAX_SERVICE_ERRORS = 100
_DISK_FULL = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "the disk quota is exceeded"}


@dataclass
class JobRunner:
    """One run of a job.

    Attributes:
        files: Files of the job.
        task: Task for each line.
        create_executor: Creates what runs the task.
        retry_failures: See `gemwire.bulk.generate`, also for the following attributes.
        prices: Prices of tokens.
        progress: Called with the progress.
    """

    files: JobFiles
    task: Task
    create_executor: Callable[[], Executor]
    retry_failures: bool = False
    prices: Prices | None = None
    progress: Callable[[Progress], object] | None = None

    def __post_init__(self) -> None:
        self._interrupts = 0
        self._started = time.monotonic()
        self._input_error = ""
        self._now = Progress(0, 0)

    def run(self) -> Progress:
        """Run the job, and return the final progress."""
        files = self.files
        with ExitStack() as stack:
            output: JsonlWriter | NpyWriter
            if files.output.suffix == ".npy":
                output = NpyWriter(files.output, files.bitmap)
            else:
                output = JsonlWriter("output", files.output)
            stack.callback(output.close)
            failures = JsonlWriter("failures", files.failures)
            stack.callback(failures.close)
            source = JobInput(files.input)
            stack.callback(source.close)
            digest = {"bytes": source.size, "sha256": source.digest, "lines": source.last}
            manifest = JobManifest(
                files, {**self.task.manifest(), "input": digest, "failures": files.failures.name}
            )
            manifest.check()
            stack.callback(lambda: manifest.remove_unused(output.is_empty(), failures.is_empty()))
            finished = CompletionBitmap(source.last)
            output.scan(finished)
            answered = finished.count
            if self.retry_failures:
                failures.clear()
            else:
                failures.scan(finished)
            self._now = Progress(source.nonblank, finished.count, failures=finished.count - answered)
            if not self._now.left:
                return self._report()
            check_model(self.task)
            self._execute(source, finished, output, failures, manifest)
            if source.has_changed():
                raise JobStopped(
                    f"{files.input} was changed during the run; {self._saved()}, for its content at the start"
                )
        return self._report()

    def _execute(
        self,
        source: JobInput,
        finished: CompletionBitmap,
        output: JsonlWriter | NpyWriter,
        failures: JsonlWriter,
        manifest: JobManifest,
    ) -> None:
        @contextmanager
        def write_errors() -> Iterator[None]:
            """Raise JobStopped in place of an OSError."""
            try:
                yield
            except OSError as error:
                reason = _DISK_FULL.get(error.errno or 0) or error.strerror or str(error)
                # The last lines may have been written in part.
                written = CompletionBitmap(source.last)
                output.scan(written)
                failures.scan(written)
                raise JobStopped(
                    f"cannot write to {self.files.output}: {reason}; {self._saved(written.count)}. Run the "
                    "same command again once this is fixed"
                ) from None

        executor = self.create_executor()
        writer = ResultWriter(finished, output, failures)
        deadline = None
        with write_errors():
            manifest.write()
            output.start()
            failures.start()
        with self._handle_interrupts():
            try:
                executor.start(self._read_missing(source, finished))
                while (results := executor.poll(_WRITE_INTERVAL)) is not None:
                    with write_errors():
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
            with write_errors():
                # Failures that are held back are left to the next run if the job was interrupted.
                written = writer.finish(held=not self._interrupts)
            self._count(written)
            if self._interrupts:
                raise KeyboardInterrupt(
                    f"interrupted; {self._saved()}. Run the same command again to continue"
                )
        if self._input_error:
            raise JobStopped(f"{self._input_error}; {self._saved()}")

    def _read_missing(self, source: JobInput, finished: CompletionBitmap) -> Iterator[Line]:
        """Iterate over lines without a result. End if the input cannot be read: lines before that count."""
        try:
            yield from (line for line in source.read_lines() if line.number not in finished)
        except InputChanged:
            self._input_error = f"{self.files.input} was changed during the run"
        except ValueError as error:
            self._input_error = str(error)

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
        progress = self._now
        failed = sum(result.failed for result in written)
        self._now = dataclasses.replace(
            progress,
            answered=progress.answered + len(written) - failed,
            failed=progress.failed + failed,
            failures=progress.failures + failed,
            tokens_in=progress.tokens_in + sum(result.tokens_in for result in written),
            tokens_out=progress.tokens_out + sum(result.tokens_out for result in written),
        )
        self._report()

    def _report(self) -> Progress:
        now, cost = self._now, None
        if self.prices:
            cost = (now.tokens_in * self.prices.tokens_in + now.tokens_out * self.prices.tokens_out) / 1e6
        self._now = dataclasses.replace(now, elapsed=time.monotonic() - self._started, cost=cost)
        if self.progress:
            self.progress(self._now)
        return self._now

    def _saved(self, done: int | None = None) -> str:
        done = self._now.done if done is None else done
        return f"{done:,} of {self._now.total:,} lines are done and saved"
