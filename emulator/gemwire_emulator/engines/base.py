"""The interface of an engine: what the generation services need of a model."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(slots=True)
class Delta:
    """A piece of a candidate.

    Attributes:
        index: Which candidate.
        text: Text to append.
        thought: Whether the text is a thought.
        call: A FunctionCall, instead of text.
        finish: Name of a FinishReason, with the last piece.
        tokens: Tokens in it.
        logprobs: For each token: (token, log probability, [(alternative, log probability)…]).
    """

    index: int = 0
    text: str = ""
    thought: bool = False
    call: Any = None
    finish: str = ""
    tokens: int = 0
    logprobs: list[tuple[str, float, list[tuple[str, float]]]] = field(default_factory=list)


class Engine(Protocol):
    """A model, or what stands for one.

    Attributes:
        name: What the emulator calls it: ``instant``, ``local``.
        version: What responses give as model_version.
        embedding_size: Dimensions of its embeddings.
        input_token_limit: Tokens that a prompt may have.
    """

    name: str
    version: str
    embedding_size: int
    input_token_limit: int

    def generate(self, request: Any) -> AsyncGenerator[Delta, None]:
        """Answer a ``GenerateContentRequest``: pieces of its candidates, each ended by a finish reason.

        The request is valid; closing the iterator ends the work.
        """
        ...

    async def count_prompt(self, request: Any) -> int:
        """Tokens of the prompt that is made of a ``GenerateContentRequest``."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> int:
        """Tokens of some texts."""
        ...

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """A vector of unit length for each text; related texts have a large product."""
        ...

    async def close(self) -> None:
        """End it."""
        ...
