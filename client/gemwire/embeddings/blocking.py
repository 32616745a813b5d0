"""`BlockingEmbedder`, for threads."""

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
from gemwire.embeddings.arguments import check_contents
from gemwire.embeddings.batcher import closed_error
from gemwire.embeddings.embedder import Embedder, OnError, Vector

_T = TypeVar("_T")
#: Seconds to wait for the thread to end. What is left then ends with the process.
_JOIN_TIMEOUT = 5.0


class BlockingEmbedder:
    """`Embedder` for programs without asyncio, on an event loop in a background thread.

    Threads that call `embed` at about the same time share calls.
    """

    def __init__(self, client: object = None, *, delay: float = 0.002, **settings: Any) -> None:
        """Start the thread.

        Args:
            client: See `Embedder`.
            delay: Maximum seconds that a text waits for those of other threads.
            **settings: Other arguments of `Embedder`; ``model`` is required.

        Raises:
            ValueError: An argument is out of range.
            TypeError: An argument has a wrong type.
            ImportError: ``vectors="numpy"`` is given, and numpy is not installed.
            google.auth.exceptions.DefaultCredentialsError: No client is given, and there are no credentials.
        """
        self._embedder = Embedder(client, delay=delay, **settings)
        self._thread = _LoopThread(self._embedder)
        # Also at interpreter exit, and when this object is garbage collected.
        weakref.finalize(self, self._thread.close, finish=False)

    def __repr__(self) -> str:
        # A constructor that fails leaves no embedder.
        return f"<Blocking{repr(self._embedder)[1:] if hasattr(self, '_embedder') else 'Embedder>'}"

    def embed(self, content: object) -> Vector:
        """Embed one text; see `Embedder.embed` for arguments and errors."""
        return _wait(self._thread.submit(partial(self._embedder.embed, content)))

    def embed_all(self, contents: Iterable[object], *, on_error: OnError = "raise") -> list[Vector]:
        """Embed texts, in their order; see `Embedder.embed_all` for arguments and errors."""
        if isinstance(contents, (list, tuple)):
            return _wait(self._thread.submit(partial(self._embedder.embed_all, contents, on_error=on_error)))
        return list(self.stream(contents, on_error=on_error))

    def stream(self, contents: Iterable[object], *, on_error: OnError = "raise") -> Iterator[Vector]:
        """Embed texts, and iterate over the vectors in their order; see `Embedder.stream`.

        The source is read in the thread that iterates over the vectors.

        Args:
            contents: Texts, or what else `embed` accepts.
            on_error: ``"raise"`` the first error, or ``"return"`` errors in place of vectors.

        Raises:
            ValueError: ``on_error`` is invalid. During iteration: see `Embedder.embed_all`.
            TypeError: The contents are not a sync iterable, or one text. During iteration: see
                `Embedder.embed_all`.
        """
        check_contents(contents, on_error)
        if not hasattr(contents, "__iter__"):
            raise TypeError(f"contents: a {type(contents).__name__} needs asyncio; use Embedder for it")
        return self._stream(iter(contents), on_error)

    def _stream(self, contents: Iterator[object], on_error: OnError) -> Iterator[Vector]:
        embedder = self._embedder
        pending: deque[futures.Future[list[Vector]]] = deque()
        start = 0
        try:
            while chunk := list(islice(contents, embedder.batch_size)):
                pending.append(self._thread.submit(partial(embedder.embed_chunk, chunk, start)))
                start += len(chunk)
                if len(pending) > embedder.concurrency:
                    yield from _next_vectors(pending, on_error)
            while pending:
                yield from _next_vectors(pending, on_error)
        finally:
            for future in pending:
                future.cancel()

    def close(self) -> None:
        """Accept no more texts, wait for pending ones, and end the thread. Further calls do nothing."""
        self._thread.close(finish=True)

    def __enter__(self) -> BlockingEmbedder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # After an error nothing waits for the pending texts.
        self._thread.close(finish=kind is None)


class _LoopThread:
    """Thread with an event loop. It holds no reference to the `BlockingEmbedder`."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._loop = asyncio.new_event_loop()
        self._generation = fork.generation()
        self._lock = threading.Lock()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="gemwire-embedder", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()

    def submit(self, work: Callable[[], Coroutine[object, object, _T]]) -> futures.Future[_T]:
        """Start a coroutine on the loop."""
        if self._generation != fork.generation():
            raise RuntimeError("this embedder was created before the process forked; create one here")
        with self._lock:
            if self._closing:
                raise closed_error()
            return asyncio.run_coroutine_threadsafe(work(), self._loop)

    def close(self, *, finish: bool) -> None:
        """End the loop and its thread, after the pending texts if they are to ``finish``."""
        if self._generation != fork.generation():
            return
        with self._lock:
            if self._closing:
                return
            self._closing = True
        closed = asyncio.run_coroutine_threadsafe(self._close(finish), self._loop)
        closed.add_done_callback(lambda _: self._loop.call_soon_threadsafe(self._loop.stop))
        if threading.current_thread() is not self._thread:
            # The garbage collector may run this in the thread itself, which cannot join itself.
            closed.result()
            self._thread.join(_JOIN_TIMEOUT)

    async def _close(self, finish: bool) -> None:
        await self._embedder.close(finish=finish)
        # The callers have their results; their tasks take an iteration or two to end.
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        late = (await asyncio.wait(tasks, timeout=1))[1] if tasks else set()
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=1)
        await self._loop.shutdown_asyncgens()


def _next_vectors(pending: deque[futures.Future[list[Vector]]], on_error: OnError) -> Iterator[Vector]:
    for vector in _wait(pending.popleft()):
        if isinstance(vector, Exception) and on_error == "raise":
            raise vector
        yield vector


def _wait(future: futures.Future[_T]) -> _T:
    try:
        return future.result()
    except BaseException:
        # An interrupted thread no longer wants the result.
        future.cancel()
        raise
