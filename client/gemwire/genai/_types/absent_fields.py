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
    views.BatchEmbedContentsResponse: ("metadata",),
    views.GenerateContentResponse: ("sdk_http_response",),
    views.Model: ("checkpoints", "default_checkpoint_id", "endpoints", "labels", "tuned_model_info"),
}


def _declare_absent_fields() -> None:
    for kind, names in _ABSENT.items():
        for name in names:
            setattr(kind, name, None)


_declare_absent_fields()
