"""What ``client.models`` makes beside text: pictures and videos."""

from __future__ import annotations

from typing import Any

from gemwire.genai._aio.api import AsyncApi
from gemwire.genai._types import images, videos
from gemwire.genai._types.media_configs import GenerateImagesConfig, GenerateVideosConfig


class AsyncMedia:
    """Pictures and videos."""

    _api: AsyncApi

    async def generate_images(
        self, *, model: str, prompt: str, config: GenerateImagesConfig | Any | None = None
    ) -> images.GenerateImagesResponse:
        """Make pictures.

        Args:
            model: Name of a model that makes pictures.
            prompt: What is to be seen.
            config: `GenerateImagesConfig`, or a dict of its fields.

        Raises:
            ValueError: An argument says nothing that can be sent.
            TypeError: An argument is of a wrong type.
            APIError: The call failed.
        """
        config = GenerateImagesConfig.of(config)
        message = images.to_predict(model, prompt, config)
        response = await self._api.predictions.predict(message, **self._api.settings(config.http_options))
        return images.predicted(response)

    async def generate_videos(
        self,
        *,
        model: str,
        prompt: str | None = None,
        image: images.Image | Any | None = None,
        video: videos.Video | Any | None = None,
        source: videos.GenerateVideosSource | Any | None = None,
        config: GenerateVideosConfig | Any | None = None,
    ) -> videos.GenerateVideosOperation:
        """Begin to make videos. ``client.operations.get`` tells how far they are.

        Args:
            model: Name of a model that makes videos.
            prompt: What is to be seen.
            image: A picture to begin with.
            video: A video to go on with.
            source: These three in one: `GenerateVideosSource`, or a dict of its fields.
            config: `GenerateVideosConfig`, or a dict of its fields.

        Raises:
            ValueError: An argument says nothing that can be sent.
            TypeError: An argument is of a wrong type.
            APIError: The call failed.
        """
        config = GenerateVideosConfig.of(config)
        given = videos.GenerateVideosSource(prompt=prompt, image=image, video=video)
        if source is not None:
            if any(given.given()):
                raise ValueError("source and prompt, image or video exclude each other")
            given = videos.GenerateVideosSource.of(source, "source")
        message = videos.to_predict(model, given, config)
        settings = self._api.settings(config.http_options)
        begun = await self._api.predictions.predict_long_running(message, **settings)
        return videos.operation(begun.operation)

    async def edit_image(self, **_: Any) -> None:
        """Of Vertex AI; `generate_content` edits pictures with models that answer in pictures.

        Raises:
            ValueError: Always.
        """
        raise ValueError(
            "edit_image is of Vertex AI, which this client does not call; generate_content edits pictures "
            "with models that answer in pictures"
        )

    async def upscale_image(self, **_: Any) -> None:
        """Of Vertex AI.

        Raises:
            ValueError: Always.
        """
        raise ValueError("upscale_image is of Vertex AI, which this client does not call")
