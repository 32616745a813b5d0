"""Downloads of files, which continue after a connection broke."""

from __future__ import annotations

import io
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import grpc

from gemwire._transport.aio.caller import AsyncCaller
from gemwire._transport.aio.concurrency import RpcError, resolve, run_in_thread, sleep
from gemwire._transport.aio.http_connection import HttpConnection
from gemwire._transport.aio.http_pool import HttpConnectionPool
from gemwire._transport.aio.token_wait import wait_for_token
from gemwire._transport.file_objects import Progress, WritableFile
from gemwire._transport.rest.exchange import to_headers
from gemwire._transport.rest.http_errors import HttpError, from_response
from gemwire._transport.rest.transcode import to_http
from gemwire._transport.retry import resolve_unhedged_policy
from gemwire._transport.token import Pairs
from gemwire.options import Retry
from gemwire_proto.v1beta.file_service import DOWNLOAD_FILE
from gemwire_runtime.method import Metadata

if TYPE_CHECKING:
    from gemwire._transport.rest.session import Exchange

_MAX_ERROR_SIZE = 1 << 18


class AsyncDownload:
    """One download."""

    def __init__(
        self,
        caller: AsyncCaller,
        pool: HttpConnectionPool,
        name: str,
        *,
        timeout: float | None,
        retry: Retry | None,
        metadata: Metadata,
        progress: Progress | None,
    ) -> None:
        """See `RestAsyncIOTransport.download_file`. Nothing is sent yet."""
        self._caller = caller
        self._pool = pool
        self._request = DOWNLOAD_FILE.request(name=name)
        self._timeout = timeout
        self._retry = retry
        self._metadata = metadata
        self._progress = progress
        self._received = 0
        self._total: int | None = None
        self._etag = ""

    async def to_path(self, path: Path) -> int:
        """Download to a file, which exists only once it is complete. Returns the number of bytes."""
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            file = io.BufferedWriter(await run_in_thread(io.FileIO, part, "wb"))
            try:
                received = await self.to_file(file)
            finally:
                await run_in_thread(file.close)
            await run_in_thread(part.replace, path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        return received

    async def to_file(self, file: WritableFile) -> int:
        """Download to an object with ``write``. Returns the number of bytes."""
        caller = self._caller
        began = time.monotonic()
        policy = resolve_unhedged_policy(self._retry, "a download")
        attempts = caller.start_attempts(DOWNLOAD_FILE, policy, began, self._timeout, caller.pool.current())
        while True:
            received_before = self._received
            remaining = None
            if self._timeout is not None:
                remaining = max(began + self._timeout - time.monotonic(), 0)
            ready = caller.authorization.pairs(time.monotonic())
            pairs = await wait_for_token(caller.authorization, ready, remaining, DOWNLOAD_FILE.path[1:])
            try:
                await self._receive(self._pool.current(), pairs, remaining, file)
                return self._received
            except RpcError as error:
                if self._received > received_before:
                    # Only failures without progress between them count.
                    attempts.count = 1
                await sleep(attempts.next_delay(error, pairs))
                attempts.rebind()

    async def _receive(
        self, connection: HttpConnection, pairs: Pairs, timeout: float | None, file: WritableFile
    ) -> None:
        runner = connection.runner
        metadata = self._caller.metadata_cache.get(DOWNLOAD_FILE, self._request, self._metadata, pairs)
        headers = dict(to_headers(metadata, timeout))
        # Ranges count the bytes that are sent, which must be those of the file.
        headers["accept-encoding"] = "identity"
        if self._received:
            headers["range"] = f"bytes={self._received}-"
            if self._etag:
                headers["if-range"] = self._etag
        target = urlsplit(to_http(DOWNLOAD_FILE, self._request).target).path + "?alt=media"
        exchange = await runner.run(runner.session.send("GET", target, headers, None, timeout))
        try:
            skip = self._check_start(exchange)
            if skip is None:
                error = await runner.run(exchange.read_all(_MAX_ERROR_SIZE))
                raise from_response(exchange.status, exchange.headers, error)
            while piece := await runner.run(exchange.read_some()):
                if skip:
                    skip, piece = max(skip - len(piece), 0), piece[skip:]
                if piece:
                    await resolve(await run_in_thread(file.write, piece))
                    self._received += len(piece)
                    if self._progress:
                        self._progress(self._received, self._total)
        finally:
            runner.call_soon(exchange.close)

    def _check_start(self, exchange: Exchange) -> int | None:
        """Return how many bytes of the response have arrived before; None if it is an error."""
        start = 0
        if exchange.status == 206:
            content_range, _, size = exchange.header("content-range").removeprefix("bytes ").partition("/")
            first = content_range.partition("-")[0]
            start = int(first) if first.isdecimal() else -1
        elif exchange.status == 200:
            size = exchange.header("content-length")
        else:
            return None
        etag = exchange.header("etag")
        if not 0 <= start <= self._received or (
            self._received and self._etag and etag and etag != self._etag
        ):
            raise HttpError(grpc.StatusCode.ABORTED, "the file changed while it was downloaded")
        self._etag = etag
        self._total = int(size) if size.isdecimal() else None
        return self._received - start
