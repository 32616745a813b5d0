"""The REST transport: the same calls as JSON over HTTP/1.1."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gemwire._transport import credentials as creds
from gemwire._transport import endpoint
from gemwire._transport.aio.download import AsyncDownload
from gemwire._transport.aio.grpc_transport import AsyncTransport, unencrypted_key
from gemwire._transport.aio.http_loop import HttpChannels
from gemwire._transport.aio.upload import CHUNK, RETRY, AsyncUpload
from gemwire._transport.aio.upload_source import AsyncSource
from gemwire._transport.channel_options import certificate
from gemwire._transport.metadata import build_user_agent, to_http_user_agent
from gemwire._transport.request_message import create_request
from gemwire._transport.rest.tls_and_proxy import HttpTarget
from gemwire._transport.retry import check_timeout
from gemwire.options import CertSource, ClientInfo, ClientOptions, Retry
from gemwire_proto.v1beta.file_service import CREATE_FILE
from gemwire_runtime.method import Metadata


class RestAsyncIOTransport(AsyncTransport):
    """JSON over HTTP/1.1, for networks that let nothing else through. Needs ``gemwire[http]``.

    Calls, deadlines, retries, errors and streams are those of the gRPC transport. Clients make one;
    give several the same to share its connections.
    """

    kind = "rest_asyncio"
    emulator = staticmethod(endpoint.http_emulator)

    def __init__(
        self,
        *,
        host: str = endpoint.DEFAULT_HOST,
        credentials: Any = None,
        credentials_file: str | None = None,
        scopes: Any = None,
        client_cert_source_for_mtls: CertSource | None = None,
        quota_project_id: str | None = None,
        client_info: ClientInfo | None = ClientInfo(),  # noqa: B008 - frozen
        always_use_jwt_access: bool = True,
        url_scheme: str = "https",
        api_audience: str | None = None,
        plaintext: bool = False,
        interceptors: tuple[Any, ...] = (),
        log_content: bool = False,
    ) -> None:
        """The certificate source runs here, once; credentials are found here; nothing is connected yet.

        Args:
            host: Host, or host:port; ``https://`` or ``http://`` before it is `url_scheme`.
            credentials: google-auth credentials. Default: those of the environment.
            credentials_file: File to load them from instead.
            scopes: OAuth scopes.
            client_cert_source_for_mtls: Gives the client certificate and key.
            quota_project_id: Project to bill.
            client_info: What to say of the caller; None to say nothing.
            always_use_jwt_access: Whether a service account signs its own tokens.
            url_scheme: ``"https"``, or ``"http"`` for a server on this machine.
            api_audience: Audience of the tokens of a Google Distributed Cloud account. Default: ``host``.
            plaintext: No TLS and no tokens: an emulator.
            interceptors: Those of grpc; there are none for HTTP.
            log_content: Whether the log may show requests and responses.

        Raises:
            ImportError: ``gemwire[http]`` is not installed.
            ValueError: The host or the scheme is none, two credentials were given, or interceptors.
            TypeError: An argument is of a wrong type.
            google.auth.exceptions.DefaultCredentialsError: There are no credentials.
            google.auth.exceptions.MutualTLSChannelError: The certificate source failed.
        """
        engine = http_engine()
        for scheme in ("https", "http"):
            if isinstance(host, str) and host.startswith(f"{scheme}://"):
                url_scheme, host = scheme, host.removeprefix(f"{scheme}://")
        endpoint.check_host(host, "host")
        if url_scheme not in ("https", "http"):
            raise ValueError(f"url_scheme: {url_scheme!r} is neither 'https' nor 'http'")
        if interceptors:
            raise ValueError("client_options.interceptors: those are grpc's, and this transport is REST")
        scheme = "http" if plaintext else url_scheme
        options = ClientOptions(
            credentials_file=credentials_file,
            scopes=scopes,
            quota_project_id=quota_project_id,
            api_audience=api_audience,
        )
        if plaintext and not unencrypted_key(credentials, host):
            authorization: creds.Authorization = creds.ApiKey(())
        else:
            authorization = creds.resolve(
                credentials,
                options,
                endpoint.DEFAULT_HOST,
                host,
                always_use_jwt_access=always_use_jwt_access,
            )
        if scheme == "http" and authorization.secret and not endpoint.is_loopback(host):
            raise ValueError(f"url_scheme: over http, {host!r} would be sent the credentials unencrypted")
        self._credentials = credentials
        target = HttpTarget(scheme, bracketed(host), certificate(client_cert_source_for_mtls))
        agent = None if client_info is None else to_http_user_agent(build_user_agent(client_info), engine)
        super().__init__(HttpChannels(target), authorization, agent, target.origin, log_content)

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


def bracketed(host: str) -> str:
    """A host as URLs have it: a bare IPv6 address in brackets."""
    return f"[{host}]" if host.count(":") > 1 and not host.startswith("[") else host


def http_engine() -> str:
    """Name and version of the HTTP client.

    Raises:
        ImportError: It is not installed.
    """
    try:
        from gemwire._transport.rest.session import VERSION
    except ImportError as error:
        raise ImportError(f"the REST transport needs: pip install 'gemwire[http]' ({error})") from None
    return f"aiohttp@{VERSION}"
