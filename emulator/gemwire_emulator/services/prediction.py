"""PredictionService: placeholder images, and placeholder videos as long-running operations."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TypeAlias, TypedDict

from google.protobuf import json_format

from gemwire_emulator.call import Call
from gemwire_emulator.engines import images
from gemwire_emulator.errors import invalid_argument, quote
from gemwire_emulator.names import check_name
from gemwire_emulator.services import longrunning
from gemwire_emulator.services.config_checks import check_tokens
from gemwire_emulator.services.failure_markers import find_failure_marker
from gemwire_emulator.services.files import store_file
from gemwire_emulator.services.model_catalog import check_model
from gemwire_emulator.services.safety import find_blocking_rating
from gemwire_emulator.services.schema_checks import check_json
from gemwire_emulator.state import State
from gemwire_proto import aiplatform_v1, v1beta
from gemwire_proto.google.longrunning import operations_pb2

_IMAGE_SIZES = {"1:1": (64, 64), "3:4": (48, 64), "4:3": (64, 48), "9:16": (36, 64), "16:9": (64, 36)}
_VIDEO_SIZES = {"16:9": (64, 36), "9:16": (36, 64)}
_PROMPT = "instances[0].prompt"
_SAMPLES = 4
_MAX_VIDEO_SECONDS = 8
_FRAMES_PER_SECOND = 4
#: Duration of the generation of a video, by the emulator's clock.
_GENERATION_SECONDS = 2.0
_FILTERED = "The prompt has a marker of a harm category, which the emulator's safety filter blocks."


_PredictRequest: TypeAlias = (
    "v1beta.PredictRequest | v1beta.PredictLongRunningRequest"
    " | aiplatform_v1.PredictRequest | aiplatform_v1.PredictLongRunningRequest"
)


class VideoPlan(TypedDict):
    """What `render_videos` needs, as JSON.

    Attributes:
        prompt: Text that determines the videos.
        ratio: Aspect ratio.
        count: Number of videos.
        seconds: Length of each.
        seed: Seed.
        ends: When they are done, by the clock.
        files: Whether they become files.
        folder: Where in Cloud Storage they are written; empty for nowhere.
    """

    prompt: str
    ratio: str
    count: int
    seconds: int
    seed: int
    ends: float
    files: bool
    folder: str


class PredictionService:
    """The handlers of PredictionService."""

    def __init__(self, state: State) -> None:
        """Create the handlers."""
        self._state = state

    def predict(self, request: v1beta.PredictRequest, call: Call) -> v1beta.PredictResponse:
        """Generate images: patterns derived from the prompt."""
        self._check_model(request, call, "predict")
        return render_images(parse_prompt(self._state, request), parse_parameters(request))

    def predict_long_running(
        self, request: v1beta.PredictLongRunningRequest, call: Call
    ) -> operations_pb2.Operation:
        """Start an operation that generates videos: patterns derived from the prompt."""
        self._check_model(request, call, "predictLongRunning")
        # Over HTTP, videos are files to download, as those of the service; gRPC cannot download files.
        plan = parse_video(self._state, request)
        plan["files"] = call.front == "http"
        metadata = v1beta.PredictLongRunningMetadata()
        operation = longrunning.create(self._state, call, request.model, metadata, plan)
        self._state.spawn(self._generate_video(call.tenant, operation.name, plan))
        return operation

    def resume(self) -> None:
        """Resume unfinished videos."""
        for tenant, name, plan in longrunning.list_unfinished(self._state, "models"):
            self._state.spawn(self._generate_video(tenant, name, plan))

    async def _generate_video(self, tenant: str, name: str, plan: VideoPlan) -> None:
        await self._state.clock.sleep(max(plan["ends"] - self._state.clock.now(), 0.0))
        failure = find_failure_marker([plan["prompt"]], _PROMPT)
        if failure:
            longrunning.fail(self._state, tenant, name, failure)
        elif not longrunning.is_cancelled(self._state, tenant, name):
            with self._state.store.transaction():
                response = render_videos(plan)
                if plan.get("files"):
                    self._store_files(tenant, name, response)
                longrunning.succeed(self._state, tenant, name, response)

    def _store_files(self, tenant: str, name: str, response: v1beta.PredictLongRunningResponse) -> None:
        """Store the videos as files."""
        row = self._state.store.get(tenant, name)
        if row is None:
            return  # The operation was deleted, and with it the names of the files.
        for sample in response.generate_video_response.generated_samples:
            content = self._state.blobs.put(sample.video.video)
            requested = v1beta.File(mime_type="image/apng", source=v1beta.File.Source.GENERATED)
            file = store_file(self._state, tenant, row.owner, requested, content)
            sample.video.uri = file.download_uri

    def _check_model(
        self, request: v1beta.PredictRequest | v1beta.PredictLongRunningRequest, call: Call, method: str
    ) -> None:
        check_name(request.model, "models/*", "model")
        check_model(self._state, request.model, "model", call, method)
        check_json(request)


def parse_instance(request: _PredictRequest) -> dict[str, object]:
    """Return the one instance of a request.

    Raises:
        StatusError: There is none, or more than one, or it is no object.
    """
    if not request.instances:
        raise invalid_argument("instances", "is required")
    if len(request.instances) > 1:
        raise invalid_argument("instances", f"has {len(request.instances)} entries; the model accepts 1")
    if request.instances[0].WhichOneof("kind") != "struct_value":
        raise invalid_argument("instances[0]", "must be an object with a prompt")
    return dict(json_format.MessageToDict(request.instances[0].struct_value))


def parse_prompt(state: State, request: _PredictRequest, *, or_image: bool = False) -> str:
    """Return the prompt of a request, which may be empty only ``or_image``: where there is an image.

    Raises:
        StatusError: There is no prompt, or it is too long.
    """
    instance = parse_instance(request)
    prompt = instance.get("prompt", "")
    if not isinstance(prompt, str):
        raise invalid_argument(_PROMPT, "must be a string")
    if not prompt and not (or_image and instance.get("image")):
        raise invalid_argument(_PROMPT, "is required")
    check_tokens(state.engine, [prompt], _PROMPT)
    return prompt


def render_images(
    prompt: str, settings: Mapping[str, object], size: tuple[int, int] | None = None
) -> v1beta.PredictResponse:
    """Return patterns derived from a prompt.

    Args:
        prompt: Text that determines them.
        settings: The parameters of the request.
        size: Width and height; None for those of the aspect ratio in the settings.

    Raises:
        StatusError: A setting is invalid.
    """
    width, height = size or _get_size(settings, _IMAGE_SIZES)
    count, seed = (
        _get_integer(settings, "sampleCount", 1, 1, _SAMPLES),
        _get_integer(settings, "seed", 0, 0, 2**32 - 1),
    )
    options = settings.get("outputOptions") or {}
    kind = options.get("mimeType", "image/png") if isinstance(options, dict) else ""
    if kind not in images.IMAGE_TYPES:
        raise invalid_argument(
            "parameters.outputOptions.mimeType",
            f"the emulator makes {' and '.join(images.IMAGE_TYPES)} only",
        )
    response = v1beta.PredictResponse()
    if find_blocking_rating([prompt], (), _PROMPT) is not None:
        if settings.get("includeRaiReason"):
            json_format.ParseDict({"raiFilteredReason": _FILTERED}, response.predictions.add())
        return response
    for number in range(count):
        image = images.render_image(prompt, seed + number, width, height, kind)
        fields = {
            "bytesBase64Encoded": base64.b64encode(image).decode(),
            "mimeType": kind,
            "emulated": True,
        }
        json_format.ParseDict(fields, response.predictions.add())
    return response


def parse_video(state: State, request: _PredictRequest) -> VideoPlan:
    """Return the plan of the videos that a request asks for.

    Raises:
        StatusError: The request is invalid.
    """
    prompt = parse_prompt(state, request, or_image=True)
    settings = parse_parameters(request)
    _get_size(settings, _VIDEO_SIZES)
    find_blocking_rating([prompt], (), _PROMPT)  # Rejects invalid markers,
    find_failure_marker([prompt], _PROMPT)  # of both kinds.
    return {
        "prompt": prompt,
        "ratio": str(settings.get("aspectRatio", "16:9")),
        "count": _get_integer(settings, "sampleCount", 1, 1, _SAMPLES),
        "seconds": _get_integer(settings, "durationSeconds", _MAX_VIDEO_SECONDS, 1, _MAX_VIDEO_SECONDS),
        "seed": _get_integer(settings, "seed", 0, 0, 2**32 - 1),
        "ends": state.clock.now() + _GENERATION_SECONDS,
        "files": False,
        "folder": "",
    }


def render_videos(plan: VideoPlan) -> v1beta.PredictLongRunningResponse:
    """Return the videos of a request that `parse_video` has read; none if its prompt is blocked."""
    response = v1beta.PredictLongRunningResponse()
    videos = response.generate_video_response
    if find_blocking_rating([plan["prompt"]], ()) is not None:
        videos.rai_media_filtered_count = plan["count"]
        videos.rai_media_filtered_reasons.append(_FILTERED)
        return response
    width, height = _VIDEO_SIZES[plan["ratio"]]
    for number in range(plan["count"]):
        frames = plan["seconds"] * _FRAMES_PER_SECOND
        video = images.render_animation(
            plan["prompt"], plan["seed"] + number, width, height, frames, _FRAMES_PER_SECOND
        )
        videos.generated_samples.add().video.video = video
    return response


def parse_parameters(request: _PredictRequest) -> dict[str, object]:
    """Return the parameters of a request that are set. Raises StatusError if they are no object."""
    if not request.HasField("parameters") or request.parameters.WhichOneof("kind") in (None, "null_value"):
        return {}
    if request.parameters.WhichOneof("kind") != "struct_value":
        raise invalid_argument("parameters", "must be an object")
    settings = json_format.MessageToDict(request.parameters.struct_value)
    return {name: value for name, value in settings.items() if value is not None}


def _get_integer(settings: Mapping[str, object], name: str, default: int, low: int, high: int) -> int:
    value = settings.get(name, default)
    # Numbers of a Struct are doubles.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not float(value).is_integer():
        raise invalid_argument(f"parameters.{name}", f"must be an integer, got {quote(value)}")
    if not low <= value <= high:
        raise invalid_argument(f"parameters.{name}", f"must be from {low} to {high}, got {value:g}")
    return int(value)


def _get_size(settings: Mapping[str, object], sizes: dict[str, tuple[int, int]]) -> tuple[int, int]:
    ratio = settings.get("aspectRatio", next(iter(sizes)))
    if not isinstance(ratio, str) or ratio not in sizes:
        raise invalid_argument("parameters.aspectRatio", f"{quote(ratio)} is not one of {', '.join(sizes)}")
    return sizes[ratio]
