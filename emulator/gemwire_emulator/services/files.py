"""FileService: what is known of files, and how long they live. Their bytes come and go over HTTP."""

from __future__ import annotations

import datetime
import hashlib
import json
from typing import Any

from gemwire_emulator.call import Call
from gemwire_emulator.errors import (
    already_exists,
    failed_precondition,
    invalid_argument,
    not_found,
    resource_exhausted,
)
from gemwire_emulator.names import check
from gemwire_emulator.paging import page
from gemwire_emulator.services.resource_lookup import check_display_name, new_name
from gemwire_emulator.state import State
from gemwire_emulator.store import Row
from gemwire_proto import v1beta
from gemwire_proto.google.protobuf import empty_pb2

_KIND = "files"
_LIFETIME = datetime.timedelta(hours=48)
#: What a file may have, and all files of an API key.
LARGEST = 2 * 2**30
ROOM = 20 * 2**30
#: Films are looked at by the service before they can be used; seconds of the emulator's time.
_PROCESSING = 2.0
#: Clients cut the name of a file out of its address, so that it has Google's form; it need not be reachable.
_ADDRESS = "https://generativelanguage.googleapis.com/v1beta/"
_STATES: Any = v1beta.File.State


def store_file(state: State, tenant: str, owner: str, file: Any, content: str = "") -> Any:
    """Remember a file.

    Args:
        state: Where.
        tenant: Whose it is.
        owner: Who made it (`Call.caller`).
        file: What is wanted of it: name, display name, media type and source.
        content: Its bytes in ``state.blobs``, which are the file's from now on; empty for none.

    Returns:
        The File.

    Raises:
        StatusError: The name cannot be chosen, or is taken.
    """
    check_display_name(file.display_name, "file.display_name")
    name = new_name(state, file.name, _KIND, "", "file.name")
    stored = v1beta.File(
        name=name,
        display_name=file.display_name,
        mime_type=file.mime_type,
        size_bytes=state.blobs.size(content) if content else 0,
        sha256_hash=state.blobs.sha256(content) if content else hashlib.sha256().digest(),
        uri=_ADDRESS + name,
        state="ACTIVE",
        source=file.source or v1beta.File.Source.UPLOADED,
    )
    generated = stored.source == v1beta.File.Source.GENERATED
    if generated:
        stored.download_uri = f"{_ADDRESS}{name}:download?alt=media"
    for moment in (stored.create_time, stored.update_time):
        moment.FromDatetime(state.clock.datetime())
    stored.expiration_time.FromDatetime(state.clock.datetime() + _LIFETIME)
    extra: dict[str, Any] = {"contents": [content]}
    if content and not generated and file.mime_type.startswith("video/"):
        extra["ready"] = state.clock.now() + _PROCESSING
    with state.store.transaction():
        check_name_free(state, tenant, name)
        forget(state, tenant, name)  # One that has expired.
        state.store.put(tenant, name, stored, owner=owner, extra=json.dumps(extra))
    state.blobs.seal(content)
    state.spawn(_expire(state, tenant, name))
    return file_of(state, tenant, name)


def check_name_free(state: State, tenant: str, name: str) -> None:
    """Refuse the name of a file that there is.

    Raises:
        StatusError: ALREADY_EXISTS.
    """
    taken = state.store.get(tenant, name)
    if taken is not None and _alive(state, taken):
        raise already_exists(name)


def check_room(state: State, tenant: str, more: int, field: str) -> None:
    """Refuse a file that is too large, or has no room beside the caller's others.

    Raises:
        StatusError: INVALID_ARGUMENT or RESOURCE_EXHAUSTED.
    """
    if more > LARGEST:
        raise invalid_argument(field, f"is {more} bytes; a file may have {LARGEST}")
    rows = state.store.list(tenant, _KIND)
    used = sum(row.message(v1beta.File).size_bytes for row in rows if _alive(state, row))
    if used + more > ROOM:
        raise resource_exhausted(
            "files", f"have {used} bytes, and {more} more are over the {ROOM} of a key; delete some"
        )


