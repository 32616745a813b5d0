"""FileService: metadata of files, and how long it lives."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Coroutine
from typing import Any

import pytest
from emulator_calls import Caller, emulator

from gemwire_emulator.services.files import store_file
from gemwire_proto import v1beta

NOW = 1_800_000_000.25
HOURS = 3600


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 60))


async def create(call: Caller, **file: Any) -> Any:
    return (await call("CreateFile", file=file)).file


def test_a_created_file_is_active_and_empty() -> None:
    async def test() -> None:
        async with emulator(frozen_at=NOW) as (_, call):
            file = await create(call, display_name="Notes")
            assert file.name.startswith("files/")
            # Google's clients find the name in the address by its letters and digits alone.
            assert file.name.removeprefix("files/").isalnum()
            assert file.uri.endswith(f"/v1beta/{file.name}")
            assert file.state == v1beta.File.State.ACTIVE
            assert file.source == v1beta.File.Source.UPLOADED
            assert file.size_bytes == 0
            assert file.sha256_hash == hashlib.sha256(b"").digest()
            assert file.create_time.ToMicroseconds() == file.update_time.ToMicroseconds() == NOW * 1e6
            assert file.expiration_time.ToMicroseconds() == (NOW + 48 * HOURS) * 1e6
            assert await call("GetFile", name=file.name) == file
            empty = (await call("CreateFile")).file
            assert empty.name not in ("", file.name)

    run(test())


def test_the_caller_decides_names_alone() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            file = await create(
                call,
                name="files/my-notes",
                mime_type="video/mp4",
                size_bytes=7,
                state="FAILED",
                source="GENERATED",
            )
            assert file.name == "files/my-notes"
            assert (file.mime_type, file.size_bytes) == ("", 0)
            assert file.state == v1beta.File.State.ACTIVE
            assert file.source == v1beta.File.Source.UPLOADED

    run(test())


@pytest.mark.parametrize(
    ("file", "field"),
    [
        ({"name": "notes"}, "file.name"),
        ({"name": "files/"}, "file.name"),
        ({"name": "files/a/b"}, "file.name"),
        ({"name": "files/Notes"}, "file.name"),
        ({"name": "files/-notes"}, "file.name"),
        ({"name": "files/notes-"}, "file.name"),
        ({"name": "files/" + "a" * 41}, "file.name"),
        ({"display_name": "x" * 513}, "file.display_name"),
    ],
)
def test_bad_names_are_refused(file: dict[str, str], field: str) -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            refusal = await call.refused("CreateFile", file=file)
            assert (refusal.code, refusal.fields) == ("INVALID_ARGUMENT", [field])

    run(test())


def test_a_name_is_given_once() -> None:
    async def test() -> None:
        async with emulator(frozen_at=NOW) as (running, call):
            await create(call, name="files/" + "a" * 40, display_name="x" * 512)
            await create(call, name="files/mine")
            assert (await call.refused("CreateFile", file={"name": "files/mine"})).code == "ALREADY_EXISTS"
            running.state.clock.advance(48 * HOURS)
            again = await create(call, name="files/mine")
            assert again.create_time.seconds == int(NOW) + 48 * HOURS

    run(test())


def test_files_expire_after_48_hours() -> None:
    async def test() -> None:
        async with emulator(frozen_at=NOW) as (running, call):
            old = await create(call)
            running.state.clock.advance(48 * HOURS - 1)
            young = await create(call)
            assert (await call("GetFile", name=old.name)).name == old.name
            running.state.clock.advance(1)
            for rpc in ("GetFile", "DeleteFile", "DownloadFile"):
                refusal = await call.refused(rpc, name=old.name)
                assert refusal.code == "PERMISSION_DENIED"
                assert refusal.details["ErrorInfo"].metadata["resource"] == old.name
            assert [f.name for f in (await call("ListFiles")).files] == [young.name]

    run(test())


def test_lists_come_in_pages() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            names = [(await create(call, name=f"files/f{i}")).name for i in range(101)]
            page = await call("ListFiles")
            assert [f.name for f in page.files] == names[:10]
            page = await call("ListFiles", page_token=page.next_page_token, page_size=3)
            assert [f.name for f in page.files] == names[10:13]
            page = await call("ListFiles", page_size=1000)
            assert len(page.files) == 100
            page = await call("ListFiles", page_token=page.next_page_token)
            assert [f.name for f in page.files] == names[100:]
            assert page.next_page_token == ""
            assert (await call.refused("ListFiles", page_size=-1)).fields == ["page_size"]
            assert (await call.refused("ListFiles", page_token="3")).fields == ["page_token"]
            other = await call("ListFiles", key="other")
            assert not other.files

    run(test())


def test_delete_and_download() -> None:
    async def test() -> None:
        async with emulator() as (running, call):
            file = await create(call)
            assert (await call.refused("DownloadFile", name=file.name)).code == "FAILED_PRECONDITION"
            await call("DeleteFile", name=file.name)
            for rpc in ("GetFile", "DeleteFile", "DownloadFile"):
                assert (await call.refused(rpc, name=file.name)).code == "PERMISSION_DENIED"
                assert (await call.refused(rpc, name="notes")).fields == ["name"]
                assert (await call.refused(rpc)).fields == ["name"]
            wanted = v1beta.File(mime_type="video/mp4", source="GENERATED")
            made = store_file(running.state, "", "anonymous", wanted, running.state.blobs.put(b"frames"))
            assert made.size_bytes == 6
            assert made.sha256_hash == hashlib.sha256(b"frames").digest()
            assert made.download_uri
            await call("DownloadFile", name=made.name)

    run(test())
