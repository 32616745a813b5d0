"""Images and videos of Vertex AI."""

from __future__ import annotations

from typing import NoReturn

from gemwire.genai._backends.base import Call
from gemwire.genai._backends.vertex import images, videos
from gemwire.genai._backends.vertex.labels import check_labels
from gemwire.genai._backends.vertex.names import Names
from gemwire.genai._backends.vertex.refusals import unserved_error
from gemwire.genai._backends.vertex.rpcs import Rpcs
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
from gemwire_proto import aiplatform_v1
from gemwire_proto.aiplatform_v1.prediction_service import (
    FETCH_PREDICT_OPERATION,
    PREDICT,
    PREDICT_LONG_RUNNING,
)


class VertexMedia:
    """Calls of PredictionService."""

    def __init__(self, names: Names, rpcs: Rpcs) -> None:
        self._names = names
        self._rpcs = rpcs

    def _to_endpoint(self, model: object) -> str:
        return f"{self._names.parent}/{self._names.to_publisher_model(model)}"

    def generate_images(
        self, model: str, prompt: str, config: GenerateImagesConfig
    ) -> Call[GenerateImagesResponse]:
        check_labels(config.labels or {})
        request = images.to_generation(self._to_endpoint(model), prompt, config)
        return Call(self._rpcs(PREDICT), request, _from_generation)

    def edit_image(
        self, model: str, prompt: str, reference_images: object, config: EditImageConfig
    ) -> Call[EditImageResponse]:
        check_labels(config.labels or {})
        request = images.to_edit(self._to_endpoint(model), prompt, reference_images, config)
        return Call(self._rpcs(PREDICT), request, _from_edit)

    def upscale_image(
        self, model: str, image: object, upscale_factor: str, config: UpscaleImageConfig
    ) -> Call[UpscaleImageResponse]:
        check_labels(config.labels or {})
        request = images.to_upscaling(self._to_endpoint(model), image, upscale_factor, config)
        return Call(self._rpcs(PREDICT), request, _from_upscaling)

    def refuse(self, method: str) -> NoReturn:
        raise unserved_error(method, "call predict of gemwire.aiplatform_v1.PredictionServiceClient")

    def generate_videos(
        self, model: str, source: GenerateVideosSource, config: GenerateVideosConfig
    ) -> Call[GenerateVideosOperation]:
        check_labels(config.labels or {})
        request = videos.to_request(self._to_endpoint(model), source, config)
        return Call(self._rpcs(PREDICT_LONG_RUNNING), request, videos.from_start)

    def get_operation(self, name: str) -> Call[GenerateVideosOperation]:
        endpoint, found, _ = name.partition("/operations/")
        if not found:
            raise ValueError(
                f"operation: {name!r} is not the name of an operation; pass one that a method returned"
            )
        request = aiplatform_v1.FetchPredictOperationRequest(endpoint=endpoint, operation_name=name)
        return Call(self._rpcs(FETCH_PREDICT_OPERATION), request, videos.from_operation)


def _from_generation(response: aiplatform_v1.PredictResponse) -> GenerateImagesResponse:
    found = images.from_predictions(response)
    scores = [image.safety_attributes for image in found if images.is_prompt(image)]
    return GenerateImagesResponse(
        generated_images=[image for image in found if not images.is_prompt(image)],
        positive_prompt_safety_attributes=scores[0] if scores else None,
    )


def _from_edit(response: aiplatform_v1.PredictResponse) -> EditImageResponse:
    return EditImageResponse(generated_images=images.from_predictions(response))


def _from_upscaling(response: aiplatform_v1.PredictResponse) -> UpscaleImageResponse:
    return UpscaleImageResponse(generated_images=images.from_predictions(response))
