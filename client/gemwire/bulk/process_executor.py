"""The engine of jobs in several processes of this machine."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from multiprocessing import Pipe
from multiprocessing.connection import wait
from typing import Any

from gemwire.bulk.executor import JobStopped
from gemwire.bulk.lines import Line
from gemwire.bulk.outcome import Outcome, lost
from gemwire.bulk.parse_line import key_of
from gemwire.bulk.rate import Rate
from gemwire.bulk.task import Task
from gemwire.bulk.worker import Order

#: A line that was with so many workers when they died is not given to another.
_DEATHS = 3
#: Workers that die one after the other before they have begun, until it is given up.
_STILLBORN = 3
#: Calls for which a worker has lines waiting, for each call that it makes at a time.
_AHEAD = 2
#: Bytes of lines that are with a worker, give or take a line.
_BYTES = 32 << 20


class _Worker:
    """A process, and the lines that are with it.

    Attributes:
        connection: To it.
        lines: What was given to it and has not come back.
        size: Bytes of that.
        ready: Whether it has begun.
    """

    def __init__(self, order: Order) -> None:
        self.connection, theirs = Pipe()
        # No fork: grpc does not survive one. And away from the terminal, whose Ctrl-C is not for it.
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "gemwire.bulk.worker", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        theirs.close()
        self.lines: dict[int, Line] = {}
        self.size = 0
        self.ready = False
        self.send(order)

    def send(self, message: Any) -> None:
        """Send a message; where nobody hears it, that is seen when one listens."""
        with contextlib.suppress(OSError):
            self.connection.send(message)

    def kill(self) -> int:
        """End it at once.

        Returns:
            How it ended.
        """
        self.connection.close()
        self._process.kill()
        return self._process.wait()

    def exit_code(self) -> int:
        """How it ended, when its connection has."""
        try:
            return self._process.wait(5)
        except subprocess.TimeoutExpired:
            return self.kill()


class ProcessEngine:
    """Does the lines of a job in other processes.

    This one reads and deals out; each line is with one worker at a time. The lines of a worker that dies are
    given to others. One that was twice with a worker that died gets a third to itself: so no line fails for
    what another one does.
    """

    def __init__(self, task: Task, concurrency: Any, rate: Rate, processes: int) -> None:
        """Nothing runs yet.

        Args:
            task: What is done with a line.
            concurrency: Calls at a time, in all.
            rate: How fast, all together.
            processes: How many.
        """
        self._orders = [Order(task, share, rate.share(processes)) for share in shares(concurrency, processes)]
        self._per_call = task.lines_per_call
        self._workers: dict[int, _Worker] = {}
        self._lines: Iterator[Line] = iter(())
        self._again: deque[Line] = deque()
        self._alone: deque[Line] = deque()
        self._deaths: dict[int, int] = {}
        self._stillborn = 0
        self._stopped = False
        self._error: Exception | None = None

    def start(self, lines: Iterator[Line]) -> None:
        """Begin with lines."""
        self._lines = lines
        for at, order in enumerate(self._orders):
            self._workers[at] = _Worker(order)

    def take(self, timeout: float) -> list[Outcome] | None:
        """See `Engine`."""
        if self._error is not None:
            raise self._error
        end = time.monotonic() + timeout
        found: list[Outcome] = []
        while True:
            self._deal()
            busy = {w.connection: at for at, w in self._workers.items() if w.lines}
            if not busy:
                return found or None
            left = end - time.monotonic()
            if left <= 0:
                return found
            for ready in wait(list(busy), left):
                try:
                    found += self._heard(busy[ready])  # type: ignore[index]
                except Exception as error:
                    # What the others have done comes first.
                    self._error = error
                    return found

    def stop(self) -> None:
        """See `Engine`."""
        self._stopped = True
        for worker in self._workers.values():
            worker.send(None)

    def close(self, wait: float) -> None:
        """See `Engine`; they are not waited for, as nothing that they do is wanted any more."""
        for worker in self._workers.values():
            worker.kill()
        self._workers.clear()

    def _deal(self) -> None:
        """Give lines to those that have few, in turn. The first has no others while some have to be alone."""
        gave = not self._stopped
        while gave:
            gave = False
            for at, worker in self._workers.items():
                if at == 0 and self._alone:
                    if not worker.lines:
                        gave = self._give(worker, [self._alone.popleft()])
                    continue
                if any(self._deaths.get(number) == _DEATHS - 1 for number in worker.lines):
                    continue
                # Neither one by one, as a message costs as much as many lines, nor all to the first.
                some = max(1, self._room(at) // 4)
                if worker.size < _BYTES and self._room(at) - len(worker.lines) >= some:
                    gave |= self._give(worker, self._next(some))

    def _room(self, at: int) -> int:
        concurrency = self._orders[at].concurrency
        calls = concurrency if isinstance(concurrency, int) else concurrency.maximum
        return max(4, calls * _AHEAD * self._per_call)

    def _next(self, most: int) -> list[Line]:
        lines: list[Line] = []
        size = 0
        while len(lines) < most and size < _BYTES // 4:
            line = self._again.popleft() if self._again else next(self._lines, None)
            if line is None:
                break
            lines.append(line)
            size += len(line.data)
        return lines

    def _give(self, worker: _Worker, lines: list[Line]) -> bool:
        if lines:
            worker.lines.update((line.number, line) for line in lines)
            worker.size += sum(len(line.data) for line in lines)
            worker.send(lines)
        return bool(lines)

    def _heard(self, at: int) -> list[Outcome]:
        worker = self._workers[at]
        try:
            outcomes: list[Outcome] | Exception = worker.connection.recv()
        except (EOFError, OSError):
            return self._died(at, worker)
        if isinstance(outcomes, Exception):
            raise outcomes
        worker.ready = True
        self._stillborn = 0
        for outcome in outcomes:
            if line := worker.lines.pop(outcome.number, None):
                worker.size -= len(line.data)
            self._deaths.pop(outcome.number, None)
        return outcomes

    def _died(self, at: int, worker: _Worker) -> list[Outcome]:
        """Put another in the place of a worker, and decide about its lines."""
        code = worker.exit_code()
        worker.connection.close()
        lines, worker.lines = list(worker.lines.values()), {}
        if self._stopped:
            return []
        if not worker.ready:
            self._stillborn += 1
            if self._stillborn >= _STILLBORN:
                raise JobStopped(
                    f"{_STILLBORN} processes in a row ended before they had begun, the last with exit code "
                    f"{code}; what they said is above"
                )
        self._workers[at] = _Worker(self._orders[at])
        failed: list[Outcome] = []
        for line in lines:
            if worker.ready:
                self._deaths[line.number] = self._deaths.get(line.number, 0) + 1
            deaths = self._deaths.get(line.number, 0)
            if deaths >= _DEATHS:
                told = f"{deaths} processes ended over it, the last with exit code {code}"
                failed.append(lost(line.number, key_of(line), told))
            else:
                (self._alone if deaths == _DEATHS - 1 else self._again).append(line)
        return failed


def shares(concurrency: Any, processes: int) -> list[Any]:
    """What each of several processes does of the calls at a time, the one with the least last.

    Args:
        concurrency: See `gemwire.pipeline.map`.
        processes: How many.
    """
    from gemwire.pipeline import Adaptive

    if isinstance(concurrency, int):
        each, more = divmod(concurrency, processes)
        return [each + (at < more) for at in range(processes)]
    least = max(1, concurrency.minimum // processes)
    most = max(least, concurrency.maximum // processes)
    start = min(max(least, concurrency.start // processes), most)
    return [Adaptive(start, least, most, concurrency.repeats)] * processes
