"""FileService: metadata and expiration of files, whose bytes are transferred over HTTP."""

from __future__ import annotations

import asyncio
import datetime
import hashlib
import json
import mimetypes
import shutil

from gemwire_emulator.call import Call
from gemwire_emulator.errors import (
    already_exists,
    failed_precondition,
    invalid_argument,
    not_found,
    resource_exhausted,
    token_required,
)
from gemwire_emulator.names import check_name
from gemwire_emulator.paging import paginate
from gemwire_emulator.services.resource_lookup import check_display_name, resolve_name
from gemwire_emulator.state import State
from gemwire_emulator.store import Row
from gemwire_proto import v1beta
from gemwire_proto.google.protobuf import empty_pb2

_KIND = "files"
_LIFETIME = datetime.timedelta(hours=48)
#: Maximum bytes of a file, and of all files of an API key.
MAX_FILE_SIZE = 2 * 2**30
MAX_TOTAL_SIZE = 20 * 2**30
#: Objects that one call registers, and characters of their display names.
_REGISTERED, _DISPLAY_NAME = 100, 512
#: Seconds of the emulator's time for which a video is PROCESSING.
_PROCESSING = 2.0
#: Base of URIs. Clients parse the name out of a URI in Google's form, which need not be reachable.
_BASE_URI = "https://generativelanguage.googleapis.com/v1beta/"
_STATES = v1beta.File.State


def store_file(state: State, tenant: str, owner: str, file: v1beta.File, blob: str = "") -> v1beta.File:
    """Store a file.

    Args:
        state: State of the emulator.
        tenant: Tenant of the file.
        owner: Owner of the file (`Call.caller`).
        file: Its name, display name, media type and source.
        blob: Its bytes in ``state.blobs``, which the file owns from now on; empty for none.

    Returns:
        The stored file.

    Raises:
        StatusError: The name is invalid or taken.
    """
    check_display_name(file.display_name, "file.display_name")
    name = resolve_name(state, file.name, _KIND, "", "file.name")
    stored = v1beta.File(
        name=name,
        display_name=file.display_name,
        mime_type=file.mime_type,
        size_bytes=state.blobs.size(blob) if blob else 0,
        sha256_hash=state.blobs.sha256(blob) if blob else hashlib.sha256().digest(),
        uri=_BASE_URI + name,
        state="ACTIVE",
        source=file.source or v1beta.File.Source.UPLOADED,
    )
    generated = stored.source == v1beta.File.Source.GENERATED
    if generated:
        stored.download_uri = f"{_BASE_URI}{name}:download?alt=media"
    for moment in (stored.create_time, stored.update_time):
        moment.FromDatetime(state.clock.datetime())
    stored.expiration_time.FromDatetime(state.clock.datetime() + _LIFETIME)
    extra: dict[str, object] = {"contents": [blob]}
    if blob and not generated and file.mime_type.startswith("video/"):
        extra["ready"] = state.clock.now() + _PROCESSING
    with state.store.transaction():
        check_name_free(state, tenant, name)
        delete_file(state, tenant, name)  # One of the same name that has expired.
        state.store.put(tenant, name, stored, owner=owner, extra=json.dumps(extra))
    state.blobs.seal(blob)
    state.spawn(_expire(state, tenant, name))
    return get_file(state, tenant, name)


def check_name_free(state: State, tenant: str, name: str) -> None:
    """Check that no file has a name.

    Raises:
        StatusError: ALREADY_EXISTS.
    """
    taken = state.store.get(tenant, name)
    if taken is not None and _is_alive(state, taken):
        raise already_exists(name)


def check_storage(state: State, tenant: str, more: int, field: str) -> None:
    """Check that a file is not too large, alone or together with the tenant's other files.

    Raises:
        StatusError: INVALID_ARGUMENT or RESOURCE_EXHAUSTED.
    """
    if more > MAX_FILE_SIZE:
        raise invalid_argument(field, f"is {more} bytes; a file may have at most {MAX_FILE_SIZE}")
    rows = state.store.list(tenant, _KIND)
    used = sum(row.message(v1beta.File).size_bytes for row in rows if _is_alive(state, row))
    if used + more > MAX_TOTAL_SIZE:
        raise resource_exhausted(
            "files",
            f"use {used} bytes; {more} more exceed the {MAX_TOTAL_SIZE} of an API key; delete some files",
        )


def get_file(state: State, tenant: str, name: str) -> v1beta.File:
    """Return a file in its current state.

    Raises:
        StatusError: PERMISSION_DENIED; it does not exist.
    """
    row = state.store.get(tenant, name)
    if row is None or not _is_alive(state, row):
        raise not_found(name)
    return _read(state, row)


def get_blob(state: State, tenant: str, name: str) -> str:
    """Return the blob of a file in ``state.blobs``; empty for a file without bytes.

    Raises:
        StatusError: The file does not exist, or is still being processed.
    """
    file = get_file(state, tenant, name)
    if file.state != _STATES.ACTIVE:
        raise failed_precondition(name, f"is {_STATES.Name(file.state)}; wait until it is ACTIVE")
    row = state.store.get(tenant, name)
    blob = _get_blobs(row)[0] if row else ""
    return blob if state.blobs.exists(blob) else ""


