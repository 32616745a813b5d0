"""The task that embeds the text of each line."""

from __future__ import annotations

import dataclasses
from array import array
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from gemwire.bulk.line_result import LineResult, failed_result, invalid_result, json_record
from gemwire.bulk.lines import Line
from gemwire.bulk.parse_line import InvalidLine, decode_line, line_key, load_json
from gemwire.bulk.rate_limit import RateGate, RateLimit
from gemwire.bulk.task import LineHandler
from gemwire.errors import APIError
from gemwire.genai._convert.embeddings import EmbedRequestSerializer
from gemwire.genai.service_choice import choose_service
from gemwire.options import Retry

#: Arguments of a client that choose its service.
_OF_SERVICE = ("enterprise", "vertexai", "project", "location", "api_key", "credentials")


@dataclass(frozen=True)
class EmbedTask:
    """Embeds the text of each line.

    Attributes:
        model: Full name of the model.
        task_type: Intended use of the vectors; None to leave it open.
        dimensions: Length of a vector; None for the model's.
        field: Name of the text in a JSON object; None if a line is the text.
        binary: Whether vectors are written as bytes rather than JSON.
        timeout: Seconds for a call with its retries.
        retry: When a call is retried.
        client: Arguments of `gemwire.genai.Client`.
        lines_per_call: See `Task`.
    """

    model: str
    task_type: str | None
    dimensions: int | None
    field: str | None
    binary: bool
    timeout: float
    retry: Retry
    client: Mapping[str, Any]
    lines_per_call: int = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        place = choose_service(**{name: self.client.get(name) for name in _OF_SERVICE})
        entries: EmbedRequestSerializer
        if place is None:
            entries = EmbedRequestSerializer(self.model, self.task_type, None, self.dimensions)
        else:
            from gemwire.embeddings.vertex import VertexRequestSerializer
            from gemwire.genai._backends.vertex.names import Names

            name, over_http = Names(place).to_model(self.model), self.client.get("transport") == "rest"
            entries = VertexRequestSerializer(
                name, self.task_type, None, self.dimensions, over_http=over_http
            )
            if not place.is_express:
                # Other processes, with other variables, call the same.
                object.__setattr__(self, "client", {**self.client, "vertexai": True, **place._asdict()})
        object.__setattr__(self, "model", entries.model)
        object.__setattr__(self, "lines_per_call", entries.largest_batch)

    def manifest(self) -> dict[str, object]:
        """See `Task`."""
        return {
            "kind": "embed",
            "model": self.model,
            "task_type": self.task_type,
            "dimensions": self.dimensions,
            "field": self.field,
        }

    def failed_result(self, line: Line, error: APIError) -> LineResult:
        """See `Task`."""
        return failed_result(line.number, line_key(line) if self.field else None, error)

    @asynccontextmanager
    async def open(self, rate: RateLimit) -> AsyncIterator[LineHandler]:
        """See `Task`."""
        from gemwire.embeddings import Embedder
        from gemwire.genai.client import Client

        gate = RateGate(rate)
        async with (
            Client(**self.client).aio as client,
            Embedder(
                client,
                model=self.model,
                task_type=self.task_type,
                output_dimensionality=self.dimensions,
                vectors="array",
                concurrency=10_000,  # The job limits the number of concurrent calls.
                retry=self.retry,
                timeout=self.timeout,
            ) as embedder,
        ):

            async def embed(lines: list[Line]) -> list[LineResult]:
                valid: list[tuple[int, object, str]] = []
                results: list[LineResult] = []
                for line in lines:
                    try:
                        valid.append((line.number, *self._parse(line)))
                    except InvalidLine as error:
                        results.append(invalid_result(line.number, error.key, str(error)))
                if valid:
                    texts = [text for _, _, text in valid]
                    await gate.enter(texts)
                    vectors = await embedder.embed_all(texts, on_error="return")
                    for (number, key, _), vector in zip(valid, vectors, strict=True):
                        results.append(self._result(number, key, vector))
                return results

            yield embed

    def _parse(self, line: Line) -> tuple[object, str]:
        """Return the key and the text of a line."""
        if self.field is None:
            return None, decode_line(line)
        value = load_json(line)
        key, text = (value.get("key"), value.get(self.field)) if isinstance(value, dict) else (None, value)
        if not isinstance(text, str) or not text.strip():
            raise InvalidLine(
                f"the line is neither a JSON string nor an object with text in {self.field!r}", key
            )
        return key, text

    def _result(self, number: int, key: object, vector: array[float] | Exception) -> LineResult:
        if isinstance(vector, APIError):
            return failed_result(number, key, vector)
        if isinstance(vector, Exception):
            return invalid_result(number, key, str(vector))
        if self.binary:
            return LineResult(number, vector.tobytes())
        # Nine digits represent any 32-bit float, in a third of the text that repr() writes.
        values = ", ".join(["%.9g"] * len(vector)) % tuple(vector)
        if "n" in values:
            return invalid_result(number, key, "the vector has nan or inf", crashed=True)
        head = json_record(number, key)[:-1]
        return LineResult(number, head + b', "embedding": [' + values.encode() + b"]}")
