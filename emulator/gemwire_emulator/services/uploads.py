"""Uploads under way: what a file is going to be, and how much of it has come.

A session is in the store and its bytes are in ``state.blobs``, so that an
upload goes on after a kill -9. Whoever knows a session's identity may go on
with it: Google's clients send no API key with the parts of a file.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import Any

from gemwire_emulator.call import Call
from gemwire_emulator.errors import StatusError, invalid_argument, not_found
from gemwire_emulator.services import files
from gemwire_emulator.services.resource_lookup import check_display_name, new_name
from gemwire_emulator.state import State
from gemwire_proto import v1beta

_KIND = "uploads"
#: Sessions are found without knowing whose they are. No RPC takes names of this form.
_TENANT = ""
#: Seconds of the emulator's time in which an upload must be complete.
_LIFETIME = 24 * 3600.0
SIZE = "X-Goog-Upload-Header-Content-Length"


@dataclass
class Session:
    """One upload.

    Attributes:
        identity: What its address ends with.
        wanted: The File to be, as its uploader wants it.
        tenant: Whose it will be.
        owner: Who makes it.
        size: Bytes that were announced; None for any number.
        content: What has come, in ``state.blobs``.
        expires: When it is too late, in seconds since the epoch.
        status: ``active``, ``final`` or ``cancelled``, as the protocol calls it.
    """

    identity: str
    wanted: Any
    tenant: str
    owner: str
    size: int | None
    content: str
    expires: float
    status: str = "active"

    @property
    def name(self) -> str:
        """As it is called in the store."""
        return f"{_KIND}/{self.identity}"

    def extra(self) -> str:
        """All but the File, as it is kept."""
        kept = {"tenant": self.tenant, "owner": self.owner, "size": self.size, "status": self.status}
        return json.dumps(kept | {"contents": [self.content], "expires": self.expires})


class Uploads:
    """All sessions of an emulator."""

    def __init__(self, state: State) -> None:
        """``state``: what the handlers share."""
        self._state = state

    def resume(self) -> None:
        """Let the sessions that a former run left expire."""
        for _, row in self._state.store.list_all_tenants(_KIND):
            self._state.spawn(self._expire(row.name.rpartition("/")[2]))

    def check(self, file: Any, call: Call, size: int | None) -> None:
        """Refuse a file that could not be stored.

        Raises:
            StatusError: It is too large, or called what it cannot be called.
        """
        check_display_name(file.display_name, "file.display_name")
        if file.name:
            new_name(self._state, file.name, "files", "", "file.name")
            files.check_name_free(self._state, call.tenant, file.name)
        files.check_room(self._state, call.tenant, size or 0, SIZE)

    def begin(self, file: Any, call: Call, size: int | None) -> Session:
        """A new session.

        Args:
            file: The File as its uploader wants it.
            call: Who that is.
            size: Bytes that will come; None if that is not known.

        Raises:
            StatusError: As `check`.
        """
        self.check(file, call, size)
        session = Session(
            identity=secrets.token_urlsafe(24),
            wanted=file,
            tenant=call.tenant,
            owner=call.caller,
            size=size,
            content=self._state.blobs.create(),
            expires=self._state.clock.now() + _LIFETIME,
        )
        self._state.store.put(_TENANT, session.name, file, extra=session.extra())
        self._state.spawn(self._expire(session.identity))
        return session

    def find(self, identity: str) -> Session:
        """The session of an identity.

        Raises:
            StatusError: There is none, or it has expired.
        """
        row = self._state.store.get(_TENANT, f"{_KIND}/{identity}")
        if row is None:
            raise not_found("The upload")
        kept = json.loads(row.extra)
        [kept["content"]] = kept.pop("contents")
        session = Session(identity, row.message(v1beta.File), **kept)
        if session.status == "active" and not self._state.blobs.exists(session.content):
            raise not_found("The upload")
        return session

    def received(self, session: Session) -> int:
        """Bytes that have come."""
        return self._state.blobs.size(session.content)

    def check_fits(self, session: Session, size: int) -> None:
        """Refuse bytes that are more than announced, or than a file may have.

        Raises:
            StatusError: They are.
        """
        if session.size is not None and size > session.size:
            raise invalid_argument(SIZE, f"was {session.size}, but {size} bytes come; begin a new upload")
        if size > files.LARGEST:
            raise invalid_argument("file", f"has {size} bytes or more; a file may have {files.LARGEST}")

    def check_complete(self, session: Session) -> None:
        """Refuse to end an upload of which something is missing.

        Raises:
            StatusError: Something is.
        """
        size = self.received(session)
        if session.size is not None and size < session.size:
            raise invalid_argument(
                "X-Goog-Upload-Command", f"cannot be finalize: {size} of {session.size} bytes have come"
            )

    def finish(self, session: Session) -> Any:
        """Make a File of it.

        Raises:
            StatusError: Its name was taken, or its room, meanwhile. The upload is over then.
        """
        state = self._state
        try:
            with state.store.transaction():
                files.check_room(state, session.tenant, self.received(session), "file")
                file = files.store_file(state, session.tenant, session.owner, session.wanted, session.content)
                session.content, session.status, session.wanted = "", "final", file
                state.store.replace(_TENANT, session.name, file, session.extra())
        except StatusError:
            self.cancel(session)
            raise
        return file

    def cancel(self, session: Session) -> None:
        """Forget what has come."""
        self._state.blobs.delete(session.content)
        session.content, session.status = "", "cancelled"
        self._state.store.replace(_TENANT, session.name, session.wanted, session.extra())

    async def _expire(self, identity: str) -> None:
        row = self._state.store.get(_TENANT, f"{_KIND}/{identity}")
        if row is None:
            return
        kept = json.loads(row.extra)
        await self._state.clock.sleep(kept["expires"] - self._state.clock.now())
        row = self._state.store.get(_TENANT, row.name)
        if row is not None:
            for content in json.loads(row.extra)["contents"]:
                self._state.blobs.delete(content)
            self._state.store.delete(_TENANT, row.name)
