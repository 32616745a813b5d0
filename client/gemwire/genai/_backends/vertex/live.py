"""Live sessions of Vertex AI, over a WebSocket alone: messages of the Gemini API, and names of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from gemwire.genai._backends.vertex.names import Names
from gemwire.genai._backends.vertex.refusals import field_error
from gemwire.genai._convert import live
from gemwire.genai._types.live import LiveConnectConfig
from gemwire_proto import v1beta
from gemwire_proto.v1beta.generative_service import BIDI_GENERATE_CONTENT

#: Any name of a model: the one of Vertex AI takes its place.
_MODEL = "models/m"
_AUDIO = v1beta.GenerationConfig.Modality.AUDIO


class VertexLive:
    """The messages of BidiGenerateContent."""

    def __init__(self, names: Names, version: str) -> None:
        self._names = names
        service = f"google.cloud.aiplatform.{version}.LlmBidiService"
        self.METHOD = self.JSON_METHOD = self.TOKEN_METHOD = dataclasses.replace(
            BIDI_GENERATE_CONTENT,
            service=service,
            websocket=f"/ws/{service}/{BIDI_GENERATE_CONTENT.name}",
            http_only=True,
        )

    to_client_content = staticmethod(live.to_client_content)
    to_tool_response = staticmethod(live.to_tool_response)
    to_message = staticmethod(live.to_message)

    def to_setup(self, model: object, config: LiveConnectConfig) -> v1beta.BidiGenerateContentClientMessage:
        """Build the first message of a session; without response_modalities it is one of audio."""
        message = live.to_setup(_MODEL, config)
        setup = message.setup
        setup.model = self._names.to_model(model)
        if not setup.generation_config.response_modalities:
            setup.generation_config.response_modalities.append(_AUDIO)
        return message

    def to_realtime_input(self, arguments: Mapping[str, object]) -> v1beta.BidiGenerateContentClientMessage:
        """Build a message with a chunk of streamed input."""
        if arguments.get("audio_stream_end") is not None:
            raise field_error("audio_stream_end")
        return live.to_realtime_input(arguments)
