"""Downloads of files: complete or by range, read from disk at the speed of the client."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from gemwire_emulator.dispatch import Endpoint
from gemwire_emulator.errors import StatusError, not_found
from gemwire_emulator.http.asgi_scope import create_call, get_headers, get_query
from gemwire_emulator.http.connection import get_connection
from gemwire_emulator.http.responses import send_error, send_response
from gemwire_emulator.http.router import VERSIONS
from gemwire_emulator.services.files import get_blob, get_file
from gemwire_emulator.state import State
from gemwire_proto import v1beta
from gemwire_proto.v1beta import file_service

_CHUNK_BYTES = 256 * 2**10
_RANGE = re.compile(r"bytes=\s*(\d*)-(\d*)\s*")


class DownloadApp:
    """``/{version}/files/{file}:download``, as an ASGI application."""

    def __init__(self, endpoints: Mapping[str, Endpoint], state: State, rpcs: ASGIApp) -> None:
        """Serve downloads.

        Args:
            endpoints: The RPCs by path; DownloadFile decides who may download what.
            state: Holds the content.
            rpcs: Serves the same path without ``alt=media``.
        """
        self._endpoint = endpoints[file_service.SERVICE.methods["DownloadFile"].path]
        self._state = state
        self._rpcs = rpcs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        path, query = scope["path_params"], get_query(scope)
        media = scope["path"].startswith("/download/") or ("alt", "media") in query
        if not media or scope["method"] not in {"GET", "HEAD"} or path["version"] not in VERSIONS:
            await self._rpcs(scope, receive, send)
            return
        try:
            headers = get_headers(scope)
            call = create_call(self._endpoint.method, scope, headers, query)
            name = f"files/{path['file']}"
            await self._endpoint.unary(v1beta.DownloadFileRequest(name=name), call)
            content = get_blob(self._state, call.tenant, name)
            if not content:
                raise not_found(f"The content of {name}")
            await self._send(get_file(self._state, call.tenant, name), content, headers, scope, send)
        except StatusError as error:
            await send_error(send, error)

    async def _send(
        self, file: v1beta.File, content: str, request_headers: Mapping[str, str], scope: Scope, send: Send
    ) -> None:
        size, tag = file.size_bytes, f'"{file.sha256_hash.hex()}"'
        headers = {"accept-ranges": "bytes", "etag": tag, "x-content-type-options": "nosniff"}
        if tag in request_headers.get("if-none-match", ""):
            await _start_response(send, 304, headers)
            await send({"type": "http.response.body", "body": b""})
            return
        requested = _parse_range(request_headers, size, tag)
        start, end = requested or (0, size)
        if requested and start >= end:
            headers["content-range"] = f"bytes */{size}"
            await send_response(send, b"", 416, headers=headers)
            return
        headers["content-type"] = file.mime_type or "application/octet-stream"
        headers["content-length"] = str(end - start)
        # Keeps the middleware from compressing: ranges are of the content itself.
        headers["content-encoding"] = "identity"
        if requested:
            headers["content-range"] = f"bytes {start}-{end - 1}/{size}"
        await _start_response(send, 206 if requested else 200, headers)
        if scope["method"] == "GET":
            await self._send_content(content, start, end, scope, send)
        await send({"type": "http.response.body", "body": b""})

    async def _send_content(self, content: str, start: int, end: int, scope: Scope, send: Send) -> None:
        disconnected = asyncio.Event()
        connection = get_connection(scope)
        if connection is not None:
            connection.on_lost = disconnected.set
        with self._state.blobs.path(content).open("rb") as file:
            file.seek(start)
            while start < end and not disconnected.is_set():
                chunk = await asyncio.to_thread(file.read, min(_CHUNK_BYTES, end - start))
                start += len(chunk)
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        if connection is not None:
            connection.on_lost = None


def _parse_range(headers: Mapping[str, str], size: int, tag: str) -> tuple[int, int] | None:
    """Return start and end of the requested range; None for the whole file.

    A malformed range, or several ranges, may be ignored (RFC 9110, 14.2).
    """
    found = _RANGE.fullmatch(headers.get("range", ""))
    if found is None or found[1] == found[2] == "" or headers.get("if-range", tag) != tag:
        return None
    if not found[1]:
        return max(0, size - int(found[2])), size if int(found[2]) else 0
    start, end = int(found[1]), int(found[2]) + 1 if found[2] else size
    if found[2] and end <= start:
        return None
    return start, min(end, size)


async def _start_response(send: Send, status: int, headers: Mapping[str, str]) -> None:
    pairs = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
