"""Live sessions of Vertex AI, which no proto describes: the JSON of the Gemini API, and Vertex AI's names."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from gemwire_emulator.call import Call
from gemwire_emulator.services.generation import GenerativeService
from gemwire_emulator.state import State
from gemwire_emulator.vertex.names import resolve_model
from gemwire_proto import v1beta
from gemwire_proto.v1beta.generative_service import SERVICE

#: The RPC, which has a WebSocket alone.
METHOD = dataclasses.replace(
    SERVICE.methods["BidiGenerateContent"],
    service="google.cloud.aiplatform.v1beta1.LlmBidiService",
    websocket="/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent",
    http_only=True,
)


class LiveService:
    """The handler of BidiGenerateContent."""

    def __init__(self, state: State, generative: GenerativeService) -> None:
        """Create the handler; that of the Gemini API does the work."""
        self._state = state
        self._generative = generative

    async def bidi_generate_content(
        self, requests: AsyncIterator[v1beta.BidiGenerateContentClientMessage], call: Call
    ) -> AsyncGenerator[v1beta.BidiGenerateContentServerMessage, None]:
        """Run a live session; its handles belong to the location of its model."""
        session = self._generative.bidi_generate_content(_translate(self._state, requests, call), call)
        async with aclosing(session) as messages:
            async for message in messages:
                yield message


async def _translate(
    state: State, requests: AsyncIterator[v1beta.BidiGenerateContentClientMessage], call: Call
) -> AsyncIterator[v1beta.BidiGenerateContentClientMessage]:
    """Yield the messages of a client, with the model named as the Gemini API does."""
    async for request in requests:
        if request.HasField("setup"):
            name = request.setup.model
            model = resolve_model(state, name, "setup.model", "bidiGenerateContent")
            if name.startswith("projects/"):
                call.tenant = "/".join(name.split("/")[:4])
            translated = v1beta.BidiGenerateContentClientMessage()
            translated.CopyFrom(request)
            translated.setup.model = model
            yield translated
        else:
            yield request
