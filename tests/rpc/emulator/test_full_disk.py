"""A disk that is full: calls say so, and lose nothing that was acknowledged."""

from __future__ import annotations

import asyncio
import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from emulator_calls import Caller, emulator

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "disk"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(path)]
    if subprocess.run(mount, check=False).returncode:
        pytest.skip("mounting is not permitted")
    yield path
    subprocess.run(["umount", str(path)], check=True)


async def fill(call: Caller, made: list[str], count: int) -> None:
    for _ in range(count):
        name = (await call("CreateFile", file={"display_name": f"{len(made)} ".ljust(400, "x")})).file.name
        made.append(name)


async def change(call: Caller, corpus: str, count: int) -> None:
    for number in range(count):
        changed = {"name": corpus, "display_name": f"{number} ".ljust(500, "y")}
        await call("UpdateCorpus", corpus=changed, update_mask={"paths": ["display_name"]})


def test_resources(disk: Path) -> None:
    state = disk / "state.db"
    made: list[str] = []

    async def use() -> None:
        async with emulator(state=str(state)) as (running, call):
            corpus = (await call("CreateCorpus", corpus={})).name
            for work in (fill(call, made, 5000), change(call, corpus, 5000), fill(call, made, 50)):
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await work
                assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
                told = f"disk: {state} cannot be written: database or disk is full"
                assert told in str(caught.value.details())
                # It still reads.
                assert (await call("GetCorpus", name=corpus)).name == corpus
            # With room, it goes on.
            await asyncio.to_thread(resize, disk)
            await fill(call, made, 3)
            assert not running.state.store._database.in_transaction

    async def look() -> None:
        async with emulator(state=str(state)) as (_, call):
            for name in made:
                assert (await call("GetFile", name=name)).name == name

    asyncio.run(asyncio.wait_for(use(), 100))
    assert len(made) > 100
    asyncio.run(asyncio.wait_for(look(), 60))


def resize(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=8m", str(disk)], check=True)


def test_uploads(disk: Path) -> None:
    async def test() -> None:
        async with emulator(state=str(disk / "state.db"), http_port=0) as (running, call):

            def upload(size: int) -> tuple[int, str]:
                headers = {"X-Goog-Upload-Protocol": "raw", "Content-Type": "text/plain"}
                url = f"{running.http}/upload/v1beta/files"
                request = urllib.request.Request(url, b"x" * size, headers)
                try:
                    with urllib.request.urlopen(request) as response:
                        return response.status, response.read().decode()
                except urllib.error.HTTPError as error:
                    return error.code, error.read().decode()

            assert (await asyncio.to_thread(upload, 100))[0] == 200
            status, answer = await asyncio.to_thread(upload, 4 << 20)
            assert (status, "RESOURCE_EXHAUSTED" in answer) == (429, True)
            assert f"{disk / 'state.db.files'} cannot be written: No space left on device" in answer
            # What was not stored takes no room.
            assert (await asyncio.to_thread(upload, 100))[0] == 200
            assert len((await call("ListFiles")).files) == 2

    asyncio.run(asyncio.wait_for(test(), 60))
