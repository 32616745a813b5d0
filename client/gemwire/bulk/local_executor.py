"""The engine of jobs in this process: an event loop in a thread."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Iterator
from typing import Any

from gemwire.bulk.lines import Line
from gemwire.bulk.outcome import Outcome
from gemwire.bulk.rate import Rate
from gemwire.bulk.task import Task, outcomes, together

#: Outcomes that may wait to be written, before no more lines are begun.
_WAITING = 20_000
_PAUSE = 0.02


class LocalEngine:
    """Does the lines of a job on an event loop of its own.

    The loop is in another thread than what writes, so that a slow disk delays no answer.
    """

    def __init__(self, task: Task, concurrency: Any, rate: Rate) -> None:
        """Nothing runs yet.

        Args:
            task: What is done with a line.
            concurrency: Calls at a time; see `gemwire.pipeline.map`.
            rate: How fast.
        """
        self._task = task
        self._concurrency = concurrency
        self._rate = rate
        self._outcomes: deque[Outcome] = deque()
        self._ended = threading.Event()
        self._stopped = False
        self._error: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name="gemwire-bulk", daemon=True)
        self._lines: Iterator[Line] = iter(())

    def start(self, lines: Iterator[Line]) -> None:
        """Begin with lines."""
        self._lines = lines
        self._thread.start()

    def take(self, timeout: float) -> list[Outcome] | None:
        """What became of some lines.

        Args:
            timeout: Seconds to wait for more.

        Returns:
            None when there will be no more.

        Raises:
            Exception: The engine failed.
        """
        ended = self._ended.wait(timeout)
        found = [self._outcomes.popleft() for _ in range(len(self._outcomes))]
        if found or not ended:
            return found
        if self._error is not None:
            raise self._error
        return None

    def stop(self) -> None:
        """Begin no more lines; those under way go on."""
        self._stopped = True

    def close(self, wait: float) -> None:
        """End everything.

        Args:
            wait: Seconds to wait for that at most.
        """
        self.stop()
        loop, running = self._loop, self._running
        if loop is not None and running is not None and not self._ended.is_set():
            with contextlib.suppress(RuntimeError):  # It has just ended.
                loop.call_soon_threadsafe(running.cancel)
        if self._thread.ident is not None:
            self._thread.join(wait)

    def _run(self) -> None:
        try:
            asyncio.run(self._work())
        except asyncio.CancelledError:
            pass
        except BaseException as error:
            self._error = error
        finally:
            self._ended.set()

    async def _work(self) -> None:
        self._loop, self._running = asyncio.get_running_loop(), asyncio.current_task()
        calls = together(self._source(), self._task.lines_per_call)
        found = outcomes(self._task, calls, self._concurrency, self._rate)
        async for some in found:
            self._outcomes.extend(some)
            # No event: who takes them is another thread, and seldom this slow.
            while len(self._outcomes) > _WAITING and not self._stopped:  # noqa: ASYNC110
                await asyncio.sleep(_PAUSE)

    def _source(self) -> Iterator[Line]:
        for line in self._lines:
            if self._stopped:
                return
            yield line
