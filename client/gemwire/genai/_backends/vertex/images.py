"""Images of Vertex AI: instances and parameters of Predict, and its predictions."""

from __future__ import annotations

import enum
from collections.abc import Mapping

from gemwire.genai._convert.images import (
    OUTPUT_OPTIONS,
    PARAMETERS,
    from_prediction,
    to_image_instance,
    to_parameters,
)
from gemwire.genai._types import media_types
from gemwire.genai._types.config import Config
from gemwire.genai._types.image_editing import (
    ContentReferenceImage,
    ControlReferenceImage,
    EditImageConfig,
    MaskReferenceImage,
    RawReferenceImage,
    StyleReferenceImage,
    SubjectReferenceImage,
    UpscaleImageConfig,
)
from gemwire.genai._types.images import GeneratedImage, GenerateImagesConfig, Image
from gemwire_proto import aiplatform_v1
from gemwire_proto.v1beta import views
from gemwire_runtime.pydantic_models import Fields
from gemwire_runtime.well_known import write_json

_PARAMETERS = {**PARAMETERS, "output_gcs_uri": "storageUri", "edit_mode": "editMode"}
_NESTED = {
    **{name: ("outputOptions", key) for name, key in OUTPUT_OPTIONS.items()},
    "base_steps": ("editConfig", "baseSteps"),
    "enhance_input_image": ("upscaleConfig", "enhanceInputImage"),
    "image_preservation_factor": ("upscaleConfig", "imagePreservationFactor"),
}
#: Configs of reference images by class: their name in JSON, and the names of their fields.
_CONFIGS: Mapping[type[Config], tuple[str, Mapping[str, str]]] = {
    MaskReferenceImage: (
        "maskImageConfig",
        {"mask_mode": "maskMode", "segmentation_classes": "maskClasses", "mask_dilation": "dilation"},
    ),
    ControlReferenceImage: (
        "controlImageConfig",
        {"control_type": "controlType", "enable_control_image_computation": "computeControl"},
    ),
    StyleReferenceImage: ("styleImageConfig", {"style_description": "styleDescription"}),
    SubjectReferenceImage: (
        "subjectImageConfig",
        {"subject_type": "subjectType", "subject_description": "subjectDescription"},
    ),
    RawReferenceImage: ("", {}),
    ContentReferenceImage: ("", {}),
}
_FACTORS = ("x2", "x3", "x4")


def to_generation(
    endpoint: str, prompt: object, config: GenerateImagesConfig
) -> aiplatform_v1.PredictRequest:
    """Build the request that generates images."""
    return _build(endpoint, {"prompt": _check_prompt(prompt)}, _split(config), config.labels)


def to_edit(
    endpoint: str, prompt: object, reference_images: object, config: EditImageConfig
) -> aiplatform_v1.PredictRequest:
    """Build the request that edits images."""
    if not isinstance(reference_images, (list, tuple)):
        raise TypeError(f"reference_images: expected a list, got {type(reference_images).__name__}")
    references = [
        _to_reference(reference, f"reference_images[{at}]") for at, reference in enumerate(reference_images)
    ]
    instance = {"prompt": _check_prompt(prompt), "referenceImages": references}
    return _build(endpoint, instance, _split(config), config.labels)


def to_upscaling(
    endpoint: str, image: object, upscale_factor: object, config: UpscaleImageConfig
) -> aiplatform_v1.PredictRequest:
    """Build the request that scales an image up."""
    if upscale_factor not in _FACTORS:
        raise ValueError(f"upscale_factor: {upscale_factor!r} is not one of {', '.join(_FACTORS)}")
    parameters = _split(config)
    scaling = {"upscaleFactor": upscale_factor, **parameters.get("upscaleConfig", {})}
    parameters = {**parameters, "upscaleConfig": scaling, "mode": "upscale", "sampleCount": 1}
    return _build(endpoint, {"image": to_stored_image(image, "image")}, parameters, config.labels)


def from_predictions(response: aiplatform_v1.PredictResponse) -> list[GeneratedImage]:
    """Return the predictions of a response; see `is_prompt`."""
    return [
        from_prediction(prediction) for prediction in views.PredictResponse.of(response).predictions or ()
    ]


def is_prompt(image: GeneratedImage) -> bool:
    """Return whether a prediction is no image, but has the scores of the prompt."""
    scores = image.safety_attributes
    return scores is not None and scores.content_type == "Positive Prompt"


def to_stored_image(image: object, argument: str) -> dict[str, str]:
    """Convert an image to JSON, which may be in Cloud Storage."""
    if not media_types.is_pil_image(image):
        given = Image.of(image, argument)
        if given.gcs_uri:
            made = {"gcsUri": given.gcs_uri}
            return {**made, "mimeType": given.mime_type} if given.mime_type else made
    return to_image_instance(image, argument)


def _check_prompt(prompt: object) -> str:
    if not isinstance(prompt, str):
        raise TypeError(f"prompt: expected a string, got {type(prompt).__name__}")
    if not prompt:
        raise ValueError("prompt is required")
    return prompt


def _split(config: Config) -> Fields:
    """Return the parameters of a config, some of which are objects of their own."""
    flat = config.model_copy(update=dict.fromkeys(("labels", *_NESTED.keys() & config.model_fields.keys())))
    made: Fields = to_parameters(flat, _PARAMETERS)
    for name, (owner, key) in _NESTED.items():
        if (value := getattr(config, name, None)) is not None:
            made.setdefault(owner, {})[key] = value
    return made


def _to_reference(reference: object, argument: str) -> Fields:
    kind = next((kind for kind in _CONFIGS if isinstance(reference, kind)), None)
    if kind is None or not isinstance(reference, Config):
        raise TypeError(
            f"{argument}: expected {', '.join(kind.__name__ for kind in _CONFIGS)}, "
            f"got {type(reference).__name__}"
        )
    fields = dict(reference.given())
    made: Fields = {"referenceType": reference.model_dump()["reference_type"]}
    if "reference_image" in fields:
        made["referenceImage"] = to_stored_image(fields["reference_image"], f"{argument}.reference_image")
    if "reference_id" in fields:
        made["referenceId"] = fields["reference_id"]
    name, keys = _CONFIGS[kind]
    if "config" in fields:
        made[name] = {
            keys[key]: value.value if isinstance(value, enum.Enum) else value
            for key, value in fields["config"].given()
        }
    return made


def _build(
    endpoint: str, instance: Mapping[str, object], parameters: Fields, labels: Mapping[str, str] | None
) -> aiplatform_v1.PredictRequest:
    request = aiplatform_v1.PredictRequest(endpoint=endpoint, labels=labels)
    request.instances.append(write_json(instance))
    if parameters:
        request.parameters.CopyFrom(write_json(parameters))
    return request
