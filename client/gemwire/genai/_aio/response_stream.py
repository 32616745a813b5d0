"""Streams of responses."""

from __future__ import annotations

from collections.abc import AsyncIterator

from gemwire.genai._aio.continuation import AsyncMessageStream
from gemwire.genai._backends.base import Backend
from gemwire.genai._convert.error_details import details_as_json
from gemwire.genai._convert.stream_merging import ResponseMerger
from gemwire.genai._types.generate_content import GenerateContentResponse
from gemwire.genai._types.response_headers import ResponseOrigin
from gemwire_proto import v1beta


class AsyncResponseStream:
    """The responses of a streaming call in the order of their arrival; leaving the loop ends the call.

    It is an iterator as well: a loop goes on where single reads have stopped.

    Attributes:
        origin: What all responses have in common.
    """

    def __init__(self, stream: AsyncMessageStream, origin: ResponseOrigin, backend: Backend) -> None:
        """Read a stream of messages of a service."""
        self._stream = stream
        self._backend = backend
        self.origin = origin
        self._iterator: AsyncIterator[GenerateContentResponse] | None = None

    def __aiter__(self) -> AsyncIterator[GenerateContentResponse]:
        # The loop alone holds its iterator, so that leaving it ends the call.
        return self._iterator or self._read()

    async def __anext__(self) -> GenerateContentResponse:
        if self._iterator is None:
            self._iterator = self._read()
        return await self._iterator.__anext__()

    async def _read(self) -> AsyncIterator[GenerateContentResponse]:
        of, origin = self._backend.response.of, self.origin
        with details_as_json:
            async for message in self._stream:
                yield of(message, origin)

    def show(self, message: v1beta.GenerateContentResponse) -> GenerateContentResponse:
        """Return a message as a response of the stream."""
        return self._backend.response.of(message, self.origin)

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
