"""The REST transport: the same calls as JSON over HTTP/1.1."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from gemwire._transport import endpoint
from gemwire._transport.aio.download import AsyncDownload
from gemwire._transport.aio.grpc_transport import AsyncTransport
from gemwire._transport.aio.http_pool import HttpConnectionPool
from gemwire._transport.aio.upload import CHUNK, RETRY, AsyncUpload
from gemwire._transport.aio.upload_source import AsyncSource
from gemwire._transport.connection_settings import ConnectionSettings, TransportArguments
from gemwire._transport.metadata import to_http_user_agent
from gemwire._transport.request_message import create_request
from gemwire._transport.rest.tls_and_proxy import HttpTarget
from gemwire._transport.retry import check_timeout
from gemwire.options import Retry
from gemwire_proto.v1beta.file_service import CREATE_FILE
from gemwire_runtime.method import Metadata

if TYPE_CHECKING:
    from typing_extensions import Unpack

_Rest = TypeVar("_Rest", bound="RestAsyncIOTransport")


class RestAsyncIOTransport(AsyncTransport):
    """JSON over HTTP/1.1, for networks that block HTTP/2. Needs ``gemwire[http]``.

    Calls, deadlines, retries, errors and streams are those of the gRPC transport.
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
        http_client_version()
        host = arguments.get("host", "")
        for scheme in ("https", "http"):
            if isinstance(host, str) and host.startswith(f"{scheme}://"):
                url_scheme, arguments["host"] = scheme, host.removeprefix(f"{scheme}://")
        if url_scheme not in ("https", "http"):
            raise ValueError(f"url_scheme: {url_scheme!r} is neither 'https' nor 'http'")
        settings = ConnectionSettings.of_transport(**arguments)
        if url_scheme == "http":
            settings = dataclasses.replace(settings, plaintext=True)
        self._open(settings)

    @classmethod
    def from_settings(cls: type[_Rest], settings: ConnectionSettings) -> _Rest:
        """See `AsyncTransport.from_settings`."""
        made = cls.__new__(cls)
        made._open(settings)
        return made

    def _open(self, settings: ConnectionSettings) -> None:
        agent = to_http_user_agent(settings.user_agent, http_client_version())
        if settings.interceptors:
            raise ValueError("client_options.interceptors: those are grpc's, and this transport is REST")
        self._target = HttpTarget.of(settings)
        self._connect(dataclasses.replace(settings, user_agent=agent), HttpConnectionPool(self._target))

    @property
    def host(self) -> str:
        """Scheme, host and port."""
        return self._target.origin

    async def upload_file(
        self,
        source: Any,
        *,
        file: Any = None,
        mime_type: str | None = None,
        size: int | None = None,
        timeout: float | None = None,
        retry: Retry | None = RETRY,
        metadata: Metadata = (),
        chunk_size: int = CHUNK,
        progress: Callable[[int, int | None], Any] | None = None,
    ) -> Any:
        """Upload a file's content. No more of it than about a chunk is held at a time.

        Args:
            source: The path of a file; bytes; a file object, from where it stands; an iterable of bytes.
            file: The ``File`` to make, or a dict of its fields: ``name``, ``display_name``.
            mime_type: What it is. Default: what ``file`` or the name's suffix says.
            size: Bytes, where the source cannot tell; it may stay unknown.
            timeout: Seconds for everything; None for as long as it takes.
            retry: When and how often a step is repeated; what has arrived is not sent again.
            metadata: Pairs to send with the request that begins it.
            chunk_size: Bytes that are sent at a time.
            progress: Called with the bytes that have arrived and the size, after each chunk.

        Returns:
            The ``File`` as the service has it.

        Raises:
            APIError: It failed for good.
            OSError: The file cannot be read.
            ValueError: An argument is out of range, or the source is not as long as was said.
            TypeError: An argument is of a wrong type.
        """
        if chunk_size < 1:
            raise ValueError(f"chunk_size: {chunk_size} is not a number of bytes")
        request = create_request(CREATE_FILE, {"file": file} if file is not None else None, ())
        seconds = check_timeout(timeout, None)
        source = AsyncSource(source, size)
        kind = mime_type or request.file.mime_type or source.mime_type()
        if not kind:
            await source.close()
            raise ValueError("mime_type: the source has no name that tells it; give one")
        upload = AsyncUpload(
            self,
            source,
            request,
            kind,
            timeout=seconds,
            retry=retry,
            metadata=metadata,
            chunk_size=chunk_size,
            progress=progress,
        )
        return await upload.run()

    async def download_file(
        self,
        name: str,
        destination: Any,
        *,
        timeout: float | None = None,
        retry: Retry | None = RETRY,
        metadata: Metadata = (),
        progress: Callable[[int, int | None], Any] | None = None,
    ) -> int:
        """Download a file's content, piece by piece.

        Args:
            name: ``files/…``.
            destination: The path of a file, which is there only when it is complete; or an object with
                ``write``, which keeps what had come when it fails.
            timeout: Seconds for everything; None for as long as it takes.
            retry: When it goes on after a failure, from where it broke.
            metadata: Pairs to send.
            progress: Called with the bytes that have come and the size, after each piece.

        Returns:
            The number of bytes.

        Raises:
            APIError: It failed for good.
            OSError: The file cannot be written.
            ValueError: The name is none.
            TypeError: An argument is of a wrong type.
        """
        seconds = check_timeout(timeout, None)
        download = AsyncDownload(
            self, name, timeout=seconds, retry=retry, metadata=metadata, progress=progress
        )
        if isinstance(destination, (str, os.PathLike)):
            return await download.to_path(Path(destination))
        if not hasattr(destination, "write"):
            raise TypeError(
                f"destination: expected a path or a file object, got {type(destination).__name__}"
            )
        return await download.to_file(destination)


def http_client_version() -> str:
    """Return name and version of the HTTP client.

    Raises:
        ImportError: It is not installed.
    """
    try:
        from gemwire._transport.rest.session import VERSION
    except ImportError as error:
        raise ImportError(f"the REST transport needs: pip install 'gemwire[http]' ({error})") from None
    return f"aiohttp@{VERSION}"