def file_of(state: State, tenant: str, name: str) -> Any:
    """The File of a name as it is now.

    Raises:
        StatusError: NOT_FOUND, where Google's service says PERMISSION_DENIED for its files alone: a test
            should see why.
    """
    row = state.store.get(tenant, name)
    if row is None or not _alive(state, row):
        raise not_found(name)
    return _shown(state, row)


def content_of(state: State, tenant: str, name: str) -> str:
    """The bytes of a file, in ``state.blobs``; empty for one that has none.

    Raises:
        StatusError: There is no such file, or it cannot be used yet.
    """
    file = file_of(state, tenant, name)
    if file.state != _STATES.ACTIVE:
        raise failed_precondition(name, f"is {_STATES.Name(file.state)}; wait until it is ACTIVE")
    row = state.store.get(tenant, name)
    content: str = _contents(row)[0] if row else ""
    return content if state.blobs.exists(content) else ""


def forget(state: State, tenant: str, name: str) -> None:
    """Delete a file with its bytes, if there is one."""
    row = state.store.get(tenant, name)
    if row is not None:
        state.store.delete(tenant, name)
        for content in _contents(row):
            state.blobs.delete(content)


class FileService:
    """The handlers of FileService."""

    def __init__(self, state: State) -> None:
        """``state``: what the handlers share."""
        self._state = state

    def resume(self) -> None:
        """Let the files that are there already expire."""
        for tenant, row in self._state.store.list_all_tenants(_KIND):
            self._state.spawn(_expire(self._state, tenant, row.name))

    def create_file(self, request: Any, call: Call) -> Any:
        """A file without content. Of its metadata, the caller decides name and display name."""
        wanted = v1beta.File(name=request.file.name, display_name=request.file.display_name)
        return v1beta.CreateFileResponse(file=store_file(self._state, call.tenant, call.caller, wanted))

    def list_files(self, request: Any, call: Call) -> Any:
        """The files that have not expired, oldest first."""
        rows, token = page(
            lambda after: self._state.store.list(call.tenant, _KIND, after=after),
            request,
            default=10,
            most=100,
            wanted=lambda row: _alive(self._state, row),
        )
        return v1beta.ListFilesResponse(files=[_shown(self._state, r) for r in rows], next_page_token=token)

    def get_file(self, request: Any, call: Call) -> Any:
        """One file."""
        return self._file(request.name, call)

    def delete_file(self, request: Any, call: Call) -> Any:
        """Forget a file before it expires."""
        forget(self._state, call.tenant, self._file(request.name, call).name)
        return empty_pb2.Empty()

    def download_file(self, request: Any, call: Call) -> Any:
        """Nothing: content comes over HTTP. Here one learns whether there is any to be had."""
        file = self._file(request.name, call)
        if file.source != v1beta.File.Source.GENERATED:
            raise failed_precondition(file.name, "was uploaded; only generated files can be downloaded")
        return v1beta.DownloadFileResponse()

    def _file(self, name: str, call: Call) -> Any:
        return file_of(self._state, call.tenant, check(name, "files/*", "name"))


async def _expire(state: State, tenant: str, name: str) -> None:
    row = state.store.get(tenant, name)
    if row is None:
        return
    until = row.message(v1beta.File).expiration_time.ToMicroseconds() / 1e6
    await state.clock.sleep(until - state.clock.now())
    found = state.store.get(tenant, name)
    # There may be another of that name by now.
    if found is not None and found.number == row.number:
        forget(state, tenant, name)


def _contents(row: Row) -> list[str]:
    contents: list[str] = json.loads(row.extra).get("contents", [""])
    return contents


def _shown(state: State, row: Row) -> Any:
    file = row.message(v1beta.File)
    if state.clock.now() < json.loads(row.extra).get("ready", 0.0):
        file.state = _STATES.PROCESSING
    return file


def _alive(state: State, row: Row) -> bool:
    until = row.message(v1beta.File).expiration_time
    return bool(until.ToMicroseconds() > state.clock.now() * 1e6)
