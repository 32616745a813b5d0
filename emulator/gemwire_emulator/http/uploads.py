"""Uploads of files: at once, as ``multipart/related``, or in parts that may be resumed.

The protocol is that of Google's upload servers: headers ``X-Goog-Upload-…``
say what a request is, and how far an upload has come.
"""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import grpc

from gemwire_emulator.call import Call
from gemwire_emulator.dispatch import Endpoint
from gemwire_emulator.errors import (
    StatusError,
    failed_precondition,
    invalid_argument,
    not_found,
    resource_exhausted,
)
from gemwire_emulator.http import responses
from gemwire_emulator.http.asgi_scope import Scope, check_route, create_call, get_headers, get_path, get_query
from gemwire_emulator.http.multipart import MultipartReader
from gemwire_emulator.http.request_body import ClientDisconnected, Receive, iter_chunks, read_body
from gemwire_emulator.http.transcode import parse_json, parse_message, to_json
from gemwire_emulator.services.uploads import SIZE, Session, Uploads
from gemwire_proto import v1beta
from gemwire_proto.v1beta import file_service

if TYPE_CHECKING:
    from gemwire_emulator.admission import AdmissionController
    from gemwire_emulator.journal import Journal
    from gemwire_emulator.state import State

_CREATE = file_service.SERVICE.methods["CreateFile"]
#: Bytes that are hashed and written at a time, away from the event loop.
_PIECE = 2**20
#: What Google's servers name; here, parts may have any size.
_GRANULARITY = 256 * 2**10
_COMMANDS = ("upload", "upload, finalize", "finalize", "query", "cancel")


