"""The clients of a job, one for the first question and one in each process, and what slows them down."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from gemwire.bulk.rate import Rate
from gemwire.errors import Unimplemented


@asynccontextmanager
async def api(arguments: Mapping[str, Any]) -> AsyncIterator[Any]:
    """The service clients of a `gemwire.genai.Client`.

    Args:
        arguments: Of the client.
    """
    from gemwire.genai.client import Client

    async with Client(**arguments).aio as client:
        yield client._api


def check_model(arguments: Mapping[str, Any], model: str) -> None:
    """See that a model is there, and that these credentials may use it.

    Args:
        arguments: Of a `gemwire.genai.Client`.
        model: Its full name.

    Raises:
        APIError: It is not, or they may not.
    """
    from gemwire.genai.client import Client

    if not model.startswith(("models/", "tunedModels/")):
        return
    with Client(**arguments) as client:
        try:
            client.models.get(model=model)
        except Unimplemented:
            return  # A gateway that has only what generates: the first answer will tell.


class Gate:
    """What every call passes through before it begins."""

    def __init__(self, rate: Rate) -> None:
        """Nobody has passed.

        Args:
            rate: How fast.
        """
        self._limits = rate.limits()

    async def enter(self, request: Any) -> Callable[[Any], None]:
        """Wait until a request may begin.

        Args:
            request: It, or anything that `gemwire.limits.estimate` takes.

        Returns:
            Takes the response, whose count of tokens is the true one.
        """
        if self._limits is None:
            return _nothing
        from gemwire.limits import estimate

        tokens: float = 0
        if (most := self._limits.tokens_per_minute) is not None:
            # One that is larger than a share of the limit has to begin all the same; it waits for all of it.
            tokens = min(estimate(request), most)
        permit = await self._limits.acquire(tokens)
        settle: Callable[[Any], None] = permit.settle
        return settle


def _nothing(response: Any) -> None:
    pass
