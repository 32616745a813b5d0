"""The functions that a pipeline can call: async ones, sync ones in threads, and prepared prompts."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any


def resolve_callable(function: object) -> Callable[[Any], Any]:
    """Return the function to call: the argument itself, or its ``generate`` method."""
    generate: object = getattr(function, "generate", None)
    if callable(generate) and not inspect.isroutine(function):
        return generate
    if inspect.isawaitable(function):
        raise TypeError("function: this is the result of a call; give the function itself")
    if not callable(function):
        raise TypeError(
            f"function: expected a function of one item or a prepared prompt, got {type(function).__name__}"
        )
    return function


def is_async(function: object) -> bool:
    """Return whether a function is declared async."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - its kind is asked for, not its existence
    )


class ThreadCaller:
    """Calls a sync function in a thread pool.

    A function that turns out to return an awaitable, such as a lambda around an async method, is called on
    the event loop from then on.
    """

    def __init__(self, function: Callable[[Any], Any], threads: int) -> None:
        self._function = function
        self._loop = asyncio.get_running_loop()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="gemwire-pipeline")
        self._async = False

    async def __call__(self, item: object) -> object:
        """Call the function for an item."""
        if self._async:
            return await self._function(item)
        running = self._pool.submit(contextvars.copy_context().run, self._run, item)
        try:
            result = await asyncio.wrap_future(running)
        except asyncio.CancelledError:
            running.add_done_callback(_close_coroutine)
            raise
        if inspect.isawaitable(result):
            self._async = True
            self._pool.shutdown(wait=False)
            return await result
        return result

    def _run(self, item: object) -> object:
        try:
            return self._function(item)
        except StopIteration as error:
            # A future cannot hold a StopIteration.
            raise RuntimeError("the function raised StopIteration") from error

    async def close(self) -> None:
        """Wait for the running calls, which cannot be stopped, and end the threads."""
        ended: asyncio.Future[None] = self._loop.create_future()

        def shut_down() -> None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._loop.call_soon_threadsafe(ended.set_result, None)

        thread = threading.Thread(target=shut_down, name="gemwire-pipeline-shutdown", daemon=True)
        thread.start()
        await ended
        thread.join()


def _close_coroutine(future: Future[object]) -> None:
    """Close a coroutine that will not be awaited."""
    if not future.cancelled() and not future.exception():
        result = future.result()
        if inspect.iscoroutine(result):
            result.close()
