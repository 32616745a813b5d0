"""Files: metadata of uploads, and names of downloads."""

from __future__ import annotations

from gemwire.genai._convert.resource_names import to_file_name
from gemwire.genai._types.files import UploadFileConfig
from gemwire.genai._types.videos import GeneratedVideo, Video
from gemwire_proto.v1beta import views


def to_file_fields(config: UploadFileConfig) -> dict[str, str]:
    """Return the fields of the ``File`` to create."""
    fields = {"name": to_file_name(config.name)} if config.name is not None else {}
    for name in ("display_name", "mime_type"):
        value = getattr(config, name)
        if value is not None and not isinstance(value, str):
            raise TypeError(f"config.{name}: expected a string, got {type(value).__name__}")
        if value:
            fields[name] = value
    return fields


def resolve_download(file: object) -> tuple[str, Video | None]:
    """Return the name of the file to download, and the video that receives its bytes, if any.

    Args:
        file: A file, its name or URI, or a video.
    """
    video = file.video if isinstance(file, GeneratedVideo) else file
    if isinstance(video, Video):
        if not video.uri:
            raise ValueError("file: the video has no uri to download it from")
        return to_file_name(video.uri), video
    if isinstance(file, views.File) and not file.download_uri:
        raise ValueError(
            f"file: {file.name} cannot be downloaded; only generated files, which have a download_uri, can"
        )
    if video is None:
        raise ValueError("file: the generated video is None")
    return to_file_name(file), None
