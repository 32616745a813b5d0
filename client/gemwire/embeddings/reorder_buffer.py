"""A bounded buffer of requests whose results are taken in the order of their source."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable
from contextlib import aclosing
from typing import Generic, TypeVar

from gemwire.embeddings.batcher import Batch, Batcher

_T = TypeVar("_T")
_R = TypeVar("_R")


class ReorderBuffer(Generic[_T, _R]):
    """Requests of one stream in the order of their source."""

    def __init__(self, batcher: Batcher[_R], capacity: int, refill: int) -> None:
        """Create an empty buffer for ``capacity`` requests.

        ``refill`` is the space that is needed before reading goes on: enough for a batch, so that a slow
        consumer does not cause batches of one.
        """
        self._batcher = batcher
        self._capacity = capacity
        self._refill = refill
        self._requests: deque[tuple[asyncio.Future[_R], Batch[_R] | None]] = deque()
        self._exhausted = False
        self._arrival: asyncio.Future[None] | None = None
        self._space: asyncio.Future[None] | None = None

    async def fill(
        self,
        contents: Iterable[_T] | AsyncIterable[_T],
        entry: Callable[[_T, int], bytes],
        delay: float,
        *,
        skip_invalid: bool,
    ) -> None:
        """Read the source to its end; ``entry`` serializes a content, given its index.

        A batch waits ``delay`` seconds to be full where the source pauses. ``skip_invalid`` says whether to
        go on after a content that cannot be serialized.
        """
        batcher, requests = self._batcher, self._requests
        index = 0
        try:
            async with aclosing(_iterate(contents)) as source:
                async for content in source:
                    if len(requests) >= self._capacity:
                        batcher.flush()
                        self._space = batcher.loop.create_future()
                        await self._space
                    try:
                        requests.append(batcher.add(entry(content, index), delay))
                    except (ValueError, TypeError) as error:
                        failed: asyncio.Future[_R] = batcher.loop.create_future()
                        failed.set_exception(error)
                        requests.append((failed, None))
                        if not skip_invalid:
                            return
                    index += 1
                    if self._arrival is not None:
                        self._notify()
        finally:
            self._exhausted = True
            batcher.flush()
            self._notify()

    def _notify(self) -> None:
        arrival, self._arrival = self._arrival, None
        if arrival is not None and not arrival.done():
            arrival.set_result(None)

    async def peek(self) -> asyncio.Future[_R] | None:
        """Wait for the oldest request and return it; None when there will be no more."""
        while not self._requests:
            if self._exhausted:
                return None
            self._arrival = self._batcher.loop.create_future()
            await self._arrival
        return self._requests[0][0]

    def pop(self) -> None:
        """Remove the oldest request."""
        self._requests.popleft()
        if self._space is not None and len(self._requests) <= self._capacity - self._refill:
            space, self._space = self._space, None
            if not space.done():
                space.set_result(None)

    def close(self) -> None:
        """Abandon all requests."""
        abandoned = list(self._requests)
        self._requests.clear()
        # Cancel all futures first, so that a batch is found abandoned by the first of its requests.
        for future, _ in abandoned:
            future.cancel()
        for future, batch in abandoned:
            if batch is not None:
                self._batcher.abandon(batch, future)


async def _iterate(contents: Iterable[_T] | AsyncIterable[_T]) -> AsyncGenerator[_T, None]:
    if isinstance(contents, AsyncIterable):
        async for content in contents:
            yield content
    else:
        for content in contents:
            yield content
