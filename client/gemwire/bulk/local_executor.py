"""The executor in this process: an event loop in a thread."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Iterator

from gemwire.bulk.line_result import LineResult
from gemwire.bulk.lines import Line
from gemwire.bulk.task import Workload, chunk_lines

#: Results that may wait to be written before no more lines are started.
_MAX_PENDING = 20_000
_PAUSE = 0.02


class LocalExecutor:
    """Runs a task on an event loop in a background thread, so that a slow disk delays no call."""

    def __init__(self, work: Workload) -> None:
        self._work = work
        self._results: deque[LineResult] = deque()
        self._ended = threading.Event()
        self._stopped = False
        self._error: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._main: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name="gemwire-bulk", daemon=True)
        self._lines: Iterator[Line] = iter(())

    def start(self, lines: Iterator[Line]) -> None:
        """See `Executor`."""
        self._lines = lines
        self._thread.start()

    def poll(self, timeout: float) -> list[LineResult] | None:
        """See `Executor`."""
        ended = self._ended.wait(timeout)
        results = [self._results.popleft() for _ in range(len(self._results))]
        if results or not ended:
            return results
        if self._error is not None:
            raise self._error
        return None

    def stop(self) -> None:
        """See `Executor`."""
        self._stopped = True

    def close(self, timeout: float) -> None:
        """See `Executor`."""
        self.stop()
        if self._loop is not None and self._main is not None and not self._ended.is_set():
            with contextlib.suppress(RuntimeError):  # The loop may be closed at this very moment.
                self._loop.call_soon_threadsafe(self._main.cancel)
        if self._thread.ident is not None:
            self._thread.join(timeout)

    def _run(self) -> None:
        try:
            asyncio.run(self._run_work())
        except asyncio.CancelledError:
            pass
        except BaseException as error:
            self._error = error
        finally:
            self._ended.set()

    async def _run_work(self) -> None:
        self._loop, self._main = asyncio.get_running_loop(), asyncio.current_task()
        chunks = chunk_lines(self._read(), self._work.task.lines_per_call)
        async for results in self._work.run(chunks):
            self._results.extend(results)
            # Polled, as the consumer is another thread and rarely this slow.
            while len(self._results) > _MAX_PENDING and not self._stopped:  # noqa: ASYNC110
                await asyncio.sleep(_PAUSE)

    def _read(self) -> Iterator[Line]:
        for line in self._lines:
            if self._stopped:
                return
            yield line
