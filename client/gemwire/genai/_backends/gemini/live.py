"""Live sessions of the Gemini API."""

from __future__ import annotations

import dataclasses

from gemwire.genai._convert import live
from gemwire.genai._types.live import LiveConnectConfig
from gemwire_proto.v1beta import BidiGenerateContentClientMessage
from gemwire_proto.v1beta.generative_service import BIDI_GENERATE_CONTENT
from gemwire_runtime import json_only


class GeminiLive:
    """The messages of BidiGenerateContent."""

    METHOD = BIDI_GENERATE_CONTENT
    #: For sessions with a JSON-only field.
    JSON_METHOD = dataclasses.replace(METHOD, http_only=True)
    #: For sessions that a token of ``auth_tokens.create`` opens.
    TOKEN_METHOD = dataclasses.replace(
        JSON_METHOD,
        websocket="/ws/google.ai.generativelanguage.v1alpha.GenerativeService.BidiGenerateContentConstrained",
    )

    @staticmethod
    def to_setup(model: object, config: LiveConnectConfig) -> BidiGenerateContentClientMessage:
        """Build the first message of a session. Raises ValueError for a field that Vertex AI alone has."""
        message = live.to_setup(model, config)
        json_only.refuse_vertex_fields(message.setup)
        return message

    to_client_content = staticmethod(live.to_client_content)
    to_realtime_input = staticmethod(live.to_realtime_input)
    to_tool_response = staticmethod(live.to_tool_response)
    to_message = staticmethod(live.to_message)
