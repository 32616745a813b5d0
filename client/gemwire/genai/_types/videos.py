"""Generated videos and the operations that generate them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from gemwire.genai._types.config import Config
from gemwire.genai._types.content import PILImage
from gemwire.genai._types.http_options import CallConfig
from gemwire.genai._types.images import Image, MediaFile, PersonGeneration
from gemwire_runtime.enums import Names

if TYPE_CHECKING:
    pass

GetOperationConfig: TypeAlias = CallConfig


class VideoGenerationReferenceType(Names):
    """What a picture tells of a video."""

    ASSET = "ASSET"
    STYLE = "STYLE"


class VideoGenerationMaskMode(Names):
    """What happens where a mask is."""

    INSERT = "INSERT"
    REMOVE = "REMOVE"
    REMOVE_STATIC = "REMOVE_STATIC"
    OUTPAINT = "OUTPAINT"


class VideoCompressionQuality(Names):
    """Quality of a video's compression."""

    OPTIMIZED = "OPTIMIZED"
    LOSSLESS = "LOSSLESS"


class ImageResizeMode(Names):
    """How a picture is brought to the video's ratio."""

    CROP = "CROP"
    PAD = "PAD"


class VideoGenerationReferenceImage(Config):
    """A picture of what a video shows, or of its style.

    Attributes:
        image: The picture.
        reference_type: What it tells of the video.
    """

    image: Image | None = None
    reference_type: VideoGenerationReferenceType | str | None = None


class VideoGenerationMask(Config):
    """Where a video is changed.

    Attributes:
        image: The mask.
        mask_mode: What happens where it is.
    """

    image: Image | None = None
    mask_mode: VideoGenerationMaskMode | str | None = None


class GenerateVideosConfig(CallConfig):
    """Config of video generation. Unset options use the defaults of the model.

    Attributes:
        number_of_videos: Number of videos to generate.
        fps: Frames per second.
        duration_seconds: Duration in seconds.
        seed: Seed of the sampling. Equal requests with equal seeds get equal videos.
        aspect_ratio: Aspect ratio, such as ``16:9``.
        resolution: Resolution, such as ``720p``.
        person_generation: Whether people may be shown.
        negative_prompt: Description of what the videos must not show.
        enhance_prompt: Whether the prompt may be rewritten.
        generate_audio: Whether to generate audio as well.
        last_frame: Image that the video ends with.
        reference_images: Pictures of what the video shows, or of its style.
        mask: Where a video is changed. Vertex AI only.
        compression_quality: Vertex AI only.
        resize_mode: How a picture is brought to the video's ratio.
        labels: Vertex AI only.
        output_gcs_uri: Vertex AI only.
        pubsub_topic: Vertex AI only.
    """

    number_of_videos: int | None = None
    fps: int | None = None
    duration_seconds: int | None = None
    seed: int | None = None
    aspect_ratio: str | None = None
    resolution: str | None = None
    person_generation: PersonGeneration | str | None = None
    negative_prompt: str | None = None
    enhance_prompt: bool | None = None
    generate_audio: bool | None = None
    last_frame: Image | PILImage | None = None
    reference_images: list[VideoGenerationReferenceImage] | None = None
    mask: VideoGenerationMask | None = None
    compression_quality: VideoCompressionQuality | str | None = None
    resize_mode: ImageResizeMode | str | None = None
    labels: dict[str, str] | None = None
    output_gcs_uri: str | None = None
    pubsub_topic: str | None = None


class Video(MediaFile):
    """A video: its bytes or its URI.

    Attributes:
        video_bytes: Bytes of the video.
        uri: URI for ``client.files.download``.
        mime_type: Media type of the video.
    """

    _BYTES = "video_bytes"
    _DEFAULT_TYPE = "video/mp4"

    video_bytes: bytes | None = None
    uri: str | None = None

    def save(self, path: str | Path) -> None:
        """Write the video to a file.

        Raises:
            ValueError: It has no bytes.
            OSError: The file cannot be written.
        """
        Path(path).write_bytes(self._get_bytes())

    def _get_bytes(self) -> bytes:
        if self.uri and not self.video_bytes:
            raise ValueError("the video was not downloaded yet; call client.files.download(file=video)")
        return super()._get_bytes()


class GeneratedVideo(Config):
    """A generated video.

    Attributes:
        video: The video.
    """

    video: Video | None = None


class GenerateVideosResponse(Config):
    """Generated videos.

    Attributes:
        generated_videos: The videos that were not filtered.
        rai_media_filtered_count: Number of videos that were filtered.
        rai_media_filtered_reasons: Reasons why they were filtered.
    """

    generated_videos: list[GeneratedVideo] | None = None
    rai_media_filtered_count: int | None = None
    rai_media_filtered_reasons: list[str] | None = None


class GenerateVideosSource(Config):
    """Input of video generation.

    Attributes:
        prompt: Description of the video.
        image: Image that the video begins with.
        video: Video to extend.
    """

    prompt: str | None = None
    image: Image | PILImage | None = None
    video: Video | None = None


class Operation(Config):
    """A long-running operation; ``client.operations.get`` refreshes it.

    Attributes:
        name: Name of the operation.
        metadata: Progress of the operation.
        done: Whether the operation has ended.
        error: Error of a failed operation: a dict with ``code`` and ``message``.
    """

    name: str | None = None
    metadata: dict[str, object] | None = None
    done: bool | None = None
    error: dict[str, object] | None = None


class GenerateVideosOperation(Operation):
    """Operation that generates videos.

    Attributes:
        response: The videos; None until the operation has succeeded.
    """

    response: GenerateVideosResponse | None = None

    @property
    def result(self) -> GenerateVideosResponse | None:
        """The videos; the same as `response`."""
        return self.response
