"""Pictures: what programs hold, and how they are asked for."""

from __future__ import annotations

import base64
import enum
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gemwire.genai._convert import media_types
from gemwire.genai._convert.resource_names import model_name
from gemwire.genai._types.config import Config
from gemwire.genai._types.media_configs import GenerateImagesConfig
from gemwire_proto.v1beta import views

#: Parameters of models that make pictures, by the fields of the config.
_PARAMETERS = {
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
_OUTPUT = {"output_mime_type": "mimeType", "output_compression_quality": "compressionQuality"}


class Image(Config):
    """A picture.

    Attributes:
        image_bytes: It.
        mime_type: What it is.
        gcs_uri: Of Vertex AI.
    """

    image_bytes: bytes | None = None
    mime_type: str | None = None
    gcs_uri: str | None = None

    @classmethod
    def from_file(cls, *, location: str | Path, mime_type: str | None = None) -> Image:
        """A picture of a file.

        Args:
            location: Where it is.
            mime_type: What it is. Default: what its name says, or how it begins.

        Raises:
            OSError: It cannot be read.
            ValueError: There is no media type, and the file does not tell.
        """
        data = Path(location).read_bytes()
        found = (
            mime_type
            or media_types.type_of_name(str(location))
            or media_types.type_of_bytes(data, "location")
        )
        return cls(image_bytes=data, mime_type=found)

    def save(self, location: str | Path) -> None:
        """Write it to a file.

        Raises:
            ValueError: There are no bytes.
            OSError: The file cannot be written.
        """
        Path(location).write_bytes(self._bytes())

    def show(self) -> None:
        """Show it with whatever the system opens such files with.

        Raises:
            ValueError: There are no bytes.
        """
        media_types.show(self._bytes(), self.mime_type or "image/png")

    def _bytes(self) -> bytes:
        if not self.image_bytes:
            raise ValueError("the picture has no bytes")
        return self.image_bytes


class SafetyAttributes(Config):
    """Scores of a prompt or picture.

    Attributes:
        categories: What was looked for.
        scores: How much of each was found.
        content_type: Of what: ``Positive Prompt`` or a picture.
    """

    categories: Sequence[str] | None = None
    scores: Sequence[float] | None = None
    content_type: str | None = None


class GeneratedImage(Config):
    """A picture that was made, or the reason why not.

    Attributes:
        image: It; None where it was filtered.
        rai_filtered_reason: Why.
        safety_attributes: Its scores.
        enhanced_prompt: The prompt as it was rewritten.
    """

    image: Image | None = None
    rai_filtered_reason: str | None = None
    safety_attributes: SafetyAttributes | None = None
    enhanced_prompt: str | None = None


class GenerateImagesResponse(Config):
    """The pictures that were made.

    Attributes:
        generated_images: They.
        positive_prompt_safety_attributes: Scores of the prompt.
    """

    generated_images: Sequence[GeneratedImage] | None = None
    positive_prompt_safety_attributes: SafetyAttributes | None = None

    @property
    def images(self) -> list[Image]:
        """The pictures alone."""
        return [made.image for made in self.generated_images or () if made.image]


def to_predict(model: Any, prompt: Any, config: GenerateImagesConfig) -> Any:
    """The PredictRequest.

    Args:
        model: Its name.
        prompt: What is to be seen.
        config: How.

    Raises:
        ValueError: A value is none that can be sent.
        TypeError: A value is of a wrong type.
    """
    if not isinstance(prompt, str):
        raise TypeError(f"prompt: expected a text, got {type(prompt).__name__}")
    if not prompt:
        raise ValueError("prompt is required")
    given = parameters(config, _PARAMETERS | _OUTPUT)
    output = {name: given.pop(name) for name in _OUTPUT.values() if name in given}
    if output:
        given["outputOptions"] = output
    request = views.PredictRequest(
        model=model_name(model), instances=[{"prompt": prompt}], parameters=given or None
    )
    return request._pb


def parameters(config: Config, names: Mapping[str, str]) -> dict[str, Any]:
    """The parameters of a prediction.

    Args:
        config: What is asked for.
        names: Parameters by the fields of the config; fields that are not there are Vertex AI's.

    Raises:
        ValueError: A field is of Vertex AI.
    """
    made = {}
    for name, value in config.given():
        if name in names:
            made[names[name]] = value.value if isinstance(value, enum.Enum) else value
        elif name != "http_options":
            raise ValueError(f"config.{name} is of Vertex AI; the Gemini API does not have it")
    return made


def encoded(image: Any, argument: str) -> dict[str, str]:
    """A picture as part of a prediction.

    Args:
        image: `Image`, a dict of its fields, or a picture of PIL's.
        argument: What to call it in an error.

    Raises:
        ValueError: It has no bytes.
        TypeError: It is of another type.
    """
    if media_types.is_picture(image):
        data, kind = media_types.encoded(image)
    else:
        image = Image.of(image, argument)
        data, kind = image.image_bytes, image.mime_type
        if not data:
            raise ValueError(f"{argument}: has no image_bytes; the Gemini API does not take gcs_uri")
        kind = kind or media_types.type_of_bytes(data, argument)
    return {"bytesBase64Encoded": base64.b64encode(data).decode(), "mimeType": kind}


def predicted(response: Any) -> GenerateImagesResponse:
    """What a PredictResponse brings.

    Args:
        response: The message.
    """
    made = GenerateImagesResponse(generated_images=[])
    images = []
    for prediction in views.PredictResponse.of(response).predictions or ():
        image = _generated(prediction)
        scores = image.safety_attributes
        if scores and scores.content_type == "Positive Prompt":
            made.positive_prompt_safety_attributes = scores
        else:
            images.append(image)
    made.generated_images = images
    return made


def _generated(prediction: Mapping[str, Any]) -> GeneratedImage:
    scores, content_type = prediction.get("safetyAttributes") or {}, prediction.get("contentType")
    attributes = None
    if scores or content_type:
        attributes = SafetyAttributes(
            categories=scores.get("categories"), scores=scores.get("scores"), content_type=content_type
        )
    image = None
    if data := prediction.get("bytesBase64Encoded"):
        image = Image(image_bytes=base64.b64decode(data), mime_type=prediction.get("mimeType"))
    return GeneratedImage(
        image=image,
        rai_filtered_reason=prediction.get("raiFilteredReason"),
        enhanced_prompt=prediction.get("prompt"),
        safety_attributes=attributes,
    )
