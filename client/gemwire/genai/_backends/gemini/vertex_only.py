"""Fields and methods that the Gemini API does not have, with what to use instead."""

from __future__ import annotations

from collections.abc import Mapping

from gemwire.genai._types.batches import BatchJobSource, CreateBatchJobConfig
from gemwire.genai._types.caches import CreateCachedContentConfig
from gemwire.genai._types.config import Config
from gemwire.genai._types.embed_content import EmbedContentConfig
from gemwire.genai._types.generate_content import GenerateContentConfig
from gemwire.genai._types.images import GenerateImagesConfig
from gemwire.genai._types.models import UpdateModelConfig
from gemwire.genai._types.tunings import CreateTuningJobConfig, TuningDataset
from gemwire.genai._types.videos import GenerateVideosConfig

#: google-genai's words, by which programs recognize such an error.
_ELSEWHERE = (
    "only supported in Gemini Enterprise Agent Platform mode (Vertex AI), not supported in Gemini API mode"
)
_NOTHING = "the Gemini API does not support it"
_SOURCE = "set one of inlined_requests and file_name"

#: Fields by the class of the config.
_FIELDS: Mapping[type[Config], Mapping[str, str]] = {
    GenerateContentConfig: dict.fromkeys(
        (
            *("routing_config", "model_selection_config", "audio_timestamp", "model_armor_config"),
            "generation_output_config",
        ),
        _NOTHING,
    ),
    EmbedContentConfig: dict.fromkeys(
        ("mime_type", "auto_truncate", "document_ocr", "audio_track_extraction"), _NOTHING
    ),
    CreateCachedContentConfig: {"kms_key_name": _NOTHING},
    UpdateModelConfig: {"default_checkpoint_id": _NOTHING},
    CreateTuningJobConfig: dict.fromkeys(
        (
            *("validation_dataset", "adapter_size", "method", "labels", "export_last_checkpoint_only"),
            *("pre_tuned_model_checkpoint_id", "encryption_spec", "tuning_mode", "custom_base_model"),
            "output_uri",
        ),
        _NOTHING,
    ),
    TuningDataset: dict.fromkeys(("gcs_uri", "vertex_dataset_resource"), "pass examples"),
    CreateBatchJobConfig: {"dest": "the Gemini API keeps the responses"},
    BatchJobSource: dict.fromkeys(("format", "gcs_uri", "bigquery_uri", "vertex_dataset_name"), _SOURCE),
    GenerateImagesConfig: {"output_gcs_uri": "the response contains the images", "labels": _NOTHING},
    GenerateVideosConfig: {
        "output_gcs_uri": "download the videos with client.files.download",
        "pubsub_topic": "poll the operation with client.operations.get",
        **dict.fromkeys(("mask", "compression_quality", "labels"), _NOTHING),
    },
}
_METHODS = {
    "compute_tokens": "use count_tokens",
    "edit_image": "use generate_content with a model that generates images",
    "upscale_image": _NOTHING,
    "recontext_image": "use generate_content with a model that generates images",
    "segment_image": "use generate_content and ask for masks",
    "tunings.validate_reward": _NOTHING,
    "tunings.cancel": "delete the tuned model with client.models.delete",
}


def check_fields(config: Config, argument: str = "config") -> None:
    """Check that no field is set that only Vertex AI has."""
    refused = _FIELDS[type(config)]
    for field, _ in config.given():
        if field in refused:
            raise ValueError(f"{argument}.{field}: parameter is {_ELSEWHERE}; {refused[field]}")


def method_error(method: str) -> ValueError:
    """Return the error of a method that only Vertex AI has."""
    return ValueError(f"{method}: method is {_ELSEWHERE}; {_METHODS[method]}")
