"""Video generation: requests of the prediction service and the operations that it starts."""

from __future__ import annotations

import base64
from collections.abc import Callable

from gemwire.genai._convert.images import to_image_instance, to_parameters
from gemwire.genai._convert.resource_names import to_model_name
from gemwire.genai._types import media_types
from gemwire.genai._types.videos import (
    GeneratedVideo,
    GenerateVideosConfig,
    GenerateVideosOperation,
    GenerateVideosResponse,
    GenerateVideosSource,
    Video,
    VideoGenerationReferenceImage,
)
from gemwire_proto import v1beta
from gemwire_proto.google.longrunning.operations_pb2 import Operation
from gemwire_proto.v1beta import views
from gemwire_runtime.view_fields import message_of

#: Parameters of the model by field of the config.
PARAMETERS = {
    "number_of_videos": "sampleCount",
    "fps": "fps",
    "duration_seconds": "durationSeconds",
    "seed": "seed",
    "aspect_ratio": "aspectRatio",
    "resize_mode": "resizeMode",
    "resolution": "resolution",
    "person_generation": "personGeneration",
    "negative_prompt": "negativePrompt",
    "enhance_prompt": "enhancePrompt",
    "generate_audio": "generateAudio",
}


def to_generate_videos_request(
    model: object, source: GenerateVideosSource, config: GenerateVideosConfig
) -> v1beta.PredictLongRunningRequest:
    """Build the request that generates videos."""
    instance: dict[str, object] = {}
    if source.prompt is not None:
        if not isinstance(source.prompt, str):
            raise TypeError(f"prompt: expected a string, got {type(source.prompt).__name__}")
        instance["prompt"] = source.prompt
    if source.image is not None:
        instance["image"] = to_image_instance(source.image, "image")
    if source.video is not None:
        instance["video"] = _to_video_instance(Video.of(source.video, "video"))
    if not instance:
        raise ValueError("a prompt, an image or a video is required")
    if config.last_frame is not None:
        instance["lastFrame"] = to_image_instance(config.last_frame, "config.last_frame")
    if config.reference_images is not None:
        instance["referenceImages"] = [
            to_reference(reference, f"config.reference_images[{index}]", to_image_instance)
            for index, reference in enumerate(config.reference_images)
        ]
    others = config.model_copy(update={"last_frame": None, "reference_images": None})
    parameters = to_parameters(others, PARAMETERS)
    request: v1beta.PredictLongRunningRequest = message_of(
        views.PredictLongRunningRequest(
            model=to_model_name(model), instances=[instance], parameters=parameters or None
        )
    )
    return request


def to_reference(
    reference: VideoGenerationReferenceImage, argument: str, to_image: Callable[[object, str], dict[str, str]]
) -> dict[str, object]:
    """Convert a picture of what a video shows, or of its style, to JSON.

    Args:
        reference: The picture.
        argument: Name of the argument, for error messages.
        to_image: Converts the image to JSON.
    """
    if reference.image is None:
        raise ValueError(f"{argument}.image is required")
    made: dict[str, object] = {"image": to_image(reference.image, f"{argument}.image")}
    if reference.reference_type is not None:
        made["referenceType"] = getattr(reference.reference_type, "value", reference.reference_type)
    return made


def from_generate_videos_operation(message: Operation) -> GenerateVideosOperation:
    """Convert an operation that generates videos."""
    operation = GenerateVideosOperation(name=message.name, done=message.done or None)
    result = message.WhichOneof("result")
    if result == "error":
        operation.error = {"code": message.error.code, "message": message.error.message}
    elif result == "response":
        response = v1beta.PredictLongRunningResponse()
        if not message.response.type_url.endswith(f"/{response.DESCRIPTOR.full_name}"):
            raise ValueError(
                f"operation {message.name} does not generate videos: its result is a "
                f"{message.response.type_url}"
            )
        response.ParseFromString(message.response.value)
        operation.response = _from_response(response.generate_video_response)
    return operation


def _from_response(message: v1beta.PredictLongRunningGeneratedVideoResponse) -> GenerateVideosResponse:
    videos = [GeneratedVideo(video=_from_video(sample.video)) for sample in message.generated_samples]
    return GenerateVideosResponse(
        generated_videos=videos or None,
        rai_media_filtered_count=message.rai_media_filtered_count or None,
        rai_media_filtered_reasons=list(message.rai_media_filtered_reasons) or None,
    )


def _from_video(message: v1beta.Video) -> Video:
    data = message.video
    try:
        mime_type = media_types.guess_from_bytes(data, "video")
    except ValueError:
        mime_type = "video/mp4"
    return Video(video_bytes=data or None, uri=message.uri or None, mime_type=mime_type)


def _to_video_instance(video: Video) -> dict[str, str]:
    if video.uri:
        return {"uri": video.uri}
    if not video.video_bytes:
        raise ValueError("video: uri or video_bytes are required")
    encoded = base64.b64encode(video.video_bytes).decode()
    return {"encodedVideo": encoded, "encoding": video.mime_type or "video/mp4"}
