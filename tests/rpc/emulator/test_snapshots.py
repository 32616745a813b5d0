"""Resources that are there from the start, and the way back to them: snapshots, resources, reset, seed."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
from collections.abc import Coroutine
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from emulator_calls import Caller, emulator
from eventually import comes_in_loop
from google.protobuf import json_format

from gemwire_emulator.admission import Quota
from gemwire_emulator.engines.canned import Reply
from gemwire_emulator.engines.instant import InstantEngine
from gemwire_emulator.fault_rules import FaultRule
from gemwire_emulator.latency import LatencyProfile
from gemwire_emulator.server import Emulator, Settings
from gemwire_proto import v1beta
from gemwire_proto.google.protobuf.struct_pb2 import Value

MODEL = "models/gemini-2.5-flash"
VEO = "models/veo-2.0-generate-001"
NOW = 1_800_000_000.0
CORPUS: dict[str, Any] = {
    "rpc": "RetrieverService/CreateCorpus",
    "request": {"corpus": {"name": "corpora/first", "displayName": "First"}},
}


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 60))


def fields(text: str = "one two three") -> dict[str, Any]:
    return {"model": MODEL, "contents": [{"parts": [{"text": text}]}]}


async def corpora(call: Caller, **more: Any) -> list[str]:
    return [corpus.name for corpus in (await call("ListCorpora", **more)).corpora]


async def answer(call: Caller, text: str = "one two three") -> str:
    response = await call("GenerateContent", **fields(text))
    return str(response.candidates[0].content.parts[0].text)


async def film(call: Caller) -> str:
    prompt = json_format.ParseDict({"prompt": "a"}, Value())
    return str((await call("PredictLongRunning", model=VEO, instances=[prompt])).name)


def test_there_and_back(tmp_path: Path) -> None:
    path = tmp_path / "prepared"

    async def test() -> None:
        async with emulator(frozen_at=NOW) as (running, call):
            await call("CreateCorpus", corpus={"name": "corpora/kept"}, key="mine")
            cache = await call("CreateCachedContent", cached_content={**fields(), "ttl": {"seconds": 60}})
            running.state.clock.advance(50)
            running.snapshot(path)
            await call("DeleteCorpus", name="corpora/kept", key="mine")
            made = await call("CreateCorpus", corpus={"display_name": "later"})
            running.state.clock.advance(50)
            assert (await call.refused("GetCachedContent", name=cache.name)).code == "PERMISSION_DENIED"
            for _ in range(2):
                running.restore(path)
                assert await corpora(call) == []
                assert await corpora(call, key="mine") == ["corpora/kept"]
                # Time is that of the snapshot too: ten seconds are left.
                running.state.clock.advance(9)
                assert (await call("GetCachedContent", name=cache.name)).name == cache.name
                running.state.clock.advance(2)
                assert (await call.refused("GetCachedContent", name=cache.name)).code == "PERMISSION_DENIED"
                # The same calls give the same names.
                assert (await call("CreateCorpus", corpus={"display_name": "later"})).name == made.name
        # No write-ahead log beside it: the file can be read where nothing can be written.
        assert path.read_bytes()[18:20] == b"\1\1"
        # Another emulator, which begins there, and comes back there.
        before = hashlib.sha256(path.read_bytes()).digest()
        async with emulator(frozen_at=NOW, snapshot=path) as (running, call):
            for _ in range(2):
                assert running.state.clock.now() == NOW + 50
                assert (await call("GetCachedContent", name=cache.name)).name == cache.name
                assert await corpora(call, key="mine") == ["corpora/kept"]
                await call("DeleteCorpus", name="corpora/kept", key="mine")
                running.reset()
        assert hashlib.sha256(path.read_bytes()).digest() == before

    run(test())
    assert [child.name for child in tmp_path.iterdir()] == ["prepared"]


def test_while_calls_go_on(tmp_path: Path) -> None:
    async def test() -> None:
        async with emulator() as (running, call):
            stop = asyncio.Event()
            total = 0

            async def work(number: int) -> None:
                nonlocal total
                made = 0
                while not stop.is_set():
                    key = f"key {number} {made}"
                    await call("CreateCorpus", corpus={"name": "corpora/c"}, key=key)
                    document = {"name": "corpora/c/documents/d"}
                    await call("CreateDocument", parent="corpora/c", document=document, key=key)
                    made += 1
                    total += 1

            def has_made(count: int) -> bool:
                return total > count

            workers = [asyncio.ensure_future(work(number)) for number in range(5)]
            for number in range(5):
                assert await comes_in_loop(partial(has_made, 10 * (number + 1)))
                running.snapshot(tmp_path / str(number))
            stop.set()
            await asyncio.gather(*workers)
        counts = []
        for number in range(5):
            async with emulator(snapshot=tmp_path / str(number)) as (running, _):
                counts.append(len(list(running.state.store.list_all_tenants("corpora"))))
                assert (
                    counts[-1] - 5
                    <= len(list(running.state.store.list_all_tenants("documents")))
                    <= counts[-1]
                )
        assert counts == sorted(counts)
        assert counts[-1] > counts[0]

    run(test())


def test_what_was_under_way_goes_on(tmp_path: Path) -> None:
    async def test() -> None:
        async with emulator(frozen_at=NOW) as (running, call):
            name = await film(call)
            running.snapshot(tmp_path / "film")
            running.state.clock.advance(10)
            assert (await call("WaitOperation", name=name)).done
            running.restore(tmp_path / "film")
            assert not (await call("GetOperation", name=name)).done
            running.state.clock.advance(10)
            assert (await call("WaitOperation", name=name)).response.value
        async with emulator(frozen_at=NOW, snapshot=tmp_path / "film") as (running, call):
            for _ in range(2):
                assert not (await call("GetOperation", name=name)).done
                running.state.clock.advance(10)
                assert (await call("WaitOperation", name=name)).done
                running.reset()

    run(test())


def test_bytes_of_files_are_in_it(tmp_path: Path) -> None:
    async def test() -> None:
        data = bytes(range(256)) * 10_000
        async with emulator() as (running, call):
            contents = running.state.blobs
            identity, empty = contents.put(data), contents.put(b"")
            extra = json.dumps({"contents": [identity, empty]})
            running.state.store.put(
                "", "files/f", v1beta.File(name="files/f", expiration_time={"seconds": 2**33}), extra=extra
            )
            running.snapshot(tmp_path / "files")
            await call("DeleteFile", name="files/f")
            assert not contents.exists(identity)
            running.restore(tmp_path / "files")
            running.restore(tmp_path / "files")
            assert contents.path(identity).read_bytes() == data
        async with emulator(snapshot=tmp_path / "files") as (running, _):
            assert running.state.blobs.path(identity).read_bytes() == data
            assert running.state.blobs.sha256(identity) == hashlib.sha256(data).digest()
            assert running.state.blobs.path(empty).read_bytes() == b""

    run(test())


def test_the_file_of_a_state_serves_as_well(tmp_path: Path) -> None:
    async def test() -> None:
        async with emulator(state=tmp_path / "state") as (_, call):
            await call("CreateCorpus", corpus={"name": "corpora/kept"})
        async with emulator(snapshot=tmp_path / "state") as (_, call):
            assert await corpora(call) == ["corpora/kept"]
        # And a snapshot becomes the state of one that remembers.
        async with emulator(state=tmp_path / "other") as (running, _):
            running.restore(tmp_path / "state")
        async with emulator(state=tmp_path / "other") as (_, call):
            assert await corpora(call) == ["corpora/kept"]

    run(test())


def test_what_is_no_snapshot_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("this is no database " * 100)
    with sqlite3.connect(tmp_path / "database") as database:
        database.execute("CREATE TABLE other (x)")
    database.close()

    async def test() -> None:
        async with emulator() as (running, call):
            await call("CreateCorpus", corpus={"name": "corpora/kept"})
            for name, error in (
                ("text", sqlite3.DatabaseError),
                ("database", sqlite3.DatabaseError),
                ("none", FileNotFoundError),
            ):
                with pytest.raises(error):
                    running.restore(tmp_path / name)
                with pytest.raises(error):
                    await Emulator(Settings(snapshot=tmp_path / name)).start()
            with pytest.raises(OSError, match="cannot be written"):
                running.snapshot(tmp_path / "no" / "directory")
            assert await corpora(call) == ["corpora/kept"]
        with pytest.raises(ValueError, match="excludes snapshot and resources"):
            await Emulator(Settings(state=tmp_path / "state", snapshot=tmp_path / "x")).start()

    run(test())


def test_resources_are_made_by_requests() -> None:
    resources = [
        CORPUS,
        {
            "rpc": "CreateDocument",
            "request": {"parent": "corpora/first", "document": {"name": "corpora/first/documents/d"}},
        },
        {
            "rpc": "/google.ai.generativelanguage.v1beta.CacheService/CreateCachedContent",
            "request": {"cachedContent": {**fields(), "ttl": "60s"}},
            "key": "another",
        },
    ]

    async def test() -> None:
        faults, quota = [FaultRule.from_json({"status": "INTERNAL"})], Quota(requests_per_minute=3)
        async with emulator(resources=resources, faults=faults, quota=quota) as (running, call):
            for _ in range(2):
                # Neither faults nor quotas nor the journal know of them.
                assert running.journal.calls() == []
                assert (await call.refused("ListCorpora")).code == "INTERNAL"
                assert await corpora(call) == ["corpora/first"]
                assert (await call("ListDocuments", parent="corpora/first")).documents
                assert len((await call("ListCachedContents", key="another")).cached_contents) == 1
                await call("DeleteCorpus", name="corpora/first", force=True)
                running.reset()

    run(test())


@pytest.mark.parametrize(
    ("resource", "said"),
    [
        ("CreateCorpus", "must be an object with an rpc"),
        ({"rpc": "Corpus"}, "rpc: Corpus does not exist"),
        ({"rpc": "CreateCorpus", "colour": 1}, "unknown field colour; it has"),
        ({"rpc": "CreateCorpus", "request": {"colour": 1}}, "colour"),
        ({"rpc": "CreateCorpus", "request": {"corpus": {"name": "x"}}}, "corpus.name"),
        ({"rpc": "StreamGenerateContent"}, "is streaming"),
        (CORPUS, "already exists"),
    ],
)
def test_bad_resources_are_told(resource: Any, said: str) -> None:
    async def test() -> None:
        running = Emulator(Settings(resources=[CORPUS, resource]))
        with pytest.raises(ValueError, match=f"resources\\[1\\]: .*{said}"):
            await running.start()
        with pytest.raises(ValueError, match="excludes snapshot and resources"):
            await Emulator(Settings(resources=[CORPUS], state="x")).start()

    run(test())


def test_reset_leads_to_the_settings() -> None:
    async def test() -> None:
        async with emulator(
            seed=3,
            faults=[FaultRule.from_json({"status": "ABORTED", "nth": 2})],
            quota=Quota(requests_per_minute=5),
            pace=LatencyProfile(latency=0.01),
            replies=[Reply("Kept.", "kept")],
            frozen_at=NOW,
        ) as (running, call):
            first = None
            for _ in range(2):
                said = await answer(call)
                first = first or said
                assert said == first
                with pytest.raises(grpc.aio.AioRpcError):
                    await answer(call)
                assert await answer(call, "kept") == "Kept."
                running.seed(4)
                assert await answer(call) != first
                # The replies are those that there were.
                assert await answer(call, "kept") == "Kept."
                running.seed(3)
                assert await answer(call) == first
                assert (await call.refused("CountTokens", **fields())).code == "RESOURCE_EXHAUSTED"
                running.seed(5)
                running.admission.pace, running.admission.quota = LatencyProfile(), Quota()
                running.admission.rules.append(FaultRule.from_json({"status": "INTERNAL"}))
                running.state.engine.replies.append(Reply("x"))
                running.state.clock.advance(5)
                running.reset()
                assert (running.admission.pace, running.admission.quota) == (
                    LatencyProfile(latency=0.01),
                    Quota(5),
                )
                assert running.state.clock.now() == NOW

    run(test())


def test_another_engine_has_no_seed() -> None:
    async def test() -> None:
        async with emulator(engine=InstantEngine(1)) as (running, _):
            running.reset()
            with pytest.raises(ValueError, match="the instant engine has no seed"):
                running.seed(5)

    run(test())
