# Derived from genai/_aio/files.py by scripts/unasync. DO NOT EDIT.
"""``client.files``: files that requests refer to, and files that models generated."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, BinaryIO, Protocol, TypeAlias, overload

from gemwire._secret import type_name
from gemwire._transport import credentials
from gemwire._transport.sync.token_wait import wait_for_token
from gemwire._transport.token import Pairs, Token
from gemwire.genai._convert.error_details import details_as_json
from gemwire.genai._sync.api import Api
from gemwire.genai._sync.pager import Pager
from gemwire.genai._sync.resource import Resource
from gemwire.genai._types.files import (
    DeleteFileConfig,
    DeleteFileResponse,
    DownloadFileConfig,
    File,
    GetFileConfig,
    ListFilesConfig,
    RegisterFilesConfig,
    RegisterFilesResponse,
    UploadFileConfig,
)
from gemwire.genai._types.http_options import HttpOptions
from gemwire.genai._types.videos import GeneratedVideo, Video
from gemwire.options import ClientOptions
from gemwire_runtime.method import AnyMethod

if TYPE_CHECKING:
    import builtins

    import google.auth.credentials

    from gemwire.genai._types.dicts import (
        DeleteFileConfigOrDict,
        DownloadFileConfigOrDict,
        GetFileConfigOrDict,
        ListFilesConfigOrDict,
        RegisterFilesConfigOrDict,
        UploadFileConfigOrDict,
    )


#: Called with the bytes transferred so far, and the size if it is known.
Progress: TypeAlias = Callable[[int, int | None], object]
#: What is uploaded: a path, bytes, a file object or an iterable of bytes.
Source: TypeAlias = str | os.PathLike[str] | bytes | BinaryIO | Iterable[bytes]
#: What is downloaded: a file, its name or address, or a generated video.
Downloadable: TypeAlias = File | Video | GeneratedVideo | str


class Writable(Protocol):
    """An object that bytes are written to."""

    def write(self, data: bytes, /) -> object:
        """Write some bytes."""


class Files(Resource):
    """Files: their metadata goes over gRPC, their bytes over HTTP, which needs ``gemwire[http]``.

    The service deletes uploaded files after 48 hours.
    """

    def upload(
        self,
        *,
        file: Source,
        config: UploadFileConfigOrDict | None = None,
        progress: Progress | None = None,
    ) -> File:
        """Upload a file in chunks, of which one is held in memory. After a broken connection it resumes.

        Args:
            file: Path of a file; bytes; a file object, from its current position; or an iterable of bytes.
            config: `UploadFileConfig`, or a dict of its fields. Its ``http_options.timeout`` limits the whole
                upload; without it there is no limit.
            progress: Called after each chunk with the bytes uploaded so far, and the size if it is known.

        Raises:
            ImportError: ``gemwire[http]`` is not installed.
            OSError: The file cannot be read.
            ValueError: ``config.name`` is invalid, or the media type is unknown; set ``config.mime_type``.
            TypeError: An argument is of a wrong type.
            APIError: The upload failed.
        """
        config = UploadFileConfig.of(config)
        fields = self._api.backend.files.to_upload(config)
        rest = self._api.transfers("files.upload")
        settings = self._api.transfer_settings(config.http_options)
        try:
            with details_as_json:
                message = rest.upload_file(file, file=fields, progress=progress, **settings)
        except FileNotFoundError as error:
            said = "file is not a valid file path; there is no such file"
            raise FileNotFoundError(error.errno, said, error.filename) from None
        except ValueError as error:
            if str(error).startswith("mime_type: "):
                raise ValueError(f"config.{error}") from None
            raise
        return File.of(message)

    def register_files(
        self,
        *,
        auth: google.auth.credentials.Credentials,
        uris: builtins.list[str],
        config: RegisterFilesConfigOrDict | None = None,
    ) -> RegisterFilesResponse:
        """Register objects of Cloud Storage as files, which stay where they are. Needs ``gemwire[http]``.

        The call is not retried, as repeating it registers the objects again.

        Args:
            auth: google-auth credentials that may read the objects. They are used for this call alone.
            uris: Addresses of the objects, ``gs://bucket/object``.
            config: `RegisterFilesConfig`, or a dict of its fields.

        Raises:
            ImportError: ``gemwire[http]`` is not installed.
            ValueError: An argument is invalid.
            TypeError: ``auth`` is not google-auth's, or another argument is of a wrong type.
            APIError: The credentials gave no token, or the call failed.
        """
        config = RegisterFilesConfig.of(config)
        call = self._api.backend.files.register(uris)
        options = HttpOptions.of(config.http_options, "config.http_options")
        token = self._get_token(auth, call.method, self._api.settings(options).get("timeout"))
        own = options.model_copy(update={"headers": {**(options.headers or {}), **dict(token)}})
        return self._api.call(call, own)

    def _get_token(
        self, auth: google.auth.credentials.Credentials, method: AnyMethod, timeout: float | None
    ) -> Pairs:
        """Return the headers of credentials that are not the client's."""
        import google.auth.credentials

        if not isinstance(auth, google.auth.credentials.Credentials):
            raise TypeError(f"auth: expected google.auth credentials, got {type_name(auth)}")
        if isinstance(self._api.caller.authorization, Token):
            raise ValueError(  # noqa: TRY004 - of the client, not of the argument
                "auth: the client has credentials of its own; use a client with an API key"
            )
        service = self._api.backend.service
        authorization = credentials.resolve(auth, ClientOptions(), service, service.host)
        with details_as_json:
            ready = authorization.pairs(time.monotonic())
            return wait_for_token(authorization, ready, timeout, method.path[1:])

    def get(self, *, name: str, config: GetFileConfigOrDict | None = None) -> File:
        """Get the metadata of a file.

        Args:
            name: Name of the file, with or without ``files/``, or its URI.
            config: `GetFileConfig`, or a dict of its fields.

        Raises:
            ValueError: The name is invalid.
            APIError: The call failed.
        """
        call = self._api.backend.files.get(name)
        return self._api.call(call, GetFileConfig.of(config).http_options)

    def list(self, *, config: ListFilesConfigOrDict | None = None) -> Pager[File]:
        """List files.

        Args:
            config: `ListFilesConfig`, or a dict of its fields.

        Raises:
            ValueError: The config has an unknown field.
            APIError: The call failed.
        """
        config = ListFilesConfig.of(config)
        return Pager.start(self._api, self._api.backend.files.list, config)

    def delete(self, *, name: str, config: DeleteFileConfigOrDict | None = None) -> DeleteFileResponse:
        """Delete a file.

        Args:
            name: Name of the file, with or without ``files/``, or its URI.
            config: `DeleteFileConfig`, or a dict of its fields.

        Raises:
            ValueError: The name is invalid.
            APIError: The call failed.
        """
        call = self._api.backend.files.delete(name)
        return self._api.call(call, DeleteFileConfig.of(config).http_options)

    @overload
    def download(
        self,
        *,
        file: Downloadable,
        destination: None = None,
        config: DownloadFileConfigOrDict | None = None,
        progress: Progress | None = None,
    ) -> bytes: ...
    @overload
    def download(
        self,
        *,
        file: Downloadable,
        destination: str | os.PathLike[str] | Writable,
        config: DownloadFileConfigOrDict | None = None,
        progress: Progress | None = None,
    ) -> None: ...
    def download(
        self,
        *,
        file: Downloadable,
        destination: str | os.PathLike[str] | Writable | None = None,
        config: DownloadFileConfigOrDict | None = None,
        progress: Progress | None = None,
    ) -> bytes | None:
        """Download a generated file. After a broken connection it resumes.

        Args:
            file: A `File`, its name or URI, a `Video` or a `GeneratedVideo`. Uploaded files cannot be
                downloaded.
            destination: Path of a file, which appears when it is complete, or an object with ``write``.
                None to return the bytes; a video keeps them as well.
            config: `DownloadFileConfig`, or a dict of its fields. Its ``http_options.timeout`` limits the
                whole download; without it there is no limit.
            progress: Called after each chunk with the bytes downloaded so far, and the size.

        Raises:
            ImportError: ``gemwire[http]`` is not installed.
            OSError: The destination cannot be written.
            ValueError: The file cannot be downloaded.
            TypeError: An argument is of a wrong type.
            APIError: The download failed.
        """
        config = DownloadFileConfig.of(config)
        name, video = self._api.backend.files.to_download(file)
        rest = self._api.transfers("files.download")
        settings = self._api.transfer_settings(config.http_options)
        memory = io.BytesIO()
        target = memory if destination is None else destination
        with details_as_json:
            rest.download_file(name, target, progress=progress, **settings)
        if destination is not None:
            return None
        data = memory.getvalue()
        if video is not None:
            video.video_bytes = data
        return data


def download_media(
    api: Api, name: str, what: str, http_options: HttpOptions | Mapping[str, object] | None
) -> bytes:
    """Return the contents of media by their name.

    Args:
        api: The API of the client.
        name: ``environments/…/files/…`` or ``fileSearchStores/…/media/…``.
        what: The method that asks, for errors.
        http_options: Settings of the download.
    """
    memory = io.BytesIO()
    with details_as_json:
        api.transfers(what).download_file(name, memory, **api.transfer_settings(http_options))
    return memory.getvalue()
