"""Messages and fields under the names that google-genai gives them."""

from __future__ import annotations

from typing import Any

from gemwire_proto.v1beta import views
from gemwire_runtime.views import Items, View


class Citation(views.CitationSource):
    """Where a passage of an answer comes from."""

    __slots__ = ()


class CitationMetadata(views.CitationMetadata, also={"citations": "citation_sources"}):
    """Where the passages of an answer come from; `citations` is `citation_sources`."""

    __slots__ = ()

    citations: Items[Citation] | None


class Model(views.Model, also={"supported_actions": "supported_generation_methods"}):
    """What is known of a model; `supported_actions` is `supported_generation_methods`."""

    __slots__ = ()

    supported_actions: Items[str] | None


class EmbedContentResponse(views.BatchEmbedContentsResponse):
    """The vectors of contents."""

    __slots__ = ()


# What is nested in a message, or begins with the name of a method, has a shorter name there.
ActivityEnd = views.BidiGenerateContentRealtimeInputActivityEnd
ActivityHandling = views.RealtimeInputConfigActivityHandling
ActivityStart = views.BidiGenerateContentRealtimeInputActivityStart
AutomaticActivityDetection = views.RealtimeInputConfigAutomaticActivityDetection
Behavior = views.FunctionDeclarationBehavior
BlockedReason = views.GenerateContentResponsePromptFeedbackBlockReason
ComputerUse = views.ToolComputerUse
EndSensitivity = views.RealtimeInputConfigAutomaticActivityDetectionEndSensitivity
Environment = views.ToolComputerUseEnvironment
FinishReason = views.CandidateFinishReason
GoogleSearch = views.ToolGoogleSearch
HarmBlockThreshold = views.SafetySettingHarmBlockThreshold
HarmProbability = views.SafetyRatingHarmProbability
Language = views.ExecutableCodeLanguage
LiveClientContent = views.BidiGenerateContentClientContent
LiveClientMessage = views.BidiGenerateContentClientMessage
LiveClientRealtimeInput = views.BidiGenerateContentRealtimeInput
LiveClientSetup = views.BidiGenerateContentSetup
LiveClientToolResponse = views.BidiGenerateContentToolResponse
LiveServerContent = views.BidiGenerateContentServerContent
LiveServerGoAway = views.GoAway
LiveServerMessage = views.BidiGenerateContentServerMessage
LiveServerSessionResumptionUpdate = views.SessionResumptionUpdate
LiveServerSetupComplete = views.BidiGenerateContentSetupComplete
LiveServerToolCall = views.BidiGenerateContentToolCall
LiveServerToolCallCancellation = views.BidiGenerateContentToolCallCancellation
MediaModality = views.Modality
MediaResolution = views.GenerationConfigMediaResolution
Modality = views.GenerationConfigModality
Mode = views.DynamicRetrievalConfigMode
Outcome = views.CodeExecutionResultOutcome
SlidingWindow = views.ContextWindowCompressionConfigSlidingWindow
StartSensitivity = views.RealtimeInputConfigAutomaticActivityDetectionStartSensitivity
ToolCodeExecution = views.CodeExecution
Transcription = views.BidiGenerateContentTranscription
TurnCoverage = views.RealtimeInputConfigTurnCoverage
UrlRetrievalStatus = views.UrlMetadataUrlRetrievalStatus

#: Fields that google-genai has on what comes back, and that the Gemini API does not bring: None to whoever
#: reads them. Those that it brings over HTTP alone are in `gemwire.genai._types.json_only`.
_ABSENT: dict[type[View], tuple[str, ...]] = {
    views.CachedContentUsageMetadata: (
        "audio_duration_seconds",
        "image_count",
        "text_count",
        "video_duration_seconds",
    ),
    views.CitationSource: ("publication_date", "title"),
    views.ContentEmbedding: ("statistics",),
    views.BatchEmbedContentsResponse: ("metadata",),
    views.FunctionCall: ("partial_args", "will_continue"),
    views.GenerateContentResponse: ("create_time", "sdk_http_response"),
    views.GenerateContentResponsePromptFeedback: ("block_reason_message",),
    views.GroundingChunkWeb: ("domain",),
    views.GroundingMetadata: ("retrieval_queries", "source_flagging_uris"),
    views.Model: ("checkpoints", "default_checkpoint_id", "endpoints", "labels", "tuned_model_info"),
    views.SafetyRating: ("overwritten_threshold", "probability_score", "severity", "severity_score"),
}


def _declare_absent() -> None:
    nothing: Any = None
    for kind, names in _ABSENT.items():
        for name in names:
            setattr(kind, name, nothing)


_declare_absent()
