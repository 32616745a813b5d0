# Derived from genai/_aio/files.py by scripts/unasync. DO NOT EDIT.
"""``client.files``: files for requests, and files that models made."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import Any, overload

from gemwire.genai._convert.resource_names import file_name
from gemwire.genai._sync.api import Api
from gemwire.genai._sync.pager import Pager, paged
from gemwire.genai._types.call_configs import HttpOptions
from gemwire.genai._types.files import File, described, downloadable
from gemwire.genai._types.resource_configs import (
    DeleteFileConfig,
    DownloadFileConfig,
    GetFileConfig,
    ListFilesConfig,
    UploadFileConfig,
)

#: Is told how many bytes have arrived, and how many there are, if that is known.
Progress = Callable[[int, int | None], Any]


class Files:
    """Files: what is known of them over gRPC, their bytes over HTTP, which needs ``gemwire[http]``."""

    def __init__(self, api: Api) -> None:
        """``api``: what the resources share."""
        self._api = api

    def upload(
        self,
        *,
        file: Any,
        config: UploadFileConfig | Any | None = None,
        progress: Progress | None = None,
    ) -> File:
        """Upload a file. It goes on where a connection broke, and holds no more than a chunk of it.

        Args:
            file: Path of a file; bytes; a file object, from where it stands; an iterable of bytes.
            config: `UploadFileConfig`, or a dict of its fields. Its timeout is for everything; without one
                it takes as long as it takes.
            progress: Called with the bytes that have arrived and the size, after each chunk.

        Raises:
            ImportError: ``gemwire[http]`` is not installed.
            OSError: The file cannot be read.
            ValueError: There is no media type and no name that tells it, or a name can be none.
            TypeError: An argument is of a wrong type.
            APIError: It failed for good.
        """
        config = UploadFileConfig.of(config)
        wanted = described(config)
        rest = self._api.rest("files.upload")
        settings = self._unhurried(config.http_options)
        try:
            made = rest.upload_file(file, file=wanted, progress=progress, **settings)
        except ValueError as error:
            if str(error).startswith("mime_type: "):
                raise ValueError(f"config.{error}") from None
            raise
        return File.of(made)

    def get(self, *, name: str, config: GetFileConfig | Any | None = None) -> File:
        """What is known of a file.

        Args:
            name: Its name, with or without ``files/``, or its address.
            config: `GetFileConfig`, or a dict of its fields.

        Raises:
            ValueError: It is no name.
            APIError: The call failed.
        """
        settings = self._api.settings(GetFileConfig.of(config).http_options)
        return File.of(self._api.files.get_file(name=file_name(name), **settings))

    def list(self, *, config: ListFilesConfig | Any | None = None) -> Pager[File]:
        """The files that there are.

        Args:
            config: `ListFilesConfig`, or a dict of its fields.

        Raises:
            ValueError: The config has an unknown field.
            APIError: The call failed.
        """
        config = ListFilesConfig.of(config)
        settings = self._api.settings(config.http_options)

        def fetch(token: str) -> Any:
            asked = {"page_size": config.page_size or 0, "page_token": token}
            return self._api.files.list_files(asked, **settings)

        return paged(fetch, "files", config)

    def delete(self, *, name: str, config: DeleteFileConfig | Any | None = None) -> None:
        """Delete a file.

        Args:
            name: Its name, with or without ``files/``, or its address.
            config: `DeleteFileConfig`, or a dict of its fields.

        Raises:
            ValueError: It is no name.
            APIError: The call failed.
        """
        settings = self._api.settings(DeleteFileConfig.of(config).http_options)
        self._api.files.delete_file(name=file_name(name), **settings)

    @overload
    def download(
        self,
        *,
        file: Any,
        destination: None = None,
        config: DownloadFileConfig | Any | None = None,
        progress: Progress | None = None,
    ) -> bytes: ...
    @overload
    def download(
        self,
        *,
        file: Any,
        destination: str | os.PathLike[str] | Any,
        config: DownloadFileConfig | Any | None = None,
        progress: Progress | None = None,
    ) -> None: ...
    def download(
        self,
        *,
        file: Any,
        destination: str | os.PathLike[str] | Any | None = None,
        config: DownloadFileConfig | Any | None = None,
        progress: Progress | None = None,
    ) -> bytes | None:
        """Download the bytes of a file that was generated. It goes on where a connection broke.

        Args:
            file: A `File`, a name or an address of one, a `Video` or a `GeneratedVideo`.
            destination: Where they go: the path of a file, which is there only when it is complete, or an
                object with ``write``. None to have them returned, and kept in a video.
            config: `DownloadFileConfig`, or a dict of its fields. Its timeout is for everything.
            progress: Called with the bytes that have come and the size, after each piece.

        Raises:
            ImportError: ``gemwire[http]`` is not installed.
            OSError: The destination cannot be written.
            ValueError: It is no file that can be downloaded.
            TypeError: An argument is of a wrong type.
            APIError: It failed for good.
        """
        config = DownloadFileConfig.of(config)
        name, video = downloadable(file)
        rest = self._api.rest("files.download")
        settings = self._unhurried(config.http_options)
        memory = io.BytesIO()
        rest.download_file(
            name, memory if destination is None else destination, progress=progress, **settings
        )
        if destination is not None:
            return None
        data = memory.getvalue()
        if video is not None:
            video.video_bytes = data
        return data

    def _unhurried(self, own: Any) -> dict[str, Any]:
        """Arguments of a transfer: the client's timeout is meant for calls, not for any number of bytes."""
        settings = dict(self._api.settings(own))
        if own is None or HttpOptions.of(own, "config.http_options").timeout is None:
            settings.pop("timeout", None)
        return settings
