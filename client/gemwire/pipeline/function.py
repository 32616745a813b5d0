"""What a pipeline calls for each item: async functions, sync functions, prepared prompts."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any


def of(function: Any) -> Any:
    """The callable that a ``function`` argument stands for.

    Raises:
        TypeError: It is none.
    """
    generate = getattr(function, "generate", None)
    if callable(generate) and not inspect.isroutine(function):
        return generate
    if inspect.isawaitable(function):
        raise TypeError("function: this is the result of a call; give the function itself")
    if not callable(function):
        raise TypeError(
            f"function: expected a function of one item or a prepared prompt, got {type(function).__name__}"
        )
    return function


def is_async(function: Any) -> bool:
    """Whether it is known to be async before it is called."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - its kind is asked, not whether it is there
    )


class Threaded:
    """Calls a function in threads.

    A function that turns out to return an awaitable, as a lambda around an async method does, is called
    on the event loop from then on.
    """

    def __init__(self, function: Callable[[Any], Any], threads: int) -> None:
        self._function = function
        self._loop = asyncio.get_running_loop()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="gemwire-pipeline")
        self._async = False

    async def __call__(self, item: Any) -> Any:
        """Call it."""
        if self._async:
            return await self._function(item)
        running = self._pool.submit(contextvars.copy_context().run, self._run, item)
        try:
            result = await asyncio.wrap_future(running)
        except asyncio.CancelledError:
            running.add_done_callback(_drop)
            raise
        if inspect.isawaitable(result):
            self._async = True
            self._pool.shutdown(wait=False)
            return await result
        return result

    def _run(self, item: Any) -> Any:
        try:
            return self._function(item)
        except StopIteration as error:
            # A future cannot hold one.
            raise RuntimeError("the function raised StopIteration") from error

    async def close(self) -> None:
        """Wait for the calls that run, which nothing can stop, and end the threads."""
        ended: asyncio.Future[None] = self._loop.create_future()

        def end() -> None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._loop.call_soon_threadsafe(ended.set_result, None)

        thread = threading.Thread(target=end, name="gemwire-pipeline-end", daemon=True)
        thread.start()
        await ended
        thread.join()


def _drop(ended: Future[Any]) -> None:
    """Nobody will await what came out."""
    if not ended.cancelled() and not ended.exception() and inspect.iscoroutine(ended.result()):
        ended.result().close()
