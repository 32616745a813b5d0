"""FileService: what is known of files. Their bytes come over HTTP and are described here."""

from __future__ import annotations

import datetime
import hashlib
from typing import Any

from gemwire_emulator.dispatch import Call
from gemwire_emulator.failure import Failure, already_exists, failed_precondition, not_found
from gemwire_emulator.names import check
from gemwire_emulator.paging import page
from gemwire_emulator.services.naming import check_display_name, new_name
from gemwire_emulator.store import Row
from gemwire_emulator.world import World
from gemwire_proto import v1beta
from gemwire_proto.google.protobuf import empty_pb2

_KIND = "files"
_LIFETIME = datetime.timedelta(hours=48)
#: Clients cut the name of a file out of its address, so that it has Google's form; it need not be reachable.
_ADDRESS = "https://generativelanguage.googleapis.com/v1beta/"


def store_file(world: World, tenant: str, owner: str, file: Any, data: bytes = b"") -> Any:
    """Remember a file: its metadata, and size and digest of its content, which is not kept.

    Args:
        world: Where.
        tenant: Whose it is.
        owner: Who made it (`Call.caller`).
        file: What is wanted of it: name, display name, media type and source.
        data: Its content.

    Returns:
        The File, ready to be used.

    Raises:
        Failure: The name cannot be chosen, or is taken.
    """
    check_display_name(file.display_name, "file.display_name")
    name = new_name(world, file.name, _KIND, "", "file.name")
    stored = v1beta.File(
        name=name,
        display_name=file.display_name,
        mime_type=file.mime_type,
        size_bytes=len(data),
        sha256_hash=hashlib.sha256(data).digest(),
        uri=_ADDRESS + name,
        state="ACTIVE",
        source=file.source or v1beta.File.Source.UPLOADED,
    )
    if stored.source == v1beta.File.Source.GENERATED:
        stored.download_uri = f"{_ADDRESS}{name}:download?alt=media"
    for moment in (stored.create_time, stored.update_time):
        moment.FromDatetime(world.clock.datetime())
    stored.expiration_time.FromDatetime(world.clock.datetime() + _LIFETIME)
    with world.store.transaction():
        taken = world.store.get(tenant, name)
        if taken is not None:
            if _alive(world, taken):
                raise already_exists(name)
            world.store.delete(tenant, name)
        world.store.put(tenant, name, stored, owner=owner)
    return stored


class FileService:
    """The handlers of FileService."""

    def __init__(self, world: World) -> None:
        """``world``: what the handlers share."""
        self._world = world

    def create_file(self, request: Any, call: Call) -> Any:
        """A file without content. Of its metadata, the caller decides name and display name."""
        wanted = v1beta.File(name=request.file.name, display_name=request.file.display_name)
        return v1beta.CreateFileResponse(file=store_file(self._world, call.tenant, call.caller, wanted))

    def list_files(self, request: Any, call: Call) -> Any:
        """The files that have not expired, oldest first."""
        rows, token = page(
            lambda after: self._world.store.list(call.tenant, _KIND, after=after),
            request,
            default=10,
            most=100,
            wanted=lambda row: _alive(self._world, row),
        )
        return v1beta.ListFilesResponse(files=[r.message(v1beta.File) for r in rows], next_page_token=token)

    def get_file(self, request: Any, call: Call) -> Any:
        """One file."""
        return self._file(request.name, call)

    def delete_file(self, request: Any, call: Call) -> Any:
        """Forget a file before it expires."""
        self._world.store.delete(call.tenant, self._file(request.name, call).name)
        return empty_pb2.Empty()

    def download_file(self, request: Any, call: Call) -> Any:
        """Nothing: content comes over HTTP. Here one learns whether there is any to be had."""
        file = self._file(request.name, call)
        if file.source != v1beta.File.Source.GENERATED:
            raise failed_precondition(file.name, "was uploaded; only generated files can be downloaded")
        return v1beta.DownloadFileResponse()

    def _file(self, name: str, call: Call) -> Any:
        check(name, "files/*", "name")
        row = self._world.store.get(call.tenant, name)
        if row is None or not _alive(self._world, row):
            raise _missing(name)
        return row.message(v1beta.File)


def _missing(name: str) -> Failure:
    """NOT_FOUND, where Google's service says PERMISSION_DENIED for its files alone: a test should see why."""
    return not_found(name)


def _alive(world: World, row: Row) -> bool:
    until = row.message(v1beta.File).expiration_time
    return bool(until.ToMicroseconds() > world.clock.now() * 1e6)
