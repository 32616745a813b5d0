"""Messages and fields under the names that google-genai gives them."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

from gemwire_proto.v1beta import views
from gemwire_runtime.upb import descriptor_of
from gemwire_runtime.views import Field, Items, View


class ServiceTier(str, enum.Enum):
    """Service tiers of requests, which set latency and price. The API has them in lower case."""

    UNSPECIFIED = "unspecified"
    FLEX = "flex"
    STANDARD = "standard"
    PRIORITY = "priority"

    @classmethod
    def _missing_(cls, value: object) -> ServiceTier | None:
        return cls.__members__.get(value.upper()) if isinstance(value, str) else None


class GenerateContentResponseUsageMetadata(views.GenerateContentResponseUsageMetadata):
    """Tokens that a request and its response took, and the tier that served them."""

    __slots__ = ()

    if TYPE_CHECKING:
        service_tier: ServiceTier | str | None


class _ServiceTierField(Field):
    """Shows a tier as the enum's member; one that is not known stays text."""

    def read(self, message: Any) -> ServiceTier | str | None:
        """Return the tier; None where there is none."""
        tier = message.service_tier
        try:
            return ServiceTier(tier) if tier else None
        except ValueError:
            return str(tier)


_usage = GenerateContentResponseUsageMetadata
_field = _ServiceTierField(descriptor_of(_usage._kind).fields_by_name["service_tier"])
_usage._fields = {**_usage._fields, "service_tier": _field}
setattr(_usage, "service_tier", _field)  # noqa: B010 - mypy has another type


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
ModelStage = views.ModelStatusModelStage
StartSensitivity = views.RealtimeInputConfigAutomaticActivityDetectionStartSensitivity
ThinkingLevel = views.ThinkingConfigThinkingLevel
ToolCodeExecution = views.CodeExecution
Transcription = views.BidiGenerateContentTranscription
TrafficType = views.GenerateContentResponseUsageMetadataTrafficType
TurnCoverage = views.RealtimeInputConfigTurnCoverage
UrlRetrievalStatus = views.UrlMetadataUrlRetrievalStatus

#: Fields that google-genai has on what comes back, and that the Gemini API does not bring: None to whoever
#: reads them.
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
