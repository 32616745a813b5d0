"""Uploads of files: in one request, plain or as ``multipart/related``, or in resumable chunks.

The protocol is that of Google's upload servers: headers ``X-Goog-Upload-…`` carry the command of a request
and the progress of an upload.
"""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING

import grpc
from starlette.types import Receive, Scope, Send

from gemwire_emulator.call import Call
from gemwire_emulator.dispatch import Endpoint
from gemwire_emulator.errors import (
    StatusError,
    disk_full,
    failed_precondition,
    invalid_argument,
    not_found,
)
from gemwire_emulator.http.asgi_scope import check_route, create_call, get_headers, get_path, get_query
from gemwire_emulator.http.multipart import MultipartReader
from gemwire_emulator.http.request_body import ClientDisconnected, iter_chunks, read_body
from gemwire_emulator.http.responses import send_error, send_response
from gemwire_emulator.http.takeover_lock import TakenOverError, TakeoverLocks
from gemwire_emulator.json_codec.messages import parse_json, parse_message, to_json
from gemwire_emulator.services.uploads import SIZE, UploadRequest, UploadResponse, Uploads, UploadSession
from gemwire_proto import v1beta
from gemwire_proto.v1beta import file_search_store_service, file_service

if TYPE_CHECKING:
    from gemwire_emulator.admission import AdmissionController
    from gemwire_emulator.journal import Journal
    from gemwire_emulator.state import State

_CREATE_FILE = file_service.SERVICE.methods["CreateFile"]
_ADD_DOCUMENT = file_search_store_service.SERVICE.methods["UploadToFileSearchStore"]
#: Limit of the JSON that describes a file.
_MAX_METADATA_BYTES = 2**20
#: Bytes that are hashed and written at a time, in a thread.
_WRITE_BYTES = 2**20
#: Chunk size that Google's servers announce; the emulator accepts any.
_GRANULARITY = 256 * 2**10
_COMMANDS = ("upload", "upload, finalize", "finalize", "query", "cancel")


