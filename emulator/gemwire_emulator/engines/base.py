"""The interface of an engine: what the generation services need of a model."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gemwire_proto import v1beta


@dataclass(slots=True)
class Delta:
    """A piece of a candidate.

    Attributes:
        index: Index of the candidate.
        text: Text to append.
        thought: Whether the text is a thought.
        call: A function call, instead of text.
        part: A part of another kind, instead of text.
        signature: The thought signature of the text or the call.
        finish: Name of a FinishReason, with the last piece.
        tokens: Tokens of the piece.
        logprobs: For each token: (token, log probability, [(alternative, log probability)…]).
    """

    index: int = 0
    text: str = ""
    thought: bool = False
    call: v1beta.FunctionCall | None = None
    part: v1beta.Part | None = None
    signature: bytes = b""
    finish: str = ""
    tokens: int = 0
    logprobs: list[tuple[str, float, list[tuple[str, float]]]] = field(default_factory=list)


class Engine(Protocol):
    """A model, or a stand-in for one.

    Attributes:
        name: Name of the engine: ``instant``, ``local``.
        version: The model_version of responses.
        embedding_size: Dimensions of embeddings.
        input_token_limit: Maximum tokens of a prompt.
    """

    name: str
    version: str
    embedding_size: int
    input_token_limit: int

    def generate(self, request: v1beta.GenerateContentRequest) -> AsyncGenerator[Delta, None]:
        """Generate the candidates for a valid request in pieces; each ends with a finish reason.

        Closing the generator stops the work.
        """
        ...

    async def count_prompt(self, request: v1beta.GenerateContentRequest) -> int:
        """Return the tokens of the prompt for a request."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> int:
        """Return the tokens of some texts."""
        ...

    async def tokenize(self, text: str) -> list[tuple[int, bytes]]:
        """Return the tokens of a text in order: the id of each, and its bytes."""
        ...

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return a vector of unit length for each text; related texts have a large dot product."""
        ...

    async def close(self) -> None:
        """Stop the engine."""
        ...
