"""Downloads of files: whole ones and ranges, read from disk as fast as the client takes them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gemwire_emulator.errors import StatusError, not_found
from gemwire_emulator.http import responses
from gemwire_emulator.http.asgi_scope import Scope, create_call, get_connection, get_query
from gemwire_emulator.http.request_body import Receive
from gemwire_emulator.http.router import VERSIONS
from gemwire_emulator.services.files import content_of, file_of
from gemwire_proto import v1beta
from gemwire_proto.v1beta import file_service

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from gemwire_emulator.dispatch import Endpoint
    from gemwire_emulator.state import State

_PIECE = 256 * 2**10
_RANGE = re.compile(r"bytes=\s*(\d*)-(\d*)\s*")


class DownloadApp:
    """``/{version}/files/{file}:download``, as an ASGI application."""

    def __init__(self, endpoints: Mapping[str, Endpoint], state: State, rpcs: ASGIApp) -> None:
        """See the class.

        Args:
            endpoints: The RPCs by path, of which DownloadFile says who may have what.
            state: Has the bytes.
            rpcs: What serves the same path where no bytes are wanted.
        """
        self._endpoint = endpoints[file_service.SERVICE.methods["DownloadFile"].path]
        self._state = state
        self._rpcs = rpcs

    async def __call__(self, scope: Any, receive: Receive, send: responses.Send) -> None:
        """Serve one request."""
        path, query = scope["path_params"], get_query(scope)
        media = scope["path"].startswith("/download/") or ("alt", "media") in query
        if not media or scope["method"] not in {"GET", "HEAD"} or path["version"] not in VERSIONS:
            await self._rpcs(scope, receive, send)
            return
        try:
            call = create_call(self._endpoint.method, scope, query)
            name = f"files/{path['file']}"
            await self._endpoint.unary(v1beta.DownloadFileRequest(name=name), call)
            content = content_of(self._state, call.tenant, name)
            if not content:
                raise not_found(f"The content of {name}")
            await self._send(file_of(self._state, call.tenant, name), content, call.metadata, scope, send)
        except StatusError as failure:
            await responses.send_error(send, failure)

    async def _send(
        self, file: Any, content: str, asked: Mapping[str, Any], scope: Scope, send: responses.Send
    ) -> None:
        size, tag = file.size_bytes, f'"{file.sha256_hash.hex()}"'
        headers = {"accept-ranges": "bytes", "etag": tag, "x-content-type-options": "nosniff"}
        if tag in asked.get("if-none-match", ""):
            await _begin(send, 304, headers)
            await send({"type": "http.response.body", "body": b""})
            return
        found = _range(asked, size, tag)
        start, end = found or (0, size)
        if start >= end and found:
            headers["content-range"] = f"bytes */{size}"
            await responses.send_response(send, b"", 416, headers=headers)
            return
        headers["content-type"] = file.mime_type or "application/octet-stream"
        headers["content-length"] = str(end - start)
        # Otherwise they would be compressed on their way, and ranges would be of something else.
        headers["content-encoding"] = "identity"
        if found:
            headers["content-range"] = f"bytes {start}-{end - 1}/{size}"
        await _begin(send, 206 if found else 200, headers)
        if scope["method"] == "GET":
            await self._pour(content, start, end, scope, send)
        await send({"type": "http.response.body", "body": b""})

    async def _pour(self, content: str, start: int, end: int, scope: Scope, send: responses.Send) -> None:
        gone = asyncio.Event()
        connection = get_connection(scope)
        if connection is not None:
            connection.lost = gone.set
        with self._state.blobs.path(content).open("rb") as file:
            file.seek(start)
            while start < end and not gone.is_set():
                piece = await asyncio.to_thread(file.read, min(_PIECE, end - start))
                start += len(piece)
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        if connection is not None:
            connection.lost = None


def _range(asked: Mapping[str, Any], size: int, tag: str) -> tuple[int, int] | None:
    """The range that is asked for; None for everything.

    What is no range, or more than one, may be left out of account (RFC 9110, 14.2).
    """
    found = _RANGE.fullmatch(asked.get("range", ""))
    if found is None or found[1] == found[2] == "" or asked.get("if-range", tag) != tag:
        return None
    if not found[1]:
        return max(0, size - int(found[2])), size if int(found[2]) else 0
    start, end = int(found[1]), int(found[2]) + 1 if found[2] else size
    if found[2] and end <= start:
        return None
    return start, min(end, size)


async def _begin(send: responses.Send, status: int, headers: Mapping[str, str]) -> None:
    pairs = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
