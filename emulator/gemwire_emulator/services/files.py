"""FileService: what is known of files, and how long they live. Their bytes come and go over HTTP."""

from __future__ import annotations

import datetime
import hashlib
import json
from typing import Any

from gemwire_emulator.dispatch import Call
from gemwire_emulator.errors import already_exists, exhausted, failed_precondition, invalid, not_found
from gemwire_emulator.names import check
from gemwire_emulator.paging import page
from gemwire_emulator.services.resource_lookup import check_display_name, new_name
from gemwire_emulator.state import World
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


def store_file(world: World, tenant: str, owner: str, file: Any, content: str = "") -> Any:
    """Remember a file.

    Args:
        world: Where.
        tenant: Whose it is.
        owner: Who made it (`Call.caller`).
        file: What is wanted of it: name, display name, media type and source.
        content: Its bytes in ``world.contents``, which are the file's from now on; empty for none.

    Returns:
        The File.

    Raises:
        Failure: The name cannot be chosen, or is taken.
    """
    check_display_name(file.display_name, "file.display_name")
    name = new_name(world, file.name, _KIND, "", "file.name")
    stored = v1beta.File(
        name=name,
        display_name=file.display_name,
        mime_type=file.mime_type,
        size_bytes=world.contents.size(content) if content else 0,
        sha256_hash=world.contents.sha256(content) if content else hashlib.sha256().digest(),
        uri=_ADDRESS + name,
        state="ACTIVE",
        source=file.source or v1beta.File.Source.UPLOADED,
    )
    generated = stored.source == v1beta.File.Source.GENERATED
    if generated:
        stored.download_uri = f"{_ADDRESS}{name}:download?alt=media"
    for moment in (stored.create_time, stored.update_time):
        moment.FromDatetime(world.clock.datetime())
    stored.expiration_time.FromDatetime(world.clock.datetime() + _LIFETIME)
    extra: dict[str, Any] = {"contents": [content]}
    if content and not generated and file.mime_type.startswith("video/"):
        extra["ready"] = world.clock.now() + _PROCESSING
    with world.store.transaction():
        check_name_free(world, tenant, name)
        forget(world, tenant, name)  # One that has expired.
        world.store.put(tenant, name, stored, owner=owner, extra=json.dumps(extra))
    world.contents.seal(content)
    world.spawn(_expire(world, tenant, name))
    return file_of(world, tenant, name)


def check_name_free(world: World, tenant: str, name: str) -> None:
    """Refuse the name of a file that there is.

    Raises:
        Failure: ALREADY_EXISTS.
    """
    taken = world.store.get(tenant, name)
    if taken is not None and _alive(world, taken):
        raise already_exists(name)


def check_room(world: World, tenant: str, more: int, field: str) -> None:
    """Refuse a file that is too large, or has no room beside the caller's others.

    Raises:
        Failure: INVALID_ARGUMENT or RESOURCE_EXHAUSTED.
    """
    if more > LARGEST:
        raise invalid(field, f"is {more} bytes; a file may have {LARGEST}")
    rows = world.store.list(tenant, _KIND)
    used = sum(row.message(v1beta.File).size_bytes for row in rows if _alive(world, row))
    if used + more > ROOM:
        raise exhausted(
            "files", f"have {used} bytes, and {more} more are over the {ROOM} of a key; delete some"
        )


def file_of(world: World, tenant: str, name: str) -> Any:
    """The File of a name as it is now.

    Raises:
        Failure: NOT_FOUND, where Google's service says PERMISSION_DENIED for its files alone: a test
            should see why.
    """
    row = world.store.get(tenant, name)
    if row is None or not _alive(world, row):
        raise not_found(name)
    return _shown(world, row)


def content_of(world: World, tenant: str, name: str) -> str:
    """The bytes of a file, in ``world.contents``; empty for one that has none.

    Raises:
        Failure: There is no such file, or it cannot be used yet.
    """
    file = file_of(world, tenant, name)
    if file.state != _STATES.ACTIVE:
        raise failed_precondition(name, f"is {_STATES.Name(file.state)}; wait until it is ACTIVE")
    row = world.store.get(tenant, name)
    content: str = _contents(row)[0] if row else ""
    return content if world.contents.exists(content) else ""


def forget(world: World, tenant: str, name: str) -> None:
    """Delete a file with its bytes, if there is one."""
    row = world.store.get(tenant, name)
    if row is not None:
        world.store.delete(tenant, name)
        for content in _contents(row):
            world.contents.delete(content)


class FileService:
    """The handlers of FileService."""

    def __init__(self, world: World) -> None:
        """``world``: what the handlers share."""
        self._world = world

    def resume(self) -> None:
        """Let the files that are there already expire."""
        for tenant, row in self._world.store.kept(_KIND):
            self._world.spawn(_expire(self._world, tenant, row.name))

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
        return v1beta.ListFilesResponse(files=[_shown(self._world, r) for r in rows], next_page_token=token)

    def get_file(self, request: Any, call: Call) -> Any:
        """One file."""
        return self._file(request.name, call)

    def delete_file(self, request: Any, call: Call) -> Any:
        """Forget a file before it expires."""
        forget(self._world, call.tenant, self._file(request.name, call).name)
        return empty_pb2.Empty()

    def download_file(self, request: Any, call: Call) -> Any:
        """Nothing: content comes over HTTP. Here one learns whether there is any to be had."""
        file = self._file(request.name, call)
        if file.source != v1beta.File.Source.GENERATED:
            raise failed_precondition(file.name, "was uploaded; only generated files can be downloaded")
        return v1beta.DownloadFileResponse()

    def _file(self, name: str, call: Call) -> Any:
        return file_of(self._world, call.tenant, check(name, "files/*", "name"))


async def _expire(world: World, tenant: str, name: str) -> None:
    row = world.store.get(tenant, name)
    if row is None:
        return
    until = row.message(v1beta.File).expiration_time.ToMicroseconds() / 1e6
    await world.clock.sleep(until - world.clock.now())
    found = world.store.get(tenant, name)
    # There may be another of that name by now.
    if found is not None and found.number == row.number:
        forget(world, tenant, name)


def _contents(row: Row) -> list[str]:
    contents: list[str] = json.loads(row.extra).get("contents", [""])
    return contents


def _shown(world: World, row: Row) -> Any:
    file = row.message(v1beta.File)
    if world.clock.now() < json.loads(row.extra).get("ready", 0.0):
        file.state = _STATES.PROCESSING
    return file


def _alive(world: World, row: Row) -> bool:
    until = row.message(v1beta.File).expiration_time
    return bool(until.ToMicroseconds() > world.clock.now() * 1e6)
