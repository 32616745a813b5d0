"""`BlockingEmbedder`: for threads."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Iterator
from concurrent import futures
from functools import partial
from itertools import islice
from types import TracebackType
from typing import Any, TypeVar

from gemwire._transport import fork
from gemwire.embeddings.arguments import check_many
from gemwire.embeddings.batcher import closed
from gemwire.embeddings.embedder import Embedder, OnError, Vector

_T = TypeVar("_T")
#: Seconds that the end may take; what is left then ends with the process.
_PATIENCE = 5.0


class BlockingEmbedder:
    """An `Embedder` for programs without asyncio, on an event loop in a thread of its own.

    Threads that call `embed` at about the same time share calls.
    """

    def __init__(self, client: Any = None, *, delay: float = 0.002, **settings: Any) -> None:
        """Start the thread.

        Args:
            client: See `Embedder`.
            delay: Seconds that a text waits for those of other threads at most.
            **settings: What else `Embedder` takes, the ``model`` above all.

        Raises:
            ValueError: An argument is out of range.
            TypeError: An argument is of a wrong type.
            ImportError: numpy is asked for and not installed.
            google.auth.exceptions.DefaultCredentialsError: No client is given, and there are no credentials.
        """
        self._embedder = Embedder(client, delay=delay, **settings)
        self._life = _Life(self._embedder)
        # At exit too, and when nobody refers to it any more.
        weakref.finalize(self, self._life.end, finish=False)

    def __repr__(self) -> str:
        return f"<Blocking{repr(self._embedder)[1:]}"

    def embed(self, content: Any) -> Vector:
        """The vector of one text. Arguments and errors: see `Embedder.embed`."""
        return _result(self._life.start(partial(self._embedder.embed, content)))

    def embed_all(self, contents: Iterable[Any], *, on_error: OnError = "raise") -> list[Vector]:
        """The vectors of many texts, in their order. Arguments and errors: see `Embedder.embed_all`."""
        if isinstance(contents, (list, tuple)):
            return _result(self._life.start(partial(self._embedder.embed_all, contents, on_error=on_error)))
        return list(self.stream(contents, on_error=on_error))

    def stream(self, contents: Iterable[Any], *, on_error: OnError = "raise") -> Iterator[Vector]:
        """The vectors of many texts, in their order, as they come. See `Embedder.stream`.

        The source is read by the thread that reads here, never by another.

        Args:
            contents: Texts, or what else `embed` takes.
            on_error: ``"raise"`` the first error, or give errors in the place of vectors: ``"return"``.

        Raises:
            ValueError: ``on_error`` is neither. While one reads: see `Embedder.embed_all`.
            TypeError: It is no iterable, or one text. While one reads: see `Embedder.embed_all`.
        """
        check_many(contents, on_error)
        if not hasattr(contents, "__iter__"):
            raise TypeError(f"contents: a {type(contents).__name__} is for asyncio; use Embedder there")
        return self._stream(iter(contents), on_error)

    def _stream(self, contents: Iterator[Any], on_error: OnError) -> Iterator[Vector]:
        embedder = self._embedder
        window: deque[futures.Future[list[Vector]]] = deque()
        start = 0
        try:
            while chunk := list(islice(contents, embedder._most)):
                window.append(self._life.start(partial(embedder.outcomes, chunk, start)))
                start += len(chunk)
                if len(window) > embedder._concurrency:
                    yield from _given(window, on_error)
            while window:
                yield from _given(window, on_error)
        finally:
            for begun in window:
                begun.cancel()

    def close(self) -> None:
        """Take no more texts, wait for those that are there, then end the thread. Again it does nothing."""
        self._life.end(finish=True)

    def __enter__(self) -> BlockingEmbedder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Nobody waits for what an error leaves behind.
        self._life.end(finish=kind is None)


class _Life:
    """The loop and its thread. Nothing in it refers to the `BlockingEmbedder`."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._loop = asyncio.new_event_loop()
        self._generation = fork.generation()
        self._lock = threading.Lock()
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="gemwire-embedder", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()

    def start(self, work: Callable[[], Coroutine[Any, Any, _T]]) -> futures.Future[_T]:
        """Begin something on the loop.

        Raises:
            RuntimeError: The embedder is closed, or of another process.
        """
        if self._generation != fork.generation():
            raise RuntimeError("this embedder was made before the process forked; make one here")
        with self._lock:
            if self._ending:
                raise closed()
            return asyncio.run_coroutine_threadsafe(work(), self._loop)

    def end(self, *, finish: bool) -> None:
        """End everything, and wait for that: for the texts that are there too, if they are to ``finish``."""
        if self._generation != fork.generation():
            return
        with self._lock:
            if self._ending:
                return
            self._ending = True
        ended = asyncio.run_coroutine_threadsafe(self._finish(finish), self._loop)
        ended.add_done_callback(lambda _: self._loop.call_soon_threadsafe(self._loop.stop))
        if threading.current_thread() is not self._thread:
            # Else it was collected there, and cannot wait for itself.
            ended.result()
            self._thread.join(_PATIENCE)

    async def _finish(self, finish: bool) -> None:
        await self._embedder._close(finish=finish)
        # Those who wait have been told; what they wait with takes a tick or two to end.
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        late = (await asyncio.wait(tasks, timeout=1))[1] if tasks else set()
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=1)
        await self._loop.shutdown_asyncgens()


def _given(window: deque[futures.Future[list[Vector]]], on_error: OnError) -> Iterator[Vector]:
    for vector in _result(window.popleft()):
        if isinstance(vector, Exception) and on_error == "raise":
            raise vector
        yield vector


def _result(begun: futures.Future[_T]) -> _T:
    try:
        return begun.result()
    except BaseException:
        # A thread that was interrupted waits no longer.
        begun.cancel()
        raise
