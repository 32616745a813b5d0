"""Canned replies in front of any engine."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from gemwire_emulator.engines.base import Delta, Engine
from gemwire_emulator.engines.instant import get_texts
from gemwire_emulator.patterns import matches
from gemwire_proto import v1beta


@dataclass(frozen=True)
class Reply:
    """A canned reply.

    Attributes:
        text: The response.
        match: Regular expression of RE2, searched in the last text of the prompt; empty for any prompt.
        model: Regular expression of RE2 that is searched in the name of the model; empty for any model.
        pieces: Number of pieces in which it is streamed.
    """

    text: str
    match: str = ""
    model: str = ""
    pieces: int = 1

    def matches(self, prompt: str, model: str) -> bool:
        """Return whether the reply is for the last text of a prompt and a model."""
        return matches(self.match, prompt) and matches(self.model, model)


class CannedReplies:
    """An engine that responds with the first matching reply, or else with the output of another engine.

    Attributes:
        replies: The replies; see `base.Engine` for the other attributes.
    """

    def __init__(self, engine: Engine, replies: Sequence[Reply] = ()) -> None:
        """Put replies in front of an engine."""
        self._engine = engine
        self.replies = list(replies)
        self.name = engine.name
        self.version = engine.version
        self.embedding_size = engine.embedding_size
        self.input_token_limit = engine.input_token_limit

    def find_reply(self, contents: Iterable[v1beta.Content], model: str) -> Reply | None:
        """Return the first reply that matches, None if there is none."""
        if not self.replies:
            return None
        prompt = next(reversed(get_texts(contents)), "")
        return next((r for r in self.replies if r.matches(prompt, model)), None)

    async def generate(self, request: v1beta.GenerateContentRequest) -> AsyncGenerator[Delta, None]:
        """See `base.Engine.generate`."""
        reply = self.find_reply(request.contents, request.model)
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

    async def count_prompt(self, request: v1beta.GenerateContentRequest) -> int:
        """See `base.Engine.count_prompt`."""
        return await self._engine.count_prompt(request)

    def count_tokens(self, texts: Sequence[str]) -> int:
        """See `base.Engine.count_tokens`."""
        return self._engine.count_tokens(texts)

    async def tokenize(self, text: str) -> list[tuple[int, bytes]]:
        """See `base.Engine.tokenize`."""
        return await self._engine.tokenize(text)

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """See `base.Engine.embed`."""
        return await self._engine.embed(texts)

    async def close(self) -> None:
        """See `base.Engine.close`."""
        await self._engine.close()
