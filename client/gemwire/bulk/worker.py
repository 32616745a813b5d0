"""A process of a job: lines come in over a socket, outcomes go out. Run by `gemwire.bulk.process_executor`.

It lives as long as the socket: when the process at the other end is gone, however it went, so is this one.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from gemwire.bulk.lines import Line
from gemwire.bulk.outcome import Outcome
from gemwire.bulk.rate import Rate
from gemwire.bulk.task import Task, outcomes, together

#: Seconds between two messages with outcomes.
_SEND = 0.005


class Order(NamedTuple):
    """What a worker is made for, the first message that it gets. Lists of lines follow, and None to stop.

    A worker answers with an empty list when it is ready, then with lists of outcomes, or with an error after
    which it ends.

    Attributes:
        task: What is done with a line.
        concurrency: Calls at a time.
        rate: This worker's share of what is allowed.
    """

    task: Task
    concurrency: Any
    rate: Rate


class _Worker:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._order: Order = connection.recv()
        self._found: list[Outcome] = []
        self._lines: asyncio.Queue[list[Line]] = asyncio.Queue()
        self._stopped = asyncio.Event()
        self._news = asyncio.Event()
        self._done = False

    async def run(self) -> None:
        """Work until there is nobody to work for, or until told to stop."""
        order = self._order
        self._connection.send([])
        threading.Thread(target=self._receive, args=(asyncio.get_running_loop(),), daemon=True).start()
        sending = asyncio.create_task(self._send())
        async for some in outcomes(order.task, self._calls(), order.concurrency, order.rate):
            self._found += some
            self._news.set()
        self._done = True
        self._news.set()
        await sending

    async def _calls(self) -> AsyncIterator[list[Line]]:
        stopped = asyncio.ensure_future(self._stopped.wait())
        while True:
            waiting = asyncio.ensure_future(self._lines.get())
            await asyncio.wait((waiting, stopped), return_when=asyncio.FIRST_COMPLETED)
            if self._stopped.is_set():
                waiting.cancel()
                return
            for call in together(waiting.result(), self._order.task.lines_per_call):
                if self._stopped.is_set():
                    return
                yield call

    def _receive(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            while (lines := self._connection.recv()) is not None:
                loop.call_soon_threadsafe(self._lines.put_nowait, lines)
            loop.call_soon_threadsafe(self._stopped.set)
            self._connection.recv()
        except (EOFError, OSError, RuntimeError):
            # Nobody is there to tell, and nothing to clean up.
            os._exit(1)

    async def _send(self) -> None:
        loop = asyncio.get_running_loop()
        while self._found or not self._done:
            await self._news.wait()
            self._news.clear()
            found, self._found = self._found, []
            # In a thread: who writes the outcomes may be waiting for a disk.
            await loop.run_in_executor(None, self._connection.send, found)
            await asyncio.sleep(_SEND)


def main(file: int) -> None:
    """Be a worker.

    Args:
        file: Descriptor of the socket.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Heard by the process that this one works for.
    connection = Connection(file)
    try:
        worker = _Worker(connection)
        asyncio.run(worker.run())
    except (EOFError, BrokenPipeError, ConnectionResetError):
        os._exit(1)
    except Exception as error:
        connection.send(error)
    # The thread that listens would wait for ever.
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
