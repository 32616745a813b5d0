"""Live sessions, which Vertex AI has over WebSocket alone."""

from __future__ import annotations

from typing import NoReturn

from gemwire.genai._backends.gemini.live import GeminiLive
from gemwire.genai._types.live import LiveConnectConfig


class VertexLive(GeminiLive):
    """Refusal of sessions; nothing else can be called without one."""

    def to_setup(self, model: object, config: LiveConnectConfig) -> NoReturn:
        raise ValueError(
            "live.connect: Vertex AI has sessions over WebSocket alone, which this client does not use; "
            "make a client of the Gemini API, without vertexai"
        )
