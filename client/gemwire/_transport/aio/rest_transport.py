"""The REST transport: the same calls as JSON over HTTP/1.1."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from google.protobuf.message import Message

from gemwire._transport import endpoint
from gemwire._transport.aio.download import AsyncDownload
from gemwire._transport.aio.http_pool import HttpConnectionPool
from gemwire._transport.aio.transfer import AsyncTransfer
from gemwire._transport.aio.transport import AsyncTransport
from gemwire._transport.aio.upload import CHUNK, RETRY, AsyncUpload
from gemwire._transport.aio.upload_source import AsyncSource
from gemwire._transport.connection_settings import ConnectionSettings, TransportArguments
from gemwire._transport.file_objects import DownloadDestination, Progress, UploadSource
from gemwire._transport.request_message import create_request
from gemwire._transport.rest.tls_and_proxy import HttpTarget
from gemwire._transport.retry import check_timeout
from gemwire.options import Retry
from gemwire_proto.google.longrunning.operations_pb2 import Operation
from gemwire_proto.v1beta import File, UploadToFileSearchStoreRequest
from gemwire_proto.v1beta.file_search_store_service import UPLOAD_TO_FILE_SEARCH_STORE
from gemwire_proto.v1beta.file_service import CREATE_FILE, DOWNLOAD_FILE
from gemwire_runtime.method import Metadata, Method

if TYPE_CHECKING:
    from typing_extensions import Unpack


_Request = TypeVar("_Request", bound=Message)
_Response = TypeVar("_Response", bound=Message)


class RestAsyncIOTransport(AsyncTransport):
    """JSON over HTTP/1.1, for networks that block HTTP/2. Needs ``gemwire[http]``.

    Calls, deadlines, retries, errors and streams are those of the gRPC transport.

    Attributes:
        http: The HTTP connections.
    """

    kind = "rest_asyncio"
    find_emulator = staticmethod(endpoint.find_http_emulator)

    def __init__(self, *, url_scheme: str = "https", **arguments: Unpack[TransportArguments]) -> None:
        """Find credentials and run the certificate source. Nothing is connected before the first call.

        Args:
            url_scheme: ``"https"``, or ``"http"`` for a server on this machine.
            **arguments: See `TransportArguments`. A scheme before ``host`` sets `url_scheme`.

        Raises:
            ImportError: ``gemwire[http]`` is not installed.
            ValueError: The host or the scheme is invalid, two credentials or gRPC interceptors were given.
            TypeError: An argument is of a wrong type.
            google.auth.exceptions.DefaultCredentialsError: No credentials were found.
            google.auth.exceptions.MutualTLSChannelError: The certificate source failed.
        """
        require_http_client()
        host = arguments.get("host", "")
        for scheme in ("https", "http"):
            if isinstance(host, str) and host.startswith(f"{scheme}://"):
                url_scheme, arguments["host"] = scheme, host.removeprefix(f"{scheme}://")
        if url_scheme not in ("https", "http"):
            raise ValueError(f"url_scheme: {url_scheme!r} is neither 'https' nor 'http'")
        settings = ConnectionSettings.of_transport(**arguments)
        if url_scheme == "http":
            settings = dataclasses.replace(settings, plaintext=True)
        self.initialize(settings)

    def create_pool(self, settings: ConnectionSettings) -> HttpConnectionPool:
        """Return the HTTP connections."""
        require_http_client()
        if settings.interceptors:
            raise ValueError("client_options.interceptors: those are grpc's, and this transport is REST")
        self.http = HttpConnectionPool(HttpTarget.of(settings))
        return self.http

    @property
    def host(self) -> str:
        """Scheme, host and port."""
        return self.http.target.origin

    async def upload_file(
        self,
        source: UploadSource,
        *,
        file: File | Mapping[str, object] | None = None,
        mime_type: str | None = None,
        size: int | None = None,
        timeout: float | None = None,
        retry: Retry | None = RETRY,
        metadata: Metadata = (),
        chunk_size: int = CHUNK,
        progress: Progress | None = None,
    ) -> File:
        """Upload the contents of a file. About one chunk of it is in memory at a time.

        Args:
            source: The path of a file; bytes; a file object, from its current position; an iterable of bytes.
            file: The ``File`` to create, or a dict of its fields: ``name``, ``display_name``.
            mime_type: Media type. Default: that of ``file``, or by the suffix of the name.
            size: Number of bytes, if the source does not tell; it can be unknown.
            timeout: Seconds for everything; None for no limit.
            retry: When and how often a step is retried; received bytes are not sent again.
            metadata: Pairs to send with the first request.
            chunk_size: Number of bytes to send at a time.
            progress: Called after each chunk with the number of received bytes and the size.

        Returns:
            The ``File`` as the service returns it.

        Raises:
            APIError: The upload failed.
            OSError: The file cannot be read.
            ValueError: An argument is out of range, or the source is not as long as announced.
            TypeError: An argument is of a wrong type.
        """
        request = create_request(CREATE_FILE, {"file": file} if file is not None else None, ())
        response = await self._upload(
            source,
            CREATE_FILE,
            request,
            lambda response: response.file.name,
            mime_type or request.file.mime_type,
            size,
            AsyncTransfer(self, self.http, CREATE_FILE, check_timeout(timeout, None), retry, metadata),
            chunk_size,
            progress,
        )
        return response.file

    async def upload_document(
        self,
        source: UploadSource,
        *,
        document: UploadToFileSearchStoreRequest | Mapping[str, object],
        mime_type: str | None = None,
        size: int | None = None,
        timeout: float | None = None,
        retry: Retry | None = RETRY,
        metadata: Metadata = (),
        chunk_size: int = CHUNK,
        progress: Progress | None = None,
    ) -> Operation:
        """Upload the contents of a document of a file search store; see `upload_file`.

        Args:
            source: The contents.
            document: The ``UploadToFileSearchStoreRequest``, or a dict of its fields:
                ``file_search_store_name``, ``display_name``…
            mime_type: Media type. Default: that of ``document``, or by the suffix of the name.
            size: Number of bytes, if the source does not tell.
            timeout: Seconds for everything; None for no limit.
            retry: When and how often a step is retried.
            metadata: Pairs to send with the first request.
            chunk_size: Number of bytes to send at a time.
            progress: Called after each chunk with the number of received bytes and the size.

        Returns:
            The operation that ends when the document can be searched.

        Raises:
            APIError: The upload failed.
            OSError: The file cannot be read.
            ValueError: An argument is out of range, or the source is not as long as announced.
            TypeError: An argument is of a wrong type.
        """
        method = UPLOAD_TO_FILE_SEARCH_STORE
        request = create_request(method, document, ())
        return await self._upload(
            source,
            method,
            request,
            lambda operation: operation.name,
            mime_type or request.mime_type,
            size,
            AsyncTransfer(self, self.http, method, check_timeout(timeout, None), retry, metadata),
            chunk_size,
            progress,
        )

    async def _upload(
        self,
        source: UploadSource,
        method: Method[_Request, _Response],
        request: _Request,
        read_name: Callable[[_Response], str],
        mime_type: str,
        size: int | None,
        transfer: AsyncTransfer,
        chunk_size: int,
        progress: Progress | None,
    ) -> _Response:
        if chunk_size < 1:
            raise ValueError(f"chunk_size: {chunk_size} is not a number of bytes")
        opened = AsyncSource(source, size)
        media_type = mime_type or opened.mime_type()
        if not media_type:
            await opened.close()
            raise ValueError("mime_type: cannot be derived from the source; set it")
        upload = AsyncUpload(transfer, opened, method, request, read_name, media_type, chunk_size, progress)
        return await upload.run()

    async def download_file(
        self,
        name: str,
        destination: DownloadDestination,
        *,
        timeout: float | None = None,
        retry: Retry | None = RETRY,
        metadata: Metadata = (),
        progress: Progress | None = None,
    ) -> int:
        """Download the contents of a file, piece by piece.

        Args:
            name: ``files/…``, ``environments/…/files/…`` or ``fileSearchStores/…/media/…``.
            destination: The path of a file, which exists only once it is complete; or an object with
                ``write``, which keeps the received part if the download fails.
            timeout: Seconds for everything; None for no limit.
            retry: When and how often the download continues after a failure.
            metadata: Pairs to send.
            progress: Called after each piece with the number of received bytes and the size.

        Returns:
            The number of bytes.

        Raises:
            APIError: The download failed.
            OSError: The file cannot be written.
            ValueError: The name is invalid.
            TypeError: An argument is of a wrong type.
        """
        seconds = check_timeout(timeout, None)
        transfer = AsyncTransfer(self, self.http, DOWNLOAD_FILE, seconds, retry, metadata)
        download = AsyncDownload(transfer, name, progress)
        if isinstance(destination, (str, os.PathLike)):
            return await download.to_path(Path(destination))
        if not hasattr(destination, "write"):
            raise TypeError(
                f"destination: expected a path or a file object, got {type(destination).__name__}"
            )
        return await download.to_file(destination)


def require_http_client() -> None:
    """Import the HTTP client.

    Raises:
        ImportError: It is not installed.
    """
    try:
        import gemwire._transport.rest.session  # noqa: F401
    except ImportError as error:
        raise ImportError(f"the REST transport needs: pip install 'gemwire[http]' ({error})") from None
