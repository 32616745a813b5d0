# Derived from genai/_aio/response_stream.py by scripts/unasync. DO NOT EDIT.
"""Streams of responses."""

from __future__ import annotations

from collections.abc import Iterator

from gemwire.genai._backends.base import Backend
from gemwire.genai._convert.error_details import details_as_json
from gemwire.genai._convert.stream_merging import ResponseMerger
from gemwire.genai._sync.continuation import MessageStream
from gemwire.genai._types.generate_content import GenerateContentResponse
from gemwire.genai._types.response_headers import ResponseOrigin
from gemwire_proto import v1beta


class ResponseStream:
    """The responses of a streaming call in the order of their arrival; leaving the loop ends the call.

    It is an iterator as well: a loop goes on where single reads have stopped.

    Attributes:
        origin: What all responses have in common.
    """

    def __init__(self, stream: MessageStream, origin: ResponseOrigin, backend: Backend) -> None:
        """Read a stream of messages of a service."""
        self._stream = stream
        self._backend = backend
        self.origin = origin
        self._iterator: Iterator[GenerateContentResponse] | None = None

    def __iter__(self) -> Iterator[GenerateContentResponse]:
        # The loop alone holds its iterator, so that leaving it ends the call.
        return self._iterator or self._read()

    def __next__(self) -> GenerateContentResponse:
        if self._iterator is None:
            self._iterator = self._read()
        return self._iterator.__next__()

    def _read(self) -> Iterator[GenerateContentResponse]:
        of, origin = self._backend.response.of, self.origin
        with details_as_json:
            for message in self._stream:
                yield of(message, origin)

    def show(self, message: v1beta.GenerateContentResponse) -> GenerateContentResponse:
        """Return a message as a response of the stream."""
        return self._backend.response.of(message, self.origin)

    def close(self) -> None:
        """End the call, as closing a generator does."""
        self.cancel()

    def cancel(self) -> bool:
        """End the call, from any thread.

        Returns:
            Whether there was something left to end.
        """
        return self._stream.cancel()

    def get_final_response(self) -> GenerateContentResponse:
        """Read to the end and return all responses as one, with adjacent texts merged."""
        merged = ResponseMerger(self._backend.family)
        with details_as_json:
            for message in self._stream:
                merged.add(message)
        return self.show(merged.message)
