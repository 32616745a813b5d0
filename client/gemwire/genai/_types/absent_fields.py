"""Fields that google-genai's responses have and those of the Gemini API lack: they read as None."""

from __future__ import annotations

from gemwire_proto.v1beta import views
from gemwire_runtime.views import View

_ABSENT: dict[type[View], tuple[str, ...]] = {
    views.CachedContentUsageMetadata: (
        "audio_duration_seconds",
        "image_count",
        "text_count",
        "video_duration_seconds",
    ),
    views.Citation: ("publication_date", "title"),
    views.ContentEmbedding: ("statistics",),
    views.BatchEmbedContentsResponse: ("metadata",),
    views.FunctionCall: ("partial_args", "will_continue"),
    views.GenerateContentResponse: ("create_time", "sdk_http_response"),
    views.GenerateContentResponsePromptFeedback: ("block_reason_message",),
    views.GroundingChunkWeb: ("domain",),
    views.GroundingMetadata: ("retrieval_queries", "source_flagging_uris"),
    views.Model: ("checkpoints", "default_checkpoint_id", "endpoints", "labels", "tuned_model_info"),
    views.TunedModel: (
        *("checkpoints", "default_checkpoint_id", "endpoints", "input_token_limit", "labels"),
        *("output_token_limit", "supported_actions", "version"),
    ),
    views.SafetyRating: ("overwritten_threshold", "probability_score", "severity", "severity_score"),
}


def _declare_absent_fields() -> None:
    for kind, names in _ABSENT.items():
        for name in names:
            setattr(kind, name, None)


_declare_absent_fields()