class UploadApp:
    """``/upload/{version}/files``, as an ASGI application."""

    def __init__(self, state: State, admission: AdmissionController, journal: Journal) -> None:
        """See the class."""
        self._state = state
        self._admission = admission
        self._journal = journal
        self._uploads = Uploads(state)
        self._turns: dict[str, _Turn] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: responses.Send) -> None:
        """Serve one request."""
        session: Session | None = None
        try:
            check_route(scope, "POST", "PUT")
            identity = dict(get_query(scope)).get("upload_id", "")
            if identity:
                session = self._uploads.find(identity)
                await self._go_on(session, get_headers(scope), receive, send)
            else:
                await self._begin(scope, receive, send)
        except ClientDisconnected:
            pass
        except StatusError as failure:
            await responses.send_error(send, failure, self._progress(session))
        except FileNotFoundError:
            # A reset came between.
            await responses.send_error(send, not_found("The upload"), self._progress(None))
        except OSError as error:
            await responses.send_error(send, resource_exhausted("disk", str(error)), self._progress(session))

    def _progress(self, session: Session | None) -> dict[str, str]:
        """The headers that say how far an upload has come."""
        if session is None:
            return {"x-goog-upload-status": "final"}
        headers = {"x-goog-upload-status": session.status}
        if session.status == "active" and self._state.blobs.exists(session.content):
            headers["x-goog-upload-size-received"] = str(self._uploads.received(session))
        return headers

    async def _begin(self, scope: Scope, receive: Receive, send: responses.Send) -> None:
        query = get_query(scope)
        call = create_call(_CREATE, scope, query)
        kind = dict(query).get("uploadType") or dict(query).get("upload_protocol") or ""
        kind = str(call.metadata.get("x-goog-upload-protocol", kind)).lower()
        if kind == "resumable":
            await self._start(call, scope, receive, send)
        elif kind == "multipart":
            related = MultipartReader(str(call.metadata.get("content-type", "")), iter_chunks(receive))
            request = _request(await related.json(), call)
            request.file.mime_type = request.file.mime_type or related.content_type
            await self._at_once(request, call, None, related.data(), send)
        elif kind in {"raw", "media"}:
            request = _request(b"", call)
            request.file.mime_type = request.file.mime_type or str(call.metadata.get("content-type", ""))
            size = _number(call.metadata, "Content-Length")
            await self._at_once(request, call, size, iter_chunks(receive), send)
        else:
            raise invalid_argument(
                "X-Goog-Upload-Protocol",
                f"is {kind!r}; it must be resumable, multipart or raw. A file without bytes is created at"
                " /v1beta/files",
            )

    async def _start(self, call: Call, scope: Scope, receive: Receive, send: responses.Send) -> None:
        if _command(call.metadata) != "start":
            raise invalid_argument(
                "X-Goog-Upload-Command", "must be start, or the URL must have an upload_id"
            )
        size = _number(call.metadata, SIZE)
        request = _request(await read_body(receive, call.metadata), call)
        begun: list[Session] = []

        def begin(request: Any, call: Call) -> Any:
            begun.append(self._uploads.begin(request.file, call, size))
            return v1beta.CreateFileResponse()

        await self._endpoint(begin).unary(request, call)
        host = str(call.metadata.get("host", "")) or "{}:{}".format(*scope["server"])
        url = f"{scope['scheme']}://{host}{get_path(scope)}?upload_id={begun[0].identity}"
        headers = {
            **self._progress(begun[0]),
            "x-goog-upload-url": f"{url}&upload_protocol=resumable",
            "x-goog-upload-control-url": f"{url}&upload_protocol=resumable",
            "x-goog-upload-chunk-granularity": str(_GRANULARITY),
        }
        await responses.send_response(send, b"", headers=headers)

    async def _at_once(
        self,
        request: Any,
        call: Call,
        size: int | None,
        data: AsyncGenerator[bytes, None],
        send: responses.Send,
    ) -> None:
        session = self._uploads.begin(request.file, call, size)
        try:
            await self._take(session, data)
            await asyncio.to_thread(self._state.blobs.sha256, session.content)

            def finish(request: Any, call: Call) -> Any:
                return v1beta.CreateFileResponse(file=self._uploads.finish(session))

            response = await self._endpoint(finish).unary(request, call)
        finally:
            if session.status == "active":
                self._uploads.cancel(session)
        await responses.send_response(send, to_json(response).encode(), headers=self._progress(session))

    async def _go_on(
        self, session: Session, headers: Mapping[str, str], receive: Receive, send: responses.Send
    ) -> None:
        command = _command(headers)
        if command not in _COMMANDS:
            raise invalid_argument("X-Goog-Upload-Command", f"{command!r} is none of {'; '.join(_COMMANDS)}")

        async def work() -> None:
            # It may have ended while this request waited for its turn.
            session.__dict__.update(self._uploads.find(session.identity).__dict__)
            if session.status != "active" and command != "query":
                raise failed_precondition("The upload", f"is {session.status}; begin a new one")
            if command.startswith("upload"):
                await self._upload(session, headers, receive)
            if command == "cancel":
                self._uploads.cancel(session)
            if command.endswith("finalize"):
                self._uploads.check_complete(session)
                await asyncio.to_thread(self._state.blobs.sha256, session.content)
                self._uploads.finish(session)

        await self._in_turn(session, work)
        body = b""
        if session.status == "final":
            body = to_json(v1beta.CreateFileResponse(file=session.wanted)).encode()
        await responses.send_response(send, body, headers=self._progress(session))

    async def _upload(self, session: Session, headers: Mapping[str, str], receive: Receive) -> None:
        received = self._uploads.received(session)
        offset = _number(headers, "X-Goog-Upload-Offset")
        if offset != received:
            raise invalid_argument(
                "X-Goog-Upload-Offset", f"is {offset}, but {received} bytes have come; go on there"
            )
        self._uploads.check_fits(session, received + (_number(headers, "Content-Length") or 0))
        await self._take(session, iter_chunks(receive))

    async def _take(self, session: Session, data: AsyncGenerator[bytes, None]) -> None:
        """Write what comes. What has come counts, however it ends."""
        size, buffer = self._uploads.received(session), bytearray()
        try:
            async with aclosing(data):
                async for chunk in data:
                    size += len(chunk)
                    self._uploads.check_fits(session, size)
                    buffer += chunk
                    if len(buffer) >= _PIECE:
                        piece, buffer = bytes(buffer), bytearray()
                        await _finished(asyncio.to_thread(self._state.blobs.append, session.content, piece))
        finally:
            if buffer and self._state.blobs.exists(session.content):
                self._state.blobs.append(session.content, bytes(buffer))

    async def _in_turn(self, session: Session, work: Callable[[], Awaitable[None]]) -> None:
        """Do something to an upload that nobody else is working on.

        Who comes later goes on in the place of who was there: a client that lost its connection, which
        this side may not have noticed.

        Raises:
            StatusError: Somebody came later.
        """
        turn = self._turns.setdefault(session.identity, _Turn())
        if turn.doing:
            turn.doing.cancel()

        async def alone() -> None:
            async with turn.lock:
                await work()

        doing = turn.doing = asyncio.ensure_future(alone())
        try:
            await asyncio.wait((doing,))
        finally:
            doing.cancel()
            await asyncio.wait((doing,))
            if turn.doing is doing:
                del self._turns[session.identity]
        if doing.cancelled():
            raise StatusError(grpc.StatusCode.ABORTED, "Another request goes on with this upload.")
        doing.result()

    def _endpoint(self, handler: Callable[[Any, Call], Any]) -> Endpoint:
        """What journals a call and holds it against faults and quotas; parts of a file are no calls."""
        return Endpoint(_CREATE, _CREATE, handler, self._admission, self._journal)


class _Turn:
    """Who is working on an upload."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.doing: asyncio.Future[None] | None = None


def _request(body: bytes, call: Call) -> Any:
    """The CreateFileRequest that a body and the headers make. Of media types, the one in the body counts."""
    request = parse_message(v1beta.CreateFileRequest, parse_json(body.strip() or b"{}"))
    named = str(call.metadata.get("x-goog-upload-file-name", ""))
    request.file.mime_type = (
        request.file.mime_type
        or str(call.metadata.get("x-goog-upload-header-content-type", ""))
        or mimetypes.guess_type(named)[0]
        or ""
    )
    return request


def _command(headers: Mapping[str, object]) -> str:
    words = str(headers.get("x-goog-upload-command", "")).split(",")
    return ", ".join(word.strip().lower() for word in words)


def _number(headers: Mapping[str, Any], name: str) -> int | None:
    text = str(headers.get(name.lower(), ""))
    if not text:
        return None
    if not text.isdecimal() or len(text) > 18:
        raise invalid_argument(name, f"{text[:20]!r} is no number of bytes")
    return int(text)


async def _finished(work: Awaitable[None]) -> None:
    """Wait for what a thread does, also when cancelled meanwhile: nobody else may write before it is done."""
    doing = asyncio.ensure_future(work)
    try:
        await asyncio.shield(doing)
    except asyncio.CancelledError:
        await asyncio.wait((doing,))
        raise
