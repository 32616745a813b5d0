"""The main program of a worker process: it receives lines over a socket, and sends results.

`gemwire.bulk.process_executor` starts it. It ends when the socket does, however the other process ended.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator
from multiprocessing.connection import Connection

from gemwire.bulk.line_result import LineResult
from gemwire.bulk.lines import Line
from gemwire.bulk.task import Workload, chunk_lines

#: Seconds between two messages with results.
_SEND_INTERVAL = 0.005


class _Worker:
    """Runs the work of one connection.

    The first message to it is a `Workload`; lists of lines follow, and None to stop. It sends an empty list
    when it is ready, then lists of results, or an error with which it ends.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._work: Workload = connection.recv()
        self._results: list[LineResult] = []
        self._lines: asyncio.Queue[list[Line]] = asyncio.Queue()
        self._stopped = asyncio.Event()
        self._updated = asyncio.Event()
        self._done = False

    async def run(self) -> None:
        """Run until a message says to stop. The process exits when the connection ends."""
        self._connection.send([])
        threading.Thread(target=self._receive, args=(asyncio.get_running_loop(),), daemon=True).start()
        sending = asyncio.create_task(self._send())
        async for results in self._work.run(self._chunks()):
            self._results += results
            self._updated.set()
        self._done = True
        self._updated.set()
        await sending

    async def _chunks(self) -> AsyncIterator[list[Line]]:
        stopped = asyncio.ensure_future(self._stopped.wait())
        while True:
            received = asyncio.ensure_future(self._lines.get())
            await asyncio.wait((received, stopped), return_when=asyncio.FIRST_COMPLETED)
            if self._stopped.is_set():
                received.cancel()
                return
            for chunk in chunk_lines(received.result(), self._work.task.lines_per_call):
                if self._stopped.is_set():
                    return
                yield chunk

    def _receive(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            while (lines := self._connection.recv()) is not None:
                loop.call_soon_threadsafe(self._lines.put_nowait, lines)
            loop.call_soon_threadsafe(self._stopped.set)
            self._connection.recv()
        except (EOFError, OSError, RuntimeError):
            # The other process has ended; there is nothing to clean up.
            os._exit(1)

    async def _send(self) -> None:
        loop = asyncio.get_running_loop()
        while self._results or not self._done:
            await self._updated.wait()
            self._updated.clear()
            results, self._results = self._results, []
            # In a thread: the receiver may be blocked by its disk.
            await loop.run_in_executor(None, self._connection.send, results)
            await asyncio.sleep(_SEND_INTERVAL)


def main(file: int) -> None:
    """Run a worker on the socket of this file descriptor."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Handled by the process that started this one.
    connection = Connection(file)
    try:
        worker = _Worker(connection)
        asyncio.run(worker.run())
    except (EOFError, BrokenPipeError, ConnectionResetError):
        os._exit(1)
    except Exception as error:
        connection.send(error)
    # The receiving thread would block the exit.
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
