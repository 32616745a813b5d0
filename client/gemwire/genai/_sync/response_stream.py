# Derived from genai/_aio/response_stream.py by scripts/unasync. DO NOT EDIT.
"""The answers of a stream."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gemwire.genai._convert.stream_merging import Merged
from gemwire.genai._types.responses import GenerateContentResponse


class Responses:
    """The answers of a stream, one after the other; leaving the loop ends the call."""

    def __init__(self, stream: Any, schema: Any) -> None:
        """``stream``: of messages."""
        self._stream = stream
        self._schema = schema

    def __iter__(self) -> Iterator[GenerateContentResponse]:
        of, schema = GenerateContentResponse.of, self._schema
        for message in self._stream:
            yield of(message, schema)

    def cancel(self) -> bool:
        """End the call, from any thread.

        Returns:
            Whether there was something left to end.
        """
        return bool(self._stream.cancel())

    def get_final_response(self) -> GenerateContentResponse:
        """All answers as one: texts that follow each other are merged."""
        merged = Merged()
        for message in self._stream:
            merged.add(message)
        return GenerateContentResponse.of(merged.message, self._schema)
