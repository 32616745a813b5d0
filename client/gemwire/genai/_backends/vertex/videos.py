"""Videos of Vertex AI: instances and parameters, and operations, which the service has over HTTP alone."""

from __future__ import annotations

import base64
import enum

from gemwire.genai._backends.vertex.images import to_stored_image
from gemwire.genai._convert.images import to_parameters
from gemwire.genai._convert.videos import PARAMETERS, to_reference
from gemwire.genai._types.videos import (
    GeneratedVideo,
    GenerateVideosConfig,
    GenerateVideosOperation,
    GenerateVideosResponse,
    GenerateVideosSource,
    Video,
)
from gemwire_proto import aiplatform_v1
from gemwire_proto.google.longrunning import operations_pb2
from gemwire_proto.google.rpc.status_pb2 import Status
from gemwire_runtime.pydantic_models import Fields
from gemwire_runtime.well_known import write_json

_PARAMETERS = {
    **PARAMETERS,
    "output_gcs_uri": "storageUri",
    "pubsub_topic": "pubsubTopic",
    "compression_quality": "compressionQuality",
}
#: Fields of the config that are part of the instance, and the labels of the request.
_APART = ("last_frame", "reference_images", "mask", "labels")


def to_request(
    endpoint: str, source: GenerateVideosSource, config: GenerateVideosConfig
) -> aiplatform_v1.PredictLongRunningRequest:
    """Build the request that generates videos."""
    instance: Fields = {}
    if source.prompt is not None:
        instance["prompt"] = source.prompt
    if source.image is not None:
        instance["image"] = to_stored_image(source.image, "image")
    if source.video is not None:
        instance["video"] = _to_video(source.video)
    if not instance:
        raise ValueError("a prompt, an image or a video is required")
    if config.last_frame is not None:
        instance["lastFrame"] = to_stored_image(config.last_frame, "config.last_frame")
    if config.reference_images is not None:
        instance["referenceImages"] = [
            to_reference(reference, f"config.reference_images[{at}]", to_stored_image)
            for at, reference in enumerate(config.reference_images)
        ]
    if config.mask is not None:
        if config.mask.image is None:
            raise ValueError("config.mask.image is required")
        instance["mask"] = to_stored_image(config.mask.image, "config.mask.image")
        if (mode := config.mask.mask_mode) is not None:
            instance["mask"]["maskMode"] = mode.value if isinstance(mode, enum.Enum) else mode
    request = aiplatform_v1.PredictLongRunningRequest(endpoint=endpoint, labels=config.labels)
    request.instances.append(write_json(instance))
    parameters = to_parameters(config.model_copy(update=dict.fromkeys(_APART)), _PARAMETERS)
    if parameters:
        request.parameters.CopyFrom(write_json(parameters))
    return request


def _to_video(video: Video) -> Fields:
    kind = {"mimeType": video.mime_type} if video.mime_type else {}
    if video.uri:
        return {"gcsUri": video.uri, **kind}
    if not video.video_bytes:
        raise ValueError("video: uri or video_bytes are required")
    encoded = base64.b64encode(video.video_bytes).decode()
    return {"bytesBase64Encoded": encoded, "mimeType": video.mime_type or "video/mp4"}


def from_start(message: operations_pb2.Operation) -> GenerateVideosOperation:
    """Convert the operation that was started."""
    return GenerateVideosOperation(name=message.name, done=message.done or None)


def from_operation(message: aiplatform_v1.PredictOperation) -> GenerateVideosOperation:
    """Convert the operation as it is now."""
    made = GenerateVideosOperation(name=message.name, done=message.done or None)
    if message.HasField("error"):
        made.error = _to_error(message.error)
    elif message.HasField("response"):
        made.response = _from_response(message.response)
    return made


def _to_error(status: Status) -> dict[str, object]:
    return {"code": status.code, "message": status.message}


def _from_response(message: aiplatform_v1.PredictLongRunningResponse) -> GenerateVideosResponse:
    made = [
        Video(
            uri=video.gcs_uri or None,
            video_bytes=video.bytes_base64_encoded or None,
            mime_type=video.mime_type or None,
        )
        for video in message.videos
    ]
    return GenerateVideosResponse(
        generated_videos=[GeneratedVideo(video=video) for video in made] or None,
        rai_media_filtered_count=message.rai_media_filtered_count or None,
        rai_media_filtered_reasons=list(message.rai_media_filtered_reasons) or None,
    )
