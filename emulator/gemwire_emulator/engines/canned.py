"""Replies by rule, in front of any engine."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from gemwire_emulator.engines.base import Delta, Engine
from gemwire_emulator.engines.instant import texts_of


@dataclass(frozen=True)
class Reply:
    """A canned reply.

    Attributes:
        text: What is answered.
        match: Regular expression that is searched in the last text of the prompt; empty for any.
        model: The same for the model's name.
        pieces: Pieces to stream it in.
    """

    text: str
    match: str = ""
    model: str = ""
    pieces: int = 1

    def fits(self, said: str, model: str) -> bool:
        """Whether it answers the last text of a prompt to a model."""
        return bool(re.search(self.match, said) and re.search(self.model, model))


class CannedReplies:
    """An engine that answers by rule where one fits, and by another engine where none does."""

    def __init__(self, engine: Engine, replies: Sequence[Reply] = ()) -> None:
        """The first reply that fits is taken."""
        self._engine = engine
        self.replies = list(replies)
        self.name = engine.name
        self.version = engine.version
        self.embedding_size = engine.embedding_size
        self.input_token_limit = engine.input_token_limit

    def reply_to(self, request: Any) -> Reply | None:
        """The first reply that fits a request with ``contents`` and ``model``; None where none does."""
        if not self.replies:
            return None
        said = next(reversed(texts_of(request.contents)), "")
        return next((r for r in self.replies if r.fits(said, request.model)), None)

    async def generate(self, request: Any) -> AsyncGenerator[Delta, None]:
        """See `base.Engine.generate`."""
        reply = self.reply_to(request)
        if reply is None:
            async with aclosing(self._engine.generate(request)) as deltas:
                async for delta in deltas:
                    yield delta
            return
        size = max(1, -(-len(reply.text) // max(reply.pieces, 1)))
        parts = [reply.text[i : i + size] for i in range(0, len(reply.text), size)] or [""]
        for number, part in enumerate(parts):
            last = number == len(parts) - 1
            yield Delta(0, part, finish="STOP" if last else "", tokens=self.count_tokens([part]))

    async def count_prompt(self, request: Any) -> int:
        """Those of the engine behind."""
        return await self._engine.count_prompt(request)

    def count_tokens(self, texts: Sequence[str]) -> int:
        """Those of the engine behind."""
        return self._engine.count_tokens(texts)

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Those of the engine behind."""
        return await self._engine.embed(texts)

    async def close(self) -> None:
        """End the engine behind."""
        await self._engine.close()
