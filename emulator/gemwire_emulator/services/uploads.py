"""Upload sessions: the requests that begin uploads, and the bytes received so far.

A session is in the store and its bytes are in ``state.blobs``, so that an upload can be resumed after a
kill -9. The id of a session is all that is needed to continue it, since Google's clients send no API key with
the parts of a file.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass
from typing import TypeAlias

from gemwire_emulator.call import Call
from gemwire_emulator.errors import StatusError, invalid_argument, not_found, shorten
from gemwire_emulator.services import files
from gemwire_emulator.services.document_indexing import MAX_DOCUMENT_SIZE, DocumentIndexing
from gemwire_emulator.services.resource_lookup import check_display_name, resolve_name
from gemwire_emulator.state import State
from gemwire_proto import v1beta
from gemwire_proto.google.longrunning import operations_pb2
from gemwire_proto.v1beta.file_search_store_service import UPLOAD_TO_FILE_SEARCH_STORE
from gemwire_proto.v1beta.file_service import CREATE_FILE

#: What an upload makes: a file, or a document of a file search store.
UploadRequest: TypeAlias = v1beta.CreateFileRequest | v1beta.UploadToFileSearchStoreRequest
UploadResponse: TypeAlias = v1beta.CreateFileResponse | operations_pb2.Operation

_KIND = "uploads"
#: Sessions are found without their API key. No RPC accepts names of this form.
_TENANT = ""
#: Seconds of the emulator's time after which an upload expires.
_LIFETIME = 24 * 3600.0
_MIME_TYPE = re.compile(r"(application|audio|image|text|video)/[^\s/]+(\s*;.*)?", re.IGNORECASE)
SIZE = "X-Goog-Upload-Header-Content-Length"


@dataclass
class UploadSession:
    """One upload.

    Attributes:
        identity: Id of the session, the end of its URL.
        request: The request that began it.
        tenant: Tenant of what it makes.
        caller: Owner of what it makes.
        size: Announced bytes; None if not announced.
        blob: Bytes received so far, in ``state.blobs``.
        expires: Time of expiration, in seconds since the epoch.
        status: ``active``, ``final`` or ``cancelled``, as the protocol calls it.
        response: The response, once final.
    """

    identity: str
    request: UploadRequest
    tenant: str
    caller: str
    size: int | None
    blob: str
    expires: float
    status: str = "active"
    response: UploadResponse | None = None

    @property
    def name(self) -> str:
        """Name of the session in the store."""
        return f"{_KIND}/{self.identity}"

    def extra(self) -> str:
        """Return all fields but the messages, as they are stored."""
        kept = {"tenant": self.tenant, "caller": self.caller, "size": self.size, "status": self.status}
        is_file = isinstance(self.request, v1beta.CreateFileRequest)
        return json.dumps(kept | {"contents": [self.blob], "expires": self.expires, "is_file": is_file})


class Uploads:
    """The upload sessions of an emulator."""

    def __init__(self, state: State) -> None:
        """Create the handlers."""
        self._state = state
        self._indexing = DocumentIndexing(state)

    def resume(self) -> None:
        """Schedule the expiration of existing sessions."""
        for _, row in self._state.store.list_all_tenants(_KIND):
            self._state.spawn(self._expire(row.name.rpartition("/")[2]))

    def check(self, request: UploadRequest, call: Call, size: int | None) -> None:
        """Check that a file or a document can be stored.

        Raises:
            StatusError: It is too large, or its name is invalid or taken.
        """
        if isinstance(request, v1beta.UploadToFileSearchStoreRequest):
            check_display_name(request.display_name, "display_name")
            self._indexing.check(request, call, size or 0, SIZE)
            return
        file = request.file
        if file.mime_type and not _MIME_TYPE.fullmatch(file.mime_type):
            raise invalid_argument("file.mime_type", f"Unsupported MIME type: {shorten(file.mime_type)}")
        check_display_name(file.display_name, "file.display_name")
        if file.name:
            resolve_name(self._state, file.name, "files", "", "file.name")
            files.check_name_free(self._state, call.tenant, file.name)
        files.check_storage(self._state, call.tenant, size or 0, SIZE)

    def create(self, request: UploadRequest, call: Call, size: int | None) -> UploadSession:
        """Create a session.

        Args:
            request: The request.
            call: The call.
            size: Announced bytes; None if not announced.

        Raises:
            StatusError: See `check`.
        """
        self.check(request, call, size)
        session = UploadSession(
            identity=secrets.token_urlsafe(24),
            request=request,
            tenant=call.tenant,
            caller=call.caller,
            size=size,
            blob=self._state.blobs.create(),
            expires=self._state.clock.now() + _LIFETIME,
        )
        self._state.store.put(_TENANT, session.name, request, extra=session.extra())
        self._state.spawn(self._expire(session.identity))
        return session

    def find(self, identity: str) -> UploadSession:
        """Return a session.

        Raises:
            StatusError: NOT_FOUND; it does not exist or has expired.
        """
        row = self._state.store.get(_TENANT, f"{_KIND}/{identity}")
        if row is None:
            raise not_found("The upload")
        kept = json.loads(row.extra)
        [kept["blob"]] = kept.pop("contents")
        method = CREATE_FILE if kept.pop("is_file", True) else UPLOAD_TO_FILE_SEARCH_STORE
        session = UploadSession(identity, method.request(), **kept)
        if session.status == "final":
            session.response = row.message(method.response)
        else:
            session.request = row.message(method.request)
        if session.status == "active" and not self._state.blobs.exists(session.blob):
            raise not_found("The upload")
        return session

    def count_received(self, session: UploadSession) -> int:
        """Return the number of bytes received."""
        return self._state.blobs.size(session.blob)

    def check_fits(self, session: UploadSession, size: int) -> None:
        """Check that a number of bytes is not more than announced, or than a file may have.

        Raises:
            StatusError: INVALID_ARGUMENT.
        """
        if session.size is not None and size > session.size:
            raise invalid_argument(
                SIZE, f"was {session.size}, but {size} bytes were sent; start a new upload"
            )
        is_file = isinstance(session.request, v1beta.CreateFileRequest)
        most = files.MAX_FILE_SIZE if is_file else MAX_DOCUMENT_SIZE
        if size > most:
            raise invalid_argument("file", f"has {size} bytes or more; a file may have at most {most}")

    def check_complete(self, session: UploadSession) -> None:
        """Check that all announced bytes have been received.

        Raises:
            StatusError: INVALID_ARGUMENT.
        """
        size = self.count_received(session)
        if session.size is not None and size < session.size:
            raise invalid_argument(
                "X-Goog-Upload-Command",
                f"cannot be finalize: only {size} of {session.size} bytes were received",
            )

    def finalize(self, session: UploadSession) -> UploadResponse:
        """Store what a complete upload makes, and return the response.

        Raises:
            StatusError: Its name or its storage was taken meanwhile; the upload is cancelled then.
        """
        state = self._state
        try:
            with state.store.transaction():
                session.response = response = self._make(session)
                session.blob, session.status = "", "final"
                state.store.replace(_TENANT, session.name, response, session.extra())
        except StatusError:
            self.cancel(session)
            raise
        return response

    def _make(self, session: UploadSession) -> UploadResponse:
        request, tenant = session.request, session.tenant
        if isinstance(request, v1beta.UploadToFileSearchStoreRequest):
            return self._indexing.add_upload(request, session, session.blob)
        files.check_storage(self._state, tenant, self.count_received(session), "file")
        file = files.store_file(self._state, tenant, session.caller, request.file, session.blob)
        return v1beta.CreateFileResponse(file=file)

    def cancel(self, session: UploadSession) -> None:
        """Cancel an upload and delete its bytes."""
        self._state.blobs.delete(session.blob)
        session.blob, session.status = "", "cancelled"
        self._state.store.replace(_TENANT, session.name, session.request, session.extra())

    async def _expire(self, identity: str) -> None:
        row = self._state.store.get(_TENANT, f"{_KIND}/{identity}")
        if row is None:
            return
        kept = json.loads(row.extra)
        await self._state.clock.sleep(kept["expires"] - self._state.clock.now())
        row = self._state.store.get(_TENANT, row.name)
        if row is not None:
            for blob in json.loads(row.extra)["contents"]:
                self._state.blobs.delete(blob)
            self._state.store.delete(_TENANT, row.name)
