"""Videos: what programs hold, how they are asked for, and the operations that make them."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gemwire.genai._convert import media_types
from gemwire.genai._convert.resource_names import model_name
from gemwire.genai._types.config import Config
from gemwire.genai._types.images import Image, encoded, parameters
from gemwire.genai._types.media_configs import GenerateVideosConfig
from gemwire_proto import v1beta
from gemwire_proto.v1beta import views

#: Parameters of models that make videos, by the fields of the config.
_PARAMETERS = {
    "number_of_videos": "sampleCount",
    "fps": "fps",
    "duration_seconds": "durationSeconds",
    "seed": "seed",
    "aspect_ratio": "aspectRatio",
    "resolution": "resolution",
    "person_generation": "personGeneration",
    "negative_prompt": "negativePrompt",
    "enhance_prompt": "enhancePrompt",
    "generate_audio": "generateAudio",
}


class Video(Config):
    """A video: its bytes, or where they are.

    Attributes:
        video_bytes: It.
        uri: Where it can be downloaded, with ``client.files.download``.
        mime_type: What it is.
    """

    video_bytes: bytes | None = None
    uri: str | None = None
    mime_type: str | None = None

    @classmethod
    def from_file(cls, *, location: str | Path, mime_type: str | None = None) -> Video:
        """A video of a file.

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
        return cls(video_bytes=data, mime_type=found)

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
        media_types.show(self._bytes(), self.mime_type or "video/mp4")

    def _bytes(self) -> bytes:
        if self.video_bytes:
            return self.video_bytes
        if self.uri:
            raise ValueError("the video is not here yet; get it with client.files.download(file=video)")
        raise ValueError("the video has no bytes")


class GeneratedVideo(Config):
    """A video that was made.

    Attributes:
        video: It.
    """

    video: Video | None = None


class GenerateVideosResponse(Config):
    """The videos that were made.

    Attributes:
        generated_videos: They.
        rai_media_filtered_count: How many were filtered.
        rai_media_filtered_reasons: Why.
    """

    generated_videos: Sequence[GeneratedVideo] | None = None
    rai_media_filtered_count: int | None = None
    rai_media_filtered_reasons: Sequence[str] | None = None


class GenerateVideosSource(Config):
    """What videos are made of.

    Attributes:
        prompt: What is to be seen.
        image: A picture to begin with.
        video: A video to go on with.
    """

    prompt: str | None = None
    image: Image | Mapping[str, Any] | None = None
    video: Video | Mapping[str, Any] | None = None


class Operation(Config):
    """Work that goes on at the server; ``client.operations.get`` tells how far it is.

    Attributes:
        name: Its name.
        metadata: Its progress, as a dict.
        done: Whether it has ended.
        error: Why it failed: a dict with ``code`` and ``message``.
    """

    name: str | None = None
    metadata: Mapping[str, Any] | None = None
    done: bool | None = None
    error: Mapping[str, Any] | None = None


class GenerateVideosOperation(Operation):
    """The making of videos.

    Attributes:
        name: Its name.
        metadata: Its progress, as a dict.
        done: Whether it has ended.
        error: Why it failed: a dict with ``code`` and ``message``.
        response: The videos, once they are there.
    """

    response: GenerateVideosResponse | None = None

    @property
    def result(self) -> GenerateVideosResponse | None:
        """The same as `response`."""
        return self.response


def to_predict(model: Any, source: GenerateVideosSource, config: GenerateVideosConfig) -> Any:
    """The PredictLongRunningRequest.

    Args:
        model: Its name.
        source: What the videos are made of.
        config: How.

    Raises:
        ValueError: A value is none that can be sent.
        TypeError: A value is of a wrong type.
    """
    given = dict(config.given())
    last_frame = given.pop("last_frame", None)
    instance: dict[str, Any] = {}
    if source.prompt is not None:
        if not isinstance(source.prompt, str):
            raise TypeError(f"prompt: expected a text, got {type(source.prompt).__name__}")
        instance["prompt"] = source.prompt
    if source.image is not None:
        instance["image"] = encoded(source.image, "image")
    if source.video is not None:
        instance["video"] = _encoded(Video.of(source.video, "video"))
    if not instance:
        raise ValueError("prompt is required, or an image or a video to begin with")
    if last_frame is not None:
        instance["lastFrame"] = encoded(last_frame, "config.last_frame")
    made = parameters(GenerateVideosConfig(**given), _PARAMETERS)
    request = views.PredictLongRunningRequest(
        model=model_name(model), instances=[instance], parameters=made or None
    )
    return request._pb


def operation(message: Any) -> GenerateVideosOperation:
    """What a ``google.longrunning.Operation`` that makes videos tells.

    Args:
        message: It.

    Raises:
        ValueError: It makes something else.
    """
    made = GenerateVideosOperation(name=message.name, done=message.done or None)
    which = message.WhichOneof("result")
    if which == "error":
        made.error = {"code": message.error.code, "message": message.error.message}
    elif which == "response":
        response = v1beta.PredictLongRunningResponse()
        if not message.response.type_url.endswith(f"/{response.DESCRIPTOR.full_name}"):
            raise ValueError(f"operation {message.name} makes no videos, but {message.response.type_url}")
        response.ParseFromString(message.response.value)
        made.response = _response(response.generate_video_response)
    return made


def _response(message: Any) -> GenerateVideosResponse:
    videos = [GeneratedVideo(video=_video(sample.video)) for sample in message.generated_samples]
    return GenerateVideosResponse(
        generated_videos=videos or None,
        rai_media_filtered_count=message.rai_media_filtered_count or None,
        rai_media_filtered_reasons=list(message.rai_media_filtered_reasons) or None,
    )


def _video(message: Any) -> Video:
    data = message.video
    try:
        found = media_types.type_of_bytes(data, "video")
    except ValueError:
        found = "video/mp4"
    return Video(video_bytes=data or None, uri=message.uri or None, mime_type=found)


def _encoded(video: Video) -> dict[str, str]:
    if video.uri:
        return {"uri": video.uri}
    data, kind = video.video_bytes, video.mime_type or "video/mp4"
    if not data:
        raise ValueError("video: has neither uri nor video_bytes")
    return {"encodedVideo": base64.b64encode(data).decode(), "encoding": kind}
