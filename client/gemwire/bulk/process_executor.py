"""The executor with several worker processes on this machine."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import cast

from gemwire.bulk.executor import JobStopped
from gemwire.bulk.line_result import LineResult, invalid_result
from gemwire.bulk.lines import Line
from gemwire.bulk.parse_line import line_key
from gemwire.bulk.task import Workload

#: A line that this many workers crashed with is a failure.
_MAX_CRASHES = 3
#: Consecutive workers that may end before they are ready.
_MAX_STARTUP_FAILURES = 3
#: Calls for which a worker has lines, per concurrent call.
_CALLS_AHEAD = 2
#: Bytes of lines that a worker holds, give or take a line.
_MAX_BYTES = 32 << 20


class _WorkerProcess:
    """Worker process and the lines that are assigned to it.

    Attributes:
        connection: Connection to the process.
        lines: Lines without a result yet, by number.
        size: Bytes of these lines.
        ready: Whether it has started.
    """

    def __init__(self, work: Workload) -> None:
        self.connection, remote = Pipe()
        # Not forked: grpc does not survive a fork. In its own session: Ctrl-C in the terminal is not for it.
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "gemwire.bulk.worker", str(remote.fileno())],
            pass_fds=[remote.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        remote.close()
        self.lines: dict[int, Line] = {}
        self.size = 0
        self.ready = False
        self.send(work)

    def send(self, message: Workload | list[Line] | None) -> None:
        """Send a message. If the process has ended, receiving from it says so."""
        with contextlib.suppress(OSError):
            self.connection.send(message)

    def kill(self) -> int:
        """Kill the process and return its exit code."""
        self.connection.close()
        self._process.kill()
        return self._process.wait()

    def wait(self) -> int:
        """Wait for the process, whose connection has ended, and return its exit code."""
        try:
            return self._process.wait(5)
        except subprocess.TimeoutExpired:
            return self.kill()


class ProcessExecutor:
    """Runs a task in worker processes.

    This process reads and distributes lines; a line is assigned to one worker at a time. The lines of a
    worker that crashes are assigned to others. A line with which two workers crashed is assigned to a third
    one alone, so that no line fails because of another.
    """

    def __init__(self, work: Workload, processes: int) -> None:
        """Create an idle executor of work that all processes share."""
        self._shares = work.split(processes)
        self._workers: list[_WorkerProcess] = []
        self._lines: Iterator[Line] = iter(())
        self._requeued: deque[Line] = deque()
        self._isolated: deque[Line] = deque()
        self._crashes: dict[int, int] = {}
        self._startup_failures = 0
        self._stopped = False
        self._error: Exception | None = None

    def start(self, lines: Iterator[Line]) -> None:
        """See `Executor`."""
        self._lines = lines
        self._workers = [_WorkerProcess(share) for share in self._shares]

    def poll(self, timeout: float) -> list[LineResult] | None:
        """See `Executor`."""
        if self._error is not None:
            raise self._error
        end = time.monotonic() + timeout
        results: list[LineResult] = []
        while True:
            self._assign_lines()
            busy = {worker.connection: index for index, worker in enumerate(self._workers) if worker.lines}
            if not busy:
                return results or None
            remaining = end - time.monotonic()
            if remaining <= 0:
                return results
            for ready in wait(list(busy), remaining):
                try:
                    results += self._receive(busy[cast("Connection", ready)])
                except Exception as error:
                    # The results of the other workers come first.
                    self._error = error
                    return results

    def stop(self) -> None:
        """See `Executor`."""
        self._stopped = True
        for worker in self._workers:
            worker.send(None)

    def close(self, timeout: float) -> None:
        """See `Executor`. Workers are killed, as their results are no longer wanted."""
        for worker in self._workers:
            worker.kill()
        self._workers.clear()

    def _assign_lines(self) -> None:
        """Assign lines to workers that have few, in turn. Isolated lines go to the first worker only."""
        assigned = not self._stopped
        while assigned:
            assigned = False
            for index, worker in enumerate(self._workers):
                if index == 0 and self._isolated:
                    if not worker.lines:
                        assigned = self._assign(worker, [self._isolated.popleft()])
                    continue
                if any(self._crashes.get(number) == _MAX_CRASHES - 1 for number in worker.lines):
                    continue
                # In chunks, as a message costs as much as many lines; in small ones, so that all get some.
                capacity = self._capacity(index)
                chunk = max(1, capacity // 4)
                if worker.size < _MAX_BYTES and capacity - len(worker.lines) >= chunk:
                    assigned |= self._assign(worker, self._next_lines(chunk))

    def _capacity(self, index: int) -> int:
        share = self._shares[index]
        return max(4, share.max_concurrency * _CALLS_AHEAD * share.task.lines_per_call)

    def _next_lines(self, count: int) -> list[Line]:
        lines: list[Line] = []
        size = 0
        while len(lines) < count and size < _MAX_BYTES // 4:
            line = self._requeued.popleft() if self._requeued else next(self._lines, None)
            if line is None:
                break
            lines.append(line)
            size += len(line.data)
        return lines

    def _assign(self, worker: _WorkerProcess, lines: list[Line]) -> bool:
        if lines:
            worker.lines.update((line.number, line) for line in lines)
            worker.size += sum(len(line.data) for line in lines)
            worker.send(lines)
        return bool(lines)

    def _receive(self, index: int) -> list[LineResult]:
        worker = self._workers[index]
        try:
            results: list[LineResult] | Exception = worker.connection.recv()
        except (EOFError, OSError):
            return self._replace(index, worker)
        if isinstance(results, Exception):
            raise results
        worker.ready = True
        self._startup_failures = 0
        for result in results:
            if line := worker.lines.pop(result.number, None):
                worker.size -= len(line.data)
            self._crashes.pop(result.number, None)
        return results

    def _replace(self, index: int, worker: _WorkerProcess) -> list[LineResult]:
        """Replace a worker that has ended, and requeue its lines. Return the results of failed ones."""
        code = worker.wait()
        worker.connection.close()
        lines, worker.lines = list(worker.lines.values()), {}
        if self._stopped:
            return []
        if not worker.ready:
            self._startup_failures += 1
            if self._startup_failures >= _MAX_STARTUP_FAILURES:
                raise JobStopped(
                    f"{_MAX_STARTUP_FAILURES} worker processes in a row ended during startup, the last with "
                    f"exit code {code}; see their output above"
                )
        self._workers[index] = _WorkerProcess(self._shares[index])
        failed: list[LineResult] = []
        for line in lines:
            if worker.ready:
                self._crashes[line.number] = self._crashes.get(line.number, 0) + 1
            crashes = self._crashes.get(line.number, 0)
            if crashes >= _MAX_CRASHES:
                message = f"{crashes} worker processes crashed with this line, the last with exit code {code}"
                failed.append(invalid_result(line.number, line_key(line), message, crashed=True))
            else:
                (self._isolated if crashes == _MAX_CRASHES - 1 else self._requeued).append(line)
        return failed
