# Derived from genai/_aio/media.py by scripts/unasync. DO NOT EDIT.
"""Images and videos of ``client.models``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from gemwire.genai._sync.resource import Resource
from gemwire.genai._types.content import PILImage
from gemwire.genai._types.image_editing import (
    EditImageConfig,
    EditImageResponse,
    ReferenceImage,
    UpscaleImageConfig,
    UpscaleImageResponse,
)
from gemwire.genai._types.images import GenerateImagesConfig, GenerateImagesResponse
from gemwire.genai._types.videos import (
    GenerateVideosConfig,
    GenerateVideosOperation,
    GenerateVideosSource,
)

if TYPE_CHECKING:
    from gemwire.genai._types.dicts import (
        EditImageConfigOrDict,
        GenerateImagesConfigOrDict,
        GenerateVideosConfigOrDict,
        GenerateVideosSourceOrDict,
        ImageOrDict,
        UpscaleImageConfigOrDict,
        VideoOrDict,
    )


class Media(Resource):
    """Models that generate images and videos."""

    def generate_images(
        self,
        *,
        model: str,
        prompt: str,
        config: GenerateImagesConfigOrDict | None = None,
    ) -> GenerateImagesResponse:
        """Generate images from a text.

        Args:
            model: Name of an image model, such as ``imagen-4.0-generate-001``.
            prompt: Description of the images.
            config: `GenerateImagesConfig`, or a dict of its fields.

        Raises:
            ValueError: An argument is invalid.
            TypeError: An argument is of a wrong type.
            APIError: The call failed.
        """
        config = GenerateImagesConfig.of(config)
        call = self._api.backend.media.generate_images(model, prompt, config)
        return self._api.call(call, config.http_options)

    def generate_videos(
        self,
        *,
        model: str,
        prompt: str | None = None,
        image: ImageOrDict | PILImage | None = None,
        video: VideoOrDict | None = None,
        source: GenerateVideosSourceOrDict | None = None,
        config: GenerateVideosConfigOrDict | None = None,
    ) -> GenerateVideosOperation:
        """Start to generate videos. Poll the operation with ``client.operations.get``.

        Args:
            model: Name of a video model, such as ``veo-3.0-generate-001``.
            prompt: Description of the videos.
            image: Image to start from.
            video: Video to continue.
            source: The prompt, image and video in one; excludes the arguments of these names.
            config: `GenerateVideosConfig`, or a dict of its fields.

        Raises:
            ValueError: An argument is invalid.
            TypeError: An argument is of a wrong type.
            APIError: The call failed.
        """
        config = GenerateVideosConfig.of(config)
        parts = {"prompt": prompt, "image": image, "video": video}
        if source is not None and any(part is not None for part in parts.values()):
            raise ValueError("source and prompt, image or video exclude each other")
        given = GenerateVideosSource.of(parts if source is None else source, "source")
        call = self._api.backend.media.generate_videos(model, given, config)
        return self._api.call(call, config.http_options)

    def edit_image(
        self,
        *,
        model: str,
        prompt: str,
        reference_images: Sequence[ReferenceImage],
        config: EditImageConfigOrDict | None = None,
    ) -> EditImageResponse:
        """Edit an image. Vertex AI only; with the Gemini API, use `generate_content` and an image model.

        Args:
            model: Name of a model that edits, such as ``imagen-3.0-capability-001``.
            prompt: Description of the images; it refers to others by their numbers, ``[1]``.
            reference_images: The image to edit, masks, and other images that the prompt refers to.
            config: `EditImageConfig`, or a dict of its fields.

        Raises:
            ValueError: The client calls the Gemini API, or an argument is invalid.
            TypeError: An argument is of a wrong type.
            APIError: The call failed.
        """
        config = EditImageConfig.of(config)
        call = self._api.backend.media.edit_image(model, prompt, reference_images, config)
        return self._api.call(call, config.http_options)

    def upscale_image(
        self,
        *,
        model: str,
        image: ImageOrDict | PILImage,
        upscale_factor: str,
        config: UpscaleImageConfigOrDict | None = None,
    ) -> UpscaleImageResponse:
        """Increase the resolution of an image. Vertex AI only.

        Args:
            model: Name of a model that scales up, such as ``imagen-4.0-upscale-preview``.
            image: The image.
            upscale_factor: ``x2``, ``x3`` or ``x4``.
            config: `UpscaleImageConfig`, or a dict of its fields.

        Raises:
            ValueError: The client calls the Gemini API, or an argument is invalid.
            TypeError: An argument is of a wrong type.
            APIError: The call failed.
        """
        config = UpscaleImageConfig.of(config)
        call = self._api.backend.media.upscale_image(model, image, upscale_factor, config)
        return self._api.call(call, config.http_options)

    def recontext_image(self, *, model: str, source: object, config: object = None) -> NoReturn:
        """Refuse to show products or clothes in other surroundings.

        Args:
            model: Name of a model.
            source: The images.
            config: Config of the call.

        Raises:
            ValueError: Always: the Gemini API does not have it, and for Vertex AI call ``predict`` of
                `gemwire.aiplatform_v1.PredictionServiceClient`.
        """
        self._api.backend.media.refuse("recontext_image")

    def segment_image(self, *, model: str, source: object, config: object = None) -> NoReturn:
        """Refuse to make masks of what an image shows; see `recontext_image`.

        Args:
            model: Name of a model.
            source: The image.
            config: Config of the call.

        Raises:
            ValueError: Always.
        """
        self._api.backend.media.refuse("segment_image")
