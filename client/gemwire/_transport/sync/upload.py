# Derived from _transport/aio/upload.py by scripts/unasync. DO NOT EDIT.
"""Uploading a file: Google's resumable protocol.

A session is begun with the file's description; its bytes go to the session's address in chunks, each
at its offset; the last one finalizes it. After a failure the service is asked how much it has, and the
upload goes on from there. The address is the only secret of a session: chunks carry no credentials.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin, urlsplit

import grpc

from gemwire._transport.attempts import Attempts
from gemwire._transport.rest.exchange import parse_message, to_headers
from gemwire._transport.rest.http_errors import HttpError, from_response
from gemwire._transport.rest.transcode import to_http
from gemwire._transport.retry import resolve_unhedged_policy
from gemwire._transport.sync.caller import Caller
from gemwire._transport.sync.concurrency import RpcError, sleep, wait_for_token
from gemwire._transport.sync.upload_source import Source
from gemwire.options import Retry
from gemwire_proto.v1beta.file_service import CREATE_FILE

#: Bytes of a chunk, as Google's clients send them.
CHUNK = 8 << 20
#: Seconds for a chunk to be taken; 8 MiB need 67 of them at a megabit a second.
_CHUNK_TIMEOUT = 300.0
_LONGEST_ANSWER = 1 << 20

#: A session bears any of these: it is asked what it has before it goes on.
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
        source: Source,
        request: Any,
        mime_type: str,
        *,
        timeout: float | None,
        retry: Retry | None,
        metadata: Any,
        chunk_size: int,
        progress: Callable[[int, int | None], Any] | None,
    ) -> None:
        """Nothing is sent yet; see `RestTransport.upload_file`."""
        self._caller = caller
        self._source = source
        self._request = request
        self._mime_type = mime_type
        self._metadata = metadata
        self._chunk_size = chunk_size
        self._progress = progress
        self._retry = retry
        self._began = time.monotonic()
        self._deadline = None if timeout is None else self._began + timeout
        self._timeout = timeout
        self._url = ""
        #: Bytes that the service has, and the chunk that is under way.
        self._offset = 0
        self._received = 0
        self._chunk = b""
        self._last = False

    def run(self) -> Any:
        """Send everything; returns the ``File``.

        Raises:
            APIError: It failed for good.
            ValueError: The source does not give as many bytes as were announced.
        """
        try:
            self._again_and_again(self._start)
            while True:
                self._chunk, self._last = self._source.chunk(self._chunk_size)
                self._check_size()
                end = self._offset + len(self._chunk)
                file = self._again_and_again(self._send, self._ask)
                if file is not None:
                    self._report(end)
                    return file
                self._report(self._offset)
        finally:
            self._source.close()

    def _check_size(self) -> None:
        given, size = self._offset + len(self._chunk), self._source.size
        if size is not None and (given > size or (self._last and given != size)):
            least = "" if self._last else "at least "
            raise ValueError(f"size: the source was to give {size} bytes and gave {least}{given}")

    def _report(self, sent: int) -> None:
        if self._progress:
            self._progress(sent, self._source.size)

    def _left(self) -> float | None:
        return None if self._deadline is None else max(self._deadline - time.monotonic(), 0)

    def _again_and_again(self, step: Any, before_another: Any = None) -> Any:
        """Take a step until it is done, or its failures are too many."""
        caller = self._caller
        binding = caller.pool.current()
        rules = resolve_unhedged_policy(self._retry, "an upload")
        attempts: Attempts = caller.start_attempts(CREATE_FILE, rules, self._began, self._timeout, binding)
        asking = False
        while True:
            ready = caller.authorization.pairs(time.monotonic())
            pairs = ready if isinstance(ready, tuple) else wait_for_token(ready, self._left())
            try:
                if asking:
                    done = before_another(binding, pairs)
                    if done is not None:
                        return done
                return step(binding, pairs)
            except RpcError as error:
                sleep(attempts.next_delay(error, pairs))
                binding, _ = attempts.rebind()
                asking = before_another is not None

    def _post(
        self, binding: Any, url: str, headers: dict[str, str], body: bytes, left: float | None
    ) -> tuple[dict[str, str], bytes]:
        runner = binding.runner
        exchange = runner.run(runner.session.send("POST", url, headers, body, left))
        answer = runner.run(exchange.read_all(_LONGEST_ANSWER))
        if exchange.status != 200:
            raise from_response(exchange.status, exchange.headers, answer)
        return dict(exchange.headers), answer

    def _start(self, binding: Any, pairs: Any) -> None:
        """Begin the session."""
        left = self._left()
        page = self._caller.metadata_cache.get(CREATE_FILE, self._request, self._metadata, pairs)
        headers = {
            **to_headers(page, left),
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
        answered, body = self._post(binding, target, headers, form.body or b"{}", left)
        address = answered.get("x-goog-upload-url")
        if not address:
            raise HttpError(
                grpc.StatusCode.INTERNAL,
                f"the upload was not begun: there is no x-goog-upload-url in the answer {body[:80]!r}",
            )
        self._url = urljoin(binding.runner.session.origin + "/", address)
        here = urlsplit(binding.runner.session.origin)
        there = urlsplit(self._url)
        if there.scheme != "https" and (there.scheme, there.netloc) != (here.scheme, here.netloc):
            raise HttpError(
                grpc.StatusCode.INTERNAL, f"the upload was sent to {there.netloc!r} without encryption"
            )
        granularity = answered.get("x-goog-upload-chunk-granularity", "")
        if granularity.isdecimal() and int(granularity) > 0:
            self._chunk_size = max(self._chunk_size // int(granularity), 1) * int(granularity)

    def _send(self, binding: Any, pairs: Any) -> Any:
        """Send the chunk, or what is left of it; returns the file if it was the last."""
        command = "upload, finalize" if self._last else "upload"
        status, body = self._command(binding, command, self._chunk)
        if self._last:
            return self._file(status, body)
        if status == "final":
            raise HttpError(
                grpc.StatusCode.INTERNAL, "the upload was ended by the service before its last chunk"
            )
        self._offset += len(self._chunk)
        return None

    def _ask(self, binding: Any, pairs: Any) -> Any:
        """After a failure: how much has arrived? Returns the file if it was all."""
        status, body = self._command(binding, "query", b"")
        if status == "final":
            return self._file(status, body)
        received = self._received
        if not self._offset <= received <= self._offset + len(self._chunk):
            raise HttpError(
                grpc.StatusCode.DATA_LOSS,
                f"the service has {received} bytes of the upload, which is not between the {self._offset} it "
                f"acknowledged and the {self._offset + len(self._chunk)} it was sent",
            )
        self._chunk = self._chunk[received - self._offset :]
        self._offset = received
        return None

    def _command(self, binding: Any, command: str, body: bytes) -> tuple[str, bytes]:
        left = self._left()
        timeout = _CHUNK_TIMEOUT if left is None else min(left, _CHUNK_TIMEOUT)
        # Without credentials: the address may be on another host.
        page = self._caller.metadata_cache.get(CREATE_FILE, None, (), ())
        headers = {
            **to_headers(page, None),
            "content-type": "application/octet-stream",
            "x-goog-upload-command": command,
        }
        if command != "query":
            headers["x-goog-upload-offset"] = str(self._offset)
        answered, answer = self._post(binding, self._url, headers, body, timeout)
        size = answered.get("x-goog-upload-size-received", "")
        self._received = int(size) if size.isdecimal() else -1
        status = answered.get("x-goog-upload-status", "")
        if status not in ("active", "final"):
            # What other servers, and proxies, answer: nothing was taken.
            raise HttpError(
                grpc.StatusCode.UNAVAILABLE, f"the answer to an upload's {command!r} has no upload status"
            )
        return status, answer

    def _file(self, status: str, body: bytes) -> Any:
        if status != "final":
            raise HttpError(
                grpc.StatusCode.INTERNAL, "the upload is complete, and the service waits for more"
            )
        return parse_message(CREATE_FILE.response, body).file
