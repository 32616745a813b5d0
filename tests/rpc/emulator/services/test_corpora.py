"""RetrieverService: corpora and their documents."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine
from typing import Any

import pytest
from emulator_calls import Caller, emulator

NOW = 1_800_000_000


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 60))


async def corpus(call: Caller, name: str = "corpora/c", **fields: Any) -> Any:
    return await call("CreateCorpus", corpus={"name": name, **fields})


async def document(call: Caller, name: str = "corpora/c/documents/d", **fields: Any) -> Any:
    parent = name.split("/documents", maxsplit=1)[0]
    return await call("CreateDocument", parent=parent, document={"name": name, **fields})


async def chunk(call: Caller, text: str = "some text") -> Any:
    request: dict[str, Any] = {"parent": "corpora/c/documents/d", "chunk": {"data": {"string_value": text}}}
    return await call("CreateChunk", **request)


def test_corpora_are_named_after_their_display_names() -> None:
    async def test() -> None:
        async with emulator(frozen_at=NOW) as (_, call):
            made = await call(
                "CreateCorpus", corpus={"display_name": "My Corpus!", "create_time": {"seconds": 1}}
            )
            assert re.fullmatch(r"corpora/my-corpus-[a-z0-9]{12}", made.name)
            assert made.create_time.seconds == made.update_time.seconds == NOW
            assert await call("GetCorpus", name=made.name) == made
            long = await call("CreateCorpus", corpus={"display_name": "w" * 512})
            assert len(long.name) == len("corpora/") + 40
            bare = await call("CreateCorpus", corpus={})
            assert re.fullmatch(r"corpora/[a-z0-9]{12}", bare.name)
            inside = await call("CreateDocument", parent=made.name, document={"display_name": "Über uns"})
            assert re.fullmatch(re.escape(made.name) + r"/documents/ber-uns-[a-z0-9]{12}", inside.name)

    run(test())


def test_names_may_be_chosen_once() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            assert (await corpus(call, "corpora/mine")).name == "corpora/mine"
            refusal = await call.refused("CreateCorpus", corpus={"name": "corpora/mine"})
            assert refusal.code == "ALREADY_EXISTS"
            assert refusal.details["ErrorInfo"].metadata["resource"] == "corpora/mine"
            await document(call, "corpora/mine/documents/d")
            refusal = await call.refused(
                "CreateDocument", parent="corpora/mine", document={"name": "corpora/mine/documents/d"}
            )
            assert refusal.code == "ALREADY_EXISTS"
            # Callers do not see each other's.
            await call("CreateCorpus", corpus={"name": "corpora/mine"}, key="other")

    run(test())


def test_the_creator_owns_a_corpus() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            await corpus(call)
            [owner] = (await call("ListPermissions", parent="corpora/c")).permissions
            assert owner.role == 1
            # A permission is nothing in the corpus: it is empty.
            await call("DeleteCorpus", name="corpora/c")
            await corpus(call)
            assert len((await call("ListPermissions", parent="corpora/c")).permissions) == 1

    run(test())


def test_a_project_owns_ten_corpora() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            for i in range(10):
                await corpus(call, f"corpora/c{i}")
            refusal = await call.refused("CreateCorpus", corpus={})
            assert refusal.code == "RESOURCE_EXHAUSTED"
            assert refusal.details["QuotaFailure"].violations[0].subject == "corpora"
            assert (
                await call.refused("CreateCorpus", corpus={"name": "corpora/c1"})
            ).code == "ALREADY_EXISTS"
            await call("CreateCorpus", corpus={}, key="other")
            await call("DeleteCorpus", name="corpora/c0")
            await corpus(call, "corpora/c10")

    run(test())


def test_updates_write_what_the_mask_names() -> None:
    async def test() -> None:
        async with emulator(frozen_at=NOW) as (running, call):
            await corpus(call, display_name="old")
            tags = [{"key": "year", "numeric_value": 2020}, {"key": "genre", "string_value": "drama"}]
            await document(call, display_name="old", custom_metadata=tags)
            running.state.clock.advance(5)
            new = await call(
                "UpdateCorpus",
                corpus={"name": "corpora/c", "display_name": "new"},
                update_mask={"paths": ["display_name"]},
            )
            assert (new.display_name, new.create_time.seconds, new.update_time.seconds) == (
                "new",
                NOW,
                NOW + 5,
            )
            changed = {
                "name": "corpora/c/documents/d",
                "display_name": "new",
                "custom_metadata": [{"key": "tags", "string_list_value": {"values": ["a", "b"]}}],
            }
            one = await call("UpdateDocument", document=changed, update_mask={"paths": ["display_name"]})
            assert (one.display_name, [m.key for m in one.custom_metadata]) == ("new", ["year", "genre"])
            one = await call("UpdateDocument", document=changed, update_mask={"paths": ["custom_metadata"]})
            assert [m.key for m in one.custom_metadata] == ["tags"]
            assert one.update_time.seconds == NOW + 5
            assert await call("GetDocument", name=one.name) == one
            bare = {"name": one.name}
            one = await call(
                "UpdateDocument",
                document=bare,
                update_mask={"paths": ["custom_metadata", "display_name"]},
            )
            assert (one.display_name, len(one.custom_metadata)) == ("", 0)

    run(test())


@pytest.mark.parametrize(
    ("rpc", "request_", "field"),
    [
        ("CreateCorpus", {}, "corpus"),
        ("CreateCorpus", {"corpus": {"name": "mine"}}, "corpus.name"),
        ("CreateCorpus", {"corpus": {"name": "corpora/Mine"}}, "corpus.name"),
        ("CreateCorpus", {"corpus": {"name": "corpora/" + "a" * 41}}, "corpus.name"),
        ("CreateCorpus", {"corpus": {"name": "corpora/a/documents/b"}}, "corpus.name"),
        ("CreateCorpus", {"corpus": {"display_name": "x" * 513}}, "corpus.display_name"),
        ("GetCorpus", {}, "name"),
        ("GetCorpus", {"name": "corpora/c/documents/d"}, "name"),
        ("DeleteCorpus", {"name": "c"}, "name"),
        ("UpdateCorpus", {}, "corpus"),
        ("UpdateCorpus", {"corpus": {"name": "corpora/c"}}, "update_mask"),
        (
            "UpdateCorpus",
            {"corpus": {"name": "corpora/c"}, "update_mask": {"paths": ["name"]}},
            "update_mask",
        ),
        ("UpdateCorpus", {"corpus": {"name": "corpora/c"}, "update_mask": {"paths": ["x.y"]}}, "update_mask"),
        (
            "UpdateCorpus",
            {
                "corpus": {"name": "corpora/c", "display_name": "x" * 513},
                "update_mask": {"paths": ["display_name"]},
            },
            "corpus.display_name",
        ),
        ("ListCorpora", {"page_size": -1}, "page_size"),
        ("ListCorpora", {"page_token": "????"}, "page_token"),
        ("CreateDocument", {"document": {}}, "parent"),
        ("CreateDocument", {"parent": "corpora/c"}, "document"),
        (
            "CreateDocument",
            {"parent": "corpora/c", "document": {"name": "corpora/b/documents/x"}},
            "document.name",
        ),
        (
            "CreateDocument",
            {"parent": "corpora/c", "document": {"name": "corpora/c/documents/-"}},
            "document.name",
        ),
        (
            "CreateDocument",
            {"parent": "corpora/c", "document": {"custom_metadata": [{"string_value": "x"}]}},
            "document.custom_metadata[0].key",
        ),
        (
            "CreateDocument",
            {"parent": "corpora/c", "document": {"custom_metadata": [{"key": "x"}]}},
            "document.custom_metadata[0].value",
        ),
        (
            "CreateDocument",
            {"parent": "corpora/c", "document": {"custom_metadata": [{"key": "x", "numeric_value": 1}] * 2}},
            "document.custom_metadata[1].key",
        ),
        (
            "CreateDocument",
            {
                "parent": "corpora/c",
                "document": {"custom_metadata": [{"key": f"{i}", "numeric_value": 1} for i in range(21)]},
            },
            "document.custom_metadata",
        ),
        ("GetDocument", {"name": "corpora/c"}, "name"),
        ("DeleteDocument", {}, "name"),
        ("UpdateDocument", {}, "document"),
        ("UpdateDocument", {"document": {"name": "corpora/c/documents/d"}}, "update_mask"),
        (
            "UpdateDocument",
            {"document": {"name": "corpora/c/documents/d"}, "update_mask": {"paths": ["create_time"]}},
            "update_mask",
        ),
        ("ListDocuments", {}, "parent"),
        ("ListDocuments", {"parent": "corpora/c", "page_size": -5}, "page_size"),
        ("ListDocuments", {"parent": "corpora/c", "page_token": "x"}, "page_token"),
    ],
)
def test_bad_requests_are_refused(rpc: str, request_: dict[str, Any], field: str) -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            await corpus(call)
            await document(call)
            refusal = await call.refused(rpc, **request_)
            assert (refusal.code, refusal.fields) == ("INVALID_ARGUMENT", [field])

    run(test())


def test_what_there_is_not_is_not_found() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            mask = {"paths": ["display_name"]}
            await corpus(call, "corpora/theirs")
            for rpc, fields in (
                ("GetCorpus", {"name": "corpora/x"}),
                ("DeleteCorpus", {"name": "corpora/x"}),
                ("UpdateCorpus", {"corpus": {"name": "corpora/x"}, "update_mask": mask}),
                ("CreateDocument", {"parent": "corpora/x", "document": {}}),
                ("ListDocuments", {"parent": "corpora/x"}),
                ("GetDocument", {"name": "corpora/x/documents/y"}),
                ("DeleteDocument", {"name": "corpora/x/documents/y"}),
                ("UpdateDocument", {"document": {"name": "corpora/x/documents/y"}, "update_mask": mask}),
            ):
                assert (await call.refused(rpc, **fields)).code == "NOT_FOUND"
            assert (await call.refused("GetCorpus", name="corpora/theirs", key="other")).code == "NOT_FOUND"

    run(test())


def test_what_is_not_empty_is_deleted_by_force() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            await corpus(call)
            await corpus(call, "corpora/c-2")
            await document(call)
            await document(call, "corpora/c/documents/d-2")
            await document(call, "corpora/c-2/documents/d")
            text = await chunk(call)
            refusal = await call.refused("DeleteCorpus", name="corpora/c")
            assert refusal.code == "FAILED_PRECONDITION"
            assert refusal.details["PreconditionFailure"].violations[0].subject == "corpora/c"
            refusal = await call.refused("DeleteDocument", name="corpora/c/documents/d")
            assert refusal.code == "FAILED_PRECONDITION"
            await call("DeleteDocument", name="corpora/c/documents/d", force=True)
            assert (await call.refused("GetChunk", name=text.name)).code == "NOT_FOUND"
            await call("GetDocument", name="corpora/c/documents/d-2")
            await call("DeleteCorpus", name="corpora/c", force=True)
            assert (await call.refused("GetDocument", name="corpora/c/documents/d-2")).code == "NOT_FOUND"
            assert (await call.refused("DeleteCorpus", name="corpora/c", force=True)).code == "NOT_FOUND"
            await call("GetDocument", name="corpora/c-2/documents/d")

    run(test())


def test_lists_come_in_pages() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            for i in range(4):
                await corpus(call, f"corpora/c{i}")
            page = await call("ListCorpora", page_size=3)
            assert [c.name for c in page.corpora] == ["corpora/c0", "corpora/c1", "corpora/c2"]
            page = await call("ListCorpora", page_token=page.next_page_token)
            assert ([c.name for c in page.corpora], page.next_page_token) == (["corpora/c3"], "")
            names = [(await document(call, f"corpora/c0/documents/d{i}")).name for i in range(21)]
            page = await call("ListDocuments", parent="corpora/c0")
            assert [d.name for d in page.documents] == names[:10]
            # The document after which the token goes on may be gone by then.
            await call("DeleteDocument", name=names[9])
            rest = await call(
                "ListDocuments", parent="corpora/c0", page_token=page.next_page_token, page_size=99
            )
            assert [d.name for d in rest.documents] == names[10:]
            await document(call, names[9])
            most = await call("ListDocuments", parent="corpora/c0", page_size=99)
            assert len(most.documents) == 20
            assert most.documents[-1].name == names[20]
            refusal = await call.refused(
                "ListDocuments", parent="corpora/c1", page_token=page.next_page_token
            )
            assert refusal.fields == ["page_token"]

    run(test())
