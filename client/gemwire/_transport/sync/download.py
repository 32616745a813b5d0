# Derived from _transport/aio/download.py by scripts/unasync. DO NOT EDIT.
"""Downloading a file's content, and going on where a connection broke."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import grpc

from gemwire._transport.rest.exchange import to_headers
from gemwire._transport.rest.http_errors import HttpError, from_response
from gemwire._transport.rest.transcode import to_http
from gemwire._transport.retry import resolve_unhedged_policy
from gemwire._transport.sync.caller import Caller
from gemwire._transport.sync.concurrency import RpcError, resolve, run_in_thread, sleep, wait_for_token
from gemwire.options import Retry
from gemwire_proto.v1beta.file_service import DOWNLOAD_FILE

_LONGEST_ERROR = 1 << 18


class Download:
    """One download."""

    def __init__(
        self,
        caller: Caller,
        name: str,
        *,
        timeout: float | None,
        retry: Retry | None,
        metadata: Any,
        progress: Callable[[int, int | None], Any] | None,
    ) -> None:
        """Nothing is sent yet; see `RestTransport.download_file`."""
        self._caller = caller
        self._request = DOWNLOAD_FILE.request(name=name)
        self._timeout = timeout
        self._retry = retry
        self._metadata = metadata
        self._progress = progress
        self._received = 0
        self._total: int | None = None
        self._tag = ""

    def to_path(self, path: Path) -> int:
        """Into a file, which is there only when it is complete."""
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            file = run_in_thread(part.open, "wb")
            try:
                received = self.to_file(file)
            finally:
                run_in_thread(file.close)
            run_in_thread(part.replace, path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        return received

    def to_file(self, file: Any) -> int:
        """Into an object with ``write``. Returns the number of bytes."""
        caller = self._caller
        began = time.monotonic()
        binding = caller.pool.current()
        rules = resolve_unhedged_policy(self._retry, "a download")
        attempts = caller.start_attempts(DOWNLOAD_FILE, rules, began, self._timeout, binding)
        while True:
            before = self._received
            left = None if self._timeout is None else max(began + self._timeout - time.monotonic(), 0)
            ready = caller.authorization.pairs(time.monotonic())
            pairs = ready if isinstance(ready, tuple) else wait_for_token(ready, left)
            try:
                self._receive(binding, pairs, left, file)
                return self._received
            except RpcError as error:
                if self._received > before:
                    # It goes on, if slowly: only failures without progress between them are counted.
                    attempts.count = 1
                sleep(attempts.next_delay(error, pairs))
                binding, _ = attempts.rebind()

    def _receive(self, binding: Any, pairs: Any, left: float | None, file: Any) -> None:
        runner = binding.runner
        page = self._caller.metadata_cache.get(DOWNLOAD_FILE, self._request, self._metadata, pairs)
        headers = dict(to_headers(page, left))
        # Byte ranges are of the bytes that are sent: those are to be the file's own.
        headers["accept-encoding"] = "identity"
        if self._received:
            headers["range"] = f"bytes={self._received}-"
            if self._tag:
                headers["if-range"] = self._tag
        target = urlsplit(to_http(DOWNLOAD_FILE, self._request).target).path + "?alt=media"
        exchange = runner.run(runner.session.send("GET", target, headers, None, left))
        try:
            skipped = self._begin(exchange)
            if skipped is None:
                error = runner.run(exchange.read_all(_LONGEST_ERROR))
                raise from_response(exchange.status, exchange.headers, error)
            while piece := runner.run(exchange.read_some()):
                if skipped:
                    skipped, piece = max(skipped - len(piece), 0), piece[skipped:]
                if piece:
                    resolve(run_in_thread(file.write, piece))
                    self._received += len(piece)
                    if self._progress:
                        self._progress(self._received, self._total)
        finally:
            runner.call_soon(exchange.close)

    def _begin(self, exchange: Any) -> int | None:
        """How many bytes of an answer are there already; None where it is an error."""
        at = 0
        if exchange.status == 206:
            start, _, total = exchange.header("content-range").removeprefix("bytes ").partition("/")
            first = start.partition("-")[0]
            at = int(first) if first.isdecimal() else -1
            size = total
        elif exchange.status == 200:
            size = exchange.header("content-length")
        else:
            return None
        tag = exchange.header("etag")
        if not 0 <= at <= self._received or (self._received and self._tag and tag and tag != self._tag):
            raise HttpError(grpc.StatusCode.ABORTED, "the file changed while it was downloaded")
        self._tag = tag
        self._total = int(size) if size.isdecimal() else None
        return self._received - at
