"""RetrieverService: chunks, one at a time and in batches."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine
from typing import Any

import pytest
from emulator_calls import Caller, emulator

from gemwire_proto import v1beta

NOW = 1_800_000_000
D = "corpora/c/documents/d"


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 60))


async def prepare(call: Caller) -> None:
    await call("CreateCorpus", corpus={"name": "corpora/c"})
    for name in ("d", "e"):
        await call("CreateDocument", parent="corpora/c", document={"name": f"corpora/c/documents/{name}"})


def new(text: str = "some text", name: str = "", parent: str = D, **chunk: Any) -> dict[str, Any]:
    return {"parent": parent, "chunk": {"name": name, "data": {"string_value": text}, **chunk}}


def change(name: str, *paths: str, **chunk: Any) -> dict[str, Any]:
    return {"chunk": {"name": name, **chunk}, "update_mask": {"paths": paths}}


async def names(call: Caller, parent: str = D) -> list[str]:
    return [c.name for c in (await call("ListChunks", parent=parent, page_size=100)).chunks]


async def found(call: Caller, query: str) -> str:
    return str((await call("QueryDocument", name=D, query=query)).relevant_chunks[0].chunk.name)


def test_a_chunk_is_active_when_it_is_made() -> None:
    async def test() -> None:
        async with emulator(frozen_at=NOW) as (_, call):
            await prepare(call)
            chunk = await call("CreateChunk", **new("foxes are red", state="STATE_FAILED"))
            assert re.fullmatch(D + r"/chunks/[a-z0-9]{12}", chunk.name)
            assert chunk.state == v1beta.Chunk.State.STATE_ACTIVE
            assert chunk.create_time.seconds == chunk.update_time.seconds == NOW
            assert await call("GetChunk", name=chunk.name) == chunk
            await call("CreateChunk", **new(name=f"{D}/chunks/mine"))
            refusal = await call.refused("CreateChunk", **new(name=f"{D}/chunks/mine"))
            assert refusal.code == "ALREADY_EXISTS"
            await call("DeleteChunk", name=chunk.name)
            assert (await call.refused("DeleteChunk", name=chunk.name)).code == "NOT_FOUND"
            assert await names(call) == [f"{D}/chunks/mine"]

    run(test())


def test_new_text_is_found_by_its_new_meaning() -> None:
    async def test() -> None:
        async with emulator(frozen_at=NOW) as (running, call):
            await prepare(call)
            one = await call("CreateChunk", **new("foxes are red", f"{D}/chunks/one"))
            two = await call("CreateChunk", **new("bread is baked", f"{D}/chunks/two"))
            assert await found(call, "red foxes") == one.name
            running.state.clock.advance(3)
            tags = [{"key": "k", "string_value": "v"}]
            update = change(
                one.name, "custom_metadata", data={"string_value": "ignored"}, custom_metadata=tags
            )
            changed = await call("UpdateChunk", **update)
            assert (changed.data.string_value, changed.custom_metadata[0].key) == ("foxes are red", "k")
            assert (changed.create_time.seconds, changed.update_time.seconds) == (NOW, NOW + 3)
            assert await found(call, "red foxes") == one.name
            await call("UpdateChunk", **change(one.name, "data", data={"string_value": "whales are blue"}))
            await call("UpdateChunk", **change(two.name, "*", data={"string_value": "foxes are red"}))
            assert await found(call, "red foxes") == two.name
            assert await found(call, "blue whales") == one.name
            assert (await call("GetChunk", name=one.name)).custom_metadata[0].key == "k"

    run(test())


def test_batches() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            await prepare(call)
            made = await call(
                "BatchCreateChunks",
                parent=D,
                requests=[new(f"text {i}", f"{D}/chunks/n{i}") for i in range(100)],
            )
            assert [c.name for c in made.chunks] == [f"{D}/chunks/n{i}" for i in range(100)]
            assert await names(call) == [c.name for c in made.chunks]
            updates = [
                change(c.name, "data", data={"string_value": f"new {i}"}) for i, c in enumerate(made.chunks)
            ]
            changed = await call("BatchUpdateChunks", parent=D, requests=updates)
            assert [c.data.string_value for c in changed.chunks] == [f"new {i}" for i in range(100)]
            gone = [{"name": c.name} for c in made.chunks[1:]]
            await call("BatchDeleteChunks", parent=D, requests=gone)
            assert await names(call) == [made.chunks[0].name]
            # The parent of a batch need not be said twice.
            await call("BatchCreateChunks", requests=[new(), new()])
            assert len(await names(call)) == 3
            await call("BatchUpdateChunks", requests=updates[:1])
            await call("BatchDeleteChunks", requests=[{"name": made.chunks[0].name}])

    run(test())


A, B, NONE = f"{D}/chunks/a", f"{D}/chunks/b", f"{D}/chunks/none"
TEXT = {"string_value": "changed"}


@pytest.mark.parametrize(
    ("rpc", "request_", "code", "field"),
    [
        ("BatchCreateChunks", {"parent": D}, "INVALID_ARGUMENT", "requests"),
        ("BatchCreateChunks", {"parent": D, "requests": [new()] * 101}, "INVALID_ARGUMENT", "requests"),
        (
            "BatchCreateChunks",
            {"parent": D, "requests": [new(), new(parent="corpora/c/documents/e")]},
            "INVALID_ARGUMENT",
            "requests[1].parent",
        ),
        (
            "BatchCreateChunks",
            {"parent": D, "requests": [new(), {"parent": D}]},
            "INVALID_ARGUMENT",
            "requests[1].chunk",
        ),
        (
            "BatchCreateChunks",
            {"parent": D, "requests": [new(), new("")]},
            "INVALID_ARGUMENT",
            "requests[1].chunk.data",
        ),
        (
            "BatchCreateChunks",
            {"parent": D, "requests": [new(), new(name="corpora/c/documents/e/chunks/x")]},
            "INVALID_ARGUMENT",
            "requests[1].chunk.name",
        ),
        ("BatchCreateChunks", {"requests": [{}]}, "INVALID_ARGUMENT", "requests[0].parent"),
        (
            "BatchCreateChunks",
            {"parent": D, "requests": [new(name=NONE), new(name=A)]},
            "ALREADY_EXISTS",
            None,
        ),
        ("BatchCreateChunks", {"parent": D, "requests": [new(name=NONE)] * 2}, "ALREADY_EXISTS", None),
        ("BatchCreateChunks", {"parent": f"{D}x", "requests": [new(parent=f"{D}x")]}, "NOT_FOUND", None),
        ("BatchUpdateChunks", {"parent": D}, "INVALID_ARGUMENT", "requests"),
        (
            "BatchUpdateChunks",
            {"parent": D, "requests": [change(A, "data")] * 101},
            "INVALID_ARGUMENT",
            "requests",
        ),
        (
            "BatchUpdateChunks",
            {"parent": D, "requests": [change(A, "data", data=TEXT), change(B, "data")]},
            "INVALID_ARGUMENT",
            "requests[1].chunk.data",
        ),
        (
            "BatchUpdateChunks",
            {"parent": D, "requests": [change(A, "data", data=TEXT), change(B, "state")]},
            "INVALID_ARGUMENT",
            "requests[1].update_mask",
        ),
        (
            "BatchUpdateChunks",
            {"parent": D, "requests": [change(A, "data", data=TEXT), change(B, data=TEXT)]},
            "INVALID_ARGUMENT",
            "requests[1].update_mask",
        ),
        (
            "BatchUpdateChunks",
            {"parent": D, "requests": [change(A, "data", data=TEXT)] * 2},
            "INVALID_ARGUMENT",
            "requests[1].chunk.name",
        ),
        (
            "BatchUpdateChunks",
            {"parent": "corpora/c/documents/e", "requests": [change(A, "data", data=TEXT)]},
            "INVALID_ARGUMENT",
            "requests[0].chunk.name",
        ),
        ("BatchUpdateChunks", {"parent": D, "requests": [{}]}, "INVALID_ARGUMENT", "requests[0].chunk.name"),
        (
            "BatchUpdateChunks",
            {"parent": D, "requests": [change(A, "data", data=TEXT), change(NONE, "data", data=TEXT)]},
            "NOT_FOUND",
            None,
        ),
        ("BatchDeleteChunks", {"parent": D}, "INVALID_ARGUMENT", "requests"),
        ("BatchDeleteChunks", {"parent": D, "requests": [{"name": A}] * 101}, "INVALID_ARGUMENT", "requests"),
        (
            "BatchDeleteChunks",
            {"parent": D, "requests": [{"name": A}] * 2},
            "INVALID_ARGUMENT",
            "requests[1].name",
        ),
        (
            "BatchDeleteChunks",
            {"parent": D, "requests": [{"name": A}, {}]},
            "INVALID_ARGUMENT",
            "requests[1].name",
        ),
        ("BatchDeleteChunks", {"parent": D, "requests": [{"name": A}, {"name": NONE}]}, "NOT_FOUND", None),
        ("BatchDeleteChunks", {"parent": f"{D}x", "requests": [{"name": A}]}, "NOT_FOUND", None),
        ("CreateChunk", {}, "INVALID_ARGUMENT", "parent"),
        ("CreateChunk", {"parent": D}, "INVALID_ARGUMENT", "chunk"),
        ("CreateChunk", {"parent": D, "chunk": {}}, "INVALID_ARGUMENT", "chunk.data"),
        ("CreateChunk", new("x " * 2044), "INVALID_ARGUMENT", "chunk.data"),
        ("CreateChunk", new(name=f"{D}/chunks/A"), "INVALID_ARGUMENT", "chunk.name"),
        (
            "CreateChunk",
            new(custom_metadata=[{"key": "k"}]),
            "INVALID_ARGUMENT",
            "chunk.custom_metadata[0].value",
        ),
        ("CreateChunk", new(parent="corpora/c/documents/x"), "NOT_FOUND", None),
        ("GetChunk", {"name": D}, "INVALID_ARGUMENT", "name"),
        ("GetChunk", {"name": NONE}, "NOT_FOUND", None),
        ("UpdateChunk", {}, "INVALID_ARGUMENT", "chunk"),
        ("UpdateChunk", change(A), "INVALID_ARGUMENT", "update_mask"),
        ("UpdateChunk", change(NONE, "data", data=TEXT), "NOT_FOUND", None),
        ("ListChunks", {}, "INVALID_ARGUMENT", "parent"),
        ("ListChunks", {"parent": D, "page_size": -1}, "INVALID_ARGUMENT", "page_size"),
        ("ListChunks", {"parent": D, "page_token": "x"}, "INVALID_ARGUMENT", "page_token"),
        ("ListChunks", {"parent": f"{D}x"}, "NOT_FOUND", None),
    ],
)
def test_bad_requests_change_nothing(
    rpc: str, request_: dict[str, Any], code: str, field: str | None
) -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            await prepare(call)
            await call("BatchCreateChunks", parent=D, requests=[new("first", A), new("second", B)])
            before = await call("ListChunks", parent=D)
            refusal = await call.refused(rpc, **request_)
            assert (refusal.code, refusal.fields) == (code, [field] if field else [])
            assert await call("ListChunks", parent=D) == before

    run(test())


def test_lists_come_in_pages() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            await prepare(call)
            made: list[str] = []
            for start in (0, 100, 200):
                batch = [new(f"text {i}") for i in range(start, start + 100)]
                made += [c.name for c in (await call("BatchCreateChunks", parent=D, requests=batch)).chunks]
            page = await call("ListChunks", parent=D)
            assert [c.name for c in page.chunks] == made[:10]
            seen, token = [], ""
            while True:
                page = await call("ListChunks", parent=D, page_size=500, page_token=token)
                assert len(page.chunks) <= 100
                seen += [c.name for c in page.chunks]
                if not (token := page.next_page_token):
                    break
            assert seen == made
            assert await names(call, "corpora/c/documents/e") == []

    run(test())
