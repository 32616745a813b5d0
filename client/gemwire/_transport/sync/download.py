# Derived from _transport/aio/download.py by scripts/unasync. DO NOT EDIT.
"""Downloads of files, which continue after a connection broke."""

from __future__ import annotations

import io
import os
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from google.protobuf.message import Message

from gemwire._transport.file_objects import Progress, WritableFile
from gemwire._transport.rest.exchange import read_error, to_headers
from gemwire._transport.rest.http_errors import HttpError
from gemwire._transport.rest.transcode import to_http
from gemwire._transport.sync.concurrency import resolve, run_in_thread
from gemwire._transport.sync.http_connection import HttpConnection
from gemwire._transport.sync.transfer import Transfer
from gemwire._transport.token import Pairs
from gemwire_proto.v1beta import File
from gemwire_proto.v1beta.file_service import DOWNLOAD_FILE, GET_FILE
from gemwire_runtime.method import DEFAULT
from gemwire_runtime.status_code import StatusCode

if TYPE_CHECKING:
    from gemwire._transport.rest.session import Exchange

#: Media that are no files of the file service.
_MEDIA = re.compile(r"environments/[^/]+/files/.+|fileSearchStores/[^/]+/media/[^/]+")


class Download:
    """One download."""

    def __init__(self, transfer: Transfer, name: str, progress: Progress | None) -> None:
        """See `RestTransport.download_file`. Nothing is sent yet."""
        self._transfer = transfer
        self._request = DOWNLOAD_FILE.request(name=name)
        self._target = _find_target(name, self._request)
        self._progress = progress
        self._total: int | None = None
        self._etag = ""

    @property
    def _is_file(self) -> bool:
        """Return whether the file service holds the file, and so knows its size and media type."""
        return self._request.name.startswith("files/")

    def to_path(self, path: Path) -> int:
        """Download to a file, which exists only once it is complete. Returns the number of bytes."""
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            file = io.BufferedWriter(run_in_thread(io.FileIO, part, "wb"))
            try:
                received = self.to_file(file)
            finally:
                run_in_thread(file.close)
            run_in_thread(part.replace, path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        return received

    def to_file(self, file: WritableFile) -> int:
        """Download to an object with ``write``. Returns the number of bytes."""
        self._transfer.run(partial(self._receive, file))
        return self._transfer.done

    def _receive(self, file: WritableFile, connection: HttpConnection, pairs: Pairs) -> None:
        runner, transfer = connection.runner, self._transfer
        timeout = transfer.remaining()
        metadata = transfer.caller.metadata_cache.get(DOWNLOAD_FILE, self._request, transfer.metadata, pairs)
        headers = dict(to_headers(metadata, timeout))
        # Ranges count the bytes that are sent, which must be those of the file.
        headers["accept-encoding"] = "identity"
        if transfer.done:
            headers["range"] = f"bytes={transfer.done}-"
            if self._etag:
                headers["if-range"] = self._etag
        exchange = runner.run(runner.session.send("GET", self._target, headers, None, timeout))
        try:
            if exchange.status not in (200, 206):
                raise runner.run(read_error(exchange))
            self._check_page(connection, exchange)
            skip = self._check_start(exchange)
            while piece := runner.run(exchange.read_some()):
                if skip:
                    skip, piece = max(skip - len(piece), 0), piece[skip:]
                if piece:
                    resolve(run_in_thread(file.write, piece))
                    transfer.done += len(piece)
                    if self._progress:
                        self._progress(transfer.done, self._total)
        finally:
            runner.call_soon(exchange.close)
        if not transfer.done and self._is_file and (size := (self._describe()).size_bytes):
            raise HttpError(
                StatusCode.UNAVAILABLE, f"HTTP 200 with an empty body, but the file has {size} bytes"
            )

    def _check_page(self, connection: HttpConnection, exchange: Exchange) -> None:
        """Refuse a web page, such as the login page of a network, unless the file is one."""
        kind = exchange.header("content-type")
        if "html" in kind and self._is_file and "html" not in (self._describe()).mime_type:
            raise connection.runner.run(read_error(exchange))

    def _describe(self) -> File:
        """Return what the service knows of the file."""
        left = self._transfer.remaining()
        timeout = DEFAULT if left is None else max(left, 0.001)
        return self._transfer.caller.unary(GET_FILE, None, (self._request.name,), timeout=timeout)

    def _check_start(self, exchange: Exchange) -> int:
        """Return how many bytes of the response have arrived before."""
        start, received = 0, self._transfer.done
        if exchange.status == 206:
            content_range, _, size = exchange.header("content-range").removeprefix("bytes ").partition("/")
            first = content_range.partition("-")[0]
            start = int(first) if first.isdecimal() else -1
        else:
            size = exchange.header("content-length")
        etag = exchange.header("etag")
        if not 0 <= start <= received or (received and self._etag and etag and etag != self._etag):
            raise HttpError(StatusCode.ABORTED, "the file changed while it was downloaded")
        self._etag = etag
        self._total = int(size) if size.isdecimal() else None
        return received - start


def _find_target(name: str, request: Message) -> str:
    """Return where the contents of a file are, or other media: ``environments/e/files/f`` and the like."""
    if _MEDIA.fullmatch(name) and {".", ".."}.isdisjoint(name.split("/")):
        return f"/v1beta/{quote(name)}?alt=media"
    return urlsplit(to_http(DOWNLOAD_FILE, request).target).path + "?alt=media"
