"""Files: what programs see of them, and which bytes they mean."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from gemwire.genai._convert.resource_names import file_name
from gemwire.genai._types.config import Config
from gemwire.genai._types.videos import GeneratedVideo, Video
from gemwire_proto.v1beta import views


class FileStatus(Config):
    """Why a file cannot be used.

    Attributes:
        code: Of gRPC.
        message: In words.
        details: More, if there is.
    """

    code: int | None = None
    message: str | None = None
    details: Sequence[Any] | None = None


class File(views.File):
    """A file that was uploaded, or made by a model."""

    __slots__ = ()

    @property
    def sha256_hash(self) -> str | None:  # type: ignore[override]  # as JSON has it
        """SHA-256 of its bytes, in base64."""
        return base64.b64encode(self._pb.sha256_hash).decode() or None

    @property
    def error(self) -> FileStatus | None:  # type: ignore[override]  # with names as google-genai has them
        """Why it cannot be used."""
        if not self._pb.HasField("error"):
            return None
        return FileStatus(code=self._pb.error.code, message=self._pb.error.message)


def described(config: Any) -> dict[str, Any]:
    """The fields of the ``File`` to make.

    Args:
        config: `UploadFileConfig`.

    Raises:
        ValueError: Its name can be none.
        TypeError: A value is of a wrong type.
    """
    made: dict[str, Any] = {"name": file_name(config.name)} if config.name is not None else {}
    for name in ("display_name", "mime_type"):
        value = getattr(config, name)
        if value is not None and not isinstance(value, str):
            raise TypeError(f"config.{name}: expected a text, got {type(value).__name__}")
        if value:
            made[name] = value
    return made


def downloadable(file: Any) -> tuple[str, Video | None]:
    """The name of the file with the bytes that are meant, and the video that gets them.

    Args:
        file: A file, its name or address, or a video.

    Raises:
        ValueError: There is nothing that can be downloaded.
        TypeError: It is something else.
    """
    video = file.video if isinstance(file, GeneratedVideo) else file
    if isinstance(video, Video):
        if not video.uri:
            raise ValueError("file: the video has no uri to download it from")
        return file_name(video.uri), video
    if isinstance(file, views.File) and not file.download_uri:
        raise ValueError(
            f"file: {file.name} cannot be downloaded, only generated files can; those have a download_uri"
        )
    if video is None:
        raise ValueError("file: there is no video in it")
    return file_name(file), None
