"""The configs of calls that make pictures and videos."""

from __future__ import annotations

import enum
from typing import Any

from gemwire.genai._types.call_configs import CallConfig


class PersonGeneration(str, enum.Enum):
    """Whether people may be shown."""

    DONT_ALLOW = "DONT_ALLOW"
    ALLOW_ADULT = "ALLOW_ADULT"
    ALLOW_ALL = "ALLOW_ALL"


class SafetyFilterLevel(str, enum.Enum):
    """What is filtered."""

    BLOCK_LOW_AND_ABOVE = "BLOCK_LOW_AND_ABOVE"
    BLOCK_MEDIUM_AND_ABOVE = "BLOCK_MEDIUM_AND_ABOVE"
    BLOCK_ONLY_HIGH = "BLOCK_ONLY_HIGH"
    BLOCK_NONE = "BLOCK_NONE"


class ImagePromptLanguage(str, enum.Enum):
    """Language of a prompt."""

    auto = "auto"
    en = "en"
    ja = "ja"
    ko = "ko"
    hi = "hi"
    zh = "zh"
    pt = "pt"
    es = "es"


class GenerateImagesConfig(CallConfig):
    """How pictures are made.

    Attributes:
        http_options: For this call alone.
        number_of_images: How many.
        aspect_ratio: Such as ``16:9``.
        negative_prompt: What must not be there.
        guidance_scale: How closely the prompt is followed.
        seed: Makes them repeatable.
        safety_filter_level: What is filtered.
        person_generation: Whether people may be there.
        include_safety_attributes: Whether scores are told.
        include_rai_reason: Whether the reason of a filter is told.
        language: Of the prompt.
        output_mime_type: ``image/png`` or ``image/jpeg``.
        output_compression_quality: Of JPEG.
        add_watermark: Whether they are marked as made.
        image_size: Such as ``1K``.
        enhance_prompt: Whether the prompt may be rewritten.
        output_gcs_uri: Of Vertex AI.
    """

    number_of_images: int | None = None
    aspect_ratio: str | None = None
    negative_prompt: str | None = None
    guidance_scale: float | None = None
    seed: int | None = None
    safety_filter_level: str | None = None
    person_generation: str | None = None
    include_safety_attributes: bool | None = None
    include_rai_reason: bool | None = None
    language: str | None = None
    output_mime_type: str | None = None
    output_compression_quality: int | None = None
    add_watermark: bool | None = None
    image_size: str | None = None
    enhance_prompt: bool | None = None
    output_gcs_uri: str | None = None


class GenerateVideosConfig(CallConfig):
    """How a video is made.

    Attributes:
        http_options: For this call alone.
        number_of_videos: How many.
        fps: Pictures a second.
        duration_seconds: How long.
        seed: Makes it repeatable.
        aspect_ratio: Such as ``16:9``.
        resolution: Such as ``720p``.
        person_generation: Whether people may be there.
        negative_prompt: What must not be there.
        enhance_prompt: Whether the prompt may be rewritten.
        generate_audio: Whether it has sound.
        last_frame: A picture to end with.
        output_gcs_uri: Of Vertex AI.
        pubsub_topic: Of Vertex AI.
    """

    number_of_videos: int | None = None
    fps: int | None = None
    duration_seconds: int | None = None
    seed: int | None = None
    aspect_ratio: str | None = None
    resolution: str | None = None
    person_generation: str | None = None
    negative_prompt: str | None = None
    enhance_prompt: bool | None = None
    generate_audio: bool | None = None
    last_frame: Any | None = None
    output_gcs_uri: str | None = None
    pubsub_topic: str | None = None
