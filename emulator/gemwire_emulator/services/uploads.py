"""Upload sessions: the metadata of future files, and the bytes received so far.

A session is in the store and its bytes are in ``state.blobs``, so that an upload can be resumed after a
kill -9. The id of a session is all that is needed to continue it, since Google's clients send no API key with
the parts of a file.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass

from gemwire_emulator.call import Call
from gemwire_emulator.errors import StatusError, invalid_argument, not_found
from gemwire_emulator.services import files
from gemwire_emulator.services.resource_lookup import check_display_name, resolve_name
from gemwire_emulator.state import State
from gemwire_proto import v1beta

_KIND = "uploads"
#: Sessions are found without their API key. No RPC accepts names of this form.
_TENANT = ""
#: Seconds of the emulator's time after which an upload expires.
_LIFETIME = 24 * 3600.0
SIZE = "X-Goog-Upload-Header-Content-Length"


@dataclass
class UploadSession:
    """One upload.

    Attributes:
        identity: Id of the session, the end of its URL.
        file: The requested file; once final, the stored one.
        tenant: Tenant of the file.
        owner: Owner of the file.
        size: Announced bytes; None if not announced.
        blob: Bytes received so far, in ``state.blobs``.
        expires: Time of expiration, in seconds since the epoch.
        status: ``active``, ``final`` or ``cancelled``, as the protocol calls it.
    """

    identity: str
    file: v1beta.File
    tenant: str
    owner: str
    size: int | None
    blob: str
    expires: float
    status: str = "active"

    @property
    def name(self) -> str:
        """Name of the session in the store."""
        return f"{_KIND}/{self.identity}"

    def extra(self) -> str:
        """Return all fields but the file, as they are stored."""
        kept = {"tenant": self.tenant, "owner": self.owner, "size": self.size, "status": self.status}
        return json.dumps(kept | {"contents": [self.blob], "expires": self.expires})


class Uploads:
    """The upload sessions of an emulator."""

    def __init__(self, state: State) -> None:
        """Create the handlers."""
        self._state = state

    def resume(self) -> None:
        """Schedule the expiration of existing sessions."""
        for _, row in self._state.store.list_all_tenants(_KIND):
            self._state.spawn(self._expire(row.name.rpartition("/")[2]))

    def check(self, file: v1beta.File, call: Call, size: int | None) -> None:
        """Check that a file can be stored.

        Raises:
            StatusError: It is too large, or its name is invalid or taken.
        """
        check_display_name(file.display_name, "file.display_name")
        if file.name:
            resolve_name(self._state, file.name, "files", "", "file.name")
            files.check_name_free(self._state, call.tenant, file.name)
        files.check_storage(self._state, call.tenant, size or 0, SIZE)

    def create(self, file: v1beta.File, call: Call, size: int | None) -> UploadSession:
        """Create a session.

        Args:
            file: The requested file.
            call: The call.
            size: Announced bytes; None if not announced.

        Raises:
            StatusError: See `check`.
        """
        self.check(file, call, size)
        session = UploadSession(
            identity=secrets.token_urlsafe(24),
            file=file,
            tenant=call.tenant,
            owner=call.caller,
            size=size,
            blob=self._state.blobs.create(),
            expires=self._state.clock.now() + _LIFETIME,
        )
        self._state.store.put(_TENANT, session.name, file, extra=session.extra())
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
        session = UploadSession(identity, row.message(v1beta.File), **kept)
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
        if size > files.MAX_FILE_SIZE:
            raise invalid_argument(
                "file", f"has {size} bytes or more; a file may have at most {files.MAX_FILE_SIZE}"
            )

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

    def finalize(self, session: UploadSession) -> v1beta.File:
        """Store the file of a complete upload, and return it.

        Raises:
            StatusError: Its name or its storage was taken meanwhile; the upload is cancelled then.
        """
        state = self._state
        try:
            with state.store.transaction():
                files.check_storage(state, session.tenant, self.count_received(session), "file")
                file = files.store_file(state, session.tenant, session.owner, session.file, session.blob)
                session.blob, session.status, session.file = "", "final", file
                state.store.replace(_TENANT, session.name, file, session.extra())
        except StatusError:
            self.cancel(session)
            raise
        return file

    def cancel(self, session: UploadSession) -> None:
        """Cancel an upload and delete its bytes."""
        self._state.blobs.delete(session.blob)
        session.blob, session.status = "", "cancelled"
        self._state.store.replace(_TENANT, session.name, session.file, session.extra())

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
