"""Vertex AI's pictures: made, edited, scaled up and stored."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from emulator_process import Answer, ask

from gemwire.testing import RunningEmulator, emulator
from gemwire_emulator.engines.images import render_image

_MODEL = "projects/my-project/locations/us-central1/publishers/google/models/imagen-3.0-capability-001"
_PNG = render_image("a dog", 1, 40, 24)
_JPEG = render_image("a dog", 1, 48, 32, "image/jpeg")


@pytest.fixture
def running(tmp_path: Path) -> Iterator[RunningEmulator]:
    (tmp_path / "my-bucket").mkdir()
    (tmp_path / "my-bucket" / "dog.png").write_bytes(_PNG)
    with emulator(http_port=0, storage=tmp_path) as made:
        yield made


def _inline(picture: bytes) -> dict[str, str]:
    return {"bytesBase64Encoded": base64.b64encode(picture).decode()}


def _predict(running: RunningEmulator, instance: dict[str, Any], **parameters: Any) -> Answer:
    body = {"instances": [instance], "parameters": parameters}
    return ask(running.http, "POST", f"/v1beta1/{_MODEL}:predict", body)


def _size(prediction: dict[str, str]) -> tuple[int, int]:
    data = base64.b64decode(prediction["bytesBase64Encoded"])
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def _edit(*references: dict[str, Any], prompt: str = "a hat") -> dict[str, Any]:
    return {"prompt": prompt, "referenceImages": list(references)}


def _raw(**picture: str) -> dict[str, Any]:
    return {"referenceType": "REFERENCE_TYPE_RAW", "referenceId": 1, "referenceImage": picture}


def test_a_picture_is_edited(running: RunningEmulator) -> None:
    mask = {"referenceType": "REFERENCE_TYPE_MASK", "maskImageConfig": {"maskMode": "MASK_MODE_BACKGROUND"}}
    inline = _predict(running, _edit(mask, _raw(**_inline(_PNG))), sampleCount=2).json["predictions"]
    assert [_size(one) for one in inline] == [(40, 24)] * 2
    stored = _predict(running, _edit(mask, _raw(gcsUri="gs://my-bucket/dog.png"))).json["predictions"]
    assert stored[0] == inline[0], "the same picture, wherever it is"
    other = _predict(running, _edit(mask, _raw(**_inline(_JPEG)))).json["predictions"]
    assert _size(other[0]) == (48, 32)
    assert (
        _predict(running, _edit(_raw(**_inline(_PNG)), prompt="a coat")).json["predictions"][0] != inline[0]
    )


def test_a_picture_is_scaled_up(running: RunningEmulator, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"mode": "upscale", "upscaleConfig": {"upscaleFactor": "x4"}, "sampleCount": 1}
    made = _predict(running, {"image": _inline(_PNG), "prompt": ""}, **settings).json["predictions"]
    assert [_size(one) for one in made] == [(160, 96)]
    made = _predict(running, {"image": _inline(_PNG)}, storageUri="gs://my-bucket/big", **settings).json
    (picture,) = made["predictions"]
    assert "bytesBase64Encoded" not in picture
    data = (tmp_path / picture["gcsUri"].removeprefix("gs://")).read_bytes()
    assert struct.unpack(">II", data[16:24]) == (160, 96)


def test_pictures_are_stored(running: RunningEmulator, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"storageUri": "gs://my-bucket/made", "sampleCount": 2}
    settings["outputOptions"] = {"mimeType": "image/jpeg"}
    predictions = _predict(running, {"prompt": "a cat"}, **settings).json["predictions"]
    addresses = [one["gcsUri"] for one in predictions]
    assert len(set(addresses)) == 2
    for address in addresses:
        assert (tmp_path / address.removeprefix("gs://")).read_bytes().startswith(b"\xff\xd8")


_UPSCALE = {"mode": "upscale", "upscaleConfig": {"upscaleFactor": "x4"}}
_LARGE = _inline(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + struct.pack(">II", 4000, 4000))


@pytest.mark.parametrize(
    ("instance", "parameters", "words"),
    [
        (_edit(), {}, "instances[0].referenceImages: must be a list of at least one picture"),
        (_edit({"referenceType": "RAW"}), {}, "referenceImages[0].referenceType: 'RAW' is not one of"),
        (
            _edit(_raw()),
            {},
            "[0].referenceImage: is required, with bytesBase64Encoded or gcsUri",
        ),
        (_edit(_raw(bytesBase64Encoded="?")), {}, "bytesBase64Encoded: is not base64"),
        (_edit(_raw(**_inline(b"GIF89a"))), {}, "is not a PNG or JPEG of at most 17,000,000 pixels"),
        (_edit(_raw(**_inline(_PNG)), prompt=""), {}, "instances[0].prompt: is required"),
        (_edit(_raw(gcsUri="gs://my-bucket/none.png")), {}, "there is no file"),
        ({"image": _inline(_PNG)}, {"mode": "upscale"}, "upscaleFactor: None is not one of x2, x3, x4"),
        ({}, _UPSCALE, "instances[0].image: is required"),
        ({"image": _LARGE}, _UPSCALE, "makes 16000×16000 pixels; at most 17,000,000 are allowed"),
        ({"prompt": "a cat"}, {"storageUri": 5}, "parameters.storageUri: must be a text"),
        ({"prompt": "a cat"}, {"storageUri": "x"}, "parameters.storageUri: 'x' is not of the form gs://"),
    ],
)
def test_what_is_refused(
    running: RunningEmulator, instance: dict[str, Any], parameters: dict[str, Any], words: str
) -> None:
    answer = _predict(running, instance, **parameters)
    assert answer.status in (400, 404)
    assert words in answer.json["error"]["message"]
