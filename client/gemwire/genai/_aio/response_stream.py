"""The answers of a stream."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from gemwire.genai._convert.stream_merging import Merged
from gemwire.genai._types.responses import GenerateContentResponse


class AsyncResponses:
    """The answers of a stream, one after the other; leaving the loop ends the call."""

    def __init__(self, stream: Any, schema: Any) -> None:
        """``stream``: of messages."""
        self._stream = stream
        self._schema = schema

    async def __aiter__(self) -> AsyncIterator[GenerateContentResponse]:
        of, schema = GenerateContentResponse.of, self._schema
        async for message in self._stream:
            yield of(message, schema)

    def cancel(self) -> bool:
        """End the call, from any task or thread.

        Returns:
            Whether there was something left to end.
        """
        return bool(self._stream.cancel())

    async def get_final_response(self) -> GenerateContentResponse:
        """All answers as one: texts that follow each other are merged."""
        merged = Merged()
        async for message in self._stream:
            merged.add(message)
        return GenerateContentResponse.of(merged.message, self._schema)
