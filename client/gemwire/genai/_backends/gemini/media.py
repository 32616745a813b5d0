"""Images and videos of the Gemini API, and the operations that generate videos."""

from __future__ import annotations

from typing import NoReturn

from gemwire.genai._backends.base import Call
from gemwire.genai._backends.gemini.vertex_only import check_fields, method_error
from gemwire.genai._convert import images, videos
from gemwire.genai._types.image_editing import (
    EditImageConfig,
    EditImageResponse,
    UpscaleImageConfig,
    UpscaleImageResponse,
)
from gemwire.genai._types.images import GenerateImagesConfig, GenerateImagesResponse
from gemwire.genai._types.videos import (
    GenerateVideosConfig,
    GenerateVideosOperation,
    GenerateVideosSource,
)
from gemwire_proto.google.longrunning import operations_pb2
from gemwire_proto.longrunning.operations import GET_OPERATION
from gemwire_proto.v1beta.prediction_service import PREDICT, PREDICT_LONG_RUNNING


class GeminiMedia:
    """Calls of PredictionService and Operations."""

    def generate_images(
        self, model: str, prompt: str, config: GenerateImagesConfig
    ) -> Call[GenerateImagesResponse]:
        check_fields(config)
        return Call(
            PREDICT,
            images.to_generate_images_request(model, prompt, config),
            images.from_generate_images_response,
        )

    def edit_image(
        self, model: str, prompt: str, reference_images: object, config: EditImageConfig
    ) -> Call[EditImageResponse]:
        raise method_error("edit_image")

    def upscale_image(
        self, model: str, image: object, upscale_factor: str, config: UpscaleImageConfig
    ) -> Call[UpscaleImageResponse]:
        raise method_error("upscale_image")

    def refuse(self, method: str) -> NoReturn:
        raise method_error(method)

    def generate_videos(
        self, model: str, source: GenerateVideosSource, config: GenerateVideosConfig
    ) -> Call[GenerateVideosOperation]:
        check_fields(config)
        return Call(
            PREDICT_LONG_RUNNING,
            videos.to_generate_videos_request(model, source, config),
            videos.from_generate_videos_operation,
        )

    def get_operation(self, name: str) -> Call[GenerateVideosOperation]:
        request = operations_pb2.GetOperationRequest(name=name)
        return Call(GET_OPERATION, request, videos.from_generate_videos_operation)
