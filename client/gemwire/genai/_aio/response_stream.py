"""Streams of responses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from gemwire.genai._backends.base import Backend
from gemwire.genai._convert.error_details import details_as_json
from gemwire.genai._convert.stream_merging import ResponseMerger
from gemwire.genai._types.generate_content import GenerateContentResponse, SchemaUnion
from gemwire_proto import v1beta


class AsyncMessageStream(Protocol):
    """The messages of one streaming call, live, recorded or replayed."""

    def __aiter__(self) -> AsyncIterator[v1beta.GenerateContentResponse]: ...
    def cancel(self) -> bool: ...


class AsyncResponseStream:
    """The responses of a streaming call in the order of their arrival; leaving the loop ends the call.

    It is an iterator as well: a loop goes on where single reads have stopped.

    Attributes:
        schema: The schema of `GenerateContentResponse.parsed`.
    """

    def __init__(self, stream: AsyncMessageStream, schema: SchemaUnion | None, backend: Backend) -> None:
        """Read a stream of messages of a service."""
        self._stream = stream
        self._backend = backend
        self.schema = schema
        self._iterator: AsyncIterator[GenerateContentResponse] | None = None

    def __aiter__(self) -> AsyncIterator[GenerateContentResponse]:
        # The loop alone holds its iterator, so that leaving it ends the call.
        return self._iterator or self._read()

    async def __anext__(self) -> GenerateContentResponse:
        if self._iterator is None:
            self._iterator = self._read()
        return await self._iterator.__anext__()

    async def _read(self) -> AsyncIterator[GenerateContentResponse]:
        of, schema = self._backend.response.of, self.schema
        with details_as_json:
            async for message in self._stream:
                yield of(message, schema)

    def show(self, message: v1beta.GenerateContentResponse) -> GenerateContentResponse:
        """Return a message as a response of the stream."""
        return self._backend.response.of(message, self.schema)

    async def aclose(self) -> None:
        """End the call, as closing a generator does."""
        self.cancel()

    def cancel(self) -> bool:
        """End the call, from any task or thread.

        Returns:
            Whether there was something left to end.
        """
        return self._stream.cancel()

    async def get_final_response(self) -> GenerateContentResponse:
        """Read to the end and return all responses as one, with adjacent texts merged."""
        merged = ResponseMerger(self._backend.family)
        with details_as_json:
            async for message in self._stream:
                merged.add(message)
        return self.show(merged.message)
