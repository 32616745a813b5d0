# Derived from _transport/aio/upload.py by scripts/unasync. DO NOT EDIT.
"""Uploads of files, by Google's resumable protocol.

A session is started with the file's description. Its contents go to the session's URL in chunks, each at
its offset; the last one finalizes the session. After a failure the client queries how many bytes have
arrived, and continues from there. The URL is the only secret of a session: chunks carry no credentials.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

import grpc

from gemwire._transport.file_objects import Progress
from gemwire._transport.rest.exchange import parse_message, to_headers
from gemwire._transport.rest.http_errors import HttpError, from_response
from gemwire._transport.rest.transcode import to_http
from gemwire._transport.retry import resolve_unhedged_policy
from gemwire._transport.sync.caller import Caller
from gemwire._transport.sync.concurrency import RpcError, sleep
from gemwire._transport.sync.http_connection import HttpConnection
from gemwire._transport.sync.http_pool import HttpConnectionPool
from gemwire._transport.sync.token_wait import wait_for_token
from gemwire._transport.sync.upload_source import Source
from gemwire._transport.token import Pairs
from gemwire.options import Retry
from gemwire_proto.v1beta import CreateFileRequest, File
from gemwire_proto.v1beta.file_service import CREATE_FILE
from gemwire_runtime.method import Metadata

_Result = TypeVar("_Result")

#: Bytes of a chunk; the same as for Google's clients.
CHUNK = 8 << 20
#: Seconds for a chunk; 8 MiB take 67 at a megabit a second.
_CHUNK_TIMEOUT = 300.0
_MAX_RESPONSE_SIZE = 1 << 20

#: A session survives each of these: before it continues it is queried.
RETRY = Retry(
    codes=frozenset(
        {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL, grpc.StatusCode.DEADLINE_EXCEEDED}
    ),
    max_attempts=8,
    initial=0.5,
    maximum=16.0,
    multiplier=2.0,
)


class Upload:
    """One upload."""

    def __init__(
        self,
        caller: Caller,
        pool: HttpConnectionPool,
        source: Source,
        request: CreateFileRequest,
        mime_type: str,
        *,
        timeout: float | None,
        retry: Retry | None,
        metadata: Metadata,
        chunk_size: int,
        progress: Progress | None,
    ) -> None:
        """See `RestTransport.upload_file`. Nothing is sent yet."""
        self._caller = caller
        self._pool = pool
        self._source = source
        self._request = request
        self._mime_type = mime_type
        self._metadata = metadata
        self._chunk_size = chunk_size
        self._progress = progress
        self._retry = retry
        self._began = time.monotonic()
        self._timeout = timeout
        self._url = ""
        #: Number of bytes that the service has acknowledged, and the chunk after them.
        self._offset = 0
        self._received = 0
        self._chunk = b""
        self._is_last = False

    def run(self) -> File:
        """Upload everything, and return the ``File``.

        Raises:
            APIError: The upload failed.
            ValueError: The source is not as long as announced.
        """
        try:
            self._retry_step(self._start)
            while True:
                self._chunk, self._is_last = self._source.read_chunk(self._chunk_size)
                self._check_size()
                end = self._offset + len(self._chunk)
                file = self._retry_step(self._send, self._query)
                if file is not None:
                    self._report(end)
                    return file
                self._report(self._offset)
        finally:
            self._source.close()

    def _check_size(self) -> None:
        actual, size = self._offset + len(self._chunk), self._source.size
        if size is not None and (actual > size or (self._is_last and actual != size)):
            least = "" if self._is_last else "at least "
            raise ValueError(f"size: {size} bytes were announced, but the source has {least}{actual}")

    def _report(self, sent: int) -> None:
        if self._progress:
            self._progress(sent, self._source.size)

    def _remaining(self) -> float | None:
        if self._timeout is None:
            return None
        return max(self._began + self._timeout - time.monotonic(), 0)

    def _retry_step(
        self,
        step: Callable[[HttpConnection, Pairs], _Result],
        recover: Callable[[HttpConnection], _Result | None] | None = None,
    ) -> _Result:
        """Run a step until it succeeds or its retries are used up.

        Args:
            step: The step.
            recover: Runs before the step is retried; if it returns a result, the step is done.
        """
        caller = self._caller
        policy = resolve_unhedged_policy(self._retry, "an upload")
        attempts = caller.start_attempts(
            CREATE_FILE, policy, self._began, self._timeout, caller.pool.current()
        )
        is_retry = False
        while True:
            ready = caller.authorization.pairs(time.monotonic())
            pairs = wait_for_token(caller.authorization, ready, self._remaining(), CREATE_FILE.path[1:])
            connection = self._pool.current()
            try:
                if is_retry and recover:
                    result = recover(connection)
                    if result is not None:
                        return result
                return step(connection, pairs)
            except RpcError as error:
                sleep(attempts.next_delay(error, pairs))
                attempts.rebind()
                is_retry = True

    def _post(
        self,
        connection: HttpConnection,
        url: str,
        headers: dict[str, str],
        body: bytes,
        timeout: float | None,
    ) -> tuple[dict[str, str], bytes]:
        runner = connection.runner
        exchange = runner.run(runner.session.send("POST", url, headers, body, timeout))
        response = runner.run(exchange.read_all(_MAX_RESPONSE_SIZE))
        if exchange.status != 200:
            raise from_response(exchange.status, exchange.headers, response)
        return dict(exchange.headers), response

    def _start(self, connection: HttpConnection, pairs: Pairs) -> None:
        """Start the session."""
        remaining = self._remaining()
        metadata = self._caller.metadata_cache.get(CREATE_FILE, self._request, self._metadata, pairs)
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
        form = to_http(CREATE_FILE, self._request)
        target = "/upload" + urlsplit(form.target).path
        response, body = self._post(connection, target, headers, form.body or b"{}", remaining)
        location = response.get("x-goog-upload-url")
        if not location:
            raise HttpError(
                grpc.StatusCode.INTERNAL,
                f"the upload did not start: the response has no x-goog-upload-url, but {body[:80]!r}",
            )
        origin = self._pool.target.origin
        self._url = urljoin(origin + "/", location)
        here, there = urlsplit(origin), urlsplit(self._url)
        if there.scheme != "https" and (there.scheme, there.netloc) != (here.scheme, here.netloc):
            raise HttpError(
                grpc.StatusCode.INTERNAL, f"the upload was directed to {there.netloc!r} without encryption"
            )
        granularity = response.get("x-goog-upload-chunk-granularity", "")
        if granularity.isdecimal() and int(granularity) > 0:
            self._chunk_size = max(self._chunk_size // int(granularity), 1) * int(granularity)

    def _send(self, connection: HttpConnection, _: Pairs) -> File | None:
        """Send the rest of the chunk; returns the file if it was the last."""
        command = "upload, finalize" if self._is_last else "upload"
        status, body = self._command(connection, command, self._chunk)
        if self._is_last:
            return self._parse_file(status, body)
        if status == "final":
            raise HttpError(grpc.StatusCode.INTERNAL, "the service ended the upload before its last chunk")
        self._offset += len(self._chunk)
        return None

    def _query(self, connection: HttpConnection) -> File | None:
        """Query how many bytes have arrived; returns the file if all have."""
        status, body = self._command(connection, "query", b"")
        if status == "final":
            return self._parse_file(status, body)
        received, sent = self._received, self._offset + len(self._chunk)
        if not self._offset <= received <= sent:
            raise HttpError(
                grpc.StatusCode.DATA_LOSS,
                f"the service has {received} bytes of the upload, which is not between the {self._offset} it "
                f"acknowledged and the {sent} it was sent",
            )
        self._chunk = self._chunk[received - self._offset :]
        self._offset = received
        return None

    def _command(self, connection: HttpConnection, command: str, body: bytes) -> tuple[str, bytes]:
        remaining = self._remaining()
        timeout = _CHUNK_TIMEOUT if remaining is None else min(remaining, _CHUNK_TIMEOUT)
        # Without credentials: the URL may be on another host.
        metadata = self._caller.metadata_cache.get(CREATE_FILE, None, (), ())
        headers = {
            **to_headers(metadata, None),
            "content-type": "application/octet-stream",
            "x-goog-upload-command": command,
        }
        if command != "query":
            headers["x-goog-upload-offset"] = str(self._offset)
        response, content = self._post(connection, self._url, headers, body, timeout)
        size = response.get("x-goog-upload-size-received", "")
        self._received = int(size) if size.isdecimal() else -1
        status = response.get("x-goog-upload-status", "")
        if status not in ("active", "final"):
            # The response of another server, or of a proxy: the chunk was not taken.
            raise HttpError(
                grpc.StatusCode.UNAVAILABLE, f"the response to upload command {command!r} has no status"
            )
        return status, content

    def _parse_file(self, status: str, body: bytes) -> File:
        if status != "final":
            raise HttpError(
                grpc.StatusCode.INTERNAL, "the upload is complete, but the service expects more bytes"
            )
        return parse_message(CREATE_FILE.response, body).file
