"""Live sessions that send and receive in one loop. Written by hand on both sides."""

from __future__ import annotations

import asyncio
import warnings
from abc import ABC, abstractmethod
from collections.abc import AsyncIterable, AsyncIterator, Awaitable

from gemwire.genai._types.live import LiveServerMessage
from gemwire_proto.v1beta import BidiGenerateContentServerMessage
from gemwire_proto.v1beta.views import Blob

_Message = BidiGenerateContentServerMessage | None


class AsyncInputStreaming(ABC):
    """Sends chunks while it yields what arrives."""

    _ahead: asyncio.Task[_Message] | None = None

    @abstractmethod
    async def send_realtime_input(self, *, media: Blob | None = None) -> None: ...

    @abstractmethod
    async def _next_message(self) -> _Message: ...

    def _take_ahead(self) -> Awaitable[_Message] | None:
        """Return the read that `start_stream` began and did not need any more; None if there is none."""
        ahead, self._ahead = self._ahead, None
        return ahead

    def _drop_ahead(self) -> None:
        if self._ahead is not None:
            self._ahead.cancel()
            self._ahead = None

    async def start_stream(
        self, *, stream: AsyncIterable[bytes], mime_type: str
    ) -> AsyncIterator[LiveServerMessage]:
        """Send chunks as they come, and yield messages of the service until all chunks are sent.

        Deprecated, as in google-genai: use `send_realtime_input` and `receive`.

        Args:
            stream: Chunks of audio or video.
            mime_type: Their media type, such as ``audio/pcm;rate=16000``.

        Raises:
            ValueError: The media type is not one of audio, an image or video.
            APIError: The session has ended.
        """
        warnings.warn(
            "start_stream is deprecated: use send_realtime_input and receive",
            DeprecationWarning,
            stacklevel=2,
        )
        sending = asyncio.ensure_future(self._send_all(stream, mime_type))
        reading = self._ahead or asyncio.ensure_future(self._next_message())
        self._ahead = None
        try:
            while True:
                await asyncio.wait({sending, reading}, return_when=asyncio.FIRST_COMPLETED)
                if reading.done():
                    message = reading.result()
                    if message is None:
                        return
                    yield LiveServerMessage.of(message)
                    reading = asyncio.ensure_future(self._next_message())
                if sending.done():
                    sending.result()
                    return
        finally:
            if not reading.done():
                # Cancelling it would end the session.
                self._ahead = reading
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def _send_all(self, stream: AsyncIterable[bytes], mime_type: str) -> None:
        async for data in stream:
            await self.send_realtime_input(media=Blob(data=data, mime_type=mime_type))
