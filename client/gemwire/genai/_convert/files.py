"""Files: metadata of uploads, and names of downloads."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gemwire.genai._convert.resource_names import to_file_name
from gemwire.genai._types.files import UploadFileConfig
from gemwire.genai._types.videos import GeneratedVideo, Video
from gemwire_proto import v1beta
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


def to_register_request(uris: object) -> v1beta.RegisterFilesRequest:
    """Build the request that registers objects of Cloud Storage."""
    if isinstance(uris, str) or not isinstance(uris, Sequence):
        raise TypeError(f"uris: expected a list of addresses, got {type(uris).__name__}")
    if not uris:
        raise ValueError("uris: is empty; give the addresses of objects, such as 'gs://bucket/object'")
    for at, uri in enumerate(uris):
        if not isinstance(uri, str):
            raise TypeError(f"uris[{at}]: expected a string, got {type(uri).__name__}")
        if not re.fullmatch(r"gs://[^/]+/.+", uri, re.DOTALL):
            raise ValueError(
                f"uris[{at}]: {uri!r} is not the address of an object, such as 'gs://bucket/object'"
            )
    return v1beta.RegisterFilesRequest(uris=uris)


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
