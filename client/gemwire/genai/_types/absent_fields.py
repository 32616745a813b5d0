"""Fields that google-genai's objects have and the messages of the Gemini API lack.

They are None until a program or the client sets them.
"""

from __future__ import annotations

from gemwire.genai._types.response_headers import HeadersField
from gemwire_proto.v1beta import views
from gemwire_runtime.views import View, add_local_fields

_RESPONSE: dict[str, object] = {"sdk_http_response": HeadersField()}
_FIELDS: dict[type[View], dict[str, object]] = {
    views.CachedContentUsageMetadata: dict.fromkeys(
        ("audio_duration_seconds", "image_count", "text_count", "video_duration_seconds"), int
    ),
    views.BatchEmbedContentsResponse: {**_RESPONSE, "metadata": object},
    views.CountTokensResponse: _RESPONSE,
    views.ListCachedContentsResponse: _RESPONSE,
    views.ListFilesResponse: {**_RESPONSE, "data": object, "next_page": str},
    views.ListModelsResponse: _RESPONSE,
    views.CreateFileResponse: _RESPONSE,
    views.ListFileSearchStoresResponse: _RESPONSE,
    views.ListDocumentsResponse: _RESPONSE,
    views.ImportFileResponse: _RESPONSE,
    views.UploadToFileSearchStoreResponse: _RESPONSE,
    views.Model: dict.fromkeys(
        ("checkpoints", "default_checkpoint_id", "endpoints", "labels", "tuned_model_info"), object
    ),
    views.TunedModel: dict.fromkeys(
        (
            *("checkpoints", "default_checkpoint_id", "endpoints", "input_token_limit", "labels"),
            *("output_token_limit", "supported_actions", "version"),
        ),
        object,
    ),
}


def _declare_fields() -> None:
    for kind, fields in _FIELDS.items():
        add_local_fields(kind, fields)


_declare_fields()
