"""Predict of Vertex AI for images: patterns that are made, edited and scaled up."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import struct
from collections.abc import Mapping

from gemwire_emulator.errors import invalid_argument, quote
from gemwire_emulator.services.prediction import (
    parse_instance,
    parse_parameters,
    parse_prompt,
    render_images,
)
from gemwire_emulator.state import State
from gemwire_proto import aiplatform_v1

#: Kinds of reference pictures, and whether they must have a picture.
_REFERENCES = {
    "REFERENCE_TYPE_RAW": True,
    "REFERENCE_TYPE_MASK": False,
    "REFERENCE_TYPE_CONTROL": True,
    "REFERENCE_TYPE_STYLE": True,
    "REFERENCE_TYPE_SUBJECT": True,
    "REFERENCE_TYPE_CONTENT": True,
}
_OWN_MASKS = ("", "MASK_MODE_DEFAULT", "MASK_MODE_USER_PROVIDED")
_FACTORS = {"x2": 2, "x3": 3, "x4": 4}
#: Pixels that a picture may have.
_PIXELS = 17_000_000
_INSTANCE = "instances[0]"
#: Markers of JPEG's frame headers.
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})


async def predict_images(
    state: State, request: aiplatform_v1.PredictRequest
) -> aiplatform_v1.PredictResponse:
    """Make pictures, edit some, or scale one up.

    Raises:
        StatusError: The request is invalid, or a picture is not there.
    """
    settings, instance = parse_parameters(request), parse_instance(request)
    folder = settings.get("storageUri", "")
    if not isinstance(folder, str):
        raise invalid_argument("parameters.storageUri", "must be a text")
    if folder:
        state.storage.check_prefix(folder, "parameters.storageUri")
    size = None
    if settings.get("mode") == "upscale":
        picture = _read_picture(state, instance.get("image"), f"{_INSTANCE}.image")
        prompt, size = _describe("", [picture]), _scale(picture, settings)
        settings["sampleCount"] = 1
    elif "referenceImages" in instance:
        prompt = parse_prompt(state, request)
        pictures = _read_references(state, instance["referenceImages"])
        prompt, size = _describe(prompt, pictures), _measure(pictures[0], _INSTANCE) if pictures else None
    else:
        prompt = parse_prompt(state, request)
    made = await asyncio.to_thread(render_images, prompt, settings, size)
    response = aiplatform_v1.PredictResponse(predictions=made.predictions)
    if folder:
        parent = f"{folder.rstrip('/')}/{state.store.next_number():019d}"
        await asyncio.to_thread(_store, state, parent, response)
    return response


def _describe(prompt: str, pictures: list[bytes]) -> str:
    """Return a text that stands for a prompt with pictures: patterns are made of texts."""
    return " ".join([prompt, *(hashlib.sha256(picture).hexdigest() for picture in pictures)]).strip()


def _read_references(state: State, references: object) -> list[bytes]:
    """Return the reference pictures, the one that is edited first."""
    path = f"{_INSTANCE}.referenceImages"
    if not isinstance(references, list) or not references:
        raise invalid_argument(path, "must be a list of at least one picture")
    found: list[tuple[bool, bytes]] = []
    for i, reference in enumerate(references):
        here = f"{path}[{i}]"
        if not isinstance(reference, dict):
            raise invalid_argument(here, "must be an object")
        kind = reference.get("referenceType")
        if kind not in _REFERENCES:
            raise invalid_argument(
                f"{here}.referenceType", f"{quote(kind)} is not one of {', '.join(_REFERENCES)}"
            )
        config = reference.get("maskImageConfig")
        mode = config.get("maskMode", "") if isinstance(config, dict) else ""
        if "referenceImage" in reference or _REFERENCES[kind] or mode in _OWN_MASKS:
            picture = _read_picture(state, reference.get("referenceImage"), f"{here}.referenceImage")
            found.append((kind != "REFERENCE_TYPE_RAW", picture))
    return [picture for _, picture in sorted(found, key=lambda one: one[0])]


def _read_picture(state: State, value: object, path: str) -> bytes:
    """Return the bytes of a picture that is given by them or by its address."""
    given = value if isinstance(value, Mapping) else {}
    address, encoded = given.get("gcsUri"), given.get("bytesBase64Encoded")
    if isinstance(address, str) and address:
        return state.storage.find(address, f"{path}.gcsUri").read_bytes()
    if not isinstance(encoded, str) or not encoded:
        raise invalid_argument(path, "is required, with bytesBase64Encoded or gcsUri")
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise invalid_argument(f"{path}.bytesBase64Encoded", "is not base64") from None


def _scale(picture: bytes, settings: Mapping[str, object]) -> tuple[int, int]:
    """Return the size of a picture that is scaled up."""
    config, path = settings.get("upscaleConfig"), "parameters.upscaleConfig.upscaleFactor"
    factor = config.get("upscaleFactor") if isinstance(config, dict) else None
    if factor not in _FACTORS:
        raise invalid_argument(path, f"{quote(factor)} is not one of {', '.join(_FACTORS)}")
    width, height = (side * _FACTORS[str(factor)] for side in _measure(picture, f"{_INSTANCE}.image"))
    if width * height > _PIXELS:
        raise invalid_argument(path, f"makes {width}×{height} pixels; at most {_PIXELS:,} are allowed")
    return width, height


def _measure(picture: bytes, path: str) -> tuple[int, int]:
    """Return width and height of a PNG or JPEG."""
    width = height = 0
    if picture.startswith(b"\x89PNG\r\n\x1a\n") and len(picture) >= 24:
        width, height = struct.unpack(">II", picture[16:24])
    elif picture.startswith(b"\xff\xd8"):
        at = 2
        while at + 9 <= len(picture):
            marker, length = struct.unpack(">xBH", picture[at : at + 4])
            if marker in _FRAMES:
                height, width = struct.unpack(">HH", picture[at + 5 : at + 9])
                break
            at += 2 + length
    if not 0 < width * height <= _PIXELS:
        raise invalid_argument(path, f"is not a PNG or JPEG of at most {_PIXELS:,} pixels")
    return width, height


def _store(state: State, parent: str, response: aiplatform_v1.PredictResponse) -> None:
    """Write the pictures of a response to Cloud Storage; the response refers to them."""
    for number, prediction in enumerate(response.predictions):
        fields = prediction.struct_value.fields
        if "bytesBase64Encoded" in fields:
            suffix = fields["mimeType"].string_value.rpartition("/")[2]
            address = f"{parent}/sample_{number}.{suffix}"
            state.storage.write(address, base64.b64decode(fields["bytesBase64Encoded"].string_value))
            del fields["bytesBase64Encoded"]
            fields["gcsUri"].string_value = address
