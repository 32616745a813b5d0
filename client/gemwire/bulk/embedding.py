"""Jobs that embed: a text a line, and its vector."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

from gemwire.bulk import client as clients
from gemwire.bulk.lines import Line
from gemwire.bulk.outcome import Outcome, failed, record, refused
from gemwire.bulk.parse_line import BadLine, tree_of
from gemwire.bulk.rate import Rate
from gemwire.bulk.task import Answer
from gemwire.errors import APIError
from gemwire.genai._convert.embeddings import EmbedRequestSerializer
from gemwire.genai._convert.resource_names import to_model_name
from gemwire.options import Retry


@dataclass(frozen=True)
class Embedding:
    """Embeds the text of every line.

    Attributes:
        model: Full name of the model.
        task_type: What the vectors are for; None to leave it open.
        dimensions: Values of a vector; None for the model's.
        field: Where the text is in a line of JSON; None where a line is the text.
        rows: Whether vectors are written as bytes, not as JSON.
        timeout: Seconds for a call with its retries.
        retry: When a call is repeated.
        client: Arguments of `gemwire.genai.Client`.
    """

    model: str
    task_type: str | None
    dimensions: int | None
    field: str | None
    rows: bool
    timeout: float
    retry: Retry
    client: Mapping[str, Any]
    lines_per_call: ClassVar[int] = 100

    def __post_init__(self) -> None:
        object.__setattr__(self, "model", to_model_name(self.model))
        EmbedRequestSerializer(
            self.model, self.task_type, None, self.dimensions
        )  # It knows what can be asked for.

    def identity(self) -> dict[str, Any]:
        """See `Task`."""
        return {
            "kind": "embed",
            "model": self.model,
            "task_type": self.task_type,
            "dimensions": self.dimensions,
            "field": self.field,
        }

    def check(self) -> None:
        """See `Task`."""
        clients.check_model(self.client, self.model)

    def failure(self, line: Line, error: APIError) -> Outcome:
        """See `Task`."""
        return failed(line.number, self._text(line)[0], error)

    @asynccontextmanager
    async def answering(self, rate: Rate) -> AsyncIterator[Answer]:
        """See `Task`."""
        from gemwire.embeddings import Embedder
        from gemwire.genai.client import Client

        gate = clients.Gate(rate)
        async with (
            Client(**self.client).aio as client,
            Embedder(
                client,
                model=self.model,
                task_type=self.task_type,
                output_dimensionality=self.dimensions,
                vectors="array",
                concurrency=10_000,  # How many calls there are at a time is the job's to say.
                retry=self.retry,
                timeout=self.timeout,
            ) as embedder,
        ):

            async def answer(lines: list[Line]) -> list[Outcome]:
                known: list[tuple[Line, Any, str]] = []
                made: list[Outcome] = []
                for line in lines:
                    try:
                        known.append((line, *self._text(line)))
                    except BadLine as error:
                        made.append(refused(line.number, error.key, str(error)))
                if known:
                    texts = [text for _, _, text in known]
                    await gate.enter(texts)
                    vectors = await embedder.embed_all(texts, on_error="return")
                    made += [
                        self._outcome(line, key, vector)
                        for (line, key, _), vector in zip(known, vectors, strict=True)
                    ]
                return made

            yield answer

    def _text(self, line: Line) -> tuple[Any, str]:
        """Key and text of a line."""
        if self.field is None:
            try:
                return None, line.data.decode()
            except UnicodeDecodeError as error:
                raise BadLine(f"the line is not UTF-8: byte {error.start + 1}") from None
        tree = tree_of(line)
        key = tree.get("key") if isinstance(tree, dict) else None
        text = tree.get(self.field) if isinstance(tree, dict) else tree
        if not isinstance(text, str) or not text.strip():
            raise BadLine(f"the line has no text in {self.field!r}, nor is it a JSON text", key)
        return key, text

    def _outcome(self, line: Line, key: Any, vector: Any) -> Outcome:
        if isinstance(vector, APIError):
            return failed(line.number, key, vector)
        if isinstance(vector, Exception):
            return refused(line.number, key, str(vector))
        if self.rows:
            return Outcome(line.number, vector.tobytes())
        # Nine digits are enough for every 32-bit float, and a third of the text that Python would write.
        values = ", ".join(["%.9g"] * len(vector)) % tuple(vector)
        head = record(line.number, key)[:-1]
        return Outcome(line.number, head + b', "embedding": [' + values.encode() + b"]}")
