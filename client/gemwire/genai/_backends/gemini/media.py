"""Images and videos of the Gemini API, and the operations that generate videos."""

from __future__ import annotations

from gemwire.genai._backends.base import Call, MediaBackend
from gemwire.genai._types import images, videos
from gemwire.genai._types.media_configs import GenerateImagesConfig, GenerateVideosConfig
from gemwire_proto.google.longrunning import operations_pb2
from gemwire_proto.longrunning.operations import GET_OPERATION
from gemwire_proto.v1beta.prediction_service import PREDICT, PREDICT_LONG_RUNNING


class GeminiMedia(MediaBackend):
    """Calls of PredictionService and Operations."""

    def generate_images(
        self, model: str, prompt: str, config: GenerateImagesConfig
    ) -> Call[images.GenerateImagesResponse]:
        """Call Predict."""
        return Call(PREDICT, images.to_predict(model, prompt, config), images.predicted)

    def edit_image(self, **arguments: object) -> Call[object]:
        """Refuse the call."""
        raise ValueError(
            "edit_image is available in Vertex AI only, which this client does not call; use "
            "generate_content with a model that answers with images"
        )

    def upscale_image(self, **arguments: object) -> Call[object]:
        """Refuse the call."""
        raise ValueError(
            "upscale_image is available in Vertex AI only, which this client does not call; request a larger "
            "image_size from generate_images"
        )

    def generate_videos(
        self, model: str, source: videos.GenerateVideosSource, config: GenerateVideosConfig
    ) -> Call[videos.GenerateVideosOperation]:
        """Call PredictLongRunning."""
        return Call(PREDICT_LONG_RUNNING, videos.to_predict(model, source, config), videos.operation)

    def get_operation(self, operation: videos.Operation) -> Call[videos.GenerateVideosOperation]:
        """Call GetOperation."""
        if not operation.name:
            raise ValueError("operation: has no name; pass an operation that generate_videos returned")
        request = operations_pb2.GetOperationRequest(name=operation.name)
        return Call(GET_OPERATION, request, videos.operation)
