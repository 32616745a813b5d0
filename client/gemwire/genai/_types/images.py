"""Generated images."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, TypeVar

from gemwire.genai._types import media_types
from gemwire.genai._types.config import Config
from gemwire.genai._types.http_options import CallConfig, HttpResponse
from gemwire_runtime.enums import Names

_M = TypeVar("_M", bound="MediaFile")


class PersonGeneration(Names):
    """Whether people may be shown."""

    DONT_ALLOW = "DONT_ALLOW"
    ALLOW_ADULT = "ALLOW_ADULT"
    ALLOW_ALL = "ALLOW_ALL"


class SafetyFilterLevel(Names):
    """Strictness of the safety filter."""

    BLOCK_LOW_AND_ABOVE = "BLOCK_LOW_AND_ABOVE"
    BLOCK_MEDIUM_AND_ABOVE = "BLOCK_MEDIUM_AND_ABOVE"
    BLOCK_ONLY_HIGH = "BLOCK_ONLY_HIGH"
    BLOCK_NONE = "BLOCK_NONE"


class ImagePromptLanguage(Names):
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
    """Config of image generation. Unset options use the defaults of the model.

    Attributes:
        number_of_images: Number of images to generate.
        aspect_ratio: Aspect ratio, such as ``16:9``.
        negative_prompt: Description of what the images must not show.
        guidance_scale: Adherence to the prompt; higher values follow it more closely.
        seed: Seed of the sampling. Equal requests with equal seeds get equal images.
        safety_filter_level: Strictness of the safety filter.
        person_generation: Whether people may be shown.
        include_safety_attributes: Whether to return safety scores. Default: False.
        include_rai_reason: Whether to return the reason why an image was filtered. Default: False.
        language: Language of the prompt.
        output_mime_type: ``image/png`` or ``image/jpeg``.
        output_compression_quality: Quality of JPEG compression, from 0 to 100.
        add_watermark: Whether to add a watermark that marks the images as generated.
        image_size: Size of the longer side, such as ``1K`` or ``2K``.
        enhance_prompt: Whether the prompt may be rewritten.
        labels: Vertex AI only.
        output_gcs_uri: Vertex AI only.
    """

    number_of_images: int | None = None
    aspect_ratio: str | None = None
    negative_prompt: str | None = None
    guidance_scale: float | None = None
    seed: int | None = None
    safety_filter_level: SafetyFilterLevel | str | None = None
    person_generation: PersonGeneration | str | None = None
    include_safety_attributes: bool | None = None
    include_rai_reason: bool | None = None
    language: ImagePromptLanguage | str | None = None
    output_mime_type: str | None = None
    output_compression_quality: int | None = None
    add_watermark: bool | None = None
    image_size: str | None = None
    enhance_prompt: bool | None = None
    labels: dict[str, str] | None = None
    output_gcs_uri: str | None = None


class MediaFile(Config):
    """Base of images and videos.

    Attributes:
        mime_type: Media type of the bytes.
    """

    _BYTES: ClassVar[str]
    _DEFAULT_TYPE: ClassVar[str]

    mime_type: str | None = None

    @classmethod
    def from_file(cls: type[_M], *, location: str | Path, mime_type: str | None = None) -> _M:
        """Read an image or a video from a file.

        Args:
            location: Path of the file.
            mime_type: Media type of the file. Default: guessed from its name, then from its first bytes.

        Raises:
            OSError: The file cannot be read.
            ValueError: No media type was given and the file does not tell it.
        """
        data, mime_type = media_types.read_file(location, mime_type)
        return cls.of({"mime_type": mime_type, cls._BYTES: data})

    def show(self) -> None:
        """Open the image or video with the system's viewer.

        Raises:
            ValueError: It has no bytes.
        """
        media_types.show(self._get_bytes(), self.mime_type or self._DEFAULT_TYPE)

    def _get_bytes(self) -> bytes:
        data: bytes | None = getattr(self, self._BYTES)
        if not data:
            raise ValueError(f"the {type(self).__name__.lower()} has no bytes")
        return data


class Image(MediaFile):
    """An image.

    Attributes:
        image_bytes: Bytes of the image.
        mime_type: Media type of the bytes.
        gcs_uri: Vertex AI only.
    """

    _BYTES = "image_bytes"
    _DEFAULT_TYPE = "image/png"

    image_bytes: bytes | None = None
    gcs_uri: str | None = None

    def save(self, location: str | Path) -> None:
        """Write the image to a file.

        Raises:
            ValueError: It has no bytes.
            OSError: The file cannot be written.
        """
        Path(location).write_bytes(self._get_bytes())


class SafetyAttributes(Config):
    """Safety scores of a prompt or of an image.

    Attributes:
        categories: Categories of harm.
        scores: Scores of the categories, in their order.
        content_type: ``Positive Prompt`` for the prompt, otherwise the image.
    """

    categories: list[str] | None = None
    scores: list[float] | None = None
    content_type: str | None = None


class GeneratedImage(Config):
    """A generated image, or the reason why it was filtered.

    Attributes:
        image: The image; None if it was filtered.
        rai_filtered_reason: Reason why the image was filtered.
        safety_attributes: Safety scores of the image.
        enhanced_prompt: The prompt as it was rewritten.
    """

    image: Image | None = None
    rai_filtered_reason: str | None = None
    safety_attributes: SafetyAttributes | None = None
    enhanced_prompt: str | None = None


class GenerateImagesResponse(Config):
    """Generated images.

    Attributes:
        sdk_http_response: Headers of the response.
        generated_images: The images, including those that were filtered.
        positive_prompt_safety_attributes: Safety scores of the prompt.
    """

    sdk_http_response: HttpResponse | None = None
    generated_images: list[GeneratedImage] | None = None
    positive_prompt_safety_attributes: SafetyAttributes | None = None

    @property
    def images(self) -> list[Image]:
        """The images that were not filtered."""
        return [item.image for item in self.generated_images or () if item.image]