class UploadApp:
    """Uploads of files and of documents of file search stores, as an ASGI application.

    Their paths are ``/upload/{version}/files`` and
    ``/upload/{version}/fileSearchStores/{store}:uploadToFileSearchStore``.
    """

    def __init__(self, state: State, admission: AdmissionController, journal: Journal) -> None:
        """Serve uploads.

        Args:
            state: Stores the files.
            admission: Faults and quotas.
            journal: Records the calls.
        """
        self._state = state
        self._admission = admission
        self._journal = journal
        self._uploads = Uploads(state)
        # A later request takes over: its client lost the connection of the earlier one, maybe unnoticed here.
        self._locks = TakeoverLocks()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        session: UploadSession | None = None
        try:
            check_route(scope, "POST", "PUT")
            identity = dict(get_query(scope)).get("upload_id", "")
            if identity:
                session = self._uploads.find(identity)
                await self._continue(session, get_headers(scope), receive, send)
            else:
                await self._create(scope, receive, send)
        except ClientDisconnected:
            pass
        except StatusError as error:
            await send_error(send, error, self._get_progress_headers(session))
        except FileNotFoundError:
            # The emulator was reset during the upload.
            await send_error(send, not_found("The upload"), self._get_progress_headers(None))
        except OSError as error:
            await send_error(send, disk_full("the upload", error), self._get_progress_headers(session))

    def _get_progress_headers(self, session: UploadSession | None) -> dict[str, str]:
        if session is None:
            return {"x-goog-upload-status": "final"}
        headers = {"x-goog-upload-status": session.status}
        if session.status == "active" and self._state.blobs.exists(session.blob):
            headers["x-goog-upload-size-received"] = str(self._uploads.count_received(session))
        return headers

    async def _create(self, scope: Scope, receive: Receive, send: Send) -> None:
        query, headers = get_query(scope), get_headers(scope)
        store = scope["path_params"].get("store", "")
        call = create_call(_ADD_DOCUMENT if store else _CREATE_FILE, scope, headers, query)
        protocol = dict(query).get("uploadType") or dict(query).get("upload_protocol") or ""
        protocol = headers.get("x-goog-upload-protocol", protocol).lower()
        if protocol == "resumable":
            size = _parse_start(headers)
            request = _parse_request(await read_body(receive, headers, _MAX_METADATA_BYTES), headers, store)
            await self._start_resumable(request, call, size, scope, send)
        elif protocol == "multipart":
            reader = MultipartReader(headers.get("content-type", ""), iter_chunks(receive))
            request = _parse_request(await reader.read_json(), headers, store)
            _describe(request).mime_type = _describe(request).mime_type or reader.content_type
            await self._upload_at_once(request, call, None, reader.iter_data(), send)
        elif protocol in {"raw", "media"}:
            request = _parse_request(b"", headers, store)
            _describe(request).mime_type = _describe(request).mime_type or headers.get("content-type", "")
            size = _parse_size(headers, "Content-Length")
            await self._upload_at_once(request, call, size, iter_chunks(receive), send)
        else:
            raise invalid_argument(
                "X-Goog-Upload-Protocol",
                f"is {protocol!r}; must be resumable, multipart or raw. To create a file without content, use"
                " /v1beta/files",
            )

    async def _start_resumable(
        self, request: UploadRequest, call: Call, size: int | None, scope: Scope, send: Send
    ) -> None:
        sessions: list[UploadSession] = []

        def begin(request: UploadRequest, call: Call) -> UploadResponse:
            sessions.append(self._uploads.create(request, call, size))
            return v1beta.CreateFileResponse()

        await self._create_endpoint(begin, call).unary(request, call)
        [session] = sessions
        host = get_headers(scope).get("host") or "{}:{}".format(*scope["server"])
        url = f"{scope['scheme']}://{host}{get_path(scope)}?upload_id={session.identity}"
        response_headers = {
            **self._get_progress_headers(session),
            "x-goog-upload-url": f"{url}&upload_protocol=resumable",
            "x-goog-upload-control-url": f"{url}&upload_protocol=resumable",
            "x-goog-upload-chunk-granularity": str(_GRANULARITY),
        }
        await send_response(send, b"", headers=response_headers)

    async def _upload_at_once(
        self,
        request: UploadRequest,
        call: Call,
        size: int | None,
        data: AsyncGenerator[bytes, None],
        send: Send,
    ) -> None:
        session = self._uploads.create(request, call, size)
        try:
            await self._write(session, data)
            await asyncio.to_thread(self._state.blobs.sha256, session.blob)

            def finish(request: UploadRequest, call: Call) -> UploadResponse:
                return self._uploads.finalize(session)

            response = await self._create_endpoint(finish, call).unary(request, call)
        finally:
            if session.status == "active":
                self._uploads.cancel(session)
        await send_response(send, to_json(response).encode(), headers=self._get_progress_headers(session))

    async def _continue(
        self, session: UploadSession, headers: Mapping[str, str], receive: Receive, send: Send
    ) -> None:
        command = _parse_command(headers)
        if command not in _COMMANDS:
            raise invalid_argument(
                "X-Goog-Upload-Command", f"{command!r} is not one of {'; '.join(_COMMANDS)}"
            )

        async def execute() -> None:
            # The upload may have ended while this request waited for the lock.
            session.__dict__.update(self._uploads.find(session.identity).__dict__)
            if session.status != "active" and command != "query":
                raise failed_precondition("The upload", f"is {session.status}; start a new one")
            if command.startswith("upload"):
                await self._write_chunk(session, headers, receive)
            if command == "cancel":
                self._uploads.cancel(session)
            if command.endswith("finalize"):
                self._uploads.check_complete(session)
                await asyncio.to_thread(self._state.blobs.sha256, session.blob)
                self._uploads.finalize(session)

        try:
            await self._locks.run(session.identity, execute)
        except TakenOverError:
            message = "Another request took over this upload."
            raise StatusError(grpc.StatusCode.ABORTED, message) from None
        body = b"" if session.response is None else to_json(session.response).encode()
        await send_response(send, body, headers=self._get_progress_headers(session))

    async def _write_chunk(
        self, session: UploadSession, headers: Mapping[str, str], receive: Receive
    ) -> None:
        received = self._uploads.count_received(session)
        offset = _parse_size(headers, "X-Goog-Upload-Offset")
        if offset != received:
            reason = f"is {offset}, but {received} bytes were received; continue there"
            raise invalid_argument("X-Goog-Upload-Offset", reason)
        self._uploads.check_fits(session, received + (_parse_size(headers, "Content-Length") or 0))
        await self._write(session, iter_chunks(receive))

    async def _write(self, session: UploadSession, data: AsyncGenerator[bytes, None]) -> None:
        """Write data as it arrives. Bytes already received are kept if the connection breaks."""
        size, buffer = self._uploads.count_received(session), bytearray()
        try:
            async with aclosing(data):
                async for chunk in data:
                    size += len(chunk)
                    self._uploads.check_fits(session, size)
                    buffer += chunk
                    if len(buffer) >= _WRITE_BYTES:
                        block, buffer = bytes(buffer), bytearray()
                        await _await_uncancelled(
                            asyncio.to_thread(self._state.blobs.append, session.blob, block)
                        )
        finally:
            if buffer and self._state.blobs.exists(session.blob):
                self._state.blobs.append(session.blob, bytes(buffer))

    def _create_endpoint(
        self, handler: Callable[[UploadRequest, Call], UploadResponse], call: Call
    ) -> Endpoint:
        """Create the endpoint of a call. Chunks of an upload are not calls: neither recorded nor limited."""
        return Endpoint(call.method, call.method, handler, self._admission, self._journal)


