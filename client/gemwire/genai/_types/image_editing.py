"""Images that are edited and scaled up, which Vertex AI does."""

from __future__ import annotations

from gemwire.genai._types.config import Config
from gemwire.genai._types.http_options import CallConfig, HttpResponse
from gemwire.genai._types.images import (
    GeneratedImage,
    Image,
    ImagePromptLanguage,
    PersonGeneration,
    SafetyFilterLevel,
)
from gemwire_runtime.enums import Names


class EditMode(Names):
    """Way of editing."""

    EDIT_MODE_DEFAULT = "EDIT_MODE_DEFAULT"
    EDIT_MODE_INPAINT_REMOVAL = "EDIT_MODE_INPAINT_REMOVAL"
    EDIT_MODE_INPAINT_INSERTION = "EDIT_MODE_INPAINT_INSERTION"
    EDIT_MODE_OUTPAINT = "EDIT_MODE_OUTPAINT"
    EDIT_MODE_CONTROLLED_EDITING = "EDIT_MODE_CONTROLLED_EDITING"
    EDIT_MODE_STYLE = "EDIT_MODE_STYLE"
    EDIT_MODE_BGSWAP = "EDIT_MODE_BGSWAP"
    EDIT_MODE_PRODUCT_IMAGE = "EDIT_MODE_PRODUCT_IMAGE"


class MaskReferenceMode(Names):
    """Where a mask comes from."""

    MASK_MODE_DEFAULT = "MASK_MODE_DEFAULT"
    MASK_MODE_USER_PROVIDED = "MASK_MODE_USER_PROVIDED"
    MASK_MODE_BACKGROUND = "MASK_MODE_BACKGROUND"
    MASK_MODE_FOREGROUND = "MASK_MODE_FOREGROUND"
    MASK_MODE_SEMANTIC = "MASK_MODE_SEMANTIC"


class ControlReferenceType(Names):
    """Kind of a control image."""

    CONTROL_TYPE_DEFAULT = "CONTROL_TYPE_DEFAULT"
    CONTROL_TYPE_CANNY = "CONTROL_TYPE_CANNY"
    CONTROL_TYPE_SCRIBBLE = "CONTROL_TYPE_SCRIBBLE"
    CONTROL_TYPE_FACE_MESH = "CONTROL_TYPE_FACE_MESH"


class SubjectReferenceType(Names):
    """Kind of a subject."""

    SUBJECT_TYPE_DEFAULT = "SUBJECT_TYPE_DEFAULT"
    SUBJECT_TYPE_PERSON = "SUBJECT_TYPE_PERSON"
    SUBJECT_TYPE_ANIMAL = "SUBJECT_TYPE_ANIMAL"
    SUBJECT_TYPE_PRODUCT = "SUBJECT_TYPE_PRODUCT"


class MaskReferenceConfig(Config):
    """How a mask is made.

    Attributes:
        mask_mode: Where it comes from.
        segmentation_classes: Up to 5 classes of what is masked, for the semantic mode.
        mask_dilation: Share of the image's width by which it grows, from 0 to 1.
    """

    mask_mode: MaskReferenceMode | str | None = None
    segmentation_classes: list[int] | None = None
    mask_dilation: float | None = None


class ControlReferenceConfig(Config):
    """How a control image is used.

    Attributes:
        control_type: Its kind.
        enable_control_image_computation: Whether the control image is computed from the image.
    """

    control_type: ControlReferenceType | str | None = None
    enable_control_image_computation: bool | None = None


class StyleReferenceConfig(Config):
    """A style.

    Attributes:
        style_description: Description of it.
    """

    style_description: str | None = None


class SubjectReferenceConfig(Config):
    """A subject.

    Attributes:
        subject_type: Its kind.
        subject_description: Description of it.
    """

    subject_type: SubjectReferenceType | str | None = None
    subject_description: str | None = None


class ReferenceImage(Config):
    """Base of images that an edit refers to.

    Attributes:
        reference_image: The image.
        reference_id: Number by which the prompt refers to it: ``[1]``.
        reference_type: What it is for; each class has its own.
    """

    reference_image: Image | None = None
    reference_id: int | None = None
    reference_type: str | None = None


class RawReferenceImage(ReferenceImage):
    """The image that is edited."""

    reference_type: str | None = "REFERENCE_TYPE_RAW"


