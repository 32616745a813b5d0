"""PredictionService: pictures at once, films as operations. All of them are emulated, and say so."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format

from gemwire_emulator.call import Call
from gemwire_emulator.engines import images
from gemwire_emulator.errors import invalid_argument, quote
from gemwire_emulator.names import check
from gemwire_emulator.services import longrunning
from gemwire_emulator.services.config_checks import check_tokens
from gemwire_emulator.services.failure_markers import find_failure_marker
from gemwire_emulator.services.files import store_file
from gemwire_emulator.services.model_catalog import check_model
from gemwire_emulator.services.safety import blocked
from gemwire_emulator.services.schema_checks import check_json
from gemwire_emulator.state import State
from gemwire_proto import v1beta

_STILL_SIZES = {"1:1": (64, 64), "3:4": (48, 64), "4:3": (64, 48), "9:16": (36, 64), "16:9": (64, 36)}
_FILM_SIZES = {"16:9": (64, 36), "9:16": (36, 64)}
_PROMPT = "instances[0].prompt"
_SAMPLES = 4
_LONGEST_FILM = 8
_FRAMES_PER_SECOND = 4
#: By the emulator's clock.
_SECONDS_FOR_A_FILM = 2.0
_FILTERED = "The prompt is marked with a harm category, which the emulator's safety filter blocks."


class PredictionService:
    """The handlers of PredictionService."""

    def __init__(self, state: State) -> None:
        """``state``: what the handlers share."""
        self._state = state

    def predict(self, request: Any, call: Call) -> Any:
        """Pictures of patterns that the prompt decides."""
        self._check_model(request, call, "predict")
        prompt = self._prompt(request)
        settings = _settings(request)
        width, height = _size(settings, _STILL_SIZES)
        count, seed = (
            _whole(settings, "sampleCount", 1, 1, _SAMPLES),
            _whole(settings, "seed", 0, 0, 2**32 - 1),
        )
        options = settings.get("outputOptions") or {}
        kind = options.get("mimeType", "image/png") if isinstance(options, dict) else ""
        if kind not in images.STILLS:
            raise invalid_argument(
                "parameters.outputOptions.mimeType",
                f"the emulator makes {' and '.join(images.STILLS)} only",
            )
        response = v1beta.PredictResponse()
        if blocked([prompt], (), _PROMPT) is not None:
            if settings.get("includeRaiReason"):
                json_format.ParseDict({"raiFilteredReason": _FILTERED}, response.predictions.add())
            return response
        for number in range(count):
            picture = images.still(prompt, seed + number, width, height, kind)
            fields = {
                "bytesBase64Encoded": base64.b64encode(picture).decode(),
                "mimeType": kind,
                "emulated": True,
            }
            json_format.ParseDict(fields, response.predictions.add())
        return response

    def predict_long_running(self, request: Any, call: Call) -> Any:
        """An operation that ends with films of patterns that the prompt decides."""
        self._check_model(request, call, "predictLongRunning")
        prompt = self._prompt(request, or_image=True)
        settings = _settings(request)
        _size(settings, _FILM_SIZES)
        keep = {
            "prompt": prompt,
            "ratio": settings.get("aspectRatio", "16:9"),
            "count": _whole(settings, "sampleCount", 1, 1, _SAMPLES),
            "seconds": _whole(settings, "durationSeconds", _LONGEST_FILM, 1, _LONGEST_FILM),
            "seed": _whole(settings, "seed", 0, 0, 2**32 - 1),
            "ends": self._state.clock.now() + _SECONDS_FOR_A_FILM,
            # Over HTTP, films are files to download, as the service has it; gRPC could not fetch them.
            "files": call.front == "http",
        }
        blocked([prompt], (), _PROMPT)  # Refuses a mark that names no category,
        find_failure_marker([prompt], _PROMPT)  # and one that names no status.
        metadata = v1beta.PredictLongRunningMetadata()
        operation = longrunning.begin(self._state, call, request.model, metadata, keep)
        self._state.spawn(self._film(call.tenant, operation.name, keep))
        return operation

    def resume(self) -> None:
        """Go on with what a former run left unfinished."""
        for tenant, name, keep in longrunning.unfinished(self._state, "models"):
            self._state.spawn(self._film(tenant, name, keep))

    async def _film(self, tenant: str, name: str, keep: Mapping[str, Any]) -> None:
        await self._state.clock.sleep(max(keep["ends"] - self._state.clock.now(), 0.0))
        doom = find_failure_marker([keep["prompt"]], _PROMPT)
        if doom:
            longrunning.fail(self._state, tenant, name, doom)
        elif not longrunning.cancelled(self._state, tenant, name):
            with self._state.store.transaction():
                response = _filmed(keep)
                if keep.get("files"):
                    self._store(tenant, name, response)
                longrunning.finish(self._state, tenant, name, response)

    def _store(self, tenant: str, name: str, response: Any) -> None:
        """Put the films into files."""
        row = self._state.store.get(tenant, name)
        if row is None:
            return  # Nobody could learn of them.
        for sample in response.generate_video_response.generated_samples:
            content = self._state.blobs.put(sample.video.video)
            wanted = v1beta.File(mime_type="image/apng", source=v1beta.File.Source.GENERATED)
            file = store_file(self._state, tenant, row.owner, wanted, content)
            sample.video.uri = file.download_uri

    def _check_model(self, request: Any, call: Call, method: str) -> None:
        check(request.model, "models/*", "model")
        check_model(self._state, request.model, "model", call, method)
        check_json(request)

    def _prompt(self, request: Any, *, or_image: bool = False) -> str:
        if not request.instances:
            raise invalid_argument("instances", "is required")
        if len(request.instances) > 1:
            raise invalid_argument("instances", f"has {len(request.instances)} entries; the model takes 1")
        if request.instances[0].WhichOneof("kind") != "struct_value":
            raise invalid_argument("instances[0]", "must be an object with a prompt")
        instance = json_format.MessageToDict(request.instances[0].struct_value)
        prompt = instance.get("prompt", "")
        if not isinstance(prompt, str):
            raise invalid_argument(_PROMPT, "must be a string")
        if not prompt and not (or_image and instance.get("image")):
            raise invalid_argument(_PROMPT, "is required")
        check_tokens(self._state.engine, [prompt], _PROMPT)
        return prompt


def _filmed(keep: Mapping[str, Any]) -> Any:
    response = v1beta.PredictLongRunningResponse()
    videos = response.generate_video_response
    if blocked([keep["prompt"]], ()) is not None:
        videos.rai_media_filtered_count = keep["count"]
        videos.rai_media_filtered_reasons.append(_FILTERED)
        return response
    width, height = _FILM_SIZES[keep["ratio"]]
    for number in range(keep["count"]):
        frames = keep["seconds"] * _FRAMES_PER_SECOND
        film = images.moving(keep["prompt"], keep["seed"] + number, width, height, frames, _FRAMES_PER_SECOND)
        videos.generated_samples.add().video.video = film
    return response


def _settings(request: Any) -> dict[str, Any]:
    if not request.HasField("parameters") or request.parameters.WhichOneof("kind") in (None, "null_value"):
        return {}
    if request.parameters.WhichOneof("kind") != "struct_value":
        raise invalid_argument("parameters", "must be an object")
    settings: dict[str, Any] = json_format.MessageToDict(request.parameters.struct_value)
    return {name: value for name, value in settings.items() if value is not None}


def _whole(settings: dict[str, Any], name: str, default: int, low: int, high: int) -> int:
    value = settings.get(name, default)
    # Numbers of a Struct are doubles.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not float(value).is_integer():
        raise invalid_argument(f"parameters.{name}", f"must be a whole number, got {quote(value)}")
    if not low <= value <= high:
        raise invalid_argument(f"parameters.{name}", f"must be from {low} to {high}, got {value:g}")
    return int(value)


def _size(settings: dict[str, Any], sizes: dict[str, tuple[int, int]]) -> tuple[int, int]:
    ratio = settings.get("aspectRatio", next(iter(sizes)))
    if not isinstance(ratio, str) or ratio not in sizes:
        raise invalid_argument("parameters.aspectRatio", f"{quote(ratio)} is none of {', '.join(sizes)}")
    return sizes[ratio]
