"""Where calls over HTTP run. Written by hand for each flavour: here, on a loop in a thread."""

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
from gemwire._transport.sync.http_connection import HttpBinding

if TYPE_CHECKING:
    from gemwire._transport.rest.session import Session

_T = TypeVar("_T")

#: Seconds to wait for a thread's end; what is left then ends with the process.
_PATIENCE = 5.0


class _Life:
    """What a portal leaves to whoever ends it: nothing that refers to the portal itself."""

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
        """Begin something, unless the end has begun: nobody would wait for it any more."""
        with self.lock:
            if self.ending or self.generation != fork.generation():
                work.close()
                raise CancelledError
            return asyncio.run_coroutine_threadsafe(work, self.loop)

    def end(self) -> None:
        """End everything, and wait for that. A second time does nothing."""
        if self.generation != fork.generation():
            # Another process' loop: its sockets are not this one's to close.
            return
        with self.lock:
            if self.ending:
                return
            self.ending = True
        ended = asyncio.run_coroutine_threadsafe(self._finish(), self.loop)
        ended.add_done_callback(lambda _: self.loop.call_soon_threadsafe(self.loop.stop))
        if threading.current_thread() is not self.thread:
            # Else it was collected there, and cannot wait for itself.
            self.thread.join(_PATIENCE)

    async def _finish(self) -> None:
        if self.session:
            await self.session.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        # They end by themselves now that the session is closed, and know why; the rest is told to.
        late = (await asyncio.wait(tasks, timeout=1))[1] if tasks else set()
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=1)
        await self.loop.shutdown_asyncgens()
        await self.loop.shutdown_default_executor()


class Portal:
    """Runs what belongs to a session, on a loop in a thread of its own.

    So there is one implementation, and a thread's call ends at its deadline whatever it waits for, and
    when another thread says so: a thread that reads a socket itself can do neither.
    """

    def __init__(self, target: HttpTarget) -> None:
        self._life = _Life()
        # Ends when nobody refers to it any more, and at exit.
        weakref.finalize(self, self._life.end)
        self.session = self._life.session = self.run(_opened(target))

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Do something and wait for it."""
        return self.result(self.start(work))

    def start(self, work: Coroutine[Any, Any, _T]) -> futures.Future[_T]:
        """Begin something."""
        return self._life.start(work)

    def result(self, begun: futures.Future[_T]) -> _T:
        """Wait for what was begun."""
        try:
            return begun.result()
        except futures.CancelledError:
            raise CancelledError from None
        except BaseException:
            # A thread that was interrupted waits no longer.
            begun.cancel()
            raise

    def soon(self, work: Callable[[], Any]) -> None:
        """Have something done."""
        life = self._life
        if not life.loop.is_closed() and life.generation == fork.generation():
            with contextlib.suppress(RuntimeError):
                life.loop.call_soon_threadsafe(work)

    def close(self) -> None:
        """End all calls and connections, and wait for that."""
        self._life.end()


async def _opened(target: HttpTarget) -> Session:
    from gemwire._transport.rest.session import Session

    return Session(target)


class HttpChannels:
    """A session for each process that uses it, made on the first call there."""

    def __init__(self, target: HttpTarget) -> None:
        self._target = target
        self._closed = False
        self._lock = threading.Lock()
        self._generation = fork.generation()
        self._latest: HttpBinding | None = None

    @property
    def closed(self) -> bool:
        return self._closed

    def current(self) -> HttpBinding:
        """The binding of this process.

        Raises:
            RuntimeError: The client is closed.
        """
        latest = self._latest
        if latest is not None and latest.generation == fork.generation():
            return latest
        with self._locked():
            if self._closed:
                raise RuntimeError("this client is closed; make another")
            if self._latest is None or self._latest.generation != fork.generation():
                self._latest = HttpBinding(Portal(self._target))
            return self._latest

    def _locked(self) -> threading.Lock:
        if self._generation != fork.generation():
            # A fork may have copied a lock that is held.
            self._lock, self._generation = threading.Lock(), fork.generation()
        return self._lock

    def replace(self, binding: HttpBinding) -> None:
        """Nothing to do: connections that idle go by themselves, one that is silent ends with its call."""

    def close(self) -> None:
        """End all calls and connections."""
        with self._locked():
            # Lest another thread, on its first call, opens what nobody would close.
            self._closed = True
            latest, self._latest = self._latest, None
        if latest is not None and latest.generation == fork.generation():
            latest.portal.close()
