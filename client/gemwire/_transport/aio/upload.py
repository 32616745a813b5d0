"""Uploads of files, by Google's resumable protocol.

A session is started with the file's description. Its contents go to the session's URL in chunks, each at
its offset; the last one finalizes the session. After a failure the client queries how many bytes have
arrived, and continues from there. The URL is the only secret of a session: chunks carry no credentials.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar
from urllib.parse import urljoin, urlsplit

from google.protobuf.message import Message

from gemwire._secret import Secret, hide_header, show_address
from gemwire._transport.aio.http_connection import HttpConnection
from gemwire._transport.aio.transfer import AsyncTransfer
from gemwire._transport.aio.upload_source import AsyncSource
from gemwire._transport.file_objects import Progress
from gemwire._transport.rest.exchange import parse_message, read_error, to_headers
from gemwire._transport.rest.http_errors import HttpError, summarize
from gemwire._transport.rest.transcode import to_http
from gemwire._transport.token import Pairs
from gemwire.options import Retry
from gemwire_runtime.method import Method
from gemwire_runtime.status_code import StatusCode

#: Bytes of a chunk; the same as for Google's clients.
CHUNK = 8 << 20
#: Seconds for a chunk; 8 MiB take 67 at a megabit a second.
_CHUNK_TIMEOUT = 300.0

#: A session survives each of these: before it continues it is queried.
RETRY = Retry(
    codes=("UNAVAILABLE", "INTERNAL", "DEADLINE_EXCEEDED"),
    max_attempts=8,
    initial=0.5,
    maximum=16.0,
    multiplier=2.0,
)


_Request = TypeVar("_Request", bound=Message)
_Response = TypeVar("_Response", bound=Message)


class AsyncUpload(Generic[_Request, _Response]):
    """One upload."""

    def __init__(
        self,
        transfer: AsyncTransfer,
        source: AsyncSource,
        method: Method[_Request, _Response],
        request: _Request,
        read_name: Callable[[_Response], str],
        mime_type: str,
        chunk_size: int,
        progress: Progress | None,
    ) -> None:
        """See `RestAsyncIOTransport.upload_file`. Nothing is sent yet.

        Args:
            transfer: The attempts.
            source: The contents.
            method: The RPC that the upload stands for.
            request: Its request.
            read_name: Returns the name of what was made; empty where a response is none.
            mime_type: Media type of the contents.
            chunk_size: Number of bytes to send at a time.
            progress: Called after each chunk.
        """
        self._transfer = transfer
        self._source = source
        self._method = method
        self._request = request
        self._read_name = read_name
        self._mime_type = mime_type
        self._chunk_size = chunk_size
        self._progress = progress
        self._url = ""
        #: Number of bytes that a query found to have arrived, and the chunk after the acknowledged ones.
        self._received = 0
        self._chunk = b""
        self._is_last = False
        self._is_unsure = False

    async def run(self) -> _Response:
        """Upload everything, and return the response.

        Raises:
            APIError: The upload failed.
            ValueError: The source is not as long as announced.
        """
        try:
            await self._transfer.run(self._start)
            while True:
                self._chunk, self._is_last = await self._source.read_chunk(self._chunk_size)
                self._check_size()
                end = self._transfer.done + len(self._chunk)
                self._is_unsure = False
                response = await self._transfer.run(self._send)
                self._report(self._transfer.done if response is None else end)
                if response is not None:
                    return response
        finally:
            await self._source.close()

    def _check_size(self) -> None:
        actual, size = self._transfer.done + len(self._chunk), self._source.size
        if size is not None and (actual > size or (self._is_last and actual != size)):
            least = "" if self._is_last else "at least "
            raise ValueError(f"size: {size} bytes were announced, but the source has {least}{actual}")

    def _report(self, sent: int) -> None:
        if self._progress:
            self._progress(sent, self._source.size)

    async def _post(
        self,
        connection: HttpConnection,
        url: str,
        headers: dict[str, str],
        body: bytes,
        timeout: float | None,
    ) -> tuple[dict[str, str], bytes]:
        runner = connection.runner
        exchange = await runner.run(runner.session.send("POST", url, headers, body, timeout))
        if exchange.status != 200:
            raise await runner.run(read_error(exchange))
        answered = {name: hide_header(name, value) for name, value in exchange.headers}
        return answered, await runner.run(exchange.read_all())

    async def _start(self, connection: HttpConnection, pairs: Pairs) -> None:
        """Start the session."""
        transfer = self._transfer
        remaining = transfer.remaining()
        metadata = transfer.caller.metadata_cache.get(self._method, self._request, transfer.metadata, pairs)
        headers = {
            **to_headers(metadata, remaining),
            "x-goog-upload-protocol": "resumable",
            "x-goog-upload-command": "start",
            "x-goog-upload-header-content-type": self._mime_type,
        }
        if self._source.size is not None:
            headers["x-goog-upload-header-content-length"] = str(self._source.size)
        if self._source.name.isascii() and self._source.name.isprintable() and self._source.name:
            headers["x-goog-upload-file-name"] = self._source.name
        form = to_http(self._method, self._request)
        target = "/upload" + urlsplit(form.target).path
        response, body = await self._post(connection, target, headers, form.body or b"{}", remaining)
        location = response.get("x-goog-upload-url")
        if not location:
            raise HttpError(
                StatusCode.INTERNAL,
                f"the upload did not start: the response has no x-goog-upload-url, but {summarize(body)!r}",
            )
        self._url = resolve_upload_url(self._transfer.pool.target.origin, location)
        granularity = response.get("x-goog-upload-chunk-granularity", "")
        if granularity.isdecimal() and int(granularity) > 0:
            self._chunk_size = max(self._chunk_size // int(granularity), 1) * int(granularity)

    async def _send(self, connection: HttpConnection, _: Pairs) -> _Response | None:
        """Send the rest of the chunk; returns the response if it was the last."""
        if self._is_unsure and (response := await self._query(connection)) is not None:
            return response
        self._is_unsure = True
        command = "upload, finalize" if self._is_last else "upload"
        status, body = await self._command(connection, command, self._chunk)
        if self._is_last:
            return self._parse_response(status, body)
        if status == "final":
            raise HttpError(StatusCode.INTERNAL, "the service ended the upload before its last chunk")
        self._transfer.done += len(self._chunk)
        return None

    async def _query(self, connection: HttpConnection) -> _Response | None:
        """Query how many bytes have arrived; returns the response if all have."""
        status, body = await self._command(connection, "query", b"")
        if status == "final":
            return self._parse_response(status, body)
        received, acknowledged = self._received, self._transfer.done
        sent = acknowledged + len(self._chunk)
        if not acknowledged <= received <= sent:
            raise HttpError(
                StatusCode.DATA_LOSS,
                f"the service has {received} bytes of the upload, which is not between the {acknowledged} it "
                f"acknowledged and the {sent} it was sent",
            )
        self._chunk = self._chunk[received - acknowledged :]
        self._transfer.done = received
        return None

    async def _command(self, connection: HttpConnection, command: str, body: bytes) -> tuple[str, bytes]:
        remaining = self._transfer.remaining()
        timeout = _CHUNK_TIMEOUT if remaining is None else min(remaining, _CHUNK_TIMEOUT)
        # Without credentials: the URL may be on another host.
        metadata = self._transfer.caller.metadata_cache.get(self._method, None, (), ())
        headers = {
            **to_headers(metadata, None),
            "content-type": "application/octet-stream",
            "x-goog-upload-command": command,
        }
        if command != "query":
            headers["x-goog-upload-offset"] = str(self._transfer.done)
        response, content = await self._post(connection, self._url, headers, body, timeout)
        size = response.get("x-goog-upload-size-received", "")
        self._received = int(size) if size.isdecimal() else -1
        status = response.get("x-goog-upload-status", "")
        if status not in ("active", "final"):
            # The response of another server, or of a proxy: the chunk was not taken.
            raise HttpError(
                StatusCode.UNAVAILABLE, f"the response to upload command {command!r} has no status"
            )
        return status, content

    def _parse_response(self, status: str, body: bytes) -> _Response:
        if status != "final":
            raise HttpError(StatusCode.INTERNAL, "the upload is complete, but the service expects more bytes")
        response = parse_message(self._method.response, body)
        if not self._read_name(response):
            raise HttpError(
                StatusCode.INTERNAL,
                f"the upload is complete, but the response has no file, but {summarize(body)!r}",
            )
        return response


def resolve_upload_url(origin: str, location: str) -> str:
    """Return the URL of an upload session.

    Args:
        origin: Scheme, host and port that the session was requested from.
        location: What the response names; may be relative.

    Raises:
        HttpError: It is no URL, or leads to another server without encryption.
    """
    try:
        url = Secret(urljoin(origin + "/", location))
        here, there = urlsplit(origin), urlsplit(show_address(url))
        if there.scheme not in ("http", "https") or not there.hostname or there.port == 0:
            raise ValueError  # noqa: TRY301 - as urlsplit does
    except ValueError:
        # The URL is a secret; what is no URL may hold one.
        text = "the upload did not start: x-goog-upload-url is not the URL of an HTTP server"
        raise HttpError(StatusCode.INTERNAL, text) from None
    if there.scheme != "https" and (there.scheme, there.netloc) != (here.scheme, here.netloc):
        raise HttpError(
            StatusCode.INTERNAL, f"the upload was directed to {there.hostname!r} without encryption"
        )
    return url
