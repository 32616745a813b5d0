"""Live sessions of the Gemini API."""

from __future__ import annotations

from gemwire.genai._convert import live
from gemwire.genai._types.content import ContentListUnion
from gemwire.genai._types.live import LiveConnectConfig
from gemwire_proto.v1beta import BidiGenerateContentClientMessage
from gemwire_proto.v1beta.generative_service import BIDI_GENERATE_CONTENT


class GeminiLive:
    """The messages of BidiGenerateContent."""

    METHOD = BIDI_GENERATE_CONTENT

    def to_setup(self, model: str, config: LiveConnectConfig) -> BidiGenerateContentClientMessage:
        return BidiGenerateContentClientMessage(setup=live.to_setup(model, config))

    def to_client_content(
        self, turns: ContentListUnion | None, turn_complete: bool
    ) -> BidiGenerateContentClientMessage:
        return BidiGenerateContentClientMessage(client_content=live.to_client_content(turns, turn_complete))

    def to_realtime_input(self, arguments: dict[str, object]) -> BidiGenerateContentClientMessage:
        return BidiGenerateContentClientMessage(realtime_input=live.to_realtime_input(arguments))

    def to_tool_response(self, function_responses: object) -> BidiGenerateContentClientMessage:
        return BidiGenerateContentClientMessage(tool_response=live.to_tool_response(function_responses))