def delete_file(state: State, tenant: str, name: str) -> None:
    """Delete a file and its bytes, if it exists."""
    row = state.store.get(tenant, name)
    if row is not None:
        state.store.delete(tenant, name)
        for blob in _get_blobs(row):
            state.blobs.delete(blob)


class FileService:
    """The handlers of FileService."""

    def __init__(self, state: State) -> None:
        """Create the handlers."""
        self._state = state

    def resume(self) -> None:
        """Schedule the expiration of existing files."""
        for tenant, row in self._state.store.list_all_tenants(_KIND):
            self._state.spawn(_expire(self._state, tenant, row.name))

    def create_file(self, request: v1beta.CreateFileRequest, call: Call) -> v1beta.CreateFileResponse:
        """Create a file without bytes, of which the caller sets the name and the display name."""
        requested = v1beta.File(name=request.file.name, display_name=request.file.display_name)
        return v1beta.CreateFileResponse(file=store_file(self._state, call.tenant, call.caller, requested))

    async def register_files(
        self, request: v1beta.RegisterFilesRequest, call: Call
    ) -> v1beta.RegisterFilesResponse:
        """Register objects of Cloud Storage as files; what they hold at this moment is what is read later."""
        if not str(call.metadata.get("authorization", "")).startswith("Bearer "):
            raise token_required("RegisterFiles")
        if not 1 <= len(request.uris) <= _REGISTERED:
            raise invalid_argument("uris", f"must have 1 to {_REGISTERED} entries, not {len(request.uris)}")
        state = self._state
        # All are looked up before the first is registered.
        paths = [state.storage.find(uri, f"uris[{i}]") for i, uri in enumerate(request.uris)]
        check_storage(state, call.tenant, sum(path.stat().st_size for path in paths), "uris")
        files = []
        for uri, path in zip(request.uris, paths, strict=True):
            blob = state.blobs.create()
            await asyncio.to_thread(shutil.copyfile, path, state.blobs.path(blob))
            await asyncio.to_thread(state.blobs.sha256, blob)
            requested = v1beta.File(
                display_name=uri.rpartition("/")[2][:_DISPLAY_NAME],
                mime_type=mimetypes.guess_type(uri)[0] or "application/octet-stream",
                source=v1beta.File.Source.REGISTERED,
            )
            files.append(store_file(state, call.tenant, call.caller, requested, blob))
        return v1beta.RegisterFilesResponse(files=files)

    def list_files(self, request: v1beta.ListFilesRequest, call: Call) -> v1beta.ListFilesResponse:
        """List the files that have not expired, oldest first."""
        rows, token = paginate(
            lambda after: self._state.store.list(call.tenant, _KIND, after=after),
            request,
            default=10,
            most=100,
            accept=lambda row: _is_alive(self._state, row),
        )
        return v1beta.ListFilesResponse(files=[_read(self._state, r) for r in rows], next_page_token=token)

    def get_file(self, request: v1beta.GetFileRequest, call: Call) -> v1beta.File:
        """Return a file."""
        return self._get(request.name, call)

    def delete_file(self, request: v1beta.DeleteFileRequest, call: Call) -> empty_pb2.Empty:
        """Delete a file before it expires."""
        delete_file(self._state, call.tenant, self._get(request.name, call).name)
        return empty_pb2.Empty()

    def download_file(self, request: v1beta.DownloadFileRequest, call: Call) -> v1beta.DownloadFileResponse:
        """Check that a file can be downloaded; its bytes are sent over HTTP only."""
        file = self._get(request.name, call)
        if file.source != v1beta.File.Source.GENERATED:
            raise failed_precondition(file.name, "was uploaded; only generated files can be downloaded")
        return v1beta.DownloadFileResponse()

    def _get(self, name: str, call: Call) -> v1beta.File:
        return get_file(self._state, call.tenant, check_name(name, "files/*", "name"))


async def _expire(state: State, tenant: str, name: str) -> None:
    row = state.store.get(tenant, name)
    if row is None:
        return
    until = row.message(v1beta.File).expiration_time.ToMicroseconds() / 1e6
    await state.clock.sleep(until - state.clock.now())
    found = state.store.get(tenant, name)
    # Another file may have the name by now.
    if found is not None and found.number == row.number:
        delete_file(state, tenant, name)


def _get_blobs(row: Row) -> list[str]:
    blobs: list[str] = json.loads(row.extra).get("contents", [""])
    return blobs


def _read(state: State, row: Row) -> v1beta.File:
    file = row.message(v1beta.File)
    if state.clock.now() < json.loads(row.extra).get("ready", 0.0):
        file.state = _STATES.PROCESSING
    return file


def _is_alive(state: State, row: Row) -> bool:
    until = row.message(v1beta.File).expiration_time
    return bool(until.ToMicroseconds() > state.clock.now() * 1e6)
