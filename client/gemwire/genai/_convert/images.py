"""Image generation: requests and responses of the prediction service."""

from __future__ import annotations

import base64
import enum
from collections.abc import Mapping
from typing import Any

from gemwire.genai._convert.resource_names import to_model_name
from gemwire.genai._types import media_types
from gemwire.genai._types.config import Config
from gemwire.genai._types.images import (
    GeneratedImage,
    GenerateImagesConfig,
    GenerateImagesResponse,
    Image,
    SafetyAttributes,
)
from gemwire_proto import v1beta
from gemwire_proto.v1beta import views
from gemwire_runtime.view_fields import message_of

#: Parameters of the model by field of the config.
PARAMETERS = {
    "number_of_images": "sampleCount",
    "aspect_ratio": "aspectRatio",
    "negative_prompt": "negativePrompt",
    "guidance_scale": "guidanceScale",
    "seed": "seed",
    "safety_filter_level": "safetySetting",
    "person_generation": "personGeneration",
    "include_safety_attributes": "includeSafetyAttributes",
    "include_rai_reason": "includeRaiReason",
    "language": "language",
    "add_watermark": "addWatermark",
    "image_size": "sampleImageSize",
    "enhance_prompt": "enhancePrompt",
}
#: Parameters of an object of its own.
OUTPUT_OPTIONS = {"output_mime_type": "mimeType", "output_compression_quality": "compressionQuality"}


def to_generate_images_request(
    model: object, prompt: object, config: GenerateImagesConfig
) -> v1beta.PredictRequest:
    """Build the request that generates images."""
    if not isinstance(prompt, str):
        raise TypeError(f"prompt: expected a string, got {type(prompt).__name__}")
    if not prompt:
        raise ValueError("prompt is required")
    parameters = to_parameters(config, PARAMETERS | OUTPUT_OPTIONS)
    output = {name: parameters.pop(name) for name in OUTPUT_OPTIONS.values() if name in parameters}
    if output:
        parameters["outputOptions"] = output
    request: v1beta.PredictRequest = message_of(
        views.PredictRequest(
            model=to_model_name(model), instances=[{"prompt": prompt}], parameters=parameters or None
        )
    )
    return request


def from_generate_images_response(message: v1beta.PredictResponse) -> GenerateImagesResponse:
    """Convert the response of the prediction service."""
    response = GenerateImagesResponse()
    images = []
    for prediction in views.PredictResponse.of(message).predictions or ():
        image = from_prediction(prediction)
        scores = image.safety_attributes
        if scores and scores.content_type == "Positive Prompt":
            response.positive_prompt_safety_attributes = scores
        else:
            images.append(image)
    response.generated_images = images
    return response


def to_parameters(config: Config, names: Mapping[str, str]) -> dict[str, object]:
    """Build the parameters of a prediction.

    Args:
        config: Config of the call.
        names: Parameters by field of the config.
    """
    parameters: dict[str, object] = {}
    for name, value in config.given():
        if name != "http_options":
            parameters[names[name]] = value.value if isinstance(value, enum.Enum) else value
    return parameters


def to_image_instance(image: object, argument: str) -> dict[str, str]:
    """Convert an image to JSON of the prediction service.

    Args:
        image: An `Image`, a dict of its fields or a Pillow image.
        argument: Name of the argument, for error messages.
    """
    if media_types.is_pil_image(image):
        data, mime_type = media_types.encode_image(image)
    else:
        given = Image.of(image, argument)
        if not given.image_bytes:
            raise ValueError(f"{argument}: image_bytes are required; gcs_uri is Vertex AI only")
        data = given.image_bytes
        mime_type = given.mime_type or media_types.guess_from_bytes(data, argument)
    return {"bytesBase64Encoded": base64.b64encode(data).decode(), "mimeType": mime_type}


def from_prediction(prediction: Mapping[str, Any]) -> GeneratedImage:
    """Convert a prediction: an image, or why there is none."""
    scores, content_type = prediction.get("safetyAttributes") or {}, prediction.get("contentType")
    attributes = None
    if scores or content_type:
        attributes = SafetyAttributes(
            categories=scores.get("categories"), scores=scores.get("scores"), content_type=content_type
        )
    image = None
    data, uri = prediction.get("bytesBase64Encoded"), prediction.get("gcsUri")
    if data or uri:
        content = base64.b64decode(data) if data else None
        image = Image(image_bytes=content, gcs_uri=uri, mime_type=prediction.get("mimeType"))
    return GeneratedImage(
        image=image,
        rai_filtered_reason=prediction.get("raiFilteredReason"),
        enhanced_prompt=prediction.get("prompt"),
        safety_attributes=attributes,
    )