def _parse_start(headers: Mapping[str, str]) -> int | None:
    """Return the size that the beginning of a resumable upload announces."""
    if _parse_command(headers) != "start":
        reason = "must be start, or the URL must have an upload_id"
        raise invalid_argument("X-Goog-Upload-Command", reason)
    return _parse_size(headers, SIZE)


def _parse_request(body: bytes, headers: Mapping[str, str], store: str) -> UploadRequest:
    """Build the request of a body and headers; a media type in the body takes precedence."""
    tree, file_name = parse_json(body.strip() or b"{}"), headers.get("x-goog-upload-file-name", "")
    request: UploadRequest
    if store:
        request = parse_message(v1beta.UploadToFileSearchStoreRequest, tree)
        request.file_search_store_name = f"fileSearchStores/{store}"
        request.display_name = request.display_name or file_name
    else:
        request = parse_message(v1beta.CreateFileRequest, tree)
    described = _describe(request)
    described.mime_type = (
        described.mime_type
        or headers.get("x-goog-upload-header-content-type", "")
        or mimetypes.guess_type(file_name)[0]
        or ""
    )
    return request


def _describe(request: UploadRequest) -> v1beta.File | v1beta.UploadToFileSearchStoreRequest:
    """Return what has the media type."""
    return request.file if isinstance(request, v1beta.CreateFileRequest) else request


def _parse_command(headers: Mapping[str, str]) -> str:
    words = headers.get("x-goog-upload-command", "").split(",")
    return ", ".join(word.strip().lower() for word in words)


def _parse_size(headers: Mapping[str, str], name: str) -> int | None:
    text = headers.get(name.lower(), "")
    if not text:
        return None
    if not text.isdecimal() or len(text) > 18:
        raise invalid_argument(name, f"{text[:20]!r} is not a number of bytes")
    return int(text)


async def _await_uncancelled(work: Awaitable[None]) -> None:
    """Wait for the work of a thread even if cancelled, so that nothing else writes meanwhile."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait((task,))
        raise