class MaskReferenceImage(ReferenceImage):
    """A mask: where the image is edited.

    Attributes:
        config: How the mask is made.
    """

    reference_type: str | None = "REFERENCE_TYPE_MASK"
    config: MaskReferenceConfig | None = None


class ControlReferenceImage(ReferenceImage):
    """A control image, such as edges or a scribble.

    Attributes:
        config: How it is used.
    """

    reference_type: str | None = "REFERENCE_TYPE_CONTROL"
    config: ControlReferenceConfig | None = None


class StyleReferenceImage(ReferenceImage):
    """An image in the style of which the edit is.

    Attributes:
        config: Description of the style.
    """

    reference_type: str | None = "REFERENCE_TYPE_STYLE"
    config: StyleReferenceConfig | None = None


class SubjectReferenceImage(ReferenceImage):
    """An image of a subject.

    Attributes:
        config: Kind and description of the subject.
    """

    reference_type: str | None = "REFERENCE_TYPE_SUBJECT"
    config: SubjectReferenceConfig | None = None


class ContentReferenceImage(ReferenceImage):
    """An image of content that the edit takes up."""

    reference_type: str | None = "REFERENCE_TYPE_CONTENT"


class EditImageConfig(CallConfig):
    """Config of an edit. Unset options use the defaults of the model.

    Attributes:
        output_gcs_uri: Folder of Cloud Storage, ``gs://…``, that the images are written to.
        negative_prompt: Description of what the images must not show.
        number_of_images: Number of images to generate.
        aspect_ratio: Aspect ratio, such as ``16:9``.
        guidance_scale: Adherence to the prompt; higher values follow it more closely.
        seed: Seed of the sampling.
        safety_filter_level: Strictness of the safety filter.
        person_generation: Whether people may be shown.
        include_safety_attributes: Whether to return safety scores. Default: False.
        include_rai_reason: Whether to return the reason why an image was filtered. Default: False.
        language: Language of the prompt.
        output_mime_type: ``image/png`` or ``image/jpeg``.
        output_compression_quality: Quality of JPEG compression, from 0 to 100.
        add_watermark: Whether to add a watermark that marks the images as generated.
        labels: Labels of the request, for billing.
        edit_mode: Way of editing.
        base_steps: Number of sampling steps.
    """

    output_gcs_uri: str | None = None
    negative_prompt: str | None = None
    number_of_images: int | None = None
    aspect_ratio: str | None = None
    guidance_scale: float | None = None
    seed: int | None = None
    safety_filter_level: SafetyFilterLevel | str | None = None
    person_generation: PersonGeneration | str | None = None
    include_safety_attributes: bool | None = None
    include_rai_reason: bool | None = None
    language: ImagePromptLanguage | str | None = None
    output_mime_type: str | None = None
    output_compression_quality: int | None = None
    add_watermark: bool | None = None
    labels: dict[str, str] | None = None
    edit_mode: EditMode | str | None = None
    base_steps: int | None = None


class UpscaleImageConfig(CallConfig):
    """Config of scaling up.

    Attributes:
        output_gcs_uri: Folder of Cloud Storage, ``gs://…``, that the image is written to.
        safety_filter_level: Strictness of the safety filter.
        person_generation: Whether people may be shown.
        include_rai_reason: Whether to return the reason why the image was filtered. Default: False.
        output_mime_type: ``image/png`` or ``image/jpeg``.
        output_compression_quality: Quality of JPEG compression, from 0 to 100.
        enhance_input_image: Whether noise of the image is removed first.
        image_preservation_factor: How much of the image stays, from 0 to 1.
        labels: Labels of the request, for billing.
    """

    output_gcs_uri: str | None = None
    safety_filter_level: SafetyFilterLevel | str | None = None
    person_generation: PersonGeneration | str | None = None
    include_rai_reason: bool | None = None
    output_mime_type: str | None = None
    output_compression_quality: int | None = None
    enhance_input_image: bool | None = None
    image_preservation_factor: float | None = None
    labels: dict[str, str] | None = None


class EditImageResponse(Config):
    """Edited images.

    Attributes:
        sdk_http_response: Headers of the response.
        generated_images: The images, including those that were filtered.
    """

    sdk_http_response: HttpResponse | None = None
    generated_images: list[GeneratedImage] | None = None


class UpscaleImageResponse(Config):
    """The image that was scaled up.

    Attributes:
        sdk_http_response: Headers of the response.
        generated_images: A list of this image.
    """

    sdk_http_response: HttpResponse | None = None
    generated_images: list[GeneratedImage] | None = None
