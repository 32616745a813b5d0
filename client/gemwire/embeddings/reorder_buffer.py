"""What a stream has read from its source and not yet given."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

from gemwire.embeddings.batcher import Batch, Gathering


class Window:
    """Requests of one stream, in their order: as many as there is space for."""

    def __init__(self, gathering: Gathering, most: int, least: int) -> None:
        """Empty.

        Args:
            gathering: Has the requests sent.
            most: How many there may be.
            least: How much space there must be before reading goes on: enough for a batch, lest a slow reader
                makes batches of one.
        """
        self._gathering = gathering
        self._most = most
        self._least = least
        self._requests: deque[tuple[asyncio.Future[Any], Batch | None]] = deque()
        self._ended = False
        self._arrival: asyncio.Future[None] | None = None
        self._space: asyncio.Future[None] | None = None

    async def fill(
        self, contents: Any, entry: Callable[[Any, int], bytes], delay: float, past_errors: bool
    ) -> None:
        """Read the source to its end.

        Args:
            contents: What gets vectors.
            entry: Makes the entry of a content and its place.
            delay: Seconds that a batch waits to be full where the source pauses.
            past_errors: Whether to go on after a content of which no entry can be made.
        """
        gathering, requests = self._gathering, self._requests
        index = 0
        try:
            async with aclosing(_each(contents)) as source:
                async for content in source:
                    if len(requests) >= self._most:
                        gathering.flush()
                        self._space = gathering.loop.create_future()
                        await self._space
                    try:
                        requests.append(gathering.add(entry(content, index), delay))
                    except (ValueError, TypeError) as error:
                        failed: asyncio.Future[Any] = gathering.loop.create_future()
                        failed.set_exception(error)
                        requests.append((failed, None))
                        if not past_errors:
                            return
                    index += 1
                    if self._arrival is not None:
                        self._woken()
        finally:
            self._ended = True
            gathering.flush()
            self._woken()

    def _woken(self) -> None:
        arrival, self._arrival = self._arrival, None
        if arrival is not None and not arrival.done():
            arrival.set_result(None)

    async def first(self) -> asyncio.Future[Any] | None:
        """The oldest request; None when there will be no more."""
        while not self._requests:
            if self._ended:
                return None
            self._arrival = self._gathering.loop.create_future()
            await self._arrival
        return self._requests[0][0]

    def took(self) -> None:
        """The oldest request is over."""
        self._requests.popleft()
        if self._space is not None and len(self._requests) <= self._most - self._least:
            space, self._space = self._space, None
            if not space.done():
                space.set_result(None)

    def close(self) -> None:
        """Nothing is wanted any more."""
        left = list(self._requests)
        self._requests.clear()
        # First all of them, so that a batch is found to be unwanted at its first.
        for future, _ in left:
            future.cancel()
        for future, batch in left:
            if batch is not None:
                self._gathering.leave(batch, future)


async def _each(contents: Any) -> AsyncGenerator[Any, None]:
    if hasattr(contents, "__aiter__"):
        async for one in contents:
            yield one
    else:
        for one in contents:
            yield one
