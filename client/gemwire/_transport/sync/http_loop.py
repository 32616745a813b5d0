"""The event loop that HTTP sessions run on. Written by hand for each flavour: here, one in a thread."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import weakref
from collections.abc import Callable, Coroutine
from concurrent import futures
from typing import TYPE_CHECKING, Any, TypeVar

from gemwire._transport import fork
from gemwire._transport.rest.tls_and_proxy import HttpTarget
from gemwire._transport.sync.concurrency import CancelledError

if TYPE_CHECKING:
    from gemwire._transport.rest.session import Session

_T = TypeVar("_T")

#: Seconds to wait for the thread to end; after that it ends with the process.
_JOIN_TIMEOUT = 5.0


class _LoopThread:
    """A thread that runs an event loop. It does not refer to its `LoopRunner`, whose finalizer ends it."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.generation = fork.generation()
        self.session: Session | None = None
        self.ending = False
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self._run, name="gemwire-http", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
        finally:
            self.loop.close()

    def start(self, work: Coroutine[Any, Any, _T]) -> futures.Future[_T]:
        """Start a coroutine, unless the loop is ending: nothing would wait for it any more."""
        with self.lock:
            if self.ending or self.generation != fork.generation():
                work.close()
                raise CancelledError
            return asyncio.run_coroutine_threadsafe(work, self.loop)

    def end(self) -> None:
        """End all work and the thread, and wait for it. Does nothing the second time."""
        if self.generation != fork.generation():
            # The loop of the parent process: its sockets are not this one's to close.
            return
        with self.lock:
            if self.ending:
                return
            self.ending = True
        ended = asyncio.run_coroutine_threadsafe(self._finish(), self.loop)
        ended.add_done_callback(lambda _: self.loop.call_soon_threadsafe(self.loop.stop))
        if threading.current_thread() is not self.thread:
            # Otherwise the runner was collected in this thread, which cannot join itself.
            self.thread.join(_JOIN_TIMEOUT)

    async def _finish(self) -> None:
        if self.session:
            await self.session.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        # Now that the session is closed they end by themselves, with the right error; cancel the rest.
        late = (await asyncio.wait(tasks, timeout=1))[1] if tasks else set()
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=1)
        await self.loop.shutdown_asyncgens()
        await self.loop.shutdown_default_executor()


class LoopRunner:
    """Runs the coroutines of an HTTP session on an event loop in a thread of its own.

    So there is one implementation of HTTP, and a thread's call ends at its deadline whatever it waits for,
    and can be cancelled by another thread: a thread that reads a socket itself can do neither.
    """

    def __init__(self, target: HttpTarget) -> None:
        self._thread = _LoopThread()
        # Ends when nothing refers to the runner any more, and at exit.
        weakref.finalize(self, self._thread.end)
        self.session = self._thread.session = self.run(_open_session(target))

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run a coroutine and return its result."""
        return self.result(self.start(work))

    def start(self, work: Coroutine[Any, Any, _T]) -> futures.Future[_T]:
        """Start a coroutine."""
        return self._thread.start(work)

    def result(self, started: futures.Future[_T]) -> _T:
        """Wait for a coroutine that was started, and return its result."""
        try:
            return started.result()
        except futures.CancelledError:
            raise CancelledError from None
        except BaseException:
            # The waiting thread was interrupted.
            started.cancel()
            raise

    def call_soon(self, callback: Callable[[], object]) -> None:
        """Call a function on the loop."""
        thread = self._thread
        if not thread.loop.is_closed() and thread.generation == fork.generation():
            with contextlib.suppress(RuntimeError):
                thread.loop.call_soon_threadsafe(callback)

    def close(self) -> None:
        """End all calls and connections, and wait until they have ended."""
        self._thread.end()


async def _open_session(target: HttpTarget) -> Session:
    from gemwire._transport.rest.session import open_session

    return open_session(target, target.clients.sync)
